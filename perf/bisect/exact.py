"""Plain binary search, for what repeats from run to run: counted values. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perf.bisect.line import GOOD, Line


@dataclass(frozen=True, slots=True)
class Ends:
    """The levels of both ends, each counted twice or more, and how far a level lies from itself."""

    good: float
    bad: float
    jitter: float

    @property
    def differ(self) -> bool:
        return abs(self.bad - self.good) > self.jitter

    def is_bad(self, value: float) -> bool:
        """On which side of the middle it lies."""
        return abs(value - self.bad) < abs(value - self.good)

    def is_neither(self, value: float) -> bool:
        """Whether it lies on a level of its own: another commit changed it too."""
        return min(abs(value - self.good), abs(value - self.bad)) > self.jitter


def ends_of(good: Sequence[float], bad: Sequence[float], tolerance: float) -> Ends:
    """From counts of both; `tolerance` is what two counts of the same may differ by at least."""
    spread = max(max(side) - min(side) for side in (good, bad))
    return Ends(float(np.median(good)), float(np.median(bad)), max(tolerance, spread))


def possible(line: Line, ends: Ends, values: Mapping[int, float]) -> NDArray[np.bool_]:
    """Which of the culprits 1 … size fit all that was counted; `values` need not name the ends."""
    known = {GOOD: ends.good, line.bad: ends.bad, **values}
    places = list(known)
    bad = np.array([ends.is_bad(known[place]) for place in places])
    return np.asarray((line.made_bad_by(places) == bad[:, None]).all(axis=0))
