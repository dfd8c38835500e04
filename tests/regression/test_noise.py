"""What noise leaves to be seen, and doubts about rounds."""

from __future__ import annotations

import math
import random

import pytest

from perf.regression.noise import doubts, drifts, levels_apart, rounds_for, rounds_left, smallest_shift
from perf.regression.statistics import shifted


def normal(source: random.Random, count: int, deviation: float) -> tuple[float, ...]:
    return tuple(source.gauss(0.0, deviation) for _ in range(count))


def test_twice_the_noise_hides_twice_the_change() -> None:
    quiet = normal(random.Random(1), 20, 0.02)
    loud = tuple(2.0 * each for each in quiet)
    seen, hidden = smallest_shift(quiet, 0.001, 0.0), smallest_shift(loud, 0.001, 0.0)
    assert seen is not None and hidden is not None
    assert hidden == pytest.approx(2.0 * seen, rel=0.01)


def test_the_smallest_change_seen_does_not_hang_on_the_change_that_is_there() -> None:
    quiet = normal(random.Random(2), 20, 0.02)
    moved = tuple(each + 0.3 for each in quiet)
    assert smallest_shift(moved, 0.001, 0.0) == pytest.approx(smallest_shift(quiet, 0.001, 0.0), rel=1e-3)


def test_rounds_that_can_show_nothing_show_no_smallest_change() -> None:
    assert smallest_shift(normal(random.Random(3), 8, 0.01), 0.001, 0.0) is None
    assert smallest_shift((), 0.5, 0.0) is None


def test_without_noise_the_least_effect_is_the_smallest_change_seen() -> None:
    assert smallest_shift((0.0,) * 12, 0.001, 0.03) == 0.03


def test_half_the_distance_takes_four_times_the_rounds() -> None:
    found = shifted(normal(random.Random(4), 10, 0.05))
    assert rounds_for(found, 0.01, 0.05) == pytest.approx(4.0 * rounds_for(found, 0.02, 0.05))


def test_without_noise_the_rounds_are_those_that_the_level_asks_for() -> None:
    assert rounds_for(shifted((0.1,) * 10), 0.1, 2.0**-12) == 12.0


def test_no_number_of_rounds_tells_apart_what_is_the_same() -> None:
    found = shifted(normal(random.Random(4), 10, 0.05))
    assert rounds_for(found, 0.0, 0.05) == math.inf
    assert rounds_for(shifted((0.1, 0.2)), 0.1, 0.05) == math.inf


@pytest.mark.parametrize(
    ("needed", "left"), [(12.2, 3), (10.0, 1), (3.0, 1), (510.0, 500), (511.0, None), (math.inf, None)]
)
def test_rounds_still_to_come_are_one_at_least_and_none_where_nobody_would_wait(
    needed: float, left: int | None
) -> None:
    assert rounds_left(needed, 10) == left


# -- doubts -------------------------------------------------------------------------------------------------------


def measured(logarithms: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(map(math.exp, logarithms))


def test_quiet_rounds_raise_no_doubt() -> None:
    source = random.Random(6)
    told = [
        doubts(measured(normal(source, rounds, 0.04)), measured(normal(source, rounds, 0.04)))
        for rounds in (6, 10, 15, 30)
        for _ in range(100)
    ]
    assert sum(map(bool, told)) <= 6


def test_a_side_of_two_levels_is_told_with_their_distance() -> None:
    source = random.Random(7)
    base = tuple((0.2 if number % 3 else 0.0) + source.gauss(0.0, 0.01) for number in range(15))
    (told,) = doubts(measured(base), measured(normal(source, 15, 0.04)))
    assert "the base's values lie on two levels, 22" in told


def test_one_burst_is_no_level() -> None:
    assert levels_apart((*normal(random.Random(8), 14, 0.01), 3.0)) is None


def test_equal_values_and_few_values_lie_on_one_level() -> None:
    assert levels_apart((1.0,) * 12) is None
    assert levels_apart((0.0, 1.0) * 4) is None


def test_a_machine_that_slows_down_is_told_and_is_no_change_between_the_sides() -> None:
    source = random.Random(9)
    speed = [0.01 * number for number in range(20)]
    base = tuple(each + source.gauss(0.0, 0.01) for each in speed)
    head = tuple(each + source.gauss(0.0, 0.01) for each in speed)
    (told,) = doubts(measured(base), measured(head))
    assert told.startswith("the machine changed during the run: both sides moved by +")


def test_a_change_that_grows_during_the_run_is_told() -> None:
    base = normal(random.Random(10), 20, 0.01)
    head = tuple(each + 0.01 * number for number, each in enumerate(base))
    assert doubts(measured(base), measured(head)) == ("the change itself moved by +15 % during the run",)


def test_a_drift_too_small_to_matter_is_not_told() -> None:
    assert drifts([0.0001 * number for number in range(30)]) is None


def test_too_few_rounds_of_use_are_told_alone() -> None:
    assert doubts((1.0, 0.0, math.nan, 2.0), (1.0, 1.0, 1.0, 1.0)) == (
        "2 rounds of use: no verdict is possible under 6",
    )
