"""Benchmark outputs for the tests: lines from values, files from lines, sources and boards from text."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from perf.compare.board import compare
from perf.compare.judge import Limits
from perf.compare.model import Asked, Board, Row
from perf.compare.samples import Source, collect
from perf.model import Verdict

HEADER = "goos: linux\ngoarch: amd64\npkg: example.com/p\ncpu: A\n"


def lines(name: str, values: Iterable[float | str], unit: str = "ns/op", iterations: int = 1000) -> str:
    """A line for each value."""
    return "".join(f"{name} \t{iterations:8d}\t{value} {unit}\n" for value in values)


def several(name: str, rounds: Iterable[dict[str, float | str]], iterations: int = 1000) -> str:
    """A line for each round, of several metrics."""
    return "".join(
        f"{name} \t{iterations:8d}" + "".join(f"\t{value} {unit}" for unit, value in each.items()) + "\n"
        for each in rounds
    )


def steady(centre: float, count: int = 10) -> list[float]:
    """Values that vary by half a percent, the same at each call."""
    return [round(centre * (1.0 + 0.001 * (index % 5 - 2)), 4) for index in range(count)]


def noisy(centre: float, seed: int, count: int = 10, sd: float = 0.1) -> list[float]:
    draw = random.Random(seed)
    return [round(centre * draw.lognormvariate(0.0, sd), 2) for _ in range(count)]


def source(text: str, label: str = "old") -> Source:
    return collect(text.splitlines(keepends=True), label)


def board(old: str, new: str, asked: Asked | None = None, header: str = HEADER) -> Board:
    """OLD against NEW, both below the same header."""
    return compare([source(header + old, "old"), source(header + new, "new")], asked or Asked())


def single(made: Board) -> Row:
    """The board's only row."""
    assert len(made.rows) == 1, [row.comparison.name for row in made.rows]
    return made.rows[0]


def verdicts(made: Board) -> dict[tuple[str, str], Verdict]:
    return {(row.comparison.name, row.comparison.unit): row.verdict for row in made.rows}


def paired() -> Asked:
    return Asked(limits=Limits(paired=True))


def titles(rows: Sequence[Row]) -> list[str]:
    return [row.comparison.name for row in rows]
