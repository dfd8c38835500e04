"""Which place to measure next, and when it is enough. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray

from perf.bisect.belief import Belief
from perf.bisect.line import GOOD, Line

_FEWEST_AT_AN_END: Final = 2
# Of all values: what each end has while it is not sure that there is a step at all, and what it has later, since both
# levels are best known where there is no doubt on which side a place lies.
_DOUBT: Final = 0.05
_SHARE_IN_DOUBT: Final = 0.25
_SHARE_OF_AN_END: Final = 0.1
# A place is compared with what surely is good or bad; each side of those has as many values.
_SURELY: Final = 0.05
_AS_OFTEN: Final = 1.0
# A place that is built is as good as a new one that would tell a little more.
_AS_GOOD: Final = 0.95


@dataclass(frozen=True, slots=True)
class Answer:
    """Culprits that no measurement can tell apart, the first place first, and how likely one of them is it."""

    places: tuple[int, ...]
    chance: float


def next_place(
    line: Line, belief: Belief, counts: Mapping[int, int], measurable: NDArray[np.bool_], rng: Random
) -> int:
    """The place of which a value is expected to tell most: an end that has few, else where good and bad are as likely.

    `measurable` has an entry for each of 0 … size. Places that have values come before new ones, which would have to be
    built; among them the one with the fewest, so those on both sides of the step take turns.
    """
    chance = line.chance_bad(belief.culprits / belief.culprits.sum())
    place = _most_telling(np.where(measurable, chance * (1.0 - chance), 0.0), counts, rng)
    share = _SHARE_IN_DOUBT if belief.none > _DOUBT else _SHARE_OF_AN_END
    least = max(_FEWEST_AT_AN_END, share * sum(counts.values()))
    sides = {
        GOOD: sum(count for each, count in counts.items() if chance[each] < _SURELY),
        line.bad: sum(count for each, count in counts.items() if chance[each] > 1.0 - _SURELY),
    }
    ends = sorted((GOOD, line.bad), key=lambda end: (counts.get(end, 0), rng.random()))
    if place is None:
        return ends[0]
    for end in ends:
        if counts.get(end, 0) < least or sides[end] < _AS_OFTEN * counts.get(place, 0):
            return end
    return place


def _most_telling(told: NDArray[np.float64], counts: Mapping[int, int], rng: Random) -> int | None:
    best = float(told.max())
    if best <= 0.0:
        return None
    known = [place for place in sorted(counts) if told[place] >= _AS_GOOD * best]
    return min(known, key=lambda place: (counts[place], rng.random())) if known else int(np.argmax(told))


def answer(line: Line, belief: Belief, measurable: NDArray[np.bool_]) -> Answer:
    """The likeliest set of culprits that only places which cannot be measured lie between."""
    _, kind = line.told_apart_by(np.flatnonzero(measurable))
    mass = np.bincount(kind, weights=belief.culprits)
    best = int(np.argmax(mass))
    places = tuple(int(each) + 1 for each in np.flatnonzero((kind == best) & (belief.culprits > 0.0)))
    return Answer(places, float(mass[best]))
