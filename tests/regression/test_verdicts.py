"""The tables of what is allocated and of a single look at values that cannot be measured again, row by row."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.model import Verdict
from perf.regression.one_look import ONE_LOOK, OneLook, judge
from perf.regression.statistics import Estimate, log_ratios, paired
from perf.regression.verdicts import (
    COUNTED,
    Counted,
    Judgement,
    judge_counted,
    signed,
)

JITTER = (0.002, -0.001, 0.0, 0.001, -0.002, 0.0015, -0.0015, 0.0005, -0.0005, 0.0)


@pytest.mark.parametrize(
    ("unit", "base", "head", "verdict", "reason"),
    [
        ("allocs/op", [5.0] * 6, [5.0] * 6, Verdict.UNCHANGED, "counted the same"),
        ("allocs/op", [0.0] * 6, [0.0] * 6, Verdict.UNCHANGED, "counted the same"),
        ("allocs/op", [5.0] * 6, [6.0] * 6, Verdict.REGRESSION, "base 5 allocs/op, head 6 allocs/op"),
        ("allocs/op", [0.0] * 6, [1.0] * 6, Verdict.REGRESSION, "base 0 allocs/op, head 1 allocs/op"),
        ("allocs/op", [6.0] * 6, [5.0] * 6, Verdict.IMPROVEMENT, "base 6"),
        ("allocs/op", [5000.0] * 6, [5001.0] * 6, Verdict.REGRESSION, "head 5,001"),
        ("allocs/op", [5000.0, 5001.0] * 3, [5001.0] * 6, Verdict.UNCHANGED, "jitters"),
        ("allocs/op", [5000.0, 5001.0] * 3, [5003.0, 5004.0] * 3, Verdict.REGRESSION, "base 5,000"),
        ("allocs/op", [5000.0, 5001.0] * 3, [5002.0, 5003.0] * 3, Verdict.UNCHANGED, "jitters"),
        ("B/op", [64.0] * 6, [80.0] * 6, Verdict.REGRESSION, "head 80 B/op"),
        ("B/op", [64.0] * 6, [71.0] * 6, Verdict.UNCHANGED, "counted the same"),
        ("B/op", [6400.0] * 6, [6460.0] * 6, Verdict.UNCHANGED, "counted the same"),
        ("B/op", [6400.0] * 6, [6464.0] * 6, Verdict.REGRESSION, "head 6.46 kB/op"),
        ("B/op", [64.0] * 3, [64.0] * 3, Verdict.UNCHANGED, "counted the same"),
        ("B/op", [64.0] * 3, [80.0] * 3, Verdict.UNKNOWN, "needs ≥ 5 rounds, has 3"),
        ("B/op", [64.0] * 5, [80.0] * 5, Verdict.REGRESSION, "head 80 B/op"),
        ("B/op", [64.0] * 4 + [72.0], [96.0] * 5, Verdict.UNKNOWN, "needs ≥ 6 rounds, has 5"),
        ("B/op", [64.0] * 4 + [65.0], [64.0] * 5, Verdict.UNCHANGED, "counted the same"),
        ("B/op", [640.0, 648.0] * 3, [640.0] * 6, Verdict.UNCHANGED, "jitters: base 640 B/op to 648"),
        ("B/op", [640.0, 648.0] * 3, [656.0, 664.0] * 3, Verdict.UNKNOWN, "jitters by more than it changes"),
        ("B/op", [640.0, 648.0] * 3, [657.0, 665.0] * 3, Verdict.REGRESSION, "head 657"),
        ("B/op", [100.0, 900.0] * 3, [800.0] * 6, Verdict.UNKNOWN, "jitters by more than it changes"),
        ("B/op", [64.0] * 6, [64.0] * 5 + [math.nan], Verdict.UNKNOWN, "no number"),
        ("B/op", [], [64.0], Verdict.UNKNOWN, "no round gave a value"),
    ],
)
def test_what_is_allocated(
    unit: str, base: list[float], head: list[float], verdict: Verdict, reason: str
) -> None:
    found = judge(Counted(unit, tuple(base), tuple(head)))
    assert found.verdict is verdict
    assert reason in found.reason
    assert found.alarm is (verdict in (Verdict.REGRESSION, Verdict.IMPROVEMENT))


def counted(head: float, again: Sequence[float] | None = None) -> Judgement:
    fresh = ((5.0,) * 6, tuple(again)) if again is not None else ((), ())
    return judge_counted(Counted("allocs/op", (5.0,) * 6, (head,) * 6, *fresh))


def test_an_allocation_more_is_an_alarm_until_it_was_counted_again() -> None:
    found = counted(6.0)
    assert (found.verdict, found.suspected, found.alarm) == (Verdict.UNKNOWN, Verdict.REGRESSION, True)
    assert "not counted again" in found.reason


@pytest.mark.parametrize(
    ("head", "again", "verdict", "reason"),
    [
        (6.0, [6.0] * 6, Verdict.REGRESSION, "confirmed on fresh rounds: base 5 allocs/op, head 6"),
        (4.0, [4.0] * 6, Verdict.IMPROVEMENT, "confirmed on fresh rounds"),
        (6.0, [5.0] * 6, Verdict.UNKNOWN, "not confirmed: regression at first (base 5 allocs/op, head 6"),
        (6.0, [4.0] * 6, Verdict.UNKNOWN, "not confirmed"),
        (6.0, [6.0] * 2, Verdict.UNKNOWN, "then needs ≥ 5 rounds, has 2"),
    ],
)
def test_an_alarm_stands_or_falls_with_fresh_counts(
    head: float, again: list[float], verdict: Verdict, reason: str
) -> None:
    found = counted(head, again)
    assert (found.verdict, found.alarm) == (verdict, False)
    assert reason in found.reason


def test_what_is_counted_the_same_needs_no_fresh_counts() -> None:
    assert counted(5.0, [9.0] * 6) == counted(5.0)


# -- a single look ------------------------------------------------------------------------------------------------


def noisy(centre: float, jitter: Sequence[float] = JITTER) -> list[float]:
    return [centre * math.exp(each) for each in jitter]


def one_look(base: Sequence[float], head: Sequence[float], *, higher: bool = False, rows: int = 1) -> OneLook:
    differences = log_ratios(zip(base, head, strict=True))
    found: Estimate | None = paired(differences)
    return OneLook(
        unit="sec/op",
        pairs=len(base),
        usable=len(differences),
        equal=len({*base, *head}) == 1,
        estimate=found,
        adjusted_p=min(1.0, rows * found.p) if found else 1.0,
        rows=rows,
        alarm_p=0.01,
        least_effect=0.03,
        higher_is_better=higher,
    )


LOUD = [each * 50 for each in JITTER[::-1]]


@pytest.mark.parametrize(
    ("facts", "verdict", "reason"),
    [
        (one_look(noisy(1.0), noisy(1.10, JITTER[::-1])), Verdict.REGRESSION, "+"),
        (one_look(noisy(1.0), noisy(0.90, JITTER[::-1])), Verdict.IMPROVEMENT, "−"),
        (one_look(noisy(1.0), noisy(0.90, JITTER[::-1]), higher=True), Verdict.REGRESSION, "−"),
        (one_look(noisy(1.0), noisy(1.10, JITTER[::-1]), higher=True), Verdict.IMPROVEMENT, "+"),
        (one_look(noisy(1.0), noisy(1.02, JITTER[::-1])), Verdict.UNCHANGED, "within ± 3 %"),
        (one_look(noisy(1.0), noisy(1.0, LOUD)), Verdict.UNKNOWN, "more rounds"),
        (one_look(noisy(1.0), noisy(1.1, LOUD), rows=10**6), Verdict.UNKNOWN, "too noisy"),
        (
            one_look([1.0] * 10, [5.0, 0.2, 7.0, 0.1, 9.0, 0.3, 4.0, 0.25, 3.0, 0.4]),
            Verdict.UNKNOWN,
            "too noisy",
        ),
        (one_look([], []), Verdict.UNKNOWN, "no round"),
        (one_look([1.0] * 5, [2.0] * 5), Verdict.UNKNOWN, "needs ≥ 6 rounds, has 5"),
        (one_look([1.0] * 6, [1.0] * 6), Verdict.UNCHANGED, "every value is equal"),
        (
            one_look([1.0] * 6, [1.0] * 5 + [0.0]),
            Verdict.UNKNOWN,
            "1 of 6 rounds gave zero, a negative or no number",
        ),
    ],
)
def test_a_single_look(facts: OneLook, verdict: Verdict, reason: str) -> None:
    found = judge(facts)
    assert found.verdict is verdict
    assert reason in found.reason
    assert found.alarm is (verdict in (Verdict.REGRESSION, Verdict.IMPROVEMENT))
    assert found.estimate is facts.estimate


@pytest.mark.parametrize("table", [COUNTED, ONE_LOOK])
def test_only_changes_are_alarms_and_the_last_row_always_applies(table: Sequence[object]) -> None:
    for rule in table:
        changed = rule.verdict in (Verdict.REGRESSION, Verdict.IMPROVEMENT)  # type: ignore[attr-defined]
        assert rule.alarm is changed  # type: ignore[attr-defined]
        assert rule.when  # type: ignore[attr-defined]
    assert table[-1].applies(None)  # type: ignore[attr-defined]


@given(
    st.sampled_from(["allocs/op", "B/op"]),
    st.lists(st.floats(0, 1e9), min_size=1, max_size=8),
    st.lists(st.floats(0, 1e9), min_size=1, max_size=8),
)
def test_exchanged_sides_never_say_the_same_of_what_is_allocated(
    unit: str, base: list[float], head: list[float]
) -> None:
    there = judge(Counted(unit, tuple(base), tuple(head))).verdict
    back = judge(Counted(unit, tuple(head), tuple(base))).verdict
    assert (there, back) not in [(Verdict.REGRESSION,) * 2, (Verdict.IMPROVEMENT,) * 2]


@given(st.lists(st.floats(), max_size=8), st.lists(st.floats(), max_size=8))
def test_no_count_however_odd_breaks_the_verdict(base: list[float], head: list[float]) -> None:
    assert judge_counted(Counted("B/op", tuple(base), tuple(head), tuple(head), tuple(base))).reason


@pytest.mark.parametrize(
    ("fraction", "shown"),
    [(0.032, "+3.2 %"), (-0.12, "−12 %"), (13.5, "+1,350 %"), (0.0, "+0 %"), (-1e-17, "+0 %")],
)
def test_changes_are_shown_with_their_sign(fraction: float, shown: str) -> None:
    assert signed(fraction) == shown
