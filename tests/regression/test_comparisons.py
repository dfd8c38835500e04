"""From pairs to rows: which units there are, what they are held to, and what a whole run comes to."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence

import pytest

from perf.model import Verdict
from perf.regression.comparisons import (
    Benchmark,
    Limits,
    Pair,
    Row,
    confirm_row,
    counted_rows,
    judge_values,
    one_sided_units,
    time_rows,
    timed_units,
    unmeasured,
    what_time_says,
    worked_row,
)
from perf.regression.looks import FRESH_LOOKS, LOOKS
from perf.regression.statistics import Estimate, log_ratios, paired
from perf.regression.verdicts import Judgement
from perf.regression.worked import Time, Worked

COPY = Benchmark("./pkg/copy", "CopyImage/small")
LIMITS = Limits(least_effect=0.03, false_alarms=0.01)
ROWS = 100


def higher_is_better(unit: str) -> bool:
    return unit.endswith("/s")


def rounds(unit: str, change: float, count: int, seed: int = 1, deviation: float = 0.01) -> list[Pair]:
    source = random.Random(seed)
    return [
        Pair({unit: 1.0}, {unit: (1.0 + change) * math.exp(source.gauss(0.0, deviation))})
        for _ in range(count)
    ]


def first_row(pairs: Sequence[Pair], *, same_work: bool = False) -> Row:
    (row,) = time_rows(COPY, pairs, LIMITS, ROWS, higher_is_better, same_work)
    return row


def confirmed(first: Sequence[Pair], fresh: Sequence[Pair]) -> Row:
    return confirm_row(first_row(first), first, fresh, LIMITS, ROWS, higher_is_better, same_work=False)


# -- limits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("false_alarms", [0.001, 0.01, 0.05, 1.0])
@pytest.mark.parametrize("rows", [1, 100, 4000])
def test_a_false_alarm_that_repeats_is_rarer_than_promised(false_alarms: float, rows: int) -> None:
    limits = Limits(0.03, false_alarms)
    both_directions = 2.0 * limits.level(rows) * rows
    assert both_directions * limits.fresh_level == pytest.approx(false_alarms / 4.0)


def test_a_run_without_time_rows_has_a_level_for_all_that() -> None:
    assert LIMITS.level(0) == LIMITS.level(1) > 0.0


# -- time ---------------------------------------------------------------------------------------------------------


def test_each_timed_unit_has_a_row_of_its_own() -> None:
    both = [Pair({"sec/op": 1.0, "cpu-sec/op": 1.0}, {"sec/op": 2.0, "cpu-sec/op": 1.0})] * 12
    rows = time_rows(COPY, both, LIMITS, ROWS, higher_is_better, same_work=False)
    assert [(row.unit, row.judgement.suspected, row.judgement.verdict) for row in rows] == [
        ("sec/op", Verdict.REGRESSION, Verdict.UNKNOWN),
        ("cpu-sec/op", None, Verdict.UNCHANGED),
    ]


def test_what_is_counted_is_not_timed() -> None:
    reported = {"sec/op": 1.0, "B/op": 1.0, "allocs/op": 1.0, "instructions/op": 1.0, "hits/op": 1.0}
    assert timed_units([Pair(reported, reported)]) == ("sec/op", "hits/op")


def test_the_same_work_is_held_to_the_least_wait() -> None:
    waits = rounds("sec/op", 0.05, 6)
    assert first_row(waits).judgement.verdict is Verdict.UNKNOWN
    row = first_row(waits, same_work=True)
    assert row.judgement.verdict is Verdict.UNCHANGED
    assert "slower by less than 10 %" in row.judgement.reason


def test_an_alarm_alone_is_never_red() -> None:
    row = first_row(rounds("sec/op", 0.5, 30))
    assert row.judgement.alarm
    assert row.comparison().verdict is Verdict.UNKNOWN


def test_a_slowdown_that_repeats_on_fresh_rounds_is_a_regression_with_the_values_of_all() -> None:
    row = confirmed(rounds("sec/op", 0.2, 12), rounds("sec/op", 0.2, 10, seed=2))
    found = row.comparison()
    assert found.verdict is Verdict.REGRESSION
    assert found.change == pytest.approx(0.2, abs=0.02)
    assert found.low is not None and found.high is not None
    assert found.low < 0.2 < found.high
    assert len(found.base) == len(found.head) == 22


@pytest.mark.parametrize("change", [0.0, -0.2])
def test_a_slowdown_that_does_not_repeat_is_unknown(change: float) -> None:
    row = confirmed(rounds("sec/op", 0.2, 12), rounds("sec/op", change, 10, seed=2))
    assert row.judgement.verdict is Verdict.UNKNOWN
    assert "not confirmed" in row.judgement.reason
    assert row.judgement.decided


def test_an_alarm_without_fresh_rounds_is_unknown() -> None:
    row = confirmed(rounds("sec/op", 0.2, 12), [])
    assert row.judgement.verdict is Verdict.UNKNOWN
    assert "no time for fresh rounds" in row.judgement.reason


def test_a_lost_rate_is_a_regression() -> None:
    row = confirmed(rounds("B/s", -0.2, 12), rounds("B/s", -0.2, 10, seed=2))
    assert row.comparison().verdict is Verdict.REGRESSION


def test_an_open_row_tells_what_it_needs_and_what_it_would_have_seen() -> None:
    found = first_row(rounds("sec/op", 0.0, 14, deviation=0.15)).comparison()
    assert found.verdict is Verdict.UNKNOWN
    assert found.more_rounds is not None
    assert found.smallest_seen is not None and found.smallest_seen > 0.03


def test_fewer_rounds_than_any_verdict_needs_have_an_estimate_and_no_interval() -> None:
    found = first_row(rounds("sec/op", 0.1, 3)).comparison()
    assert found.change == pytest.approx(0.1, abs=0.05)
    assert (found.low, found.high, found.smallest_seen, found.more_rounds) == (None, None, None, None)


def test_a_run_of_any_length_says_the_same_when_it_is_asked_at_once() -> None:
    pairs = rounds("sec/op", 0.0, LOOKS[-1], deviation=0.05)
    asked = (first_row(pairs[:look]) for look in LOOKS)
    by_and_by = next(row for row in asked if row.judgement.decided)
    assert first_row(pairs).judgement == by_and_by.judgement


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ([], Time.NOT_MEASURED),
        ([Verdict.UNCHANGED, Verdict.IMPROVEMENT], Time.NO_WORSE),
        ([Verdict.UNCHANGED, Verdict.UNKNOWN], Time.UNKNOWN),
        ([Verdict.UNKNOWN, Verdict.REGRESSION], Time.WORSE),
    ],
)
def test_what_the_time_rows_say_together(verdicts: list[Verdict], said: Time) -> None:
    assert what_time_says(Row(COPY, "sec/op", (), (), Judgement(each, "")) for each in verdicts) is said


# -- units --------------------------------------------------------------------------------------------------------


def units_of_rows(pairs: Sequence[Pair]) -> list[str]:
    return [row.unit for row in time_rows(COPY, pairs, LIMITS, ROWS, higher_is_better, same_work=False)]


def test_a_metric_that_one_side_reports_is_listed_and_not_compared() -> None:
    both = [Pair({"sec/op": 1.0, "old": 1.0}, {"sec/op": 1.0, "new": 2.0})] * 6
    assert units_of_rows(both) == ["sec/op"]
    assert one_sided_units(both) == (("old",), ("new",))


def test_a_metric_that_some_rounds_lack_is_judged_by_the_others() -> None:
    both = [Pair({"sec/op": 1.0, "odd": 1.0}, {"sec/op": 1.0, "odd": 1.0})] * 5 + [
        Pair({"sec/op": 1.0}, {"sec/op": 1.0})
    ]
    rows = time_rows(COPY, both, LIMITS, ROWS, higher_is_better, same_work=False)
    assert [row.judgement.reason for row in rows] == ["every value is equal", "needs ≥ 6 rounds, has 5"]


def test_a_rate_that_is_only_the_time_again_has_no_row() -> None:
    assert units_of_rows([Pair({"sec/op": 1.0, "B/s": 64.0}, {"sec/op": 2.0, "B/s": 32.0})] * 6) == ["sec/op"]


def test_a_rate_of_other_bytes_is_judged_by_itself() -> None:
    more_bytes = [Pair({"sec/op": 1.0, "B/s": 64.0}, {"sec/op": 2.0, "B/s": 64.0})] * 6
    assert units_of_rows(more_bytes) == ["sec/op", "B/s"]


def test_a_benchmark_that_gave_nothing_is_unknown_with_its_reason() -> None:
    found = unmeasured(COPY, "fails at the head: panic").comparison()
    assert (found.verdict, found.reason, found.change) == (Verdict.UNKNOWN, "fails at the head: panic", None)


# -- what is counted ----------------------------------------------------------------------------------------------


def allocating(base: float, head: float, count: int = 6) -> list[Pair]:
    return [Pair({"sec/op": 1.0, "allocs/op": base}, {"sec/op": 1.0, "allocs/op": head})] * count


def test_an_allocation_more_is_red_once_it_was_counted_again() -> None:
    (row,) = counted_rows(COPY, allocating(5.0, 6.0))
    assert (row.unit, row.judgement.alarm, row.judgement.verdict) == ("allocs/op", True, Verdict.UNKNOWN)
    (row,) = counted_rows(COPY, allocating(5.0, 6.0), allocating(5.0, 6.0))
    found = row.comparison()
    assert (found.verdict, found.low, found.high) == (Verdict.REGRESSION, None, None)
    assert found.change == pytest.approx(0.2)


def test_a_change_from_zero_has_no_percentage() -> None:
    (row,) = counted_rows(COPY, allocating(0.0, 1.0))
    assert row.comparison().change is None


def test_the_row_of_instructions_has_all_counts() -> None:
    row = worked_row(COPY, Worked((10.0,) * 3, (11.0,) * 3, 0.003, 0.03, (10.0,) * 4, (11.0,) * 4))
    found = row.comparison()
    assert (found.unit, found.verdict) == ("instructions/op", Verdict.REGRESSION)
    assert (len(found.base), len(found.head)) == (7, 7)
    assert found.change == pytest.approx(0.1)


def test_a_changed_benchmark_keeps_its_numbers_and_has_no_verdict() -> None:
    row = first_row(rounds("sec/op", 0.5, 30)).of_changed_benchmark()
    found = row.comparison()
    assert found.verdict is Verdict.BENCHMARK_CHANGED
    assert found.change == pytest.approx(0.5, abs=0.05)
    assert not row.judgement.alarm
    assert found.more_rounds is None


# -- values that cannot be measured again -------------------------------------------------------------------------


def of_pairs(base: Sequence[float], head: Sequence[float]) -> Estimate | None:
    return paired(log_ratios(zip(base, head, strict=True)))


def stored(unit: str, base: Iterable[float], head: Iterable[float], others: int = 0) -> Row:
    values = {(COPY, unit): (tuple(base), tuple(head))}
    quiet = tuple(math.exp(random.Random(5).gauss(0.0, 0.001)) for _ in range(8))
    values |= {(Benchmark("./other", f"B{number}"), unit): (quiet, quiet[::-1]) for number in range(others)}
    return judge_values(values, LIMITS, higher_is_better, of_pairs)[0]


def test_values_of_another_day_are_judged_at_one_look() -> None:
    source = random.Random(3)
    base = [math.exp(source.gauss(0.0, 0.01)) for _ in range(10)]
    row = stored("sec/op", base, [value * 1.2 * math.exp(source.gauss(0.0, 0.01)) for value in base])
    assert (row.judgement.verdict, row.judgement.alarm) == (Verdict.REGRESSION, True)
    assert row.judgement.estimate is not None
    assert row.judgement.estimate.change == pytest.approx(0.2, abs=0.02)


def test_rows_that_are_judged_together_are_corrected_for_one_another() -> None:
    # t = 4 with 9 degrees of freedom: p .003, which is enough alone and not among a hundred.
    base, head = [1.0] * 8, [1.06, 1.0, 1.07, 1.05, 1.0, 1.06, 1.02, 1.06]
    assert stored("sec/op", base, head).judgement.verdict is Verdict.REGRESSION
    assert stored("sec/op", base, head, others=99).judgement.verdict is Verdict.UNKNOWN


def test_counts_of_another_day_are_judged_by_their_table() -> None:
    assert stored("allocs/op", [5.0] * 6, [6.0] * 6).judgement.verdict is Verdict.REGRESSION


def test_a_single_value_of_another_day_is_unknown() -> None:
    assert stored("sec/op", [1.0], [2.0]).judgement.reason == "needs ≥ 6 rounds, has 1"


# -- a whole run --------------------------------------------------------------------------------------------------


def test_a_run_in_which_nothing_changed_is_not_red() -> None:
    source, red, alarms = random.Random(9), 0, 0
    for _ in range(5 * ROWS):
        pairs, fresh = (
            [
                Pair({"sec/op": 1.0}, {"sec/op": math.exp(source.choice((-1, 1)) * source.expovariate(14.0))})
                for _ in range(count)
            ]
            for count in (LOOKS[-1], FRESH_LOOKS[-1])
        )
        row = first_row(pairs)
        alarms += row.judgement.alarm
        red += confirm_row(row, pairs, fresh, LIMITS, ROWS, higher_is_better, False).judgement.verdict in (
            Verdict.REGRESSION,
            Verdict.IMPROVEMENT,
        )
    assert red == 0
    assert alarms <= 5
