"""Rounds of pairs in fresh processes, until each benchmark is decided, its looks are used up or the time ends.

A round is both sides of one benchmark, back to back, a few times in turn; the best of each side counts, for what other
work on the machine does to a process only ever makes it slower.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from perf.benchmarks.format import higher_is_better
from perf.context import Context
from perf.model import Problem
from perf.regression.comparisons import Benchmark, Pair
from perf.regression.journal import Journal
from perf.regression.looks import State, choose, next_look
from perf.regression.native import CPU_UNIT, SHORT_ITERATIONS
from perf.regression.process import Measurement, measure_once, recalled
from perf.regression.schedule import Slot, schedule
from perf.regression.survey import Subject
from perf.system import clock
from perf.units import format_seconds
from perf.work.lengths import SIDES, Side

ALTERNATIONS: Final = 3
MOST_FAILED_ROUNDS: Final = 3
# From here on the noise is known well enough to tell what so many rounds cannot decide.
ROUNDS_TO_GIVE_UP: Final = 12
FAR_BEYOND: Final = 1.5
_PROCESS_SECONDS: Final = 0.03


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rounds so far say of a benchmark: nothing left to find out, or about how many rounds more would tell."""

    decided: bool
    more_rounds: int | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """Pairs by benchmark in the order they came. `dropped` counts rounds of which a side failed."""

    pairs: Mapping[Benchmark, tuple[Pair, ...]]
    dropped: Mapping[Benchmark, int]
    problems: tuple[Problem, ...]
    out_of_time: bool

    @property
    def rounds(self) -> int:
        """The most that a benchmark was given."""
        return max(map(len, self.pairs.values()), default=0)


def time_rounds(
    context: Context,
    journal: Journal,
    subjects: Sequence[Subject],
    phase: str,
    looks: tuple[int, ...],
    deadline_seconds: float,
    stands: Callable[[Benchmark, Sequence[Pair]], Standing],
    starts: Mapping[Benchmark, float],
) -> Timing:
    """Measure block after block, each up to a benchmark's next look, those first that are nearest to a decision.

    `deadline_seconds` is a reading of the monotonic clock; inf for none. `starts` holds what starting takes of CPU, for
    those benchmarks whose own CPU can be told from it. What was measured before an Interrupted stands
    in the journal.
    """
    bench = _Bench(context, journal, phase, subjects, looks, starts)
    out_of_time = False
    while bench.open and not out_of_time:
        left = deadline_seconds - clock.monotonic_seconds()
        chosen = choose(bench.states(), left, looks)
        if not chosen:
            break
        wanted = {each: bench.block(each) for each in chosen}
        for slot in schedule(wanted, context.options.seed, phase):
            if clock.monotonic_seconds() >= deadline_seconds:
                out_of_time = True
                break
            if slot.benchmark in bench.open:
                bench.run(slot)
                context.progress.status(bench.status(deadline_seconds))
        for each in chosen:
            bench.look(each, stands(each, bench.pairs[each]))
    return Timing(
        {each: tuple(pairs) for each, pairs in bench.pairs.items()},
        dict(bench.dropped),
        tuple(bench.problems),
        out_of_time=bool(bench.open) and bench.unfinished(),
    )


class _Bench:
    """The state of the measuring: what has been measured, and which benchmarks are open."""

    def __init__(
        self,
        context: Context,
        journal: Journal,
        phase: str,
        subjects: Sequence[Subject],
        looks: tuple[int, ...],
        starts: Mapping[Benchmark, float],
    ) -> None:
        self._context, self._journal, self._phase, self._looks = context, journal, phase, looks
        self._starts = starts
        self._subjects = {subject.benchmark: subject for subject in subjects}
        self._given: Counter[Benchmark] = Counter()
        self._timed: Counter[Benchmark] = Counter()
        self._more: dict[Benchmark, int | None] = {}
        self._seconds: defaultdict[Benchmark, float] = defaultdict(float)
        self.open: dict[Benchmark, None] = dict.fromkeys(self._subjects)
        self.pairs: dict[Benchmark, list[Pair]] = {each: [] for each in self._subjects}
        self.dropped: Counter[Benchmark] = Counter()
        self.problems: dict[Problem, None] = {}

    def states(self) -> list[State[Benchmark]]:
        return [
            State(each, self._given[each], self._seconds_per_round(each), self._more.get(each))
            for each in self.open
        ]

    def block(self, benchmark: Benchmark) -> range:
        given = self._given[benchmark]
        return range(given, next_look(given, self._looks) or given)

    def unfinished(self) -> bool:
        return any(next_look(self._given[each], self._looks) is not None for each in self.open)

    def look(self, benchmark: Benchmark, standing: Standing) -> None:
        self._more[benchmark] = standing.more_rounds
        if standing.decided or self._hopeless(benchmark, standing):
            self.open.pop(benchmark, None)

    def _hopeless(self, benchmark: Benchmark, standing: Standing) -> bool:
        """Whether the rounds that are left would hardly decide it: the time is better spent, or saved."""
        given = self._given[benchmark]
        if given < ROUNDS_TO_GIVE_UP:
            return False
        return standing.more_rounds is None or given + standing.more_rounds > FAR_BEYOND * self._looks[-1]

    def run(self, slot: Slot[Benchmark]) -> None:
        subject = self._subjects[slot.benchmark]
        ran_before = recalled(self._journal, subject, _key(self._phase, slot.round, 0))
        started = clock.monotonic_seconds()
        pair = self._pair(subject, slot)
        if not ran_before:
            self._seconds[slot.benchmark] += clock.monotonic_seconds() - started
            self._timed[slot.benchmark] += 1
        self._given[slot.benchmark] += 1
        if pair is not None:
            self.pairs[slot.benchmark].append(pair)
            return
        self.dropped[slot.benchmark] += 1
        if self.dropped[slot.benchmark] >= MOST_FAILED_ROUNDS:
            del self.open[slot.benchmark]

    def status(self, deadline_seconds: float) -> str:
        left = deadline_seconds - clock.monotonic_seconds()
        time_left = f", {format_seconds(max(left, 0.0))} left" if left != float("inf") else ""
        what = "round" if self._phase == "first" else "confirming round"
        decided = len(self._subjects) - len(self.open)
        return f"{what} {max(self._given.values())}: {decided} decided, {len(self.open)} open{time_left}"

    def _seconds_per_round(self, benchmark: Benchmark) -> float:
        if recalled(self._journal, self._subjects[benchmark], _key(self._phase, self._given[benchmark], 0)):
            return 0.0
        if timed := self._timed[benchmark]:
            return self._seconds[benchmark] / timed
        subject = self._subjects[benchmark]
        one = subject.seconds_per_op * (subject.iterations + 1) + _PROCESS_SECONDS
        return one * len(SIDES) * ALTERNATIONS

    def _pair(self, subject: Subject, slot: Slot[Benchmark]) -> Pair | None:
        """Both sides in turn; None when a process gave no numbers."""
        order: tuple[Side, ...] = ("base", "head") if slot.base_first else ("head", "base")
        taken: dict[Side, list[dict[str, float]]] = {"base": [], "head": []}
        for turn in range(ALTERNATIONS):
            for side in order:
                key = _key(self._phase, slot.round, turn)
                measured = measure_once(self._context, self._journal, subject, side, subject.iterations, key)
                if measured.problem is not None:
                    self.problems[measured.problem] = None
                    return None
                taken[side].append({**measured.values, **self._cpu(subject, measured)})
        return Pair(best(taken["base"]), best(taken["head"]))

    def _cpu(self, subject: Subject, measured: Measurement) -> dict[str, float]:
        """The process's own CPU per operation: what it takes to start and to set up is taken off."""
        start = self._starts.get(subject.benchmark)
        if start is None:
            return {}
        return {CPU_UNIT: (measured.cpu_seconds - start) / (subject.iterations - SHORT_ITERATIONS)}


def _key(phase: str, number: int, turn: int) -> str:
    return f"{phase}/{number:03}-{turn}"


def best(alternations: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of each unit the best of what short alternations gave: the least, or the most of a rate. Pure."""
    units = dict.fromkeys(unit for each in alternations for unit in each)
    return {
        unit: (max if higher_is_better(unit) else min)(each[unit] for each in alternations if unit in each)
        for unit in units
    }
