"""Against a stored baseline: unknown rather than red by time, and never across machines."""

from __future__ import annotations

import pytest

from perf.model import Series, Verdict
from perf.regression.comparisons import Limits, Row
from perf.regression.stored import judge_stored

QUIET = (1.0, 1.001, 0.999, 1.0005, 0.9995, 1.0)


def judged(
    unit: str,
    base: tuple[float, ...],
    head: tuple[float, ...],
    *,
    differences: tuple[str, ...] = (),
    iterations: int = 100,
    least_effect: float = 0.03,
) -> Row:
    before = Series("./p", "BenchmarkA", unit, base, (100,) * len(base))
    after = Series("./p", "BenchmarkA", unit, head, (iterations,) * len(head))
    (row,) = judge_stored(
        [before, Series("./p", "BenchmarkOld", unit, base, (1,))],
        [after],
        differences,
        "c" * 40,
        Limits(least_effect, 0.01),
        lambda unit: unit.endswith("/s"),
    )
    return row


def test_a_large_slowdown_is_unknown_and_says_how_to_decide() -> None:
    row = judged("sec/op", QUIET, tuple(2 * value for value in QUIET))
    assert row.judgement.verdict is Verdict.UNKNOWN
    assert "regression (" in row.judgement.reason
    assert "--base cccccccccccc" in row.judgement.reason


def test_equal_times_of_two_days_are_not_proven_equal_within_three_percent() -> None:
    assert judged("sec/op", QUIET, QUIET).judgement.verdict is Verdict.UNKNOWN


def test_equal_times_are_unchanged_where_only_a_large_effect_matters() -> None:
    assert judged("sec/op", QUIET, QUIET, least_effect=0.2).judgement.verdict is Verdict.UNCHANGED


def test_another_allocation_is_red_also_against_a_stored_run() -> None:
    row = judged("allocs/op", (5.0,) * 6, (6.0,) * 6)
    assert row.judgement.verdict is Verdict.REGRESSION


def test_counts_of_other_iteration_counts_are_not_compared() -> None:
    row = judged("B/op", (64.0,) * 6, (96.0,) * 6, iterations=50)
    assert row.judgement.verdict is Verdict.UNKNOWN
    assert "iteration counts differ" in row.judgement.reason


@pytest.mark.parametrize("unit", ["sec/op", "allocs/op"])
def test_another_machine_is_unknown_with_the_fields_that_differ(unit: str) -> None:
    row = judged(unit, (5.0,) * 6, (9.0,) * 6, differences=("kernel: 6.1 then, 6.8 now",))
    assert row.judgement.verdict is Verdict.UNKNOWN
    assert "kernel: 6.1 then, 6.8 now" in row.judgement.reason
