"""Figure 1 of bisect: what a search finds and costs where the truth is known. Simulated values, fixed seeds.

    python benchmarks/bisect_simulated.py [--searches 400] [--seed 1] [--quick]

A search has a culprit at random, which raises the level by d times the noise (the standard deviation of one value). It
begins with no value and counts every one, those of the ends too; "built" are the commits that had to be built for it.
Which commits are unbuildable is known only once they are tried, and right is only the smallest set that holds the
culprit and that no buildable commit parts. Drift: a random walk of 0.1 noises from one value to the next; swings: a
sine of one noise over 60 values. Exits 1 where a promised figure is missed. --quick proves little.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import statistics
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # each core has a process already
sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from benchmarks.gate_noises import heavy_tailed, normal, spiky
from benchmarks.gate_simulated import end_with_parent, table
from perf.bisect.belief import Value, believe
from perf.bisect.choice import answer, next_place
from perf.bisect.line import Line

MOST_VALUES: Final = 1500
MOST_FOR_1024: Final = 1.5


def drifting(source: random.Random, count: int) -> list[float]:
    level, values = 0.0, []
    for _ in range(count):
        level += source.gauss(0.0, 0.1)
        values.append(level + source.gauss(0.0, 1.0))
    return values


def swinging(source: random.Random, count: int) -> list[float]:
    start = source.random()
    return [math.sin(2 * math.pi * (start + number / 60)) + source.gauss(0.0, 1.0) for number in range(count)]


NOISES: Final = {
    "normal": normal,
    "drift": drifting,
    "swings": swinging,
    "heavy tails (t3)": heavy_tailed,
    "spikes": spiky,
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A kind of search. `second`: a second step at a commit at random, of d. `share` of the searches are made."""

    d: float
    noise: str = "normal"
    commits: int = 128
    unbuildable: float = 0.0
    second: float = 0.0
    confidence: float = 0.95
    share: float = 1.0

    def __str__(self) -> str:
        words = [f"d = {self.d:g}", self.noise]
        words += [f"{self.commits:,} commits"] if self.commits != 128 else []
        words += [f"{100 * self.unbuildable:.0f} % unbuildable"] if self.unbuildable else []
        words += [f"and a step of {self.second * self.d:+g}"] if self.second else []
        words += [f"confidence {self.confidence:g}"] if self.confidence != 0.95 else []
        return ", ".join(words)


@dataclass(frozen=True, slots=True)
class Promise:
    """The share that is right at least, and the mean number of values at most."""

    right: float
    values: float = math.inf


PROMISED: Final = {
    Cell(0.5): Promise(0.95, 400.0),
    Cell(1.0): Promise(0.95, 110.0),
    Cell(2.0, share=2.0): Promise(0.98, 33.0),
    Cell(10.0): Promise(0.98),
    **{Cell(1.0, noise): Promise(0.95) for noise in NOISES if noise != "normal"},
    **{Cell(2.0, noise): Promise(0.98) for noise in NOISES if noise != "normal"},
    Cell(1.0, unbuildable=0.2): Promise(0.95),
    Cell(2.0, unbuildable=0.2): Promise(0.98),
    Cell(1.0, commits=1024): Promise(0.95),
    Cell(1.0, confidence=0.8): Promise(0.8),
    Cell(1.0, confidence=0.99, share=2.0): Promise(0.99),
}
SHOWN: Final = (
    Cell(0.0, share=0.5),
    Cell(0.0, "drift", share=0.25),
    Cell(0.0, "heavy tails (t3)", share=0.25),
    Cell(0.25, share=0.1),
    Cell(2.0, second=1.0),
    Cell(2.0, second=0.5),
    Cell(2.0, second=-1.0, share=0.25),
)


@dataclass(frozen=True, slots=True)
class Ended:
    """A search: what it took, what it said. `named` is None where it said nothing, empty for "no step"."""

    values: int
    built: int
    named: tuple[int, ...] | None
    right: bool
    chance: float


def one(cell: Cell, name: str) -> Ended:
    """A search as `bisect` makes it, over values that are drawn as they are asked for."""
    source = random.Random(f"{cell}/{name}")
    line = Line(cell.commits)
    culprit, other = source.sample(range(1, line.size), 2)
    steps = {culprit: cell.d, **({other: cell.second * cell.d} if cell.second else {})} if cell.d else {}
    builds = [
        place in (0, line.size) or source.random() >= cell.unbuildable for place in range(line.size + 1)
    ]
    right = [_inseparable(builds, place) for place in steps] or [()]
    noise = NOISES[cell.noise](source, MOST_VALUES)
    measurable, values = np.ones(line.size + 1, np.bool_), list[Value]()
    counts: dict[int, int] = {}
    while True:
        belief = believe(line, np.ones(line.size), values)
        best = answer(line, belief.culprits, measurable)
        if best.chance >= cell.confidence:
            return Ended(len(values), len(counts), best.places, best.places in right, best.chance)
        if belief.none >= cell.confidence:
            return Ended(len(values), len(counts), (), () in right, belief.none)
        if len(values) == MOST_VALUES:
            return Ended(len(values), len(counts), None, False, best.chance)
        rng = random.Random(f"{name}/{len(values)}/{measurable.sum()}")
        place = next_place(line, belief, counts, measurable, rng)
        if not builds[place]:
            measurable[place] = False
            continue
        level = sum(height for at, height in steps.items() if at <= place)
        values.append(Value(place, level + noise[len(values)]))
        counts[place] = counts.get(place, 0) + 1


def _inseparable(builds: Sequence[bool], culprit: int) -> tuple[int, ...]:
    """The culprit and those that only commits which do not build part it from."""
    before = max(place for place in range(culprit) if builds[place])
    last = min(place for place in range(culprit, len(builds)) if builds[place])
    return tuple(range(before + 1, last + 1))


@dataclass(frozen=True, slots=True)
class Row:
    cell: Cell
    ended: tuple[Ended, ...]

    @property
    def mean_values(self) -> float:
        return statistics.fmean(each.values for each in self.ended)

    @property
    def right(self) -> float:
        return statistics.fmean(each.right for each in self.ended)

    def missed(self, promise: Promise) -> list[str]:
        words = []
        if self.mean_values > promise.values:
            words.append(f"{self.cell}: {self.mean_values:.1f} values, at most {promise.values:.0f}")
        if self.right < promise.right:
            words.append(f"{self.cell}: {self.right:.1%} right, at least {promise.right:.0%}")
        return words

    def shown(self) -> tuple[str, ...]:
        values = sorted(each.values for each in self.ended)
        told = [each for each in self.ended if each.named]
        return (
            str(self.cell),
            str(len(self.ended)),
            f"{self.mean_values:.1f}",
            f"{values[int(0.95 * len(values))]}",
            f"{statistics.fmean(each.built for each in self.ended):.1f}",
            f"{self.right:.1%}",
            f"{len(told) / len(self.ended):.1%}",
            f"{statistics.fmean(each.chance for each in told):.1%}" if told else "–",
            f"{statistics.fmean(each.named == () for each in self.ended):.1%}",
            f"{statistics.fmean(each.named is None for each in self.ended):.1%}",
        )


HEADS: Final = (
    "kind of search",
    "searches",
    "mean values",
    "95 % within",
    "built",
    "right",
    "named one",
    "with mean chance",
    'said "no step"',
    "undecided",
)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--searches", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a few searches of each kind")
    given = parser.parse_args(arguments)
    searches = 8 if given.quick else given.searches
    missed: list[str] = []
    means: dict[Cell, float] = {}
    print(table(HEADS, ()))
    with ProcessPoolExecutor(os.cpu_count(), initializer=end_with_parent) as pool:
        for cell in (*PROMISED, *SHOWN):
            names = [f"{given.seed}/{number}" for number in range(max(4, round(searches * cell.share)))]
            row = Row(cell, tuple(pool.map(one, [cell] * len(names), names, chunksize=4)))
            print("| " + " | ".join(row.shown()) + " |", flush=True)
            means[cell] = row.mean_values
            missed += row.missed(PROMISED[cell]) if cell in PROMISED else []
    times = means[Cell(1.0, commits=1024)] / means[Cell(1.0)]
    print(f"\n1,024 commits cost {times:.2f} times what 128 do")
    if times > MOST_FOR_1024:
        missed.append(f"1,024 commits cost {times:.2f} times what 128 do, at most {MOST_FOR_1024}")
    for each in missed:
        print(f"missed: {each}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
