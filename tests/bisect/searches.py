"""Searches over histories that exist in memory alone: what builds, what each commit costs, and what went wrong."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from perf.benchmarks.binaries import TestBinary
from perf.bisect.builds import Builds, Built
from perf.bisect.line import Line
from perf.bisect.model import Metric
from perf.bisect.probe import Gauge
from perf.bisect.search import Search
from perf.system.progress import Progress


class Places:
    """Builds of a history: places with a reason have no binary, those of one letter have the same."""

    def __init__(self, broken: Mapping[int, str], same: Mapping[int, int]) -> None:
        self._broken, self._same = dict(broken), same
        self._digests: dict[str, str] = {}
        self._known: dict[int, Built] = {}
        self.asked: list[int] = []

    def ensure(self, places: Sequence[int]) -> None:
        for place in places:
            if place not in self._known:
                self.asked.append(place)
                self._known[place] = self._build(place)

    def at(self, place: int) -> Built:
        self.ensure([place])
        return self._known[place]

    def known(self) -> dict[int, Built]:
        return dict(self._known)

    def give_up(self, digest: str, reason: str) -> None:
        for place, each in self._known.items():
            if each.digest == digest:
                self._known[place] = Built(None, reason)

    def _build(self, place: int) -> Built:
        if place in self._broken:
            return Built(None, self._broken[place])
        digest = f"{self._same.get(place, place):040}"
        return Built(TestBinary("./pkg", Path("."), Path("benchmarks.test"), digest, None))


@dataclass
class Values:
    """A gauge of made-up values: `cost(place, rng)`, or the reason why there is none."""

    cost: Callable[[int, random.Random], float | str]
    rng: random.Random = field(default_factory=lambda: random.Random(7))
    context: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(progress=Progress(quiet=True)))

    def value(self, metric: Metric, binary: TestBinary, number: int) -> float | str:
        return self.cost(int(binary.digest), self.rng)


def search(
    size: int,
    cost: Callable[[int, random.Random], float | str],
    metric: Metric = Metric.ALLOCS,
    *,
    broken: Mapping[int, str] | None = None,
    same: Mapping[int, int] | None = None,
    improvement: bool = False,
    line: Line | None = None,
    deadline_seconds: float = 1e9,
) -> Search:
    """A search whose ends are built, as the command hands it over."""
    builds = Places(broken or {}, same or {})
    made = Search(
        line or Line(size),
        cast(Builds, builds),
        cast(Gauge, Values(cost)),
        metric,
        improvement,
        0.95,
        1,
        deadline_seconds,
    )
    builds.ensure([0, size])
    made.take_in()
    return made


def step(culprit: int, before: float = 10.0, after: float = 11.0) -> Callable[[int, random.Random], float]:
    return lambda place, _: after if place >= culprit else before


def noisy(culprit: int, shift: float, sd: float = 0.1) -> Callable[[int, random.Random], float]:
    """Times about 1 ms, their logarithms with this deviation."""
    return lambda place, rng: 1e-3 * (1.0 + shift * (place >= culprit)) * rng.lognormvariate(0.0, sd)
