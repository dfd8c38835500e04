"""How much two runs of equal code differ on one machine, from the baselines that it has. Pure.

Samples of within a run cannot show it: the machine's other work, the layout of memory and the clock are another's on
another day. So the medians of neighbouring commits are held against each other. Most commits leave most benchmarks as
they are, and the scale is a robust one, so the few true steps among them count for little.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from perf.baseline.machines import differences
from perf.regression.statistics import MAD_TO_DEVIATION
from perf.units import format_fraction

# Standard deviation, on the log scale, between two runs of equal code on one machine, until its history tells better.
PRIOR: Final = 0.05
# Fewer baselines than these say too little for a verdict to rest on.
FEWEST_BASELINES: Final = 8
# For how many differences the prior stands, and for a benchmark what all of them differ by.
_PRIOR_WEIGHT: Final = 8
# A benchmark with fewer differences than these has no scale of its own.
_FEWEST_DIFFERENCES: Final = 3
# Median of |x| to the standard deviation of a normal (Rousseeuw and Croux, J. Am. Stat. Assoc. 88, 1993).

# A change must be so much larger than any jump that was seen: 3 times with 8 baselines, 1.8 times with 20.
_MARGIN_BASELINES: Final = 16.0

# (package, benchmark, unit)
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One baseline in brief: the machine as it was, and each metric's median over the processes."""

    fingerprint: Mapping[str, str | int]
    medians: Mapping[Key, float]


@dataclass(frozen=True, slots=True)
class BetweenRuns:
    """What two runs of equal code differ by, from `baselines` of this machine; without any it is the prior.

    `own` and `by_unit` are standard deviations on the log scale, of a row and of its unit's rows together. `jump` is
    the largest deviation that any row came back from, in its own standard deviations.
    """

    baselines: int = 0
    own: Mapping[Key, float] = field(default_factory=dict)
    by_unit: Mapping[str, float] = field(default_factory=dict)
    jump: float = 0.0

    @property
    def estimated(self) -> bool:
        """Whether the history is long enough for a verdict to rest on."""
        return self.baselines >= FEWEST_BASELINES

    def of(self, key: Key) -> float:
        """The standard deviation for one row; its unit's where the benchmark has no history, else the prior."""
        return self.own.get(key, self.by_unit.get(key[2], PRIOR))

    def beyond(self, key: Key) -> float:
        """The size of a change, on the log scale, that no jump of this machine's history comes near.

        Rare bursts are not in a robust scale, and the fewer baselines, the fewer of them were seen: hence the margin.
        (With 100 benchmarks of heavy-tailed or spiky noise and 8 to 30 baselines it leaves about one run in a hundred
        with a false red; tests/regression/test_stored.py simulates it.)
        """
        return (1.0 + _MARGIN_BASELINES / max(self.baselines, 1)) * self.jump * self.of(key)

    def words(self, key: Key) -> str:
        """How far the row's deviation is known: "2.1 % between runs, estimated from 12 baselines"."""
        deviation = format_fraction(self.of(key))
        if self.estimated:
            return f"{deviation} between runs, estimated from {self.baselines} baselines"
        stand = f"{self.baselines} of {FEWEST_BASELINES} baselines stand"
        return f"{deviation} between runs, mostly assumed: {stand}"


def estimate(history: Iterable[Snapshot]) -> BetweenRuns:
    """What baselines of neighbouring commits show, in the order of the commits (either way round).

    Each row: the scale of the successive differences of the logs of its medians, 1.4826 × the median of their sizes.
    Differences do not see a drift, and the median of sizes does not see a step or two. What is within a run adds to
    it, so it is rather too large. Each unit: the median over its rows, drawn to the prior, which counts as eight
    differences; a row's own scale is drawn to its unit's in the same way. Neighbours between which the kernel, Go or
    another field changed are left out.
    """
    stretches = _stretches(history)
    logs = [[_logs(each) for each in stretch] for stretch in stretches]
    moves: dict[Key, list[float]] = {}
    for stretch in logs:
        for one, other in pairwise(stretch):
            for key in one.keys() & other.keys():
                moves.setdefault(key, []).append(abs(one[key] - other[key]))
    scales = {
        key: MAD_TO_DEVIATION * statistics.median(sizes)
        for key, sizes in moves.items()
        if len(sizes) >= _FEWEST_DIFFERENCES
    }
    steps = sum(len(stretch) - 1 for stretch in stretches)
    by_unit = {
        unit: _drawn(
            statistics.median(scale for key, scale in scales.items() if key[2] == unit), steps, PRIOR
        )
        for unit in {key[2] for key in scales}
    }
    own = {key: _drawn(scale, len(moves[key]), by_unit[key[2]]) for key, scale in scales.items()}
    return BetweenRuns(sum(map(len, stretches)), own, by_unit, _jump(logs, own))


def _stretches(history: Iterable[Snapshot]) -> list[list[Snapshot]]:
    """Neighbours of equal fingerprints together; one that has no such neighbour says nothing."""
    stretches: list[list[Snapshot]] = []
    for each in history:
        if stretches and not differences(stretches[-1][-1].fingerprint, each.fingerprint):
            stretches[-1].append(each)
        else:
            stretches.append([each])
    return [stretch for stretch in stretches if len(stretch) > 1]


def _logs(snapshot: Snapshot) -> dict[Key, float]:
    return {key: math.log(value) for key, value in snapshot.medians.items() if 0.0 < value < math.inf}


def _jump(stretches: Iterable[Sequence[Mapping[Key, float]]], own: Mapping[Key, float]) -> float:
    """The largest distance from the median of three neighbours, in the row's deviations.

    That median follows a step, which stays, and not a burst, which is gone at the next commit (Tukey, Exploratory Data
    Analysis, 1977, running medians of 3).
    """
    largest = 0.0
    for stretch in stretches:
        for three in zip(stretch, stretch[1:], stretch[2:], strict=False):
            for key, deviation in own.items():
                if all(key in each for each in three):
                    before, middle, after = (each[key] for each in three)
                    largest = max(largest, abs(middle - sorted((before, middle, after))[1]) / deviation)
    return largest


def _drawn(scale: float, moves: int, to: float) -> float:
    """A scale from so many moves, drawn to what was thought before; on the variance."""
    variance = (_PRIOR_WEIGHT * to**2 + moves * scale**2) / (_PRIOR_WEIGHT + moves)
    return math.sqrt(variance)
