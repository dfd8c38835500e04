"""From records to samples: the lines of one benchmark under one configuration, together. Pure."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from perf.benchmarks.format import Configuration, Failure, Result, Skip, SyntaxProblem, Unit
from perf.benchmarks.reader import parse

MOST_PROBLEMS_KEPT: Final = 100


@dataclass(frozen=True, slots=True)
class Samples:
    """All lines of one printed name under one configuration in one file.

    `values` are in base units by unit, in the order of the lines; `lines` is how many lines there were: a unit that
    some of them lack has fewer values. `procs` is the GOMAXPROCS suffix. `first_line` and `last_line` tell where.
    """

    file: str
    benchmark: str
    procs: int | None
    configuration: Configuration
    iterations: tuple[int, ...]
    values: Mapping[str, tuple[float, ...]]
    first_line: int
    last_line: int

    @property
    def lines(self) -> int:
        return len(self.iterations)

    @property
    def package(self) -> str:
        return dict(self.configuration).get("pkg", "")


@dataclass(frozen=True, slots=True)
class Source:
    """One input. Of lines that can't be read the first are kept in `problems`; `unreadable` counts all."""

    label: str
    samples: tuple[Samples, ...]
    units: tuple[Unit, ...] = ()
    failures: tuple[Failure, ...] = ()
    skips: tuple[Skip, ...] = ()
    problems: tuple[SyntaxProblem, ...] = ()
    unreadable: int = 0


@dataclass(slots=True)
class _Gathering:
    """Numbers as they come: arrays, since a file may hold millions."""

    first: Result
    last_line: int = 0
    iterations: array[int] = field(default_factory=lambda: array("q"))
    values: dict[str, array[float]] = field(default_factory=lambda: defaultdict(lambda: array("d")))

    def samples(self, label: str) -> Samples:
        benchmark, procs = self.first.benchmark, self.first.procs
        if procs == 1:
            # testing prints no suffix for GOMAXPROCS=1: this "-1" is the name's own.
            benchmark, procs = self.first.name, None
        return Samples(
            label,
            benchmark,
            procs,
            self.first.configuration,
            tuple(self.iterations),
            {unit: tuple(values) for unit, values in self.values.items()},
            self.first.line,
            self.last_line,
        )


def collect(lines: Iterable[str], label: str) -> Source:
    """Read one benchmark output; nothing raises on bad text. Memory grows with the numbers, not with the text."""
    gathered: list[_Gathering] = []
    under: dict[str, _Gathering] = {}
    configuration: Configuration | None = None
    by_configuration: dict[Configuration, dict[str, _Gathering]] = {}
    units: list[Unit] = []
    failures: list[Failure] = []
    skips: list[Skip] = []
    problems: list[SyntaxProblem] = []
    unreadable = 0
    for record in parse(lines, label):
        if isinstance(record, Result):
            # The reader makes a new configuration only where a line changed it, so identity saves hashing it.
            if record.configuration is not configuration:
                configuration = record.configuration
                under = by_configuration.setdefault(configuration, {})
            if (gathering := under.get(record.name)) is None:
                gathering = under[record.name] = _Gathering(record)
                gathered.append(gathering)
            gathering.last_line = record.line
            gathering.iterations.append(record.iterations)
            values = gathering.values
            for value in record.values:
                values[value.unit].append(value.value)
        elif isinstance(record, SyntaxProblem):
            unreadable += 1
            if len(problems) < MOST_PROBLEMS_KEPT:
                problems.append(record)
        elif isinstance(record, Failure):
            failures.append(record)
        elif isinstance(record, Skip):
            skips.append(record)
        else:
            units.append(record)
    return Source(
        label,
        tuple(each.samples(label) for each in gathered),
        tuple(units),
        tuple(failures),
        tuple(skips),
        tuple(problems),
        unreadable,
    )
