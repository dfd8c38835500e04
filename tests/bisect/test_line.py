"""Which commits a culprit makes bad, and which culprits measured places tell apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.bisect.line import Line

# 0 ─ 1 ─ 2 ─── 5
#      └─ 3 ─ 4 ┘
MERGED = Line(5, ((), (0,), (1,), (1,), (3,), (2, 4)))


@st.composite
def histories(draw: st.DrawFn) -> Line:
    """Each place after one or two parents, all of which the last one has as ancestors."""
    size = draw(st.integers(1, 12))
    some = [draw(st.sets(st.integers(0, place - 1), min_size=1, max_size=2)) for place in range(1, size)]
    parents: list[tuple[int, ...]] = [(), *(tuple(sorted(of)) for of in some)]
    tips = set(range(size)) - {parent for of in parents for parent in of}
    return Line(size, (*parents, tuple(sorted(tips))))


@pytest.mark.parametrize(
    ("line", "culprit", "bad"),
    [
        (Line(3), 1, [0, 1, 1, 1]),
        (Line(3), 3, [0, 0, 0, 1]),
        (MERGED, 1, [0, 1, 1, 1, 1, 1]),
        (MERGED, 2, [0, 0, 1, 0, 0, 1]),
        (MERGED, 3, [0, 0, 0, 1, 1, 1]),
        (MERGED, 5, [0, 0, 0, 0, 0, 1]),
    ],
)
def test_a_commit_is_bad_if_the_culprit_is_it_or_an_ancestor(
    line: Line, culprit: int, bad: list[bool]
) -> None:
    assert line.made_bad_by(range(line.size + 1))[:, culprit - 1].tolist() == bad


@given(histories())
def test_the_good_end_is_never_bad_and_the_bad_end_always(line: Line) -> None:
    rows = line.made_bad_by([0, line.bad])
    assert not rows[0].any()
    assert rows[1].all()


@given(st.integers(1, 12), st.data())
def test_a_history_without_merges_is_a_line(size: int, data: st.DataObject) -> None:
    straight = Line(size, ((), *((place - 1,) for place in range(1, size + 1))))
    places = data.draw(st.lists(st.integers(0, size), min_size=1, unique=True))
    chances = np.random.default_rng(size).dirichlet(np.ones(size))
    assert (straight.made_bad_by(places) == Line(size).made_bad_by(places)).all()
    assert straight.chance_bad(chances) == pytest.approx(Line(size).chance_bad(chances))
    one, other = (line.told_apart_by(places)[1] for line in (straight, Line(size)))
    assert (np.equal.outer(one, one) == np.equal.outer(other, other)).all()


@given(histories(), st.data())
def test_culprits_are_of_one_kind_where_they_make_the_same_measured_commits_bad(
    line: Line, data: st.DataObject
) -> None:
    places = data.draw(st.lists(st.integers(0, line.size), min_size=1, unique=True))
    first, kind = line.told_apart_by(places)
    rows = line.made_bad_by(places)
    same = (rows[:, :, None] == rows[:, None, :]).all(axis=0)
    assert (np.equal.outer(kind, kind) == same).all()
    assert kind[first - 1].tolist() == list(range(len(first)))


@given(histories())
def test_a_commit_is_as_likely_bad_as_the_culprits_that_make_it_so(line: Line) -> None:
    chances = np.random.default_rng(line.size).dirichlet(np.ones(line.size))
    rows = line.made_bad_by(range(line.size + 1))
    assert line.chance_bad(chances) == pytest.approx(rows @ chances)
