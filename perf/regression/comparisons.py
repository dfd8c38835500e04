"""From measured values to rows with verdicts: which units there are, the facts of each, the tables. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from perf.model import Comparison, Series, Verdict
from perf.regression.confirmed import confirm_timed
from perf.regression.looks import FRESH_LOOKS, LOOKS
from perf.regression.one_look import OneLook, judge
from perf.regression.statistics import Estimate, has_logarithm, holm
from perf.regression.timed import Timed, judge_timed
from perf.regression.verdicts import (
    MIN_ROUNDS,
    TOLERANCES,
    Counted,
    Judgement,
    judge_counted,
)
from perf.regression.worked import INSTRUCTIONS, Time, Worked, judge_worked
from perf.suite import Gate

TIME_UNIT: Final = "sec/op"
RATE_UNIT: Final = "B/s"
# b.SetBytes makes the rate from the time; Go prints it with two decimals, so the product is not quite constant.
_SAME_BYTES: Final = 0.01

# How many false alarms the first rounds of a run may raise, by chance. Each costs fresh rounds of one benchmark and no
# more, so there may be many; the fresh ones, which are few, can be strict.
FIRST_ALARMS: Final = 0.5


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
    """What the verdicts are held to, as fractions: the least effects that matter, the false alarms allowed in a run.

    `least_effect` is of what is timed, `least_work` of instructions; where the work is the same, "unchanged" is what is
    proven slower by less than `least_wait`.
    """

    least_effect: float
    false_alarms: float
    least_work: float = 0.003
    least_wait: float = 0.10

    def level(self, rows: int) -> float:
        """What each of `rows` time rows may spend in each direction. Known beforehand, so each row is judged alone."""
        return FIRST_ALARMS / 2.0 / max(1, rows)

    @property
    def fresh_level(self) -> float:
        """What the fresh rounds of an alarm may spend, so that at most a quarter of `false_alarms` are to be expected.

        They are independent of the first ones, so the chances multiply: half an alarm a run, of which one in 200
        repeats at `false_alarms` of 1 %. The quarter, so that few runs are enough to see the promise kept.
        """
        return min(1.0, self.false_alarms / FIRST_ALARMS / 4.0)


@dataclass(frozen=True, slots=True)
class Row:
    """One benchmark and metric, judged. A counted metric has a change of its medians and no interval."""

    benchmark: Benchmark
    unit: str
    base: tuple[float, ...]
    head: tuple[float, ...]
    judgement: Judgement

    def comparison(self) -> Comparison:
        judged = self.judgement
        found = judged.estimate
        return Comparison(
            package=self.benchmark.package,
            name=self.benchmark.name,
            unit=self.unit,
            base=self.base,
            head=self.head,
            change=found.change if found else _counted_change(self.base, self.head),
            low=found.low if found else None,
            high=found.high if found else None,
            verdict=judged.verdict,
            reason=judged.reason,
            smallest_seen=judged.smallest_seen,
            more_rounds=judged.more_rounds,
        )

    def of_changed_benchmark(self) -> Row:
        """The same numbers, of which nothing is concluded."""
        reason = (
            "the benchmark's own code differs between the sides, and the base's does not compile on the head"
        )
        judged = replace(
            self.judgement,
            verdict=Verdict.BENCHMARK_CHANGED,
            reason=reason,
            alarm=False,
            decided=True,
            suspected=None,
            more_rounds=None,
        )
        return replace(self, judgement=judged)


# -- time ---------------------------------------------------------------------------------------------------------


def timed_units(pairs: Sequence[Pair]) -> tuple[str, ...]:
    """The units of rows that are timed: time, rates, and whatever else a benchmark reports."""
    return tuple(unit for unit in common_units(pairs) if unit not in TOLERANCES and unit != INSTRUCTIONS)


def time_rows(
    benchmark: Benchmark,
    pairs: Sequence[Pair],
    limits: Limits,
    rows: int,
    higher_is_better: Callable[[str], bool],
    same_work: bool,
    looks: tuple[int, ...] = LOOKS,
) -> tuple[Row, ...]:
    """A row for each timed unit of the rounds so far. `rows` is how many the whole run has, fixed before measuring."""
    judged = []
    for unit in timed_units(pairs):
        within = limits.least_wait if same_work else limits.least_effect
        timed = _timed(pairs, unit, limits, limits.level(rows), higher_is_better(unit), within, looks)
        judged.append(Row(benchmark, unit, timed.base, timed.head, judge_timed(timed)))
    return tuple(judged)


def confirm_row(
    first: Row,
    pairs: Sequence[Pair],
    fresh: Sequence[Pair],
    limits: Limits,
    rows: int,
    higher_is_better: Callable[[str], bool],
    same_work: bool,
    looks: tuple[int, ...] = LOOKS,
) -> Row:
    """What an alarm comes to after these fresh rounds. The row carries the values of all rounds."""
    within = limits.least_wait if same_work else limits.least_effect
    higher = higher_is_better(first.unit)
    before = _timed(pairs, first.unit, limits, limits.level(rows), higher, within, looks)
    after = _timed(fresh, first.unit, limits, limits.fresh_level, higher, within, FRESH_LOOKS)
    judged = confirm_timed(before, after)
    return replace(first, base=before.base + after.base, head=before.head + after.head, judgement=judged)


def what_time_says(rows: Iterable[Row]) -> Time:
    """Of all time rows of one benchmark together."""
    verdicts = {row.judgement.verdict for row in rows}
    if not verdicts:
        return Time.NOT_MEASURED
    if Verdict.REGRESSION in verdicts:
        return Time.WORSE
    return Time.NO_WORSE if verdicts <= {Verdict.UNCHANGED, Verdict.IMPROVEMENT} else Time.UNKNOWN


def _timed(
    pairs: Sequence[Pair],
    unit: str,
    limits: Limits,
    level: float,
    higher_is_better: bool,
    unchanged_within: float,
    looks: tuple[int, ...],
) -> Timed:
    base, head = _both(pairs, unit)
    return Timed(unit, base, head, higher_is_better, limits.least_effect, unchanged_within, level, looks)


# -- what is counted ----------------------------------------------------------------------------------------------


def counted_rows(benchmark: Benchmark, pairs: Sequence[Pair], fresh: Sequence[Pair] = ()) -> tuple[Row, ...]:
    """A row for what is allocated, as far as both sides report it; an alarm stays one until there are fresh pairs."""
    rows = []
    for unit in common_units(pairs):
        if unit in TOLERANCES:
            base, head = _both(pairs, unit)
            judged = judge_counted(Counted(unit, base, head, *_both(fresh, unit)))
            rows.append(Row(benchmark, unit, base, head, judged))
    return tuple(rows)


def worked_row(benchmark: Benchmark, facts: Worked) -> Row:
    """The row of instructions, with the fresh counts too."""
    base, head = facts.base + facts.fresh_base, facts.head + facts.fresh_head
    return Row(benchmark, INSTRUCTIONS, base, head, judge_worked(facts))


def unmeasured(benchmark: Benchmark, reason: str) -> Row:
    """The row of a benchmark that gave no pair: unknown, and why."""
    return Row(benchmark, TIME_UNIT, (), (), Judgement(Verdict.UNKNOWN, reason))


# -- values that cannot be measured again -------------------------------------------------------------------------


Estimator = Callable[[Sequence[float], Sequence[float]], Estimate | None]


def judge_values(
    values: Mapping[tuple[Benchmark, str], tuple[tuple[float, ...], tuple[float, ...]]],
    limits: Limits,
    higher_is_better: Callable[[str], bool],
    estimator: Estimator,
) -> tuple[Row, ...]:
    """Rows for base and head values by benchmark and unit, by one test each, corrected for one another.

    What would be an alarm is the verdict here, marked as one. `estimator` says how the values belong together.
    """
    tried = {key for key in values if key[1] not in TOLERANCES}
    estimates = {key: estimator(base, head) for key, (base, head) in values.items() if key in tried}
    tested = {key: found.p for key, found in estimates.items() if found and found.rounds >= MIN_ROUNDS}
    adjusted = dict(zip(tested, holm(list(tested.values())), strict=True))
    rows = []
    for key, (base, head) in values.items():
        benchmark, unit = key
        facts = (
            Counted(unit, base, head)
            if unit in TOLERANCES
            else OneLook(
                unit=unit,
                pairs=min(len(base), len(head)),
                usable=sum(map(_has_ratio, base, head)),
                equal=len(set(base + head)) == 1 and math.isfinite(base[0]),
                estimate=estimates[key],
                adjusted_p=adjusted.get(key, 1.0),
                rows=max(1, len(tested)),
                alarm_p=limits.false_alarms,
                least_effect=limits.least_effect,
                higher_is_better=higher_is_better(unit),
            )
        )
        rows.append(Row(benchmark, unit, base, head, judge(facts)))
    return tuple(rows)


# -- units --------------------------------------------------------------------------------------------------------


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


def limits_of(gate: Gate) -> Limits:
    """What perf.toml's [gate] says."""
    return Limits(gate.least_effect, gate.false_alarms, gate.least_work, gate.least_wait)


def named(benchmark: Benchmark | Series) -> str:
    """For people: package and name."""
    return f"{benchmark.package} {benchmark.name}"
