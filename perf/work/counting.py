"""Counting many benchmarks on all cores at once: counts do not mind the noise that times do."""

from __future__ import annotations

import math
import select
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

from perf.benchmarks import run as benchmark_run
from perf.benchmarks.binaries import TestBinary, left_out_benchmarks
from perf.benchmarks.names import exact_pattern, slug
from perf.context import Context
from perf.regression.held import data_digest
from perf.system import clock, host
from perf.system.counters import Count, Counter, Counting, finish_counting, start_counting
from perf.work import kept
from perf.work.kept import Kept
from perf.work.lengths import Rule, Run, Side, Wanted, deviation, fit, is_bimodal, per_operation, wanted

RUN_TIMEOUT_SECONDS: Final = 60.0
# How sure a difference must be for the counting to stop: an alarm is counted afresh, and then as a verdict wants it.
LIKELY: Final = 0.96
SURE: Final = 0.996
_PROCS: Final = 1
# What runs by the clock or by chance is kept away: the collector (up to a heap that two processes at once can have),
# threads beside the one that works, and signals that stop a goroutine every 10 ms. The heap profile, too, takes its
# samples by chance, and walks the stack for each.
_ENVIRONMENT: Final = {"GOGC": "off", "GOMEMLIMIT": "1GiB", "GOMAXPROCS": str(_PROCS)}
_GODEBUG: Final = "asyncpreemptoff=1"
_NO_HEAP_PROFILE: Final = "-test.memprofilerate=1073741824"


class Named(Hashable, Protocol):
    """A benchmark: the package's path in the module, and the full name with its sub-benchmarks."""

    @property
    def package(self) -> str: ...

    @property
    def name(self) -> str: ...


K_co = TypeVar("K_co", bound=Named, covariant=True)
K = TypeVar("K", bound=Named)


class Asked(Protocol[K_co]):
    """A leaf benchmark to be counted, with the native time of an operation, which need not be near."""

    @property
    def benchmark(self) -> K_co: ...

    @property
    def base(self) -> TestBinary: ...

    @property
    def head(self) -> TestBinary | None: ...

    @property
    def seconds_per_op(self) -> float: ...


@dataclass(frozen=True, slots=True)
class OneSide(Generic[K]):
    """Asked of one commit alone: its values are the base's."""

    benchmark: K
    base: TestBinary
    seconds_per_op: float
    head: None = None


class Limits(Protocol):
    """The least change of instructions that must be told, as a fraction."""

    @property
    def least_work(self) -> float: ...


class Journal(Protocol):
    """What a run has measured, so that it can go on where it was interrupted. Values are as JSON gives them."""

    def recall(self, key: str) -> object | None: ...

    def note(self, key: str, value: object) -> None: ...


@dataclass(frozen=True, slots=True)
class Counted:
    """Instructions an operation, one for each long run, those of the cache too; none and a `reason` where not counted.

    `iterations` are those of a long run. `jitter` is the standard deviation of the base's values over their median;
    `bimodal` tells that values lie on two levels, as where a process's hash seed decides: a median then says little.
    """

    base: tuple[float, ...] = ()
    head: tuple[float, ...] = ()
    iterations: int = 0
    jitter: float | None = None
    bimodal: bool = False
    reason: str = ""


def count(
    context: Context,
    journal: Journal,
    counter: Counter,
    asked: Sequence[Asked[K]],
    limits: Limits,
    deadline_seconds: float | None = None,
    *,
    again: int = 0,
    raw: Path | None = None,
) -> dict[K, Counted]:
    """Count every benchmark that is asked for; one that cannot be counted says why and fails nothing.

    No process begins after `deadline_seconds` (monotonic); what has not run often enough by then says so. Counts are
    kept by content and used again, but where `again` tells how often this was counted before, to confirm it: then all
    is counted anew. `raw` is where the output of every process goes. Raises Lacking when the disk refuses, Interrupted
    with all that was counted noted.
    """
    phase = f"count-again-{again}" if again else "count"
    room = _Room(
        context,
        journal,
        counter,
        Rule(limits.least_work, apart_confidence=SURE if again else LIKELY),
        phase,
        raw or context.room("regression") / "raw" / phase,
        bool(again),
        quiet_environment(context),
        cache(data_digest),
    )
    tasks = [_Task(room, number, each) for number, each in enumerate(asked)]
    _count_all(context, tasks, math.inf if deadline_seconds is None else deadline_seconds)
    return {each.benchmark: task.counted() for each, task in zip(asked, tasks, strict=True)}


def quiet_environment(context: Context) -> dict[str, str]:
    """What a counted process sees: the target's, quietened; what that sets in GODEBUG stays."""
    declared = context.target_environment().get("GODEBUG")
    return context.target_environment(
        {**_ENVIRONMENT, "GODEBUG": f"{declared},{_GODEBUG}" if declared else _GODEBUG}
    )


def _count_all(context: Context, tasks: Sequence[_Task[K]], deadline_seconds: float) -> None:
    """Keep a process a core running, those of the first tasks first. No threads: an interruption stops all of them."""
    running: dict[int, tuple[_Task[K], Run, Counting]] = {}
    waiting = [task for task in tasks if not task.done]
    what, all_of_them = "benchmarks, their instructions counted", len(waiting)
    try:
        while True:
            in_time = clock.monotonic_seconds() < deadline_seconds
            startable = ((task, run) for task in waiting for run in task.startable())
            while in_time and len(running) < host.cores() and (chosen := next(startable, None)):
                task, run = chosen
                counting = task.start(run)
                running[counting.descriptor] = (task, run, counting)
            if not running:
                return
            for descriptor in _ended(running):
                task, run, counting = running.pop(descriptor)
                task.take(run, finish_counting(counting))
            waiting = [task for task in waiting if not task.done]
            context.progress.count(what, all_of_them - len(waiting), all_of_them)
    finally:
        for _, _, counting in running.values():
            counting.child.stop()


def _ended(running: Mapping[int, tuple[object, Run, Counting]]) -> list[int]:
    """Wait until a process has ended or its time is over."""
    poller = select.poll()
    for descriptor in running:
        poller.register(descriptor, select.POLLIN)
    left = min(counting.left_seconds for _, _, counting in running.values())
    ended = {descriptor for descriptor, _ in poller.poll(left * 1000.0 + 1.0)}
    over = {each for each, (_, _, counting) in running.items() if counting.left_seconds == 0.0}
    return [each for each in running if each in ended | over]


@dataclass(frozen=True, slots=True)
class _Room:
    """What all counting of a run shares."""

    context: Context
    journal: Journal
    counter: Counter
    rule: Rule
    phase: str
    raw: Path
    fresh: bool
    environment: Mapping[str, str]
    data_digest: Callable[[Path], str]


class _Task(Generic[K]):
    """One benchmark on its way to being counted."""

    def __init__(self, room: _Room, number: int, asked: Asked[K]) -> None:
        self._room, self._asked = room, asked
        self._slug = f"{number:03}-{slug(f'{asked.benchmark.package}-{asked.benchmark.name}')}"
        self._binaries: dict[Side, TestBinary] = {"base": asked.base}
        if asked.head is not None:
            self._binaries["head"] = asked.head
        self._kept = {side: self._look_up(binary) for side, binary in self._binaries.items()}
        if "head" in self._kept and self._kept["head"].path == self._kept["base"].path:
            # The same on both sides: what the base counted is no count of the head's own.
            del self._kept["head"]
        self._known: dict[Run, int] = {}
        if not room.fresh:
            for side, known in self._kept.items():
                self._known.update(known.runs(side))
        self._hint = self._kept["base"].lengths
        self._begun: set[Run] = set()
        self._reasons: dict[Side, str] = {}
        self._wanted = Wanted()
        self._go_on()

    @property
    def done(self) -> bool:
        return bool(self._reason) or not self._wanted.runs

    @property
    def _reason(self) -> str:
        """Why it cannot be counted; the base's words where both sides have some, whichever ended first."""
        return self._wanted.why or self._reasons.get("base", "") or self._reasons.get("head", "")

    def startable(self) -> Iterator[Run]:
        """Processes that can begin now."""
        while begin := next((run for run in self._wanted.runs if run not in self._begun), None):
            yield begin

    def start(self, run: Run) -> Counting:
        self._begun.add(run)
        room, binary = self._room, self._binaries[run.side]
        rows = left_out_benchmarks(room.context.target.declared.leave_out, binary.package)
        return start_counting(
            room.context.processes,
            room.counter,
            [
                str(kept.stripped(room.context, binary)),
                "-test.run=^$",
                f"-test.bench={exact_pattern(self._asked.benchmark.name)}",
                f"-test.benchtime={run.iterations}x",
                "-test.count=1",
                f"-test.cpu={_PROCS}",
                _NO_HEAP_PROFILE,
                "-test.paniconexit0",
                *benchmark_run.skip_argument(room.context, [row.benchmark for row in rows]),
            ],
            environment=room.environment,
            cwd=binary.directory,
            timeout_seconds=RUN_TIMEOUT_SECONDS,
            raw=room.raw / f"{self._slug}.{run.side}.{run.iterations}x.{run.number}.txt",
        )

    def take(self, run: Run, count: Count) -> None:
        """What a process gave, noted at once."""
        value = count.instructions if count.instructions is not None else count.why
        if count.instructions is not None and (told := self._not_run(run, count)):
            value = told
        self._room.journal.note(self._key(run), value)
        self._record(run, value)
        self._go_on()
        self._keep()

    def counted(self) -> Counted:
        lengths, fewest = self._wanted.lengths, self._room.rule.fewest
        if self._reason:
            return Counted(reason=self._reason)
        values = [per_operation(side, lengths) for side in self._counts().values()] if lengths else []
        if lengths is None or any(len(side) < fewest for side in values):
            return Counted(reason="the time ended before it was counted often enough")
        return Counted(
            base=values[0],
            head=values[1] if len(values) > 1 else (),
            iterations=lengths.long,
            jitter=deviation(values[:1]),
            bimodal=is_bimodal(values, self._room.rule.resolution),
        )

    def _go_on(self) -> None:
        """Decide what to run next; what the journal has is not run again."""
        while not self._reason:
            self._wanted = wanted(self._asked.seconds_per_op, self._counts(), self._room.rule, self._hint)
            noted = {
                run: value
                for run in self._wanted.runs
                if run not in self._begun and (value := self._room.journal.recall(self._key(run))) is not None
            }
            if not noted:
                return
            for run, value in noted.items():
                self._begun.add(run)
                self._record(run, value)

    def _record(self, run: Run, value: object) -> None:
        if isinstance(value, int):
            self._known[run] = value
        else:
            self._reasons.setdefault(run.side, f"the {run.side} {value}")

    def _counts(self) -> dict[Side, dict[int, list[int]]]:
        """By side and iterations, as far as their numbers go without a gap: what began later may end first."""
        counts: dict[Side, dict[int, list[int]]] = {side: {} for side in self._binaries}
        for run in sorted(self._known, key=lambda run: run.number):
            if len(counts[run.side].get(run.iterations, ())) == run.number:
                counts[run.side].setdefault(run.iterations, []).append(self._known[run])
        return counts

    def _keep(self) -> None:
        if self._room.fresh:
            return
        counts, found = self._counts(), self._wanted.lengths
        for side, known in self._kept.items():
            fits = found if found and fit(counts[side], found) else known.lengths
            self._kept[side] = kept.keep(known, fits, counts[side])

    def _look_up(self, binary: TestBinary) -> Kept:
        room, data = self._room, self._room.data_digest(binary.directory)
        name = self._asked.benchmark.name
        return kept.look_up(room.context, room.counter, binary, data, name, room.environment)

    def _key(self, run: Run) -> str:
        benchmark, digest = self._asked.benchmark, self._binaries[run.side].digest[:12]
        which = f"{run.side}/{digest}/{run.iterations}x/{run.number}"
        return f"{self._room.phase}/{benchmark.package} {benchmark.name}/{which}"

    def _not_run(self, run: Run, count: Count) -> str:
        """Why a process that ended well says nothing of the benchmark; "" when it does."""
        benchmark = self._asked.benchmark
        judged = benchmark_run.judge(
            benchmark.package, self._slug, count.output, count.ended, _PROCS, RUN_TIMEOUT_SECONDS
        )
        found = next((each for each in judged.results if each.benchmark == benchmark.name), None)
        if found is not None and found.iterations == run.iterations:
            return ""
        if found is not None:
            return f"ran {found.iterations} iterations where {run.iterations} were asked for"
        told = [f"{problem.kind}: {problem.text}" for problem in judged.problems]
        return f"gave no result{f' ({told[0]})' if told else ''}"
