"""The staircase: every distinct binary of the range counted, and each place where the level changes."""

from __future__ import annotations

import numpy as np

from perf.bisect.choice import Answer
from perf.bisect.line import GOOD, Line
from perf.bisect.model import Change, Ending, Step, counted_change
from perf.bisect.search import Outcome, Search, tolerance_of


def scan(search: Search, least_work: float) -> tuple[Outcome, tuple[Step, ...]]:
    """Count every distinct binary, and again beside each step; only what repeats is one."""
    line, progress = search.line, search.gauge.context.progress
    search.builds.ensure(range(line.size + 1))
    search.take_in()
    distinct = sorted(set(search.same_as.values()))
    for number, place in enumerate(distinct, start=1):
        search.measure(place)
        progress.count("distinct binaries, counted", number, len(distinct))
    for step in steps(line, _levels(search), search, least_work):
        for place in (_below(search, step.places[0]), step.places[-1]):
            search.measure(place)
    found = steps(line, _levels(search), search, least_work)
    chances = np.zeros(line.size)
    return Outcome(Ending.SCANNED, Answer((), 0.0), chances, _whole(search)), found


def steps(line: Line, levels: dict[int, float], search: Search, least_work: float) -> tuple[Step, ...]:
    """Where the level of a place is not that of the nearest measured one before it.

    A merge takes over what its parents have: it is a step where it is like none of them.
    """
    found = []
    for place in range(1, line.size + 1):
        before = _below(search, place)
        if place not in levels or before not in levels:
            continue
        old, new = levels[before], levels[place]
        merged = [levels[each] for each in _parents(search, place) if each in levels]
        if all(abs(new - each) > tolerance_of(search.metric, each, least_work) for each in (old, *merged)):
            between = tuple(each for each in range(before + 1, place + 1))
            found.append(Step(between if not line.parents else (place,), counted_change(old, new)))
    return tuple(found)


def _levels(search: Search) -> dict[int, float]:
    """The median of what was counted of each place that has a binary."""
    return {
        place: float(np.median(values))
        for place, first in search.same_as.items()
        if (values := search.values.get(first))
    }


def _below(search: Search, place: int) -> int:
    """The nearest place before this that was measured: along the line, else by first parents."""
    return _measured(search, search.line.before(place))


def _parents(search: Search, place: int) -> list[int]:
    """The nearest measured places before this by the other parents of a merge."""
    others = search.line.parents[place][1:] if search.line.parents else ()
    return [_measured(search, each) for each in others]


def _measured(search: Search, place: int) -> int:
    """This place, else the nearest one before it that was measured."""
    while place != GOOD and search.same_as.get(place, -1) not in search.values:
        place = search.line.before(place)
    return place


def _whole(search: Search) -> Change | None:
    levels = _levels(search)
    if GOOD not in levels or search.line.bad not in levels:
        return None
    return counted_change(levels[GOOD], levels[search.line.bad])
