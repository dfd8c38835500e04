"""The estimate of a change and how sure it is, against published values and known truth."""

from __future__ import annotations

import math
import random
import statistics
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from perf.regression.statistics import (
    Estimate,
    flip_p,
    holm,
    log_ratios,
    middle,
    more_rounds,
    paired,
    shifted,
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


# -- sign flips ---------------------------------------------------------------------------------------------------

some_differences = st.lists(
    st.floats(-2.0, 2.0).filter(lambda each: abs(each) > 1e-6 or each == 0.0), min_size=1, max_size=40
)


def flipped_by_hand(differences: list[float]) -> float:
    """All 2^n sign patterns, one by one, for differences of which none weighs less than its size."""
    seen = sum(each for each in differences if each > 0.0)
    sums = [
        sum(abs(each) for each, sign in zip(differences, signs, strict=True) if sign)
        for signs in product((False, True), repeat=len(differences))
    ]
    return sum(each >= seen - 1e-12 for each in sums) / len(sums)


@given(st.lists(st.sampled_from([-2.0, -1.0, 1.0, 2.0]), min_size=1, max_size=10))
def test_all_sign_patterns_are_counted(differences: list[float]) -> None:
    assume(statistics.median(map(abs, differences)) < 2.0)  # then weights are in the same proportion as sizes
    assert flip_p(differences) == flipped_by_hand(differences)


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([1.0], 1 / 2),
        ([1.0] * 6, 1 / 64),
        ([-1.0] * 6, 1.0),
        ([1.0] * 5 + [-1.0], 7 / 64),
        ([0.0] * 6, 1.0),
        ([1.0, 1.0, 1.0, 0.0], 2 / 16),
    ],
)
def test_the_p_of_a_sign_flip_by_hand(differences: list[float], p: float) -> None:
    assert flip_p(differences) == p
    assert flip_p(differences) == pytest.approx(flipped_by_hand(differences))


@given(some_differences, st.sampled_from([0.25, 2.0, 64.0]))
def test_scaling_all_differences_changes_no_p(differences: list[float], factor: float) -> None:
    assert flip_p([each * factor for each in differences]) == flip_p(differences)


@given(some_differences)
def test_up_and_down_together_count_every_pattern_and_the_one_seen_twice(differences: list[float]) -> None:
    up, down = flip_p(differences), flip_p([-each for each in differences])
    assert up + down >= 1.0 + 0.5 ** len(differences) * 0.999
    assert 0.5 ** len(differences) <= up <= 1.0


@pytest.mark.parametrize("rounds", [6, 10, 40, 100])
def test_the_least_p_is_one_pattern_of_all(rounds: int) -> None:
    assert flip_p([0.1] * rounds) == 0.5**rounds


def test_one_burst_counts_no_more_than_any_large_difference() -> None:
    # Against a burst of any size eleven of twelve upwards are as unlikely as a sign test of them has it, or nearly.
    quiet = [0.05 + 0.001 * number for number in range(11)]
    assert flip_p([*quiet, -0.1]) == pytest.approx(flip_p([*quiet, -50.0]), abs=0.005)
    assert flip_p([*quiet, -50.0]) < 0.01


def test_where_there_are_bursts_they_count_no_more_than_a_middling_difference() -> None:
    quiet = [0.05 + 0.001 * number for number in range(14)]
    assert flip_p([*quiet, -0.06, -0.06]) > 0.001
    assert flip_p([*quiet, -1.0, -1.0]) < 0.003


@pytest.mark.parametrize("noise", ["normal", "two points", "heavy", "growing"])
def test_a_p_is_as_rare_as_it_says_for_noise_of_any_shape(noise: str) -> None:
    source = random.Random(11)

    def draw(place: int) -> float:
        if noise == "two points":
            return source.choice((-1.0, 1.0)) * (1.0 + 0.01 * source.random())
        if noise == "heavy":
            return math.tan(math.pi * (source.random() - 0.5))
        return source.gauss(0.0, 1.0) * (1.0 + place if noise == "growing" else 1.0)

    p_values = [flip_p([draw(place) for place in range(9)]) for _ in range(4000)]
    for level in (0.01, 0.05, 0.2):
        assert sum(p <= level for p in p_values) / 4000 <= level + 3.0 * math.sqrt(level / 4000)


def test_the_middle_is_the_median_of_the_means_of_every_two_by_hand() -> None:
    # Of 1, 2 and 9 the means are 1, 1.5, 2, 5, 5.5 and 9.
    assert middle([9.0, 1.0, 2.0]) == 3.5
    assert middle([4.0]) == 4.0


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=30), st.floats(-1, 1))
def test_the_middle_moves_with_the_values_and_turns_with_the_sides(values: list[float], by: float) -> None:
    assert middle([each + by for each in values]) == pytest.approx(middle(values) + by, abs=1e-12)
    assert middle([-each for each in values]) == pytest.approx(-middle(values), abs=1e-12)
    assert min(values) <= middle(values) <= max(values)


@given(st.lists(st.floats(-1, 1), min_size=6, max_size=25))
def test_the_interval_of_pairs_holds_the_estimate_and_turns_with_the_sides(differences: list[float]) -> None:
    found, turned = shifted(tuple(differences)), shifted(tuple(-each for each in differences))
    assert found.log_low is not None and found.log_high is not None
    assert found.low is not None and found.high is not None
    assert found.low <= found.change <= found.high
    assert min(differences) - 1e-6 <= found.log_low
    assert turned.log_low is not None
    assert turned.log_change == pytest.approx(-found.log_change, abs=1e-12)
    assert turned.log_low == pytest.approx(-found.log_high, abs=1e-5)


def test_the_interval_of_pairs_holds_the_truth_in_ninety_five_of_a_hundred_runs() -> None:
    source, held = random.Random(5), 0
    for _ in range(1000):
        found = shifted(
            tuple(0.05 + 0.1 * source.choice((-1, 1)) * source.expovariate(1.0) for _ in range(10))
        )
        assert found.low is not None and found.high is not None
        held += found.low <= math.expm1(0.05) <= found.high
    assert 0.935 <= held / 1000 <= 0.98


def test_under_six_rounds_the_signs_exclude_nothing() -> None:
    found = shifted((0.1, 0.2, 0.1, 0.2, 0.1))
    assert (found.low, found.high, found.log_error) == (None, None, None)
    assert found.change == pytest.approx(math.expm1(0.15), abs=0.06)
