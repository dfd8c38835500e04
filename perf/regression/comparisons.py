"""From pairs of measured values to comparisons: the statistics and the tables put together. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from perf.model import Comparison, Verdict
from perf.regression.statistics import Estimate, has_logarithm, holm, log_ratios, paired
from perf.regression.verdicts import MIN_ROUNDS, TOLERANCES, Counted, Judgement, Timed, confirm, judge

TIME_UNIT: Final = "sec/op"
RATE_UNIT: Final = "B/s"
# b.SetBytes makes the rate from the time; Go prints it with two decimals, so the product is not quite constant.
_SAME_BYTES: Final = 0.01


@dataclass(frozen=True, slots=True, order=True)
class Benchmark:
    """One leaf benchmark: the package's path in the module, and the full name with its sub-benchmarks."""

    package: str
    name: str


@dataclass(frozen=True, slots=True)
class Pair:
    """One round of one benchmark: what each side reported, by unit."""

    base: Mapping[str, float]
    head: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Limits:
    """What the verdicts are held to, as fractions: the least effect that matters, the false alarms allowed in a run."""

    least_effect: float
    false_alarms: float

    @property
    def alarm_p(self) -> float:
        """The level of each of the two independent looks, the first rounds and the fresh ones.

        A false alarm must pass both, each corrected over its rows: the chance of that is at most the product.
        """
        return math.sqrt(self.false_alarms)


@dataclass(frozen=True, slots=True)
class Row:
    """One benchmark and metric, judged. A counted metric has a change of its medians and no interval."""

    benchmark: Benchmark
    unit: str
    base: tuple[float, ...]
    head: tuple[float, ...]
    estimate: Estimate | None
    judgement: Judgement

    def comparison(self) -> Comparison:
        found = self.estimate
        return Comparison(
            package=self.benchmark.package,
            name=self.benchmark.name,
            unit=self.unit,
            base=self.base,
            head=self.head,
            change=found.change if found else _counted_change(self.base, self.head),
            low=found.low if found else None,
            high=found.high if found else None,
            verdict=self.judgement.verdict,
            reason=self.judgement.reason,
        )


Estimator = Callable[[Sequence[float], Sequence[float]], Estimate | None]


def estimate_pairs(base: Sequence[float], head: Sequence[float]) -> Estimate | None:
    """The estimate of values that belong together by their place."""
    return paired(log_ratios(zip(base, head, strict=True)))


def judge_pairs(
    measured: Mapping[Benchmark, Sequence[Pair]],
    limits: Limits,
    higher_is_better: Callable[[str], bool],
    chosen: Collection[tuple[Benchmark, str]] | None = None,
) -> tuple[Row, ...]:
    """A row for each benchmark and each metric that both sides report, those of `chosen`, corrected together."""
    values = {
        (benchmark, unit): _both(pairs, unit)
        for benchmark, pairs in measured.items()
        for unit in common_units(pairs)
        if chosen is None or (benchmark, unit) in chosen
    }
    return judge_values(values, limits, higher_is_better, estimate_pairs)


def judge_values(
    values: Mapping[tuple[Benchmark, str], tuple[tuple[float, ...], tuple[float, ...]]],
    limits: Limits,
    higher_is_better: Callable[[str], bool],
    estimator: Estimator,
) -> tuple[Row, ...]:
    """Rows for base and head values by benchmark and unit; `estimator` says how they belong together."""
    estimates = {
        key: estimator(base, head) for key, (base, head) in values.items() if key[1] not in TOLERANCES
    }
    tested = {key: found.p for key, found in estimates.items() if found and found.rounds >= MIN_ROUNDS}
    adjusted = dict(zip(tested, holm(list(tested.values())), strict=True))
    rows = []
    for key, (base, head) in values.items():
        benchmark, unit = key
        found = estimates.get(key)
        facts = (
            Counted(unit, base, head)
            if unit in TOLERANCES
            else Timed(
                unit=unit,
                pairs=min(len(base), len(head)),
                usable=sum(map(_has_ratio, base, head)),
                equal=len(set(base + head)) == 1 and math.isfinite(base[0]),
                estimate=found,
                adjusted_p=adjusted.get(key, 1.0),
                rows=max(1, len(tested)),
                alarm_p=limits.alarm_p,
                least_effect=limits.least_effect,
                higher_is_better=higher_is_better(unit),
            )
        )
        rows.append(Row(benchmark, unit, base, head, found, judge(facts)))
    return tuple(rows)


def alarms(rows: Iterable[Row]) -> tuple[tuple[Benchmark, str], ...]:
    """What must be measured again before it is believed."""
    return tuple((row.benchmark, row.unit) for row in rows if row.judgement.alarm)


def conclude(first: Sequence[Row], fresh: Sequence[Row]) -> tuple[Row, ...]:
    """The first rows, with every alarm settled by its fresh row.

    A settled row carries the fresh values and estimate: those of the rounds that raised the alarm were picked for
    being large, and so say too much.
    """
    again = {(row.benchmark, row.unit): row for row in fresh}
    settled = []
    for row in first:
        if row.judgement.alarm:
            other = again.get((row.benchmark, row.unit))
            judgement = confirm(row.judgement, other.judgement if other else None)
            row = replace(other or row, judgement=judgement)
        settled.append(row)
    return tuple(settled)


def unmeasured(benchmark: Benchmark, reason: str) -> Row:
    """The row of a benchmark that gave no pair: unknown, and why."""
    return Row(benchmark, TIME_UNIT, (), (), None, Judgement(Verdict.UNKNOWN, reason))


def common_units(pairs: Sequence[Pair]) -> tuple[str, ...]:
    """Units that some pair has on both sides, in order; without a rate that is only the time again."""
    common = dict.fromkeys(unit for pair in pairs for unit in pair.base if unit in pair.head)
    return tuple(unit for unit in common if unit != RATE_UNIT or not _repeats_time(pairs))


def one_sided_units(pairs: Sequence[Pair]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Units that only the base, and only the head, ever reports."""
    base = dict.fromkeys(unit for pair in pairs for unit in pair.base)
    head = dict.fromkeys(unit for pair in pairs for unit in pair.head)
    return tuple(unit for unit in base if unit not in head), tuple(unit for unit in head if unit not in base)


def _both(pairs: Sequence[Pair], unit: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    kept = [pair for pair in pairs if unit in pair.base and unit in pair.head]
    return tuple(pair.base[unit] for pair in kept), tuple(pair.head[unit] for pair in kept)


def _repeats_time(pairs: Sequence[Pair]) -> bool:
    """Whether rate times time is the same number of bytes everywhere, so that the rate is the time again."""
    sides = [side for pair in pairs for side in (pair.base, pair.head)]
    moved = [side[RATE_UNIT] * side[TIME_UNIT] for side in sides if RATE_UNIT in side and TIME_UNIT in side]
    return bool(moved) and max(moved) - min(moved) <= _SAME_BYTES * min(moved)


def _has_ratio(base: float, head: float) -> bool:
    return has_logarithm(base) and has_logarithm(head)


def _counted_change(base: Sequence[float], head: Sequence[float]) -> float | None:
    """The change of the medians as a fraction; None from zero or from nothing."""
    if not base or not head:
        return None
    before, after = statistics.median(base), statistics.median(head)
    if before == after:
        return 0.0
    return after / before - 1.0 if before > 0.0 and math.isfinite(after) else None
