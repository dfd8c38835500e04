"""Work first, then time: from the benchmarks that both sides have to rows with verdicts.

Same work of a benchmark that computes alone is the answer. What is left is timed until it is decided or the time ends;
what seems changed is measured afresh before it is believed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from perf import work
from perf.benchmarks.format import higher_is_better
from perf.context import Context
from perf.model import Problem, Verdict
from perf.regression.comparisons import (
    Benchmark,
    Limits,
    Pair,
    Row,
    confirm_row,
    counted_rows,
    named,
    one_sided_units,
    time_rows,
    timed_units,
    unmeasured,
    what_time_says,
    worked_row,
)
from perf.regression.journal import Journal
from perf.regression.looks import FRESH_LOOKS, looks_up_to
from perf.regression.native import (
    FIRST_RUNS,
    MOST_RUNS,
    Native,
    Nature,
    measure_starts,
    run_native,
    together,
)
from perf.regression.noise import doubts
from perf.regression.rounds import Standing, Timing, time_rounds
from perf.regression.survey import Subject
from perf.regression.worked import Work, Worked, compare_work
from perf.system import clock
from perf.system.counters import Counter

# Of the time left after counting this much is kept to confirm what the first rounds alarm about.
_KEPT_TO_CONFIRM: Final = 0.25
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
    """What is known so far, filled in stage by stage."""

    native: dict[Benchmark, Native] = field(default_factory=dict)
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
    _count_again(
        context, journal, counter, [each for each in able if each.benchmark not in changed], found, limits
    )
    timed = [
        each for each in able if each.benchmark not in changed and _needs_time(context, found, each.benchmark)
    ]
    time = _Time(context, journal, found, limits, most_rounds)
    time.measure(timed, started + budget_seconds)
    rows = [row for each in able for row in _rows(found, time, each.benchmark, limits, changed)]
    gone = [each for each in subjects if each not in able]
    rows += [unmeasured(each.benchmark, _why(found.native[each.benchmark].problems)) for each in gone]
    return Judged(
        tuple(rows),
        (*_work_warnings(found, counter), *time.warnings()),
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
    unsettled = [
        each
        for each in able
        if any(
            row.judgement.verdict is not Verdict.UNCHANGED
            for row in counted_rows(each.benchmark, found.native[each.benchmark].pairs)
        )
    ]
    more = run_native(context, journal, unsettled, "native", range(FIRST_RUNS, MOST_RUNS))
    for benchmark, native in more.items():
        found.native[benchmark] = together(found.native[benchmark], native)
    return able


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
        each
        for each in subjects
        if any(
            row.judgement.alarm for row in counted_rows(each.benchmark, found.native[each.benchmark].pairs)
        )
    ]
    found.native_again = run_native(context, journal, alarmed, "native-again", range(MOST_RUNS))
    differs = [each for each in subjects if found.work[each.benchmark] in (Work.MORE, Work.LESS)]
    if counter is not None and differs:
        found.counts_again = work.count(context, journal, counter, differs, limits, None, fresh=True)


def _work_of(found: _Found, benchmark: Benchmark, limits: Limits) -> Work:
    counted = found.counts.get(benchmark)
    if counted is None or counted.reason:
        return Work.UNMEASURED
    return compare_work(counted.base, counted.head, limits.least_work, limits.least_effect)


def _same_work(found: _Found, benchmark: Benchmark) -> bool:
    """Whether instructions and allocations are the same on both sides."""
    rows = counted_rows(benchmark, found.native[benchmark].pairs)
    return found.work[benchmark] is Work.SAME and all(
        row.judgement.verdict is Verdict.UNCHANGED for row in rows
    )


def _needs_time(context: Context, found: _Found, benchmark: Benchmark) -> bool:
    match context.options.time:
        case "always":
            return True
        case "never":
            return False
        case _:
            alone = found.native[benchmark].nature is Nature.CPU_BOUND
            return not (alone and _same_work(found, benchmark))


class _Time:
    """The rounds, first and fresh, and the rows that come of them."""

    def __init__(
        self, context: Context, journal: Journal, found: _Found, limits: Limits, most_rounds: int
    ) -> None:
        self._context, self._journal, self._found, self._limits = context, journal, found, limits
        self._looks = looks_up_to(most_rounds)
        self._family = 0
        self._first = Timing({}, {}, (), out_of_time=False)
        self._fresh = Timing({}, {}, (), out_of_time=False)
        self._alarms: dict[Benchmark, tuple[Row, ...]] = {}

    @property
    def rounds(self) -> int:
        return self._first.rounds

    @property
    def out_of_time(self) -> bool:
        return self._first.out_of_time or self._fresh.out_of_time

    @property
    def problems(self) -> tuple[Problem, ...]:
        return (*self._first.problems, *self._fresh.problems)

    def measure(self, subjects: Sequence[Subject], deadline_seconds: float) -> None:
        starts = measure_starts(self._context, self._journal, subjects, self._found.native)
        self._family = sum(
            len(timed_units(self._found.native[each.benchmark].pairs)) + (each.benchmark in starts)
            for each in subjects
        )
        left = deadline_seconds - clock.monotonic_seconds()
        kept = _KEPT_TO_CONFIRM * max(left, 0.0) if math.isfinite(left) else 0.0
        self._first = time_rounds(
            self._context,
            self._journal,
            subjects,
            "first",
            self._looks,
            deadline_seconds - kept,
            self._stands,
            starts,
        )
        for each in subjects:
            alarmed = tuple(row for row in self._first_rows(each.benchmark) if row.judgement.alarm)
            if alarmed:
                self._alarms[each.benchmark] = alarmed
        self._fresh = time_rounds(
            self._context,
            self._journal,
            [each for each in subjects if each.benchmark in self._alarms],
            "fresh",
            FRESH_LOOKS,
            deadline_seconds,
            self._confirmed,
            starts,
        )

    def rows(self, benchmark: Benchmark) -> tuple[Row, ...]:
        """Of a benchmark that was timed, a row for each unit; () of one that was not."""
        if benchmark not in self._first.pairs:
            return ()
        if not self._first.pairs[benchmark]:
            failed = self._first.dropped.get(benchmark, 0)
            reason = (
                f"all {failed} rounds failed on a side" if failed else "the time ended before its first round"
            )
            return (unmeasured(benchmark, reason),)
        again = self._fresh.pairs.get(benchmark, ())
        return tuple(
            self._confirm(row, again) if row.judgement.alarm else row for row in self._first_rows(benchmark)
        )

    def warnings(self) -> tuple[str, ...]:
        said = [
            f"{named(benchmark)}: {count} rounds dropped, in which a side failed"
            for timing in (self._first, self._fresh)
            for benchmark, count in timing.dropped.items()
        ]
        for benchmark in self._first.pairs:
            for row in self._first_rows(benchmark):
                if row.judgement.verdict is Verdict.UNKNOWN:
                    said += [f"{named(benchmark)} {row.unit}: {each}" for each in doubts(row.base, row.head)]
        return tuple(said)

    def _first_rows(self, benchmark: Benchmark) -> tuple[Row, ...]:
        return self._judged(benchmark, self._first.pairs[benchmark])

    def _judged(self, benchmark: Benchmark, pairs: Sequence[Pair]) -> tuple[Row, ...]:
        return time_rows(
            benchmark,
            pairs,
            self._limits,
            self._family,
            higher_is_better,
            self._lenient(benchmark),
            self._looks,
        )

    def _confirm(self, row: Row, again: Sequence[Pair]) -> Row:
        return confirm_row(
            row,
            self._first.pairs[row.benchmark],
            again,
            self._limits,
            self._family,
            higher_is_better,
            self._lenient(row.benchmark),
            self._looks,
        )

    def _lenient(self, benchmark: Benchmark) -> bool:
        return self._context.options.time != "always" and _same_work(self._found, benchmark)

    def _stands(self, benchmark: Benchmark, pairs: Sequence[Pair]) -> Standing:
        return _standing(self._judged(benchmark, pairs))

    def _confirmed(self, benchmark: Benchmark, pairs: Sequence[Pair]) -> Standing:
        return _standing([self._confirm(row, pairs) for row in self._alarms[benchmark]])


def _standing(rows: Sequence[Row]) -> Standing:
    if all(row.judgement.decided for row in rows):
        return Standing(decided=True)
    more = [row.judgement.more_rounds for row in rows if not row.judgement.decided]
    return Standing(decided=False, more_rounds=max((each for each in more if each is not None), default=None))


def _rows(
    found: _Found, time: _Time, benchmark: Benchmark, limits: Limits, changed: frozenset[Benchmark]
) -> Iterable[Row]:
    timed = time.rows(benchmark)
    again = found.native_again.get(benchmark)
    rows = [*timed, *counted_rows(benchmark, found.native[benchmark].pairs, again.pairs if again else ())]
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


def _all_problems(found: _Found, time: _Time) -> tuple[Problem, ...]:
    natives = (*found.native.values(), *found.native_again.values())
    return tuple(dict.fromkeys((*(each for one in natives for each in one.problems), *time.problems)))


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
