"""Head against a stored baseline: unpaired, and of another day. Pure.

Two runs of equal code on the same machine differ by more than the samples of either show (up to 28 % of benchmarks
"significantly"), and one run cannot tell by how much. What they differ by comes from the history of this machine's
baselines (perf.baseline.between_runs) and enters every interval; while there are fewer than eight it is mostly a stated
prior, and a change of time is told as unknown, with the command that decides it. With eight or more a change of time
stands where all of this holds; else it is unknown too, and says which does not:

- sure at the corrected level of a single look (nothing can be measured again here), and at least the least effect;
- well beyond any jump that a benchmark of this machine came back from (`BetweenRuns.beyond`);
- the benchmarks as a whole did not move with it: that would be the machine's day. It takes five to tell.

What is counted does not hang on the day, and is judged wherever what it hangs on is the same (perf.baseline.machines):
allocs/op and B/op where both sides also ran about the same number of iterations, since what is allocated once weighs
less the more there are; more or fewer instructions/op once fresh counts of the head say the same.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from perf.baseline.between_runs import BetweenRuns
from perf.model import Series, Verdict
from perf.regression.comparisons import RATE_UNIT, TIME_UNIT, Benchmark, Limits, Row, judge_values
from perf.regression.statistics import Estimate, unpaired
from perf.regression.verdicts import TOLERANCES, Judgement, signed
from perf.regression.worked import INSTRUCTIONS, Work, Worked, judge_worked
from perf.units import format_fraction

MOST_ITERATIONS_RATIO: Final = 1.1
# Benchmarks under which a day of the machine cannot be told from a change of the code.
FEWEST_TO_SEE_A_DAY: Final = 5
COUNTED_UNITS: Final = (*TOLERANCES, INSTRUCTIONS)

Key = tuple[Benchmark, str]


@dataclass(frozen=True, slots=True)
class _Held:
    """One row with what its verdict is held against. `day` is None where too few benchmarks tell."""

    row: Row
    before: Series
    after: Series
    apart: Sequence[str]
    between: BetweenRuns
    day: float | None
    limits: Limits

    @property
    def counted(self) -> bool:
        return self.row.unit in COUNTED_UNITS

    @property
    def key(self) -> tuple[str, str, str]:
        return self.before.package, self.before.name, self.before.unit


def judge_stored(
    base: Iterable[Series],
    head: Iterable[Series],
    differences: Sequence[str],
    base_sha: str,
    limits: Limits,
    higher_is_better: Callable[[str], bool],
    between: BetweenRuns | None = None,
    work_differences: Mapping[str, Sequence[str]] | None = None,
    fresh: Iterable[Series] = (),
) -> tuple[Row, ...]:
    """A row for each benchmark and metric that both have, but for a rate that is only the time again.

    `differences` are the fields in which the machines differ, `work_differences` by unit those that matter to what is
    counted (perf.baseline.machines; without it they are the same). Without `between` there is no history. A row of
    instructions that is left an alarm wants fresh counts of the head: judge again with them as `fresh`. Where they
    jitter too much to tell there is no row of them.
    """
    between = between or BetweenRuns()
    before, after, again = _by_key(base), _by_key(head), _by_key(fresh)
    keys = [key for key in before if key in after and not _repeats_time(key, before, after)]
    # Tuples of their own: by them the estimator knows the row.
    values = {key: ((*before[key].values,), after[key].values) for key in keys if key[1] != INSTRUCTIONS}
    rows = judge_values(values, limits, higher_is_better, _estimator(values, between))
    day = _day(rows)
    rows += tuple(
        Row(key[0], INSTRUCTIONS, facts.base, facts.head + facts.fresh_head, judge_worked(facts))
        for key in keys
        if key[1] == INSTRUCTIONS
        and (facts := _worked(before[key], after[key], again.get(key), limits)).first is not Work.JITTERY
    )
    apart = dict.fromkeys(COUNTED_UNITS, differences) | dict(work_differences or {})
    decide = f"to decide, measure both sides now: --base {base_sha[:12]}"
    return tuple(
        _settled(
            _Held(
                row,
                before[row.benchmark, row.unit],
                after[row.benchmark, row.unit],
                apart.get(row.unit, differences),
                between,
                day,
                limits,
            ),
            decide,
        )
        for row in rows
    )


def _settled(held: _Held, decide: str) -> Row:
    judgement = held.row.judgement
    if held.apart:
        reason = f"measured on another machine ({'; '.join(held.apart)}); {decide}"
        return replace(held.row, judgement=Judgement(Verdict.UNKNOWN, reason))
    if held.row.unit == INSTRUCTIONS:
        reason = f"{judgement.reason}; {decide}" if judgement.alarm else judgement.reason
        return replace(held.row, judgement=replace(judgement, reason=reason))
    told = judgement.reason if held.counted else f"{judgement.reason}; {held.between.words(held.key)}"
    if judgement.alarm and (doubt := _doubt(held)):
        reason = f"{judgement.verdict} ({told}), but {doubt}; {decide}"
        return replace(
            held.row, judgement=replace(judgement, verdict=Verdict.UNKNOWN, reason=reason, alarm=False)
        )
    return replace(held.row, judgement=replace(judgement, reason=told, alarm=False))


def _doubt(held: _Held) -> str:
    """Why a change that seems sure does not stand; "" when it does."""
    if held.counted:
        counts = sorted(statistics.median(each.iterations) for each in (held.before, held.after))
        return "the iteration counts differ" if counts[1] > MOST_ITERATIONS_RATIO * counts[0] else ""
    if not held.between.estimated:
        return "against another day"
    if held.day is None:
        return f"under {FEWEST_TO_SEE_A_DAY} benchmarks cannot tell the code from the machine's day"
    if abs(held.day) >= math.log1p(held.limits.least_effect):
        return f"the benchmarks together moved by {signed(math.expm1(held.day))}: the machine's day"
    found = held.row.judgement.estimate
    beyond = held.between.beyond(held.key)
    if found is not None and abs(found.log_change) <= beyond:
        return f"baselines of this machine jump so far without a cause (up to {format_fraction(math.expm1(beyond))})"
    return ""


def _by_key(series: Iterable[Series]) -> dict[Key, Series]:
    return {(Benchmark(each.package, each.name), each.unit): each for each in series}


def _worked(before: Series, after: Series, again: Series | None, limits: Limits) -> Worked:
    """The base cannot be counted again: fresh counts of the head are held against the same ones."""
    return Worked(
        before.values,
        after.values,
        limits.least_work,
        limits.least_effect,
        fresh_base=before.values if again else (),
        fresh_head=again.values if again else (),
    )


def _repeats_time(key: Key, *sides: Mapping[Key, Series]) -> bool:
    """Whether this is a rate of a benchmark whose time is there too: b.SetBytes makes the one of the other."""
    benchmark, unit = key
    return unit == RATE_UNIT and all((benchmark, TIME_UNIT) in side for side in sides)


def _day(rows: Iterable[Row]) -> float | None:
    """What the benchmarks' times moved by in the median, on the log scale; None where too few have one."""
    moved = [
        row.judgement.estimate.log_change
        for row in rows
        if row.unit == TIME_UNIT and row.judgement.estimate is not None
    ]
    return statistics.median(moved) if len(moved) >= FEWEST_TO_SEE_A_DAY else None


def _estimator(
    values: Mapping[Key, tuple[tuple[float, ...], tuple[float, ...]]], between: BetweenRuns
) -> Callable[[Sequence[float], Sequence[float]], Estimate | None]:
    deviations = {
        id(base): between.of((benchmark.package, benchmark.name, unit))
        for (benchmark, unit), (base, _) in values.items()
    }
    return lambda base, head: unpaired(base, head, deviations[id(base)])
