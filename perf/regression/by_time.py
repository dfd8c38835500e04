"""What work leaves open, timed: first rounds, fresh ones for what they alarm about, and the rows that come of both."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from perf.benchmarks.format import higher_is_better
from perf.context import Context
from perf.model import Problem, Verdict
from perf.regression.comparisons import (
    Benchmark,
    Limits,
    Pair,
    Row,
    confirm_row,
    named,
    time_rows,
    timed_units,
    unmeasured,
)
from perf.regression.journal import Journal
from perf.regression.looks import FRESH_LOOKS, looks_up_to
from perf.regression.native import Native, measure_starts
from perf.regression.noise import doubts
from perf.regression.rounds import Standing, Timing, time_rounds
from perf.regression.survey import Subject
from perf.system import clock

# Of the time left after counting this much is kept to confirm what the first rounds alarm about.
_KEPT_TO_CONFIRM: Final = 0.25


class ByTime:
    """The rounds, first and fresh, and the rows that come of them."""

    def __init__(
        self,
        context: Context,
        journal: Journal,
        natives: Mapping[Benchmark, Native],
        same_work: frozenset[Benchmark],
        limits: Limits,
        most_rounds: int,
    ) -> None:
        self._context, self._journal, self._natives, self._limits = context, journal, natives, limits
        self._lenient = frozenset() if context.options.time == "always" else same_work
        self._looks = looks_up_to(most_rounds)
        self._family = 0
        self._first = Timing({}, {}, (), out_of_time=False)
        self._fresh = Timing({}, {}, (), out_of_time=False)
        self._first_rows: dict[Benchmark, tuple[Row, ...]] = {}
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
        starts = measure_starts(self._context, self._journal, subjects, self._natives)
        self._family = sum(
            len(timed_units(self._natives[each.benchmark].pairs)) + (each.benchmark in starts)
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
        self._first_rows = {each: self._judged(each, pairs) for each, pairs in self._first.pairs.items()}
        alarms = {
            each: tuple(row for row in rows if row.judgement.alarm) for each, rows in self._first_rows.items()
        }
        self._alarms = {each: rows for each, rows in alarms.items() if rows}
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
            self._confirm(row, again) if row.judgement.alarm else row for row in self._first_rows[benchmark]
        )

    def warnings(self) -> tuple[str, ...]:
        said = [
            f"{named(benchmark)}: {count} rounds dropped, in which a side failed"
            for timing in (self._first, self._fresh)
            for benchmark, count in timing.dropped.items()
        ]
        for row in (row for rows in self._first_rows.values() for row in rows):
            if row.judgement.verdict is Verdict.UNKNOWN:
                said += [f"{named(row.benchmark)} {row.unit}: {each}" for each in doubts(row.base, row.head)]
        return tuple(said)

    def _judged(self, benchmark: Benchmark, pairs: Sequence[Pair]) -> tuple[Row, ...]:
        return time_rows(
            benchmark,
            pairs,
            self._limits,
            self._family,
            higher_is_better,
            benchmark in self._lenient,
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
            row.benchmark in self._lenient,
            self._looks,
        )

    def _stands(self, benchmark: Benchmark, pairs: Sequence[Pair]) -> Standing:
        return _standing(self._judged(benchmark, pairs))

    def _confirmed(self, benchmark: Benchmark, pairs: Sequence[Pair]) -> Standing:
        return _standing([self._confirm(row, pairs) for row in self._alarms[benchmark]])


def _standing(rows: Sequence[Row]) -> Standing:
    if all(row.judgement.decided for row in rows):
        return Standing(decided=True)
    more = [row.judgement.more_rounds for row in rows if not row.judgement.decided]
    return Standing(decided=False, more_rounds=max((each for each in more if each is not None), default=None))
