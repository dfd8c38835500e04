"""Which place to measure next, and when it is enough. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray

from perf.bisect.belief import Belief
from perf.bisect.line import GOOD, Floats, Line, Numbers

_FEWEST_AT_AN_END: Final = 2
# Only the ends tell whether there is a step at all: nothing else is measured while that is as doubtful as this.
_DOUBT: Final = 0.2
# A place that is built is as good as a new one that would tell a little more.
_AS_GOOD: Final = 0.9
# Of all chance: culprits that fewer values would tell apart are not worth a new place.
_WORTH_A_PLACE: Final = 1e-3
# What may be measured is drawn as so many points, as many deviations beyond the levels; levels further apart than so
# many deviations are as sharp as any.
_POINTS: Final = 80
_BEYOND: Final = 4.5
_SHARPEST: Final = 40.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Culprits that no measurement can tell apart, the first place first, and how likely one of them is it."""

    places: tuple[int, ...]
    chance: float


def next_place(
    line: Line, belief: Belief, counts: Mapping[int, int], measurable: NDArray[np.bool_], rng: Random
) -> int:
    """The place of which a value is expected to tell most of the culprit; the ends until there surely is a step.

    `counts` has an entry for each place that is built, `measurable` one for each of 0 … size. Built places come before
    new ones; among equals the one with the fewest values, so those on both sides of the step take turns.
    """
    ends = sorted((GOOD, line.bad), key=lambda end: (counts.get(end, 0), rng.random()))
    if counts.get(ends[0], 0) < _FEWEST_AT_AN_END or belief.none > _DOUBT:
        return ends[0]
    places, told = expected_nats(line, belief, counts, measurable)
    best = float(told.max(initial=0.0))
    if best <= 0.0:
        return ends[0]
    near = [int(place) for place, nats in zip(places, told, strict=True) if nats >= _AS_GOOD * best]
    return min(near, key=lambda place: (place not in counts, counts.get(place, 0), rng.random()))


def expected_nats(
    line: Line, belief: Belief, built: Collection[int], measurable: NDArray[np.bool_]
) -> tuple[Numbers, Floats]:
    """What a value more of a place is expected to tell of the culprit, for each place that is worth a thought.

    Those are the built ones and, of each group of culprits that the values do not tell apart, the place that parts it
    best. The mutual information of value and culprit (D. V. Lindley, "On a measure of the information provided by an
    experiment", Ann. Math. Statist. 27, 1956), each culprit foreseeing its own two levels from the values on its sides:
    so an end tells too, as long as its level is not well known.
    """
    places = np.unique(belief.places) if len(belief.places) else np.array([GOOD, line.bad])
    first, kind = line.told_apart_by(places)
    parts = np.zeros((line.size, len(first)))
    parts[np.arange(line.size), kind] = belief.culprits
    mass, bad = parts.sum(axis=0), line.chance_bad(parts)
    parted = np.where(measurable[:, None], bad * (mass - bad), 0.0)
    new = parted.argmax(axis=0)[(mass > _WORTH_A_PLACE) & (parted.max(axis=0) > 0.0)]
    known = [place for place in built if measurable[place]]
    candidates: Numbers = np.union1d(np.array(known, np.intp), new)
    means, deviations = _foreseen(line, belief, first)
    if not deviations.any():
        chance = bad[candidates].sum(axis=1)
        return candidates, np.asarray(chance * (1.0 - chance))
    weights = np.concatenate(
        [mass - bad[candidates], bad[candidates], np.full((len(candidates), 1), belief.none)], axis=1
    )
    # Both levels of every culprit, and that of all values: what each would give, and how much that varies by itself.
    edge = _BEYOND * deviations.max()
    values, width = np.linspace(means.min() - edge, means.max() + edge, _POINTS, retstep=True)
    densities = np.exp(-0.5 * ((values - means[:, None]) / deviations[:, None]) ** 2) / (
        np.sqrt(2.0 * np.pi) * deviations[:, None]
    )
    mixed = weights @ densities
    surprise = -(mixed * np.log(np.maximum(mixed, np.finfo(float).tiny))).sum(axis=1) * width
    return candidates, surprise - weights @ np.log(np.sqrt(2.0 * np.pi * np.e) * deviations)


def _foreseen(line: Line, belief: Belief, first: Numbers) -> tuple[Floats, Floats]:
    """The next value of a good place for each of the culprits `first`, of a bad one for each, and without any step."""
    places, row = np.unique(belief.places, return_inverse=True)
    counts, sums = np.bincount(row, minlength=len(places)), np.bincount(row, belief.logs, len(places))
    bad = line.made_bad_by(places)[:, first - 1]
    number = np.concatenate([counts @ ~bad, counts @ bad, [counts.sum()]])
    total = np.concatenate([sums @ ~bad, sums @ bad, [sums.sum()]])
    means = total / np.maximum(number, 1)
    noise = max(belief.noise, float(np.ptp(means)) / _SHARPEST)
    return means, np.asarray(noise * np.sqrt(1.0 + 1.0 / np.maximum(number, 0.25)))


def answer(line: Line, culprits: Floats, measurable: NDArray[np.bool_]) -> Answer:
    """The likeliest set of culprits that only places which cannot be measured lie between.

    `culprits` are the chances of 1 … size.
    """
    _, kind = line.told_apart_by(np.flatnonzero(measurable))
    mass = np.bincount(kind, weights=culprits)
    best = int(np.argmax(mass))
    places = tuple(int(each) + 1 for each in np.flatnonzero((kind == best) & (culprits > 0.0)))
    return Answer(places, float(mass[best]))
