"""What the gate's verdicts are worth where the truth is known: simulated pairs, many noises, fixed seeds.

    python benchmarks/gate_simulated.py [--runs 400] [--found 4000] [--seed 1] [--quick]

A run has 100 benchmarks of one timed unit each, judged as `regression` judges them: looks after 6 to 30 rounds, alarms
confirmed on fresh rounds. Noises are scaled to the standard deviation of a pair's log ratio; "drifting" is a machine
whose speed wanders and whose noise grows, measured in balanced random order. Two harsher ones are printed as they are.
Then counted instructions, with the jitter of a process. Exits 1 where a promised figure is missed. About ten minutes on
2 cores; --quick takes seconds and proves little.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import parent_process
from multiprocessing.pool import Pool
from pathlib import Path
from threading import Thread
from typing import Final

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.gate_noises import HARSHER, NOISES
from perf.calibrate.advice import Rate
from perf.model import Verdict
from perf.regression.comparisons import Limits
from perf.regression.confirmed import confirm_timed
from perf.regression.looks import FRESH_LOOKS, LOOKS
from perf.regression.timed import Timed, decide
from perf.regression.verdicts import signed
from perf.regression.worked import Worked, judge_worked
from perf.units import format_fraction

BENCHMARKS: Final = 100
LIMITS: Final = Limits(least_effect=0.03, false_alarms=0.01)
BATCHES: Final = 16

# What is promised.
MOST_RED: Final = 0.005
LEAST_FOUND: Final = {(0.05, 0.04): 0.95, (0.10, 0.07): 0.98}
MOST_ROUNDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Asked:
    """`runs` of a hundred unchanged benchmarks for a cell; `found`: changed benchmarks for a cell."""

    runs: int
    found: int
    seed: int


@dataclass(frozen=True, slots=True)
class Printed:
    """A table, and the promises that its figures miss."""

    text: str
    missed: tuple[str, ...]


# -- time ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """Benchmarks of one noise, `sd` of a pair and true change (a fraction, for the worse)."""

    noise: str
    sd: float
    change: float
    benchmarks: int
    seed: int


@dataclass(frozen=True, slots=True)
class Ended:
    """One benchmark: its verdict, whether the first rounds alarmed, the rounds it took, the change it shows."""

    verdict: Verdict
    alarm: bool
    rounds: int
    fresh_rounds: int
    shown: float | None


def one(cell: Cell, source: random.Random) -> Ended:
    noise = {**NOISES, **HARSHER}[cell.noise]
    first = _timed(cell, noise(source, LOOKS[-1]), LIMITS.level(BENCHMARKS))
    rule, seen = decide(first)
    if not rule.alarm:
        return Ended(rule.verdict, False, len(seen.ratios), 0, None)
    rounds = len(seen.ratios)
    first = _timed(cell, [], first.level, first.head[:rounds])
    again = _timed(cell, noise(source, FRESH_LOOKS[-1]), LIMITS.fresh_level, looks=FRESH_LOOKS)
    judged = confirm_timed(first, again)
    assert judged.estimate is not None
    return Ended(judged.verdict, True, rounds, judged.estimate.rounds - rounds, judged.estimate.change)


def _timed(
    cell: Cell,
    noise: Iterable[float],
    level: float,
    head: tuple[float, ...] = (),
    looks: tuple[int, ...] = LOOKS,
) -> Timed:
    head = head or tuple((1.0 + cell.change) * math.exp(cell.sd * each) for each in noise)
    return Timed(
        "sec/op", (1.0,) * len(head), head, False, LIMITS.least_effect, LIMITS.least_effect, level, looks
    )


def batch(task: tuple[Cell, int]) -> list[Ended]:
    cell, number = task
    source = random.Random(f"{cell}/{number}")
    share = range(number, cell.benchmarks, BATCHES)
    return [one(cell, source) for _ in share]


def end_with_parent() -> None:
    """In a worker: a parent that was killed takes it along; by itself it would wait for work for ever."""
    parent = parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    Thread(target=wait, daemon=True).start()


def ended(pool: Pool, cell: Cell) -> list[Ended]:
    return [each for part in pool.map(batch, [(cell, number) for number in range(BATCHES)]) for each in part]


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything printed of one noise. Rates of runs for what is false, of benchmarks for what is found."""

    red: Rate
    green: Rate
    alarms_a_run: float
    rounds: float
    unknown: float


def of_nothing(rows: Sequence[Ended]) -> Figures:
    """Rows of benchmarks that did not change, a hundred a run."""
    runs = [rows[start : start + BENCHMARKS] for start in range(0, len(rows), BENCHMARKS)]

    def runs_with(verdict: Verdict) -> Rate:
        return Rate(sum(any(row.verdict is verdict for row in run) for run in runs), len(runs))

    return Figures(
        runs_with(Verdict.REGRESSION),
        runs_with(Verdict.IMPROVEMENT),
        sum(row.alarm for row in rows) / len(runs),
        statistics.fmean(row.rounds for row in rows),
        share(rows, Verdict.UNKNOWN),
    )


def share(rows: Sequence[Ended], verdict: Verdict) -> float:
    return sum(row.verdict is verdict for row in rows) / len(rows)


def table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    align = ("---", *("---:" for _ in heads[1:]))
    return "\n".join("| " + " | ".join(line) + " |" for line in (heads, align, *lines))


def runs_rate(rate: Rate) -> str:
    low, high = map(format_fraction, rate.interval)
    return f"{rate.count} of {rate.of} (95 %: {low} … {high})"


def nothing_changed(pool: Pool, names: Iterable[str], sds: Sequence[float], asked: Asked) -> Printed:
    lines, missed = [], []
    for name in names:
        for sd in sds:
            found = of_nothing(ended(pool, Cell(name, sd, 0.0, asked.runs * BENCHMARKS, asked.seed)))
            lines.append(
                (
                    f"{name}, {format_fraction(sd)}",
                    runs_rate(found.red),
                    runs_rate(found.green),
                    f"{found.alarms_a_run:.3f}",
                    f"{found.rounds:.1f}",
                    format_fraction(found.unknown),
                )
            )
            if name in NOISES and found.red.share > MOST_RED:
                missed.append(
                    f"{name}, {format_fraction(sd)}: {format_fraction(found.red.share)} of null runs red"
                )
            if name in NOISES and sd == 0.04 and found.rounds > MOST_ROUNDS:
                missed.append(f"{name}: an unchanged benchmark costs {found.rounds:.1f} rounds")
    heads = ("nothing changed", "runs red", "runs falsely green", "alarms a run", "rounds", "unknown")
    return Printed(table(heads, lines), tuple(missed))


def something_changed(
    pool: Pool, names: Iterable[str], cells: Iterable[tuple[float, float]], asked: Asked
) -> Printed:
    lines, missed = [], []
    for change, sd in cells:
        for name in names:
            rows = ended(pool, Cell(name, sd, change, asked.found, asked.seed))
            red = [row for row in rows if row.verdict is Verdict.REGRESSION]
            found = len(red) / len(rows)
            shown = statistics.fmean(row.shown for row in red if row.shown is not None) if red else math.nan
            lines.append(
                (
                    f"{name}, {signed(change)} at {format_fraction(sd)}",
                    format_fraction(share_alarmed(rows)),
                    format_fraction(found),
                    f"{statistics.fmean(row.rounds for row in rows):.1f}",
                    f"{statistics.fmean(row.fresh_rounds for row in red):.1f}" if red else "–",
                    signed(shown),
                    format_fraction(share(rows, Verdict.UNCHANGED)),
                )
            )
            if name in NOISES and found < LEAST_FOUND.get((change, sd), 0.0):
                missed.append(
                    f"{name}: {signed(change)} at {format_fraction(sd)} found in {format_fraction(found)}"
                )
    heads = (
        "slower by",
        "alarm within 30",
        "found",
        "first rounds",
        "fresh rounds",
        "mean shown",
        'called "unchanged"',
    )
    return Printed(table(heads, lines), tuple(missed))


def share_alarmed(rows: Sequence[Ended]) -> float:
    return sum(row.alarm for row in rows) / len(rows)


# -- instructions -------------------------------------------------------------------------------------------------


def counts(source: random.Random, jitter: float, modes: float, change: float, runs: int) -> tuple[float, ...]:
    """Of processes that jitter by `jitter`; one of two is `modes` higher, as where a hash seed decides."""
    return tuple(
        1e5 * (1.0 + change) * (1.0 + source.gauss(0.0, jitter)) * (1.0 + modes * (source.random() < 0.5))
        for _ in range(runs)
    )


def worked(source: random.Random, jitter: float, modes: float, change: float) -> Verdict:
    """Three counts a side, four fresh ones."""
    first = [counts(source, jitter, modes, each, 3) for each in (0.0, change)]
    fresh = [counts(source, jitter, modes, each, 4) for each in (0.0, change)]
    facts = Worked(first[0], first[1], LIMITS.least_work, LIMITS.least_effect, fresh[0], fresh[1])
    return judge_worked(facts).verdict


def instructions(asked: Asked) -> Printed:
    lines = []
    for jitter, modes in ((0.0005, 0.0), (0.001, 0.0), (0.002, 0.0), (0.01, 0.0), (0.001, 0.2)):
        source = random.Random(f"{asked.seed}/{jitter}/{modes}")
        nothing = [worked(source, jitter, modes, 0.0) for _ in range(asked.runs * BENCHMARKS)]
        more = [worked(source, jitter, modes, 0.005) for _ in range(asked.found)]
        red = sum(each is Verdict.REGRESSION for each in nothing)
        lines.append(
            (
                f"{format_fraction(jitter)}{', two modes 20 % apart' if modes else ''}",
                f"{red} of {len(nothing):,}",
                format_fraction(sum(each is Verdict.UNCHANGED for each in nothing) / len(nothing)),
                format_fraction(sum(each is Verdict.REGRESSION for each in more) / len(more)),
            )
        )
    heads = (
        "jitter of a process (sd)",
        "benchmarks red, nothing changed",
        'called "unchanged"',
        "+0.5 % found",
    )
    return Printed(table(heads, lines), ())


# -- the command --------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--found", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="few runs of the normal noise alone")
    given = parser.parse_args(arguments)
    asked = Asked(2, 100, given.seed) if given.quick else Asked(given.runs, given.found, given.seed)
    names = ["normal"] if given.quick else list(NOISES)
    missed: list[str] = []
    with Pool(os.cpu_count(), initializer=end_with_parent) as pool:
        tables = (
            partial(nothing_changed, pool, names, (0.04, 0.07), asked),
            partial(something_changed, pool, names, LEAST_FOUND, asked),
            partial(something_changed, pool, names, [(1.01 * LIMITS.least_effect, 0.04)], asked),
            partial(nothing_changed, pool, HARSHER, (0.04,), asked),
            partial(something_changed, pool, HARSHER, [(0.05, 0.04), (0.10, 0.04)], asked),
            partial(instructions, asked),
        )
        for one_table in tables:
            printed = one_table()
            print(f"{printed.text}\n", flush=True)
            missed += printed.missed
    for each in missed:
        print(f"missed: {each}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
