"""From the pairs of a long A/A measurement: noise, false alarms, power, and what to set. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from perf.model import Verdict
from perf.regression.comparisons import Benchmark, Limits, Pair, timed_units
from perf.regression.looks import LOOKS
from perf.regression.redraw import Drawn, draw_run
from perf.regression.statistics import MAD_TO_DEVIATION

EFFECTS: Final = (0.01, 0.02, 0.05, 0.10)
# What a least effect may be set to, and the rounds that a benchmark may be given.
LEAST_EFFECTS: Final = (0.01, 0.02, 0.03, 0.05, 0.07, 0.10, 0.15, 0.20)
_SETTLED_SHARE: Final = 0.9
_RUNS_TO_ADVISE: Final = 20
_Z: Final = statistics.NormalDist().inv_cdf(0.975)
# Of a normal distribution, the standard deviation over the median of the distances from the median.


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` of `of`, with Wilson's 95 % interval (E. B. Wilson, J. Am. Stat. Assoc. 22, 1927)."""

    count: int
    of: int

    @property
    def share(self) -> float:
        return self.count / self.of

    @property
    def interval(self) -> tuple[float, float]:
        middle = (self.share + _Z**2 / (2 * self.of)) / (1 + _Z**2 / self.of)
        half = (
            _Z
            / (1 + _Z**2 / self.of)
            * math.sqrt(self.share * (1 - self.share) / self.of + _Z**2 / (4 * self.of**2))
        )
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True)
class Noise:
    """One benchmark and metric. `pair_sd` is that of the log ratio of a pair, by its median absolute deviation.

    `power` tells for each of EFFECTS how often a slowdown of that size ends red.
    """

    benchmark: Benchmark
    unit: str
    pair_sd: float
    power: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Advice:
    """What the measurement says. `least_effect` is None where the machine is too noisy for any that is offered."""

    false_alarms: Rate
    mean_rounds: float
    noises: tuple[Noise, ...]
    least_effect: float | None


def examine(
    recorded: Mapping[Benchmark, Sequence[Pair]],
    limits: Limits,
    higher_is_better: Callable[[str], bool],
    runs: int,
    seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Advice:
    """Draw `runs` runs of the gate for no effect and for each of EFFECTS."""
    units = sum(len(timed_units(pairs)) for pairs in recorded.values())
    draw = partial(
        draw_run, recorded, limits=limits, higher_is_better=higher_is_better, looks=LOOKS, units=units
    )
    drawn: dict[float, list[Drawn]] = {}
    for number, effect in enumerate((0.0, *EFFECTS)):
        drawn[effect] = []
        for run in range(runs):
            drawn[effect].append(draw(seed=f"{seed}/{effect}/{run}", effect=effect))
            progress(number * runs + run + 1, (1 + len(EFFECTS)) * runs)
    null = drawn[0.0]
    rounds = [given for run in null for given in run.rounds.values()]
    noises = tuple(
        Noise(
            benchmark,
            unit,
            pair_sd(pairs, unit),
            tuple(_found(drawn[effect], benchmark, unit) for effect in EFFECTS),
        )
        for benchmark, pairs in recorded.items()
        for unit in timed_units(pairs)
    )
    return Advice(
        Rate(sum(run.red for run in null), runs),
        statistics.fmean(rounds) if rounds else 0.0,
        noises,
        _least_effect(recorded, limits, higher_is_better, units, seed),
    )


def pair_sd(pairs: Sequence[Pair], unit: str) -> float:
    """The standard deviation of log(head / base), robustly; 0 where no pair has a ratio."""
    ratios = [
        math.log(pair.head[unit] / pair.base[unit])
        for pair in pairs
        if min(pair.base.get(unit, 0.0), pair.head.get(unit, 0.0)) > 0.0
    ]
    if not ratios:
        return 0.0
    middle = statistics.median(ratios)
    return MAD_TO_DEVIATION * statistics.median(abs(each - middle) for each in ratios)


def _found(runs: Sequence[Drawn], benchmark: Benchmark, unit: str) -> float:
    rows = [row for run in runs for row in run.rows if (row.benchmark, row.unit) == (benchmark, unit)]
    return statistics.fmean(row.judgement.verdict is Verdict.REGRESSION for row in rows) if rows else 0.0


def _least_effect(
    recorded: Mapping[Benchmark, Sequence[Pair]],
    limits: Limits,
    higher_is_better: Callable[[str], bool],
    units: int,
    seed: int,
) -> float | None:
    """The smallest at which nine of ten rows of drawn runs, in which nothing changed, are decided as unchanged."""
    for effect in LEAST_EFFECTS:
        here = replace(limits, least_effect=effect)
        verdicts = [
            row.judgement.verdict
            for run in range(_RUNS_TO_ADVISE)
            for row in draw_run(
                recorded, f"{seed}/advice/{run}", here, higher_is_better, LOOKS, units=units
            ).rows
        ]
        if verdicts and verdicts.count(Verdict.UNCHANGED) >= _SETTLED_SHARE * len(verdicts):
            return effect
    return None
