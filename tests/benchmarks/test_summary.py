"""Series, problems told once, warnings and the line for a person."""

from __future__ import annotations

from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.benchmarks import summary
from perf.benchmarks.format import Result, Value
from perf.model import BenchmarksResult, Problem, ProblemKind, Series


def result(name: str, **values: float) -> Result:
    measured = tuple(Value(value, unit, value, unit) for unit, value in values.items())
    return Result(name, name, None, 10, measured, (), "raw", 1)


def times(name: str, *values: float) -> Series:
    return Series("./p", name, "sec/op", values, tuple(repeat(1, len(values))))


def benchmarks(*series: Series, problems: tuple[Problem, ...] = ()) -> BenchmarksResult:
    return BenchmarksResult(series, problems, 5, "50ms", 2, "go1.26.8")


def test_a_process_that_gave_no_value_leaves_no_gap_and_no_zero() -> None:
    processes = [[result("A", s=1.0)], [], [result("A", s=3.0, w=7.0)]]
    assert summary.series({"./p": processes}) == (
        Series("./p", "A", "s", (1.0, 3.0), (10, 10)),
        Series("./p", "A", "w", (7.0,), (10,)),
    )


def test_equal_names_in_two_packages_are_two_series() -> None:
    gathered = summary.series({"./b": [[result("A", s=1.0)]], "./a": [[result("A", s=2.0)]]})
    assert [(each.package, each.values) for each in gathered] == [("./a", (2.0,)), ("./b", (1.0,))]


def test_the_same_problem_of_every_process_is_told_once() -> None:
    panic = Problem("./p", "A", ProblemKind.PANICKED, "panic: 0xc000", "a_test.go:1")
    again = Problem("./p", "A", ProblemKind.PANICKED, "panic: 0xc111", "a_test.go:1")
    other = Problem("./p", "B", ProblemKind.PANICKED, "panic: 0xc111")
    assert summary.told_once([panic, again, other, panic]) == (panic, other)


def test_a_nameless_end_gives_way_to_the_named_one_that_says_the_same() -> None:
    nameless = Problem("./p", "", ProblemKind.FAILED, "ended with exit 3")
    named = Problem("./p", "A", ProblemKind.FAILED, "ended with exit 3")
    elsewhere = Problem("./q", "", ProblemKind.FAILED, "ended with exit 3")
    assert summary.told_once([nameless, named, elsewhere]) == (named, elsewhere)


@pytest.mark.parametrize(
    ("values", "expected"),
    [((), None), ((1.0,), None), ((0.0, 0.0), None), ((2.0, 2.0), 0.0), ((1.0, 2.0, 2.0, 4.0, 9.0), 0.5)],
)
def test_variation_is_half_the_interquartile_range_over_the_median(
    values: tuple[float, ...], expected: float | None
) -> None:
    assert summary.variation(values) == (None if expected is None else pytest.approx(expected))


@given(st.lists(st.floats(1e-9, 1e3), min_size=2, max_size=9), st.floats(1e-6, 1e6))
def test_variation_does_not_depend_on_the_unit(values: list[float], factor: float) -> None:
    here, scaled = summary.variation(values), summary.variation([value * factor for value in values])
    assert here is not None
    assert scaled == pytest.approx(here, rel=1e-6, abs=1e-9)


def test_steady_benchmarks_with_enough_values_need_no_warning() -> None:
    assert summary.warnings(benchmarks(times("A", *repeat(1.0, 5)))) == ()


def test_noisy_benchmarks_are_warned_of_with_the_three_worst_named() -> None:
    noisy = [times(f"N{high}", 1.0, 1.0, *repeat(1.0 + high, 3)) for high in (1, 2, 3, 4, 5)]
    (warning,) = summary.warnings(benchmarks(*noisy, times("Steady", *repeat(1.0, 5))))
    assert warning.index("N5") < warning.index("N4") < warning.index("N3")
    assert "N2" not in warning
    assert "Steady" not in warning
    assert warning.endswith("and 2 more")


def test_too_few_values_are_warned_of_by_number() -> None:
    few = benchmarks(times("A", 1.0, 1.0), times("B", 1.0), times("C", *repeat(1.0, 5)))
    assert summary.warnings(few)[0].startswith("2 benchmarks with fewer than 5 values")


def test_only_times_are_judged_for_noise() -> None:
    rate = Series("./p", "A", "B/s", (1.0, 9.0), (1, 1))
    assert summary.warnings(benchmarks(rate)) == ()


def test_the_line_for_a_person_counts_benchmarks_packages_processes_and_problems() -> None:
    problems = (
        Problem("./p", "X", ProblemKind.FAILED, "no luck"),
        Problem("./q", "", ProblemKind.LEFT_OUT, "network"),
        Problem("./r", "", ProblemKind.LEFT_OUT, "network"),
    )
    rate = Series("./p", "A", "B/s", (1.0,), (1,))
    assert summary.one_line(benchmarks(times("A", 1.0), rate, problems=problems)) == (
        "1 benchmark in 2 packages, 5 processes of 50ms each; 1 failed; 2 left out"
    )


@pytest.mark.parametrize(
    ("benchtime", "seconds"), [("50ms", 0.05), ("1m30s", 90.0), ("1.5s", 1.5), ("100x", 0.1)]
)
def test_benchtime_in_seconds(benchtime: str, seconds: float) -> None:
    assert summary.benchtime_seconds(benchtime) == pytest.approx(seconds)
