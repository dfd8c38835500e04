"""Short runs of both sides at the fixed iteration count: what they allocate, and of what nature each benchmark is.

Nothing is timed here, so the processes run on all cores at once.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import Final

from perf.context import Context
from perf.model import Problem
from perf.regression.comparisons import Benchmark, Pair
from perf.regression.journal import Journal
from perf.regression.process import Measurement, measure_once
from perf.regression.survey import Subject
from perf.system import host
from perf.system.parallel import in_parallel
from perf.work.lengths import SIDES, Side

CPU_UNIT: Final = "cpu-sec/op"
FIRST_RUNS: Final = 3
MOST_RUNS: Final = 6
# One goroutine asks for one core; the collector's workers add a fifth where much is allocated. Seen: 0.95 to 1.25 for
# benchmarks of one goroutine, 1.4 to 2.5 for those that collect all the time, serve themselves by HTTP or run parallel.
SINGLE_THREADED_CORES: Final = (0.80, 1.30)
# Of two runs that both do each of their set-ups twice, the difference is iterations alone.
SHORT_ITERATIONS: Final = 2
START_RUNS: Final = 3


class Nature(StrEnum):
    """What the work of a benchmark says about its time."""

    CPU_BOUND = "CPU-bound, single-threaded"
    WAITS = "waits"
    CONCURRENT = "runs concurrently, or collects garbage all the time"
    UNKNOWN = "too short to tell"


@dataclass(frozen=True, slots=True)
class Native:
    """The processes of both sides, in the order they ran."""

    base: tuple[Measurement, ...]
    head: tuple[Measurement, ...]

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The values of processes of the same number, where both gave some."""
        both = zip(self.base, self.head, strict=True)
        return tuple(Pair(base.values, head.values) for base, head in both if base.values and head.values)

    @property
    def problems(self) -> tuple[Problem, ...]:
        found = (each.problem for each in (*self.base, *self.head) if each.problem is not None)
        return tuple(dict.fromkeys(found))

    @property
    def nature(self) -> Nature:
        """Of both sides together: single looks are rough, and a head that begins to wait moves the middle too."""
        return nature_of([each.demand_cores for each in (*self.base, *self.head)])


def nature_of(demand_cores: Sequence[float | None]) -> Nature:
    """From the cores that the runs asked for. Pure."""
    known = [each for each in demand_cores if each is not None]
    if not known:
        return Nature.UNKNOWN
    low, high = SINGLE_THREADED_CORES
    middle = statistics.median(known)
    return Nature.WAITS if middle < low else Nature.CONCURRENT if middle > high else Nature.CPU_BOUND


def run_native(
    context: Context, journal: Journal, subjects: Sequence[Subject], phase: str, runs: range
) -> Mapping[Benchmark, Native]:
    """Runs of each subject's sides, numbered `runs`; `phase` tells first ones from those that confirm."""
    total, done = len(runs) * len(subjects) * len(SIDES), count(1)

    def run(subject: Subject, side: Side, number: int) -> Measurement:
        key = f"{phase}/{number}"
        measured = measure_once(context, journal, subject, side, subject.iterations, key, watch_demand=True)
        context.progress.count("short runs, for what is allocated", next(done), total)
        return measured

    found = _run_all(context, subjects, runs, run)
    failed = [each for each in subjects if found[each.benchmark].problems]
    for subject in failed:
        if (alone := _run_alone(context, journal, subject, phase, runs)) is not None:
            found[subject.benchmark] = alone
    return found


def _run_alone(
    context: Context, journal: Journal, subject: Subject, phase: str, runs: range
) -> Native | None:
    """The runs one after the other: a benchmark may want a port or a file that another process of it has.

    None where the first of them fails as well: then that was not why.
    """
    sides: dict[Side, list[Measurement]] = {side: [] for side in SIDES}
    for number in runs:
        for side in SIDES:
            key = f"{phase}-alone/{number}"
            measured = measure_once(
                context, journal, subject, side, subject.iterations, key, watch_demand=True
            )
            if measured.problem is not None and number == runs[0]:
                return None
            sides[side].append(measured)
    return Native(tuple(sides["base"]), tuple(sides["head"]))


def _run_all(
    context: Context,
    subjects: Sequence[Subject],
    runs: range,
    run: Callable[[Subject, Side, int], Measurement],
) -> dict[Benchmark, Native]:
    """`run` of every subject, side and number, on all cores."""
    jobs = [(subject, side, number) for number in runs for subject in subjects for side in SIDES]
    measured = in_parallel(
        lambda job: run(*job), jobs, host.cores(), on_failure=context.processes.stop_running
    )
    found: dict[Benchmark, dict[Side, list[Measurement]]] = {
        subject.benchmark: {"base": [], "head": []} for subject in subjects
    }
    for (subject, side, _), each in zip(jobs, measured, strict=True):
        found[subject.benchmark][side].append(each)
    return {benchmark: Native(tuple(each["base"]), tuple(each["head"])) for benchmark, each in found.items()}


def together(first: Native, more: Native) -> Native:
    return Native((*first.base, *more.base), (*first.head, *more.head))


def measure_starts(
    context: Context, journal: Journal, subjects: Sequence[Subject], natives: Mapping[Benchmark, Native]
) -> Mapping[Benchmark, float]:
    """CPU seconds to start and set up, by benchmark, for those whose own CPU is at least as much.

    What a waiting benchmark uses is lost in the jitter of the start, and so is one whose sides start differently.
    """
    able = [each for each in subjects if each.iterations > SHORT_ITERATIONS]

    def run(subject: Subject, side: Side, number: int) -> Measurement:
        return measure_once(context, journal, subject, side, SHORT_ITERATIONS, f"start/{number}")

    short = _run_all(context, able, range(START_RUNS), run)
    starts = {
        benchmark: start_of(*([one.cpu_seconds for one in side] for side in (each.base, each.head)))
        for benchmark, each in short.items()
    }
    return {
        benchmark: start
        for benchmark, start in starts.items()
        if start is not None
        and statistics.median(each.cpu_seconds for each in natives[benchmark].base) >= 2.0 * start
    }


def start_of(base: Sequence[float], head: Sequence[float]) -> float | None:
    """The least of both sides; None where every start of one side takes longer than every one of the other. Pure.

    One figure for both: with one each, the jitter of two short runs would be a change in every round.
    """
    if max(base) < min(head) or max(head) < min(base):
        return None
    return min(*base, *head)
