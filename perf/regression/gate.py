"""Work first, then time: from the benchmarks that both sides have to rows with verdicts.

Same work of a benchmark that computes alone is the answer. What is left is timed until it is decided or the time ends;
what seems changed is measured afresh before it is believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from perf import work
from perf.context import Context
from perf.model import Problem, Verdict
from perf.regression.by_time import ByTime
from perf.regression.comparisons import (
    Benchmark,
    Limits,
    Row,
    counted_rows,
    named,
    one_sided_units,
    unmeasured,
    what_time_says,
    worked_row,
)
from perf.regression.journal import Journal
from perf.regression.native import CPU_UNIT, FIRST_RUNS, MOST_RUNS, Native, Nature, run_native, together
from perf.regression.survey import Subject
from perf.regression.worked import INSTRUCTIONS, Work, Worked, compare_work
from perf.system import clock
from perf.system.counters import Counter

# By when counting ends, as parts of the budget: of benchmarks that counts alone can settle, and of the others.
_COUNTED_BY: Final = 0.75
_OTHERS_COUNTED_BY: Final = 0.4


@dataclass(frozen=True, slots=True)
class Judged:
    """What the measuring came to. `unfinished`: the time ended before everything was decided."""

    rows: tuple[Row, ...]
    warnings: tuple[str, ...]
    problems: tuple[Problem, ...]
    rounds: int
    counting_seconds: float | None
    only_base: tuple[str, ...]
    only_head: tuple[str, ...]
    unfinished: bool


@dataclass(slots=True)
class _Found:
    """What is known so far, filled in stage by stage. `allocated` are the rows of what the native runs counted."""

    native: dict[Benchmark, Native] = field(default_factory=dict)
    allocated: dict[Benchmark, tuple[Row, ...]] = field(default_factory=dict)
    native_again: Mapping[Benchmark, Native] = field(default_factory=dict)
    counts: Mapping[Benchmark, work.Counted] = field(default_factory=dict)
    counts_again: Mapping[Benchmark, work.Counted] = field(default_factory=dict)
    work: dict[Benchmark, Work] = field(default_factory=dict)


def judge(
    context: Context,
    journal: Journal,
    subjects: Sequence[Subject],
    changed: frozenset[Benchmark],
    counter: Counter | None,
    limits: Limits,
    most_rounds: int,
    budget_seconds: float,
) -> Judged:
    """Measure and judge. `changed` are benchmarks whose own code differs: shown, and nothing is concluded from them."""
    started = clock.monotonic_seconds()
    found = _Found()
    able = _native(context, journal, subjects, found)
    counting_seconds = None
    if counter is not None and able:
        began = clock.monotonic_seconds()
        found.counts = _count(context, journal, counter, able, found, limits, started, budget_seconds)
        counting_seconds = clock.monotonic_seconds() - began
    for each in able:
        found.work[each.benchmark] = _work_of(found, each.benchmark, limits)
    own = [each for each in able if each.benchmark not in changed]
    _count_again(context, journal, counter, own, found, limits)
    same_work = frozenset(each.benchmark for each in own if _same_work(found, each.benchmark))
    timed = [each for each in own if _needs_time(context, found, each.benchmark, same_work)]
    time = ByTime(context, journal, found.native, same_work, limits, most_rounds)
    time.measure(timed, started + budget_seconds)
    rows = [row for each in able for row in _rows(found, time, each.benchmark, limits, changed)]
    gone = [each for each in subjects if each not in able]
    rows += [unmeasured(each.benchmark, _why(found.native[each.benchmark].problems)) for each in gone]
    return Judged(
        tuple(rows),
        (*_own_units(found), *_work_warnings(found, counter), *time.warnings()),
        _all_problems(found, time),
        time.rounds,
        counting_seconds,
        *_one_sided(found),
        time.out_of_time,
    )


def _native(context: Context, journal: Journal, subjects: Sequence[Subject], found: _Found) -> list[Subject]:
    """Short runs, more of them where what is allocated differs or jitters; the subjects that both sides can run."""
    found.native.update(run_native(context, journal, subjects, "native", range(FIRST_RUNS)))
    able = [each for each in subjects if found.native[each.benchmark].pairs]
    found.allocated.update(_allocated(found, able))
    unsettled = [each for each in able if not _all_unchanged(found.allocated[each.benchmark])]
    more = run_native(context, journal, unsettled, "native", range(FIRST_RUNS, MOST_RUNS))
    for benchmark, native in more.items():
        found.native[benchmark] = together(found.native[benchmark], native)
    found.allocated.update(_allocated(found, unsettled))
    return able


def _allocated(found: _Found, subjects: Iterable[Subject]) -> dict[Benchmark, tuple[Row, ...]]:
    keys = [each.benchmark for each in subjects]
    return {key: counted_rows(key, found.native[key].pairs) for key in keys}


def _all_unchanged(rows: Iterable[Row]) -> bool:
    return all(row.judgement.verdict is Verdict.UNCHANGED for row in rows)


def _count(
    context: Context,
    journal: Journal,
    counter: Counter,
    subjects: Sequence[Subject],
    found: _Found,
    limits: Limits,
    started: float,
    budget_seconds: float,
) -> Mapping[Benchmark, work.Counted]:
    """Those first that compute alone, which counts can settle; the others must leave time for their rounds."""
    alone = [each for each in subjects if found.native[each.benchmark].nature is Nature.CPU_BOUND]
    others = [each for each in subjects if each not in alone]
    counts: dict[Benchmark, work.Counted] = {}
    for some, share in ((alone, _COUNTED_BY), (others, _OTHERS_COUNTED_BY)):
        counts |= work.count(context, journal, counter, some, limits, started + share * budget_seconds)
    return counts


def _count_again(
    context: Context,
    journal: Journal,
    counter: Counter | None,
    subjects: Sequence[Subject],
    found: _Found,
    limits: Limits,
) -> None:
    """Fresh runs of what seems changed in what it allocates or in its instructions."""
    alarmed = [
        each for each in subjects if any(row.judgement.alarm for row in found.allocated[each.benchmark])
    ]
    found.native_again = run_native(context, journal, alarmed, "native-again", range(MOST_RUNS))
    differs = [each for each in subjects if found.work[each.benchmark] in (Work.MORE, Work.LESS)]
    if counter is not None and differs:
        found.counts_again = work.count(context, journal, counter, differs, limits, None, again=1)


def _work_of(found: _Found, benchmark: Benchmark, limits: Limits) -> Work:
    counted = found.counts.get(benchmark)
    if counted is None or counted.reason:
        return Work.UNMEASURED
    return compare_work(counted.base, counted.head, limits.least_work, limits.least_effect)


def _same_work(found: _Found, benchmark: Benchmark) -> bool:
    """Whether instructions and allocations are the same on both sides."""
    return found.work[benchmark] is Work.SAME and _all_unchanged(found.allocated[benchmark])


def _needs_time(
    context: Context, found: _Found, benchmark: Benchmark, same_work: frozenset[Benchmark]
) -> bool:
    match context.options.time:
        case "always":
            return True
        case "never":
            return False
        case _:
            alone = found.native[benchmark].nature is Nature.CPU_BOUND
            return not (alone and benchmark in same_work)


def _rows(
    found: _Found, time: ByTime, benchmark: Benchmark, limits: Limits, changed: frozenset[Benchmark]
) -> Iterable[Row]:
    timed = time.rows(benchmark)
    again = found.native_again.get(benchmark)
    allocated = found.allocated[benchmark]
    if again is not None:
        allocated = counted_rows(benchmark, found.native[benchmark].pairs, again.pairs)
    rows = [*timed, *allocated]
    if found.work[benchmark] not in (Work.UNMEASURED, Work.JITTERY):
        first, fresh = found.counts[benchmark], found.counts_again.get(benchmark)
        facts = Worked(
            first.base,
            first.head,
            limits.least_work,
            limits.least_effect,
            fresh.base if fresh else (),
            fresh.head if fresh else (),
            what_time_says(timed),
        )
        rows.append(worked_row(benchmark, facts))
    return [row.of_changed_benchmark() for row in rows] if benchmark in changed else rows


def _why(problems: Sequence[Problem]) -> str:
    return f"{problems[0].kind}: {problems[0].text}".splitlines()[0] if problems else "it gave no numbers"


def _all_problems(found: _Found, time: ByTime) -> tuple[Problem, ...]:
    natives = (*found.native.values(), *found.native_again.values())
    return tuple(dict.fromkeys((*(each for one in natives for each in one.problems), *time.problems)))


def _own_units(found: _Found) -> list[str]:
    """Metrics that a benchmark reports under names that the gate's own have."""
    return [
        f"{named(benchmark)} reports {unit} itself: left out, the gate measures its own"
        for benchmark, native in found.native.items()
        for unit in (INSTRUCTIONS, CPU_UNIT)
        if any(unit in pair.base or unit in pair.head for pair in native.pairs)
    ]


def _work_warnings(found: _Found, counter: Counter | None) -> list[str]:
    if counter is None:
        return []
    return [
        f"{named(benchmark)}: instructions not counted, so its time decides: {counted.reason}"
        for benchmark, counted in found.counts.items()
        if counted.reason
    ]


def _one_sided(found: _Found) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Metrics that one side alone reports."""
    old: list[str] = []
    new: list[str] = []
    for benchmark, native in found.native.items():
        only_base, only_head = one_sided_units(native.pairs)
        old += [f"{named(benchmark)} {unit}" for unit in only_base]
        new += [f"{named(benchmark)} {unit}" for unit in only_head]
    return tuple(old), tuple(new)
