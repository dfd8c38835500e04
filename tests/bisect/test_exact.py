"""Binary search between two counted levels, and its premises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.bisect.exact import Ends, ends_of, possible
from perf.bisect.line import Line

ENDS = Ends(good=10.0, bad=14.0, jitter=0.5)
# 0 ─ 1 ─ 2 ─── 5
#      └─ 3 ─ 4 ┘
MERGED = Line(5, ((), (0,), (1,), (1,), (3,), (2, 4)))


def culprits(line: Line, values: dict[int, float]) -> list[int]:
    return [int(each) + 1 for each in np.flatnonzero(possible(line, ENDS, values))]


@pytest.mark.parametrize(
    ("good", "bad", "tolerance", "differ"),
    [
        ([10, 10], [11, 11], 0.5, True),
        ([10, 10], [10, 10], 0.5, False),
        ([10, 10], [11, 11], 1.0, False),
        ([10, 12], [11, 13], 0.5, False),
        ([10, 12], [14, 14], 0.5, True),
        ([10, 10], [8, 8], 0.5, True),
    ],
)
def test_ends_differ_by_more_than_they_differ_from_themselves(
    good: list[float], bad: list[float], tolerance: float, differ: bool
) -> None:
    assert ends_of(good, bad, tolerance).differ is differ


@pytest.mark.parametrize(
    ("value", "bad", "neither"),
    [
        (10.0, False, False),
        (10.4, False, False),
        (11.0, False, True),
        (13.0, True, True),
        (14.0, True, False),
        (20.0, True, True),
    ],
)
def test_a_value_is_on_the_side_of_the_nearer_end_or_on_a_level_of_its_own(
    value: float, bad: bool, neither: bool
) -> None:
    assert ENDS.is_bad(value) is bad
    assert ENDS.is_neither(value) is neither


def test_a_lower_bad_end_is_a_level_like_any() -> None:
    assert Ends(14.0, 10.0, 0.5).is_bad(10.2)


@pytest.mark.parametrize(
    ("values", "left"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({4: 10.0}, [5, 6, 7, 8]),
        ({4: 14.0}, [1, 2, 3, 4]),
        ({2: 10.0, 4: 14.0}, [3, 4]),
    ],
)
def test_culprits_that_fit_all_counts_are_possible(values: dict[int, float], left: list[int]) -> None:
    assert culprits(Line(8), values) == left


def test_counts_that_go_up_and_down_again_leave_no_culprit() -> None:
    assert culprits(Line(8), {2: 14.0, 5: 10.0}) == []


def test_a_good_commit_on_a_branch_clears_its_ancestors_alone() -> None:
    assert culprits(MERGED, {4: 10.0}) == [2, 5]


@given(st.integers(1, 200), st.data())
def test_halving_finds_the_culprit_in_as_many_counts_as_it_has_bits(size: int, data: st.DataObject) -> None:
    line, values = Line(size), dict[int, float]()
    culprit = data.draw(st.integers(1, size))
    while len(left := culprits(line, values)) > 1:
        middle = left[(len(left) - 1) // 2]
        values[middle] = ENDS.bad if middle >= culprit else ENDS.good
    assert left == [culprit]
    assert len(values) <= (size - 1).bit_length()
