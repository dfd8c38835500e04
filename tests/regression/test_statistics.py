"""The estimate of a change and how sure it is, against published values and known truth."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.regression.statistics import (
    Estimate,
    holm,
    log_ratios,
    more_rounds,
    paired,
    t_quantile,
    two_sided_p,
    unpaired,
)

# Two-sided critical values as every printed table has them (for example NIST/SEMATECH e-Handbook, 1.3.6.7.2).
TABLE = [
    (0.95, 1, 12.706),
    (0.99, 1, 63.657),
    (0.95, 2, 4.303),
    (0.90, 3, 2.353),
    (0.99, 5, 4.032),
    (0.95, 7, 2.365),
    (0.998, 9, 4.297),
    (0.99, 10, 3.169),
    (0.95, 29, 2.045),
    (0.998, 30, 3.385),
    (0.95, 100, 1.984),
]


@pytest.mark.parametrize(("confidence", "df", "published"), TABLE)
def test_quantiles_of_students_t_are_those_of_the_published_table(
    confidence: float, df: int, published: float
) -> None:
    assert t_quantile(confidence, df) == pytest.approx(published, abs=5.1e-4)


@given(st.floats(0.01, 0.9999), st.integers(1, 200))
def test_the_quantile_and_the_p_value_are_inverse(confidence: float, df: int) -> None:
    assert two_sided_p(t_quantile(confidence, df), df) == pytest.approx(1 - confidence, abs=1e-9)


def test_a_doubled_value_is_a_change_of_one_hundred_percent() -> None:
    found = paired(log_ratios([(1.0, 2.0)] * 6))
    assert found is not None
    assert (found.change, found.low, found.high) == pytest.approx((1.0, 1.0, 1.0))
    assert found.p == 0.0


def test_equal_values_are_no_change_with_certainty() -> None:
    found = paired(log_ratios([(0.1, 0.1)] * 10))
    assert found is not None
    assert (found.change, found.log_error, found.p) == (0.0, 0.0, 1.0)


def test_one_wild_round_of_ten_does_not_move_the_estimate() -> None:
    quiet = [0.01, -0.01, 0.012, -0.008, 0.005, -0.005, 0.002, -0.002, 0.007]
    found = paired([*quiet, 3.0])
    assert found is not None
    assert abs(found.change) < 0.01
    assert found.high < 0.02


def test_trimmed_mean_error_and_degrees_of_freedom_by_hand() -> None:
    # One of ten is trimmed at each end: 8 kept, mean 5.5; winsorised 2 2 3 4 5 6 7 8 9 9, sum of squares 66.5.
    assert paired([float(value) for value in range(1, 11)]) == Estimate(10, 5.5, math.sqrt(66.5 / (8 * 7)), 7)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_values_without_a_logarithm_are_left_out(bad: float) -> None:
    assert log_ratios([(bad, 1.0), (1.0, bad), (2.0, 2.0)]) == (0.0,)


def test_under_two_differences_there_is_no_estimate() -> None:
    assert paired([0.1]) is None
    assert unpaired([1.0], [1.0, 2.0], 0.05) is None


@given(st.lists(st.floats(-1, 1), min_size=6, max_size=40))
def test_the_interval_holds_the_estimate_and_turns_with_the_sides(differences: list[float]) -> None:
    found, turned = paired(differences), paired([-each for each in differences])
    assert found is not None
    assert turned is not None
    assert found.low <= found.change <= found.high
    assert found.log_change == pytest.approx(-turned.log_change, abs=1e-12)
    assert found.log_error == pytest.approx(turned.log_error, abs=1e-12)


def test_the_interval_holds_the_truth_in_about_ninety_five_of_a_hundred_runs() -> None:
    source = random.Random(3)
    held = 0
    for _ in range(2000):
        found = paired([source.gauss(0.05, 0.1) for _ in range(10)])
        assert found is not None
        held += found.low <= math.expm1(0.05) <= found.high
    assert 0.93 <= held / 2000 <= 0.97


def test_runs_of_different_days_are_told_apart_less_well_than_within_run_noise_says() -> None:
    base = [1.0, 1.01, 0.99, 1.005, 0.995, 1.0]
    head = [value * 1.1 for value in base]
    same_day, other_day = unpaired(base, head, 0.0), unpaired(base, head, 0.05)
    assert same_day is not None
    assert other_day is not None
    assert same_day.change == pytest.approx(other_day.change) == pytest.approx(0.1)
    assert same_day.low > 0.0 > other_day.low


def test_the_interval_of_unpaired_runs_holds_the_truth_as_often_as_it_says() -> None:
    source, held = random.Random(7), 0
    for _ in range(2000):
        shift = source.gauss(0.05, 0.03)
        base = [math.exp(source.gauss(0.0, 0.02)) for _ in range(10)]
        head = [math.exp(source.gauss(shift, 0.02)) for _ in range(10)]
        found = unpaired(base, head, 0.03)
        assert found is not None
        held += found.low <= math.expm1(0.05) <= found.high
    assert 0.93 <= held / 2000 <= 0.97


def test_holm_multiplies_the_smallest_p_most_and_keeps_the_order() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([0.6, 0.9]) == (1.0, 1.0)
    assert holm([]) == ()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_an_adjusted_p_lies_between_the_raw_one_and_bonferronis(p_values: list[float]) -> None:
    for raw, adjusted in zip(p_values, holm(p_values), strict=True):
        assert raw <= adjusted <= min(1.0, len(p_values) * raw)


def test_twice_the_noise_needs_four_times_the_rounds() -> None:
    quiet = Estimate(rounds=10, log_change=0.0, log_error=0.02, df=7)
    loud = Estimate(rounds=10, log_change=0.0, log_error=0.04, df=7)
    ratio = (10 + more_rounds(loud, 0.03, 0.1)) / (10 + more_rounds(quiet, 0.03, 0.1))
    assert ratio == pytest.approx(4.0, rel=0.1)


def test_a_large_unsure_change_needs_rounds_until_it_is_sure() -> None:
    assert 1 <= more_rounds(Estimate(10, math.log(1.1), 0.05, 7), 0.03, 0.01) < 100


def test_a_change_at_the_least_effect_itself_needs_no_division_by_zero() -> None:
    assert more_rounds(Estimate(10, math.log1p(0.03), 0.05, 7), 0.03, 0.01) > 0
