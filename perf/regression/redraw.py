"""What the gate would say of many runs, drawn again from the pairs of one long A/A measurement. Pure.

Both sides of a recorded pair are the same program, so they may be exchanged. A run is made of stretches of pairs that
followed each other, from random places, each as it was or with its sides exchanged: so what neighbours share (a burst,
a drift) stays in it. An effect is put in by making every head value of the run worse by that much.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from perf.model import Verdict
from perf.regression.comparisons import Benchmark, Limits, Pair, Row, confirm_row, time_rows
from perf.regression.looks import FRESH_LOOKS

STRETCH_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True)
class Drawn:
    """One run's rows after confirmation, and the rounds that its benchmarks took."""

    rows: tuple[Row, ...]
    rounds: Mapping[Benchmark, int]

    @property
    def red(self) -> bool:
        return any(row.judgement.verdict is Verdict.REGRESSION for row in self.rows)


def draw_run(
    recorded: Mapping[Benchmark, Sequence[Pair]],
    seed: str,
    limits: Limits,
    higher_is_better: Callable[[str], bool],
    looks: tuple[int, ...],
    *,
    effect: float = 0.0,
    units: int,
    same_work: Callable[[Benchmark], bool] = lambda _: False,
) -> Drawn:
    """A whole run of the gate's timing over these benchmarks. `units` is the number of time rows it corrects for."""
    rows: list[Row] = []
    rounds: dict[Benchmark, int] = {}

    def slower(values: Mapping[str, float]) -> dict[str, float]:
        factor = 1.0 + effect
        return {
            unit: value / factor if higher_is_better(unit) else value * factor
            for unit, value in values.items()
        }

    for benchmark, pairs in recorded.items():
        source = random.Random(f"{seed}/{benchmark!r}")
        first = _drawn(pairs, looks[-1], source, slower)
        fresh = _drawn(pairs, FRESH_LOOKS[-1], source, slower)
        lenient = same_work(benchmark)
        judged: tuple[Row, ...] = ()
        for look in looks:
            rounds[benchmark] = look
            judged = time_rows(benchmark, first[:look], limits, units, higher_is_better, lenient, looks)
            if all(row.judgement.decided for row in judged):
                break
        taken = first[: rounds[benchmark]]
        for row in judged:
            if row.judgement.alarm:
                row = _confirmed(row, taken, fresh, limits, units, higher_is_better, lenient, looks)
            rows.append(row)
    return Drawn(tuple(rows), rounds)


def _confirmed(
    row: Row,
    first: Sequence[Pair],
    fresh: Sequence[Pair],
    limits: Limits,
    units: int,
    higher_is_better: Callable[[str], bool],
    lenient: bool,
    looks: tuple[int, ...],
) -> Row:
    settled = row
    for look in FRESH_LOOKS:
        settled = confirm_row(row, first, fresh[:look], limits, units, higher_is_better, lenient, looks)
        if settled.judgement.decided:
            break
    return settled


def _drawn(
    pairs: Sequence[Pair],
    rounds: int,
    source: random.Random,
    slower: Callable[[Mapping[str, float]], dict[str, float]],
) -> tuple[Pair, ...]:
    drawn: list[Pair] = []
    while len(drawn) < rounds:
        start, exchanged = source.randrange(len(pairs)), source.random() < 0.5
        for step in range(STRETCH_ROUNDS):
            pair = pairs[(start + step) % len(pairs)]
            base, head = (pair.head, pair.base) if exchanged else (pair.base, pair.head)
            drawn.append(Pair(base, slower(head)))
    return tuple(drawn[:rounds])
