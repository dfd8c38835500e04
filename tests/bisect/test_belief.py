"""What is believed of each commit: what must hold of any values, and what becomes of a known truth."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from perf.bisect.belief import Belief, Value, believe
from perf.bisect.line import Line

LINE = Line(8)
EVEN = np.ones(8)
# 0 ─ 1 ─ 2 ─── 5
#      └─ 3 ─ 4 ┘
MERGED = Line(5, ((), (0,), (1,), (1,), (3,), (2, 4)))

any_values = st.lists(
    st.builds(Value, st.integers(0, 8), st.integers(-3000, 3000).map(lambda each: each / 1000)), max_size=40
)


def measured(
    culprit: int, times: int, *, step: float = 0.1, trend: float = 0.0, line: Line = LINE
) -> list[Value]:
    """`times` values of every place, in turns, with a noise of 0.02."""
    source = random.Random(1)
    bad = line.made_bad_by(range(line.size + 1))[:, culprit - 1]
    places = [place for _ in range(times) for place in range(line.size + 1)]
    return [
        Value(place, 3.0 + step * bool(bad[place]) + trend * number + source.gauss(0.0, 0.02))
        for number, place in enumerate(places)
    ]


def best(belief: Belief) -> int:
    return int(np.argmax(belief.culprits)) + 1


@settings(deadline=None)
@given(any_values, st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=8, max_size=8), st.booleans())
def test_all_chances_together_are_one(values: list[Value], prior: list[float], downwards: bool) -> None:
    assume(any(prior))
    found = believe(LINE, np.array(prior), values, downwards=downwards)
    assert found.culprits.sum() + found.none == pytest.approx(1.0)
    assert found.culprits.min() >= 0.0 and found.none >= 0.0
    assert not found.culprits[np.array(prior) == 0.0].any()


@settings(deadline=None)
@given(any_values, st.lists(st.floats(0.1, 10.0), min_size=8, max_size=8))
def test_culprits_that_no_value_tells_apart_keep_the_odds_they_had(
    values: list[Value], prior: list[float]
) -> None:
    ratios = believe(LINE, np.array(prior), values).culprits / np.array(prior)
    places = {each.place for each in values}
    for culprit in range(1, LINE.size):
        if culprit not in places:
            assert ratios[culprit] == pytest.approx(ratios[culprit - 1])


@pytest.mark.parametrize("factor", [1.0, 0.01, 100.0])
@pytest.mark.parametrize("shift", [0.0, -5.0, 40.0])
def test_neither_the_unit_nor_the_size_of_the_noise_matters(shift: float, factor: float) -> None:
    values = measured(3, 2, step=0.04)
    other = [Value(each.place, shift + factor * each.log_value) for each in values]
    found, moved = believe(LINE, EVEN, values), believe(LINE, EVEN, other)
    assert moved.culprits == pytest.approx(found.culprits, rel=1e-6)
    assert moved.none == pytest.approx(found.none, rel=1e-6)
    assert moved.step == pytest.approx(factor * found.step)


def test_a_speed_up_is_a_regression_in_the_mirror() -> None:
    values = measured(3, 2, step=0.04)
    mirrored = [Value(each.place, -each.log_value) for each in values]
    up, down = believe(LINE, EVEN, values), believe(LINE, EVEN, mirrored, downwards=True)
    assert down.culprits == pytest.approx(up.culprits)
    assert down.step == pytest.approx(-up.step)


def test_a_step_the_other_way_is_none() -> None:
    assert believe(LINE, EVEN, measured(3, 6), downwards=True).none > 0.95


@pytest.mark.parametrize("culprit", [1, 2, 5, 8])
def test_the_culprit_is_found(culprit: int) -> None:
    found = believe(LINE, EVEN, measured(culprit, 3))
    assert best(found) == culprit
    assert found.culprits.max() > 0.95


def test_step_and_noise_are_estimated() -> None:
    found = believe(LINE, EVEN, measured(4, 20))
    assert abs(found.step - 0.1) < 3.0 * found.step_error
    assert found.step_error == pytest.approx(0.02 * math.sqrt(1 / 80 + 1 / 100), rel=0.2)
    assert found.noise == pytest.approx(0.02, rel=0.2)
    assert found.drift == 0.0


@pytest.mark.parametrize("seed", range(4))
def test_ends_that_do_not_differ_are_none(seed: int) -> None:
    source = random.Random(seed)
    found = believe(LINE, EVEN, [Value(8 * (number % 2), source.gauss(0.0, 1.0)) for number in range(300)])
    assert found.none > 0.9


def test_a_machine_that_slows_down_is_no_step() -> None:
    source = random.Random(3)
    ends = [Value(8 * (number % 2), 0.05 * number + source.gauss(0.0, 0.1)) for number in range(60)]
    found = believe(LINE, EVEN, ends)
    assert found.none > 0.5
    assert found.drift > 0.0


def test_the_culprit_is_found_on_a_machine_that_slows_down() -> None:
    found = believe(LINE, EVEN, measured(4, 6, trend=0.01))
    assert best(found) == 4
    assert found.culprits.max() > 0.95
    assert found.step == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize("at", range(0, 27, 2))
@pytest.mark.parametrize("by", [-1.0, 1.0, 1000.0])
def test_one_value_far_off_leaves_the_culprit_where_it_is(at: int, by: float) -> None:
    values = measured(4, 3)
    values[at] = Value(values[at].place, values[at].log_value + by)
    found = believe(LINE, EVEN, values)
    assert best(found) == 4
    assert found.culprits.max() > 0.5
    assert found.step == pytest.approx(0.1, abs=0.03)


def test_one_value_alone_never_tells_more_than_20_to_1() -> None:
    line = Line(2)
    ends = [Value(place, place + 0.001 * number) for number in range(6) for place in (0, 2)]
    once = believe(line, np.ones(2), [*ends, Value(1, 2.0)])
    twice = believe(line, np.ones(2), [*ends, Value(1, 2.0), Value(1, 2.0)])
    assert once.culprits[0] / once.culprits[1] == pytest.approx(20.0)
    assert twice.culprits[0] / twice.culprits[1] == pytest.approx(400.0)


@pytest.mark.parametrize("culprit", [1, 2, 3, 4, 5])
def test_a_culprit_on_a_branch_is_found(culprit: int) -> None:
    found = believe(MERGED, np.ones(5), measured(culprit, 5, line=MERGED))
    assert best(found) == culprit
    assert found.culprits.max() > 0.95


@pytest.mark.parametrize("levels", [[], [1.0], [1.0, 2.0], [1.0] * 9])
def test_too_few_values_or_equal_ones_teach_nothing(levels: Sequence[float]) -> None:
    found = believe(LINE, EVEN, [Value(place % 9, level) for place, level in enumerate(levels)])
    assert found.culprits == pytest.approx((1.0 - found.none) / 8.0)
    assert (found.step, found.step_error) == (0.0, math.inf)


def test_values_that_repeat_but_for_the_step_are_no_trouble() -> None:
    values = [Value(place, 1.0 + (place >= 3)) for place in (*range(9), *range(9))]
    found = believe(LINE, EVEN, values)
    assert best(found) == 3
    assert found.step == pytest.approx(1.0)
