"""What a bisect comes to: the nouns that the search fills in and that are shown. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from perf.model import Blame


class Metric(StrEnum):
    """What may be searched by, in the words of the command line; `unit` is that of its values."""

    INSTRUCTIONS = "instructions"
    ALLOCS = "allocs"
    BYTES = "bytes"
    CPU = "cpu"
    WALL = "wall"

    @property
    def unit(self) -> str:
        return _UNITS[self]

    @property
    def repeats(self) -> bool:
        """Whether a run or two give the value: counted, not timed."""
        return self not in (Metric.CPU, Metric.WALL)


_UNITS = {
    Metric.INSTRUCTIONS: "instructions/op",
    Metric.ALLOCS: "allocs/op",
    Metric.BYTES: "B/op",
    Metric.CPU: "cpu-sec/op",
    Metric.WALL: "sec/op",
}


class Ending(StrEnum):
    """How a search ended. The first three name commits."""

    FOUND = "found"
    BENCHMARK_CHANGED = "the benchmark itself changed"
    SCANNED = "every step of the range"
    SAME_BINARY = "no commit in this range can have changed it"
    NO_SHIFT = "the ends do not differ"
    UNDECIDED = "not determined"


class State(StrEnum):
    """What is known of a commit in the range."""

    MEASURED = "measured"
    BUILT = "built, not measured"
    SAME = "same binary"
    SKIPPED = "cannot be measured"
    UNTOUCHED = "not looked at"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of the range; `date` as ISO 8601, `author` with the address.

    `parents` are the full hashes of all its parents, those outside of the range too; () where not known.
    """

    sha: str
    author: str
    date: str
    subject: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Level:
    """A place of the range. `values` are its measurements in base units, in the order they came.

    `same_as` is the place whose values are its too, since the test binary is the same; `reason` tells why it cannot be
    measured. `chance` is how likely this commit is the culprit.
    """

    place: int
    commit: Commit
    state: State
    values: tuple[float, ...] = ()
    same_as: int | None = None
    reason: str = ""
    chance: float = 0.0


@dataclass(frozen=True, slots=True)
class Change:
    """From one level to the other, as fractions of the first (+.1: a tenth more); the ends are None where not known."""

    fraction: float
    low: float | None
    high: float | None
    before: float
    after: float


def counted_change(before: float, after: float) -> Change:
    """Between two levels that were counted: without an interval, and infinite from nothing."""
    return Change(after / before - 1.0 if before else math.inf, None, None, before, after)


@dataclass(frozen=True, slots=True)
class Step:
    """A change of level: places that cannot be told apart, the first of them first, and by how much."""

    places: tuple[int, ...]
    change: Change


@dataclass(frozen=True, slots=True)
class Verified:
    """The culprit against its parent by fresh pairs: what the gate's table says of them."""

    verdict: str
    reason: str
    rounds: int


@dataclass(frozen=True, slots=True)
class BisectResult:
    """A search and its answer.

    `culprits` are places that cannot be told apart, the first of them first: one, unless commits between cannot be
    measured; `chance` is how likely one of them is it, 1 for counted metrics. `levels` has an entry for every place,
    0 (the good end) to the bad end. `measurements` are processes started for a value, `builds` test binaries linked.
    `again` and `resume` are commands. `all_parents`: what merges brought in was searched too, else first parents.
    """

    target: str
    package: str
    benchmark: str
    metric: Metric
    improvement: bool
    confidence: float
    ending: Ending
    summary: str
    culprits: tuple[int, ...]
    chance: float
    change: Change | None
    levels: tuple[Level, ...]
    measurements: int
    builds: int
    seconds: float
    seed: int
    machine: str = ""
    counter: str = ""
    notes: tuple[str, ...] = ()
    blame: Blame | None = None
    verified: Verified | None = None
    steps: tuple[Step, ...] = ()
    again: str = ""
    resume: str = ""
    all_parents: bool = False
