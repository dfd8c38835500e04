"""Instructions: whether the work changed, and what it comes to together with time."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.model import Verdict
from perf.regression.worked import WORKED, Time, Work, Worked, compare_work, judge_worked

STEADY = (100_000.0, 100_020.0, 99_990.0)


def work(base: tuple[float, ...], head: tuple[float, ...]) -> Work:
    return compare_work(base, head, least_work=0.003, least_effect=0.03)


def scaled(values: tuple[float, ...], factor: float) -> tuple[float, ...]:
    return tuple(value * factor for value in values)


@pytest.mark.parametrize(
    ("base", "head", "said"),
    [
        (STEADY, STEADY, Work.SAME),
        (STEADY, scaled(STEADY, 1.005), Work.MORE),
        (STEADY, scaled(STEADY, 0.995), Work.LESS),
        (STEADY, scaled(STEADY, 1.002), Work.SAME),  # surely more, but by less than anybody asks for
        (STEADY[:2], STEADY[:2], Work.SAME),
        ((5.0, 5.0), (5.0, 5.0), Work.SAME),
        ((5.0, 5.0), (6.0, 6.0), Work.MORE),
        (STEADY, (100_000.0, 100_900.0, 99_500.0), Work.SAME),  # one side reaches into the other
        (
            (100.0, 101.0, 99.0),
            (100.4, 101.4, 99.4),
            Work.SAME,
        ),  # within a jitter in which 3 % could not hide
        (
            (100.0,) * 6 + (101.2,),
            (101.0,) * 7,
            Work.SAME,
        ),  # sure by the means, but for one count that reaches over
        ((100.0, 110.0, 90.0), (101.0, 112.0, 92.0), Work.JITTERY),
        ((100.0, 104.0), (108.0, 112.0), Work.JITTERY),  # apart, but two counts cannot be sure of it
        ((100.0, 104.0, 96.0), (300.0, 310.0, 290.0), Work.MORE),  # it jitters, and is apart for all that
        (STEADY, (), Work.UNMEASURED),
        ((100.0,), (100.0,), Work.UNMEASURED),
        (STEADY, (100_000.0, math.nan, 100_000.0), Work.UNMEASURED),
        ((0.0, 0.0), (0.0, 0.0), Work.UNMEASURED),
    ],
)
def test_work_is_compared(base: tuple[float, ...], head: tuple[float, ...], said: Work) -> None:
    assert work(base, head) is said


positive = st.floats(1.0, 1e12)
some_counts = st.lists(positive, min_size=2, max_size=7).map(tuple)


@given(some_counts, some_counts)
def test_exchanged_sides_never_say_the_same_of_a_change(
    base: tuple[float, ...], head: tuple[float, ...]
) -> None:
    there, back = work(base, head), work(head, base)
    assert (there, back) not in [(Work.MORE, Work.MORE), (Work.LESS, Work.LESS)]


@given(some_counts, some_counts, st.sampled_from([0.5, 4.0]))
def test_the_size_of_an_operation_is_no_matter(
    base: tuple[float, ...], head: tuple[float, ...], factor: float
) -> None:
    assert work(scaled(base, factor), scaled(head, factor)) is work(base, head)


@given(st.floats(0.0, 0.0029), st.booleans())
def test_less_than_the_least_work_is_never_a_change(change: float, more: bool) -> None:
    assert work(STEADY, scaled(STEADY, 1.0 + change if more else 1.0 - change)) is Work.SAME


MORE, SAME, LESS = scaled(STEADY, 1.05), STEADY, scaled(STEADY, 0.95)
JITTERY = (100_000.0, 120_000.0, 80_000.0)


@pytest.mark.parametrize(
    ("head", "fresh", "time", "verdict", "reason"),
    [
        (SAME, None, Time.NOT_MEASURED, Verdict.UNCHANGED, "the same work"),
        (MORE, None, Time.NO_WORSE, Verdict.UNKNOWN, "not confirmed: not counted again"),
        (LESS, None, Time.NOT_MEASURED, Verdict.UNKNOWN, "improvement ("),
        (MORE, MORE, Time.NOT_MEASURED, Verdict.REGRESSION, "confirmed on fresh counts"),
        (MORE, MORE, Time.WORSE, Verdict.REGRESSION, "105,000 instructions/op"),
        (MORE, MORE, Time.UNKNOWN, Verdict.REGRESSION, "confirmed"),
        (MORE, MORE, Time.NO_WORSE, Verdict.MORE_WORK, "its time is no worse"),
        (LESS, LESS, Time.WORSE, Verdict.IMPROVEMENT, "confirmed"),
        (MORE, SAME, Time.UNKNOWN, Verdict.UNCHANGED, "the same work on fresh counts"),
        (MORE, LESS, Time.UNKNOWN, Verdict.UNKNOWN, "not confirmed: more work at first"),
        (MORE, JITTERY, Time.UNKNOWN, Verdict.UNKNOWN, "not confirmed"),
        (JITTERY, None, Time.UNKNOWN, Verdict.UNKNOWN, "jitter too much to tell"),
        ((1.0,), None, Time.UNKNOWN, Verdict.UNKNOWN, "not counted twice"),
    ],
)
def test_work_and_time_make_the_verdict(
    head: tuple[float, ...], fresh: tuple[float, ...] | None, time: Time, verdict: Verdict, reason: str
) -> None:
    judged = judge_worked(
        Worked(STEADY, head, 0.003, 0.03, STEADY if fresh else (), fresh or (), time),
    )
    assert judged.verdict is verdict
    assert reason in judged.reason
    assert judged.alarm is (fresh is None and verdict is Verdict.UNKNOWN and head in (MORE, LESS))


def test_no_row_of_the_table_is_a_change_before_it_was_counted_afresh() -> None:
    for rule in WORKED:
        assert rule.alarm == ("afresh yet" in rule.when)


@pytest.mark.parametrize(("jitter", "modes"), [(0.001, 0.0), (0.02, 0.0), (0.0005, 0.2)])
def test_equal_programs_are_hardly_ever_red_whatever_they_jitter(jitter: float, modes: float) -> None:
    source = random.Random(12)

    def counts(runs: int) -> tuple[float, ...]:
        return tuple(
            1e5 * (1.0 + source.gauss(0.0, jitter)) * (1.0 + modes * (source.random() < 0.5))
            for _ in range(runs)
        )

    changed = 0
    for _ in range(3000):
        judged = judge_worked(Worked(counts(3), counts(3), 0.003, 0.03, counts(4), counts(4)))
        changed += judged.verdict in (Verdict.REGRESSION, Verdict.IMPROVEMENT)
    assert changed <= 3


def test_half_a_percent_is_found_where_a_process_jitters_by_a_tenth_of_that() -> None:
    source = random.Random(13)

    def counts(runs: int, factor: float) -> tuple[float, ...]:
        return tuple(1e5 * factor * (1.0 + source.gauss(0.0, 0.0005)) for _ in range(runs))

    judged = [
        judge_worked(Worked(counts(3, 1.0), counts(3, 1.005), 0.003, 0.03, counts(4, 1.0), counts(4, 1.005)))
        for _ in range(500)
    ]
    assert sum(each.verdict is Verdict.REGRESSION for each in judged) >= 498
