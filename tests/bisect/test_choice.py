"""What is measured next, when it is enough, and what whole searches come to where the truth is known."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pytest

from perf.bisect.belief import Belief, Value, believe
from perf.bisect.choice import answer, next_place
from perf.bisect.line import Floats, Line

LINE = Line(8)
ABLE = np.ones(9, np.bool_)
EVEN = np.ones(8) / 8.0
# 0 ─ 1 ─ 2 ─── 5
#      └─ 3 ─ 4 ┘
MERGED = Line(5, ((), (0,), (1,), (1,), (3,), (2, 4)))


def chances(*culprits: float) -> Floats:
    return np.array(culprits, float) / sum(culprits)


def believed(line: Line, culprits: Floats, counts: Mapping[int, int], none: float = 0.0) -> Belief:
    """Values one noise above and below the likeliest culprit's two levels, which are a noise apart, in turns."""
    bad = line.made_bad_by(range(line.size + 1))[:, int(np.argmax(culprits))]
    places = [place for place, count in sorted(counts.items()) for _ in range(count)]
    logs = [bad[place] + (1.0 if number % 2 else -1.0) for number, place in enumerate(places)]
    return Belief(
        culprits * (1.0 - none), none, 1.0, 0.3, 1.0, 0.0, np.array(places, np.intp), np.array(logs, float)
    )


def following(
    line: Line, culprits: Floats, counts: Mapping[int, int], *unable: int, none: float = 0.0
) -> int:
    able = np.ones(line.size + 1, np.bool_)
    able[list(unable)] = False
    return next_place(line, believed(line, culprits, counts, none), counts, able, random.Random(1))


def test_both_ends_are_measured_first() -> None:
    counts: Counter[int] = Counter()
    for _ in range(4):
        counts[following(LINE, EVEN, counts)] += 1
    assert counts == {0: 2, 8: 2}


def test_only_the_ends_are_measured_in_turns_while_there_may_be_no_step_at_all() -> None:
    counts = Counter({0: 2, 4: 2, 8: 2})
    for _ in range(10):
        counts[following(LINE, EVEN, counts, none=0.3)] += 1
    assert counts == {0: 7, 4: 2, 8: 7}


def test_an_end_is_next_as_soon_as_its_level_is_what_is_known_least() -> None:
    often = {3: 400, 4: 400, 5: 400}
    nearly_sure = chances(0, 0, 0, 0.05, 0.9, 0.05, 0, 0)
    assert following(LINE, chances(*[0.01] * 7, 1), {0: 400, **often, 6: 400, 7: 400, 8: 2}) == 8
    assert following(LINE, nearly_sure, {0: 400, **often, 8: 400}) in often


@pytest.mark.parametrize(
    ("culprits", "place"),
    [((1, 1, 1, 1, 1, 1, 1, 1), 4), ((9, 1, 1, 1, 1, 1, 1, 1), 1), ((1, 1, 1, 1, 1, 1, 3, 9), 7)],
)
def test_the_commit_that_is_bad_as_likely_as_not_is_next(culprits: tuple[int, ...], place: int) -> None:
    assert following(LINE, chances(*culprits), {0: 9, 8: 9}) == place


def test_a_commit_that_is_built_is_as_good_as_a_new_one_that_tells_a_little_more() -> None:
    almost_even = chances(1, 1, 1.8, 0.2, 1, 1, 1, 1)
    assert following(LINE, almost_even, {0: 9, 3: 1, 8: 9}) == 3
    assert following(LINE, almost_even, {0: 9, 1: 1, 8: 9}) == 4


def test_both_sides_of_the_step_take_turns() -> None:
    sure = chances(0, 0, 0.05, 0.9, 0.05, 0, 0, 0)
    assert following(LINE, sure, {0: 9, 3: 5, 4: 4, 8: 9}) == 4
    assert following(LINE, sure, {0: 9, 3: 5, 4: 6, 8: 9}) == 3


def test_a_commit_that_cannot_be_measured_is_stepped_over() -> None:
    assert following(LINE, EVEN, {0: 9, 8: 9}, 4) in (3, 5)


def test_an_end_is_next_where_nothing_between_tells_more() -> None:
    assert following(LINE, EVEN, {0: 9, 8: 8}, *range(1, 8)) == 8


def test_a_branch_that_parts_the_culprits_best_is_next() -> None:
    assert following(MERGED, chances(0.1, 0.1, 0.1, 0.5, 0.2), {0: 9, 5: 9}) == 3 + 1


def test_what_is_next_is_the_same_for_the_same_seed() -> None:
    counts = {0: 9, 3: 5, 4: 5, 5: 5, 8: 9}
    assert len({following(LINE, EVEN, counts) for _ in range(9)}) == 1


def test_the_answer_is_the_likeliest_commit() -> None:
    found = answer(LINE, chances(1, 1, 12, 1, 1, 1, 1, 2), ABLE)
    assert found.places == (3,)
    assert found.chance == pytest.approx(0.6)


def test_commits_that_only_unmeasurable_ones_part_are_one_answer() -> None:
    able = ABLE.copy()
    able[[3, 4]] = False
    found = answer(LINE, chances(1, 1, 4, 4, 4, 1, 1, 4), able)
    assert found.places == (3, 4, 5)
    assert found.chance == pytest.approx(0.6)


def test_what_cannot_be_the_culprit_is_no_part_of_the_answer() -> None:
    able = ABLE.copy()
    able[[3, 4]] = False
    assert answer(LINE, chances(1, 1, 4, 0, 4, 1, 1, 4), able).places == (3, 5)


def test_a_branch_that_cannot_be_measured_is_one_answer_with_its_merge() -> None:
    able = np.array([True, True, True, False, False, True])
    assert answer(MERGED, chances(1, 1, 2, 2, 2), able).places == (3, 4, 5)


# -- whole searches -----------------------------------------------------------------------------------------------


def searched(
    line: Line, culprit: int, step: float, seed: int, *, spikes: float = 0.0, unbuildable: float = 0.0
) -> tuple[tuple[int, ...], list[Value]]:
    """What is named, () for no step, and the values it took."""
    source = random.Random(seed)
    broken = {place for place in range(1, line.size) if source.random() < unbuildable}
    bad = line.made_bad_by(range(line.size + 1))[:, culprit - 1]
    able, values, counts = np.ones(line.size + 1, np.bool_), list[Value](), Counter[int]()
    while len(values) < 1000:
        found = believe(line, np.ones(line.size), values)
        best = answer(line, found.culprits, able)
        if best.chance >= 0.95:
            return best.places, values
        if found.none >= 0.95:
            return (), values
        place = next_place(line, found, counts, able, random.Random(f"{seed}/{len(values)}/{able.sum()}"))
        if place in broken:
            able[place] = False
            continue
        spike = source.uniform(5.0, 50.0) if source.random() < spikes else 0.0
        values.append(Value(place, step * bool(bad[place]) + source.gauss(0.0, 1.0) + spike))
        counts[place] += 1
    raise AssertionError("no end is reached")


@pytest.mark.parametrize("spikes", [0.0, 0.05])
def test_searches_name_the_culprit(spikes: float) -> None:
    right = [
        searched(Line(32), 1 + seed % 32, 3.0, seed, spikes=spikes)[0] == (1 + seed % 32,)
        for seed in range(25)
    ]
    assert sum(right) >= 22


def test_searches_on_branches_name_the_culprit() -> None:
    right = [searched(MERGED, 1 + seed % 5, 3.0, seed)[0] == (1 + seed % 5,) for seed in range(20)]
    assert sum(right) >= 17


def test_among_unbuildable_commits_the_answer_holds_the_culprit() -> None:
    found = [searched(Line(32), 1 + seed % 32, 3.0, seed, unbuildable=0.3)[0] for seed in range(20)]
    assert sum(1 + seed % 32 in places for seed, places in enumerate(found)) >= 17
    assert any(len(places) > 1 for places in found)


def test_a_search_for_what_is_not_there_ends_without_a_name() -> None:
    assert searched(Line(32), 7, -3.0, 1)[0] == ()


def test_the_same_values_make_the_same_search() -> None:
    assert searched(Line(32), 7, 2.0, 5) == searched(Line(32), 7, 2.0, 5)
