"""The profiles of both sides, by what regressed: instructions, CPU, allocations or waiting. They are kept."""

from __future__ import annotations

import io
import math
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from perf.benchmarks.binaries import TestBinary
from perf.benchmarks.names import exact_pattern
from perf.blame import cachegrind, pprof, waits
from perf.blame.costs import EXPLAINS, Costs, Profiled, per_operation
from perf.context import Context
from perf.errors import RunFailed
from perf.system import clock, files, go, host
from perf.system.counters import Counter, count_instructions
from perf.system.parallel import in_parallel
from perf.system.processes import Ended
from perf.work.counting import quiet_environment
from perf.work.lengths import SIDES, Side

# A cachegrind run starts in .7 s and counts about .5 G instructions a second.
_INSTRUCTIONS_COUNTED: Final = 3e8
# With N > 1 Go sets a benchmark up twice: both lengths must, for set-up to cancel.
_SHORT_ITERATIONS: Final = 2
_LEAST_MORE_ITERATIONS: Final = 2
# Go takes a sample each 10 ms of CPU: two rounds of this give a side about 400.
_CPU_SECONDS_A_ROUND: Final = 2.0
_CPU_ROUNDS: Final = 2
_CPU_SAMPLE_SECONDS: Final = 0.01
_NANOSECOND: Final = 1e-9
_WAITS_BELOW: Final = 0.6
# Every allocation is recorded, at about a microsecond each.
_ALLOCATIONS_RECORDED: Final = 2e6
_BYTES_PER_ALLOCATION: Final = 64.0
# A trace prints as eighty times its size: up to a gigabyte of text a second, where much goes on.
_SECONDS_TRACED: Final = 0.1
_LEAST_ITERATIONS_TRACED: Final = 5
_MOST_TRACE_BYTES: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A confirmed regression: a benchmark's row, the binaries of both sides, and the iterations it was measured with.

    `base_value` and `head_value` are the row's medians, in `unit`. `held` are files of the head (absolute) that its
    binary was built without, each with the one that took its place, or None.
    """

    package: str
    name: str
    unit: str
    base: TestBinary
    head: TestBinary
    iterations: int
    base_value: float
    head_value: float
    held: Mapping[Path, Path | None] = field(default_factory=dict)

    def binary(self, side: Side) -> TestBinary:
        return self.base if side == "base" else self.head


@dataclass(frozen=True, slots=True)
class Profiler:
    """Runs one asked benchmark under profilers into the directory `place`, until `deadline_seconds` (monotonic)."""

    context: Context
    asked: Asked
    place: Path
    deadline_seconds: float

    def command(self, side: Side, iterations: int, cpu: int, flags: Sequence[str] = ()) -> list[str]:
        """The benchmark alone, in a process of its own."""
        path = self.asked.binary(side).path
        assert path is not None, "a confirmed regression was measured with it"
        return [
            str(path),
            "-test.run=^$",
            f"-test.bench={exact_pattern(self.asked.name)}",
            f"-test.benchtime={iterations}x",
            f"-test.cpu={cpu}",
            "-test.count=1",
            "-test.paniconexit0",
            *flags,
        ]

    def run(self, side: Side, iterations: int, flags: Sequence[str] = ()) -> Ended:
        """Run it natively; raises RunFailed when it gives no result, or not in time."""
        done = self.context.processes.run(
            self.command(side, iterations, host.cores(), flags),
            environment=self.context.target_environment(),
            cwd=self.asked.binary(side).directory,
            timeout_seconds=self.left(),
        )
        if done.ended.timed_out:
            raise RunFailed(f"the {side} did not end in the time that a blame is given")
        if not done.ok or not self.has_result(done.stdout):
            said = go.first_lines(done.text, 4) or f"exit {done.ended.returncode}"
            raise RunFailed(f"the {side} gives no result under its profiler: {said}")
        return done.ended

    def has_result(self, output: str) -> bool:
        return f"\n{self.asked.name}" in f"\n{output}"

    def tool(self, arguments: Sequence[str]) -> str:
        return go.tool(self.context.go, self.context.processes, arguments, self.place, self.left())

    def file(self, name: str) -> Path:
        return files.make_directory(self.place) / name

    def left(self) -> float:
        """Seconds left; raises RunFailed when there are none."""
        left = self.deadline_seconds - clock.monotonic_seconds()
        if left <= 0:
            raise RunFailed("the time that a blame is given has ended")
        return left

    def shown(self, *words: str | Path) -> str:
        """A command as a person in the project's directory would type it."""
        return shlex.join(self.context.shown(word) if isinstance(word, Path) else word for word in words)


def instructions(profiler: Profiler, counter: Counter | None) -> Profiled:
    """Instructions by cachegrind, at two lengths so that start-up cancels; raises RunFailed where it cannot tell."""
    if counter is None or counter.kind != "valgrind":
        raise RunFailed("only valgrind tells instructions by function")
    asked, context = profiler.asked, profiler.context
    long = _SHORT_ITERATIONS + max(
        _LEAST_MORE_ITERATIONS,
        math.ceil(_INSTRUCTIONS_COUNTED / max(asked.base_value, asked.head_value, 1.0)),
    )

    def count(job: tuple[Side, int]) -> tuple[Path, Costs]:
        side, iterations = job
        out = profiler.file(f"{side}.{iterations}x.cachegrind")
        counted = count_instructions(
            context.processes,
            counter,
            profiler.command(side, iterations, 1),
            environment=quiet_environment(context),
            cwd=asked.binary(side).directory,
            timeout_seconds=profiler.left(),
            raw=out.with_suffix(".txt"),
            out_file=out,
        )
        if counted.instructions is None or not profiler.has_result(counted.output):
            raise RunFailed(f"the {side} {counted.why or 'gives no result under valgrind'}")
        return out, cachegrind.parse(out.read_text("utf-8", "replace"))

    jobs = [(side, iterations) for side in SIDES for iterations in (_SHORT_ITERATIONS, long)]
    (_, short_base), (base_file, long_base), (_, short_head), (head_file, long_head) = in_parallel(
        count, jobs, host.cores(), on_failure=context.processes.stop_running
    )
    operations = long - _SHORT_ITERATIONS
    difference, command = _cachegrind_difference(profiler, base_file, head_file)
    return Profiled(
        "instructions/op",
        per_operation(long_base, short_base, operations),
        per_operation(long_head, short_head, operations),
        (base_file, head_file, *difference),
        command,
    )


def _cachegrind_difference(profiler: Profiler, base: Path, head: Path) -> tuple[tuple[Path, ...], str]:
    """The difference as a file for cg_annotate, where valgrind's own programs are there."""
    environment = profiler.context.target_environment()
    if not all(shutil.which(each, path=environment["PATH"]) for each in ("cg_diff", "cg_annotate")):
        return (), ""
    done = profiler.context.processes.run(
        ["cg_diff", str(base), str(head)], environment=environment, timeout_seconds=profiler.left()
    )
    if not done.ok:
        return (), ""
    path = profiler.file("difference.cachegrind")
    profiler.context.keep(path, done.stdout)
    return (path,), profiler.shown("cg_annotate", path)


def mostly_waits(profiler: Profiler) -> bool:
    """Whether the head leaves its core idle much of the time; raises RunFailed where it does not run."""
    ended = profiler.run("head", profiler.asked.iterations)
    return ended.cpu_seconds < _WAITS_BELOW * ended.seconds


def cpu(profiler: Profiler, module: str) -> Profiled:
    """CPU profiles: rounds of both sides at one iteration count; raises RunFailed where there are none."""
    asked = profiler.asked
    seconds = profiler.run("head", asked.iterations).seconds
    iterations = max(1, round(asked.iterations * _CPU_SECONDS_A_ROUND / max(seconds, 1e-3)))
    profiles: dict[Side, list[Path]] = {"base": [], "head": []}
    for number in range(_CPU_ROUNDS):
        for side in SIDES if number % 2 == 0 else reversed(SIDES):
            path = profiler.file(f"{side}.{number + 1}.cpu.pprof")
            profiler.run(side, iterations, [f"-test.cpuprofile={path}"])
            profiles[side].append(path)
    operations = iterations * _CPU_ROUNDS
    return _by_pprof(
        profiler,
        module,
        profiles,
        "cpu",
        "ns",
        "cpu-sec/op",
        _NANOSECOND / operations,
        _CPU_SAMPLE_SECONDS / operations,
    )


def allocations(profiler: Profiler, module: str) -> Profiled:
    """Every allocation of both sides: bytes where B/op grew, else objects; raises RunFailed where there are none."""
    asked = profiler.asked
    in_bytes = asked.unit == "B/op"
    most = max(asked.base_value, asked.head_value) / (_BYTES_PER_ALLOCATION if in_bytes else 1.0)
    iterations = max(1, min(asked.iterations, round(_ALLOCATIONS_RECORDED / max(most, 1e-6))))

    def record(side: Side) -> Path:
        path = profiler.file(f"{side}.memory.pprof")
        flags = [f"-test.memprofile={path}", "-test.memprofilerate=1"]
        profiler.run(side, iterations, flags)
        return path

    base, head = in_parallel(record, SIDES, host.cores(), on_failure=profiler.context.processes.stop_running)
    sample, unit = ("alloc_space", "B") if in_bytes else ("alloc_objects", "")
    return _by_pprof(
        profiler, module, {"base": [base], "head": [head]}, sample, unit, asked.unit, 1 / iterations
    )


def waiting(profiler: Profiler, module: str) -> Profiled:
    """Execution traces: how long goroutines of the module waited. Where longer sleep explains the growth, that alone.

    Raises RunFailed where a trace is too large, ValueError where this Go prints it otherwise.
    """
    asked = profiler.asked
    pattern = re.compile(pprof.module_pattern(module))
    seconds = max(asked.base_value, asked.head_value) if asked.unit == "sec/op" else _SECONDS_TRACED / 20
    iterations = max(_LEAST_ITERATIONS_TRACED, round(_SECONDS_TRACED / max(seconds, 1e-9)))
    traces: list[Path] = []
    waited: list[waits.Waits] = []
    for side in SIDES:
        path = profiler.file(f"{side}.trace")
        profiler.run(side, iterations, [f"-test.trace={path}"])
        if path.stat().st_size > _MOST_TRACE_BYTES:
            raise RunFailed(f"the trace of the {side} is too large to be read: too much goes on at once")
        text = profiler.tool(["trace", "-d=parsed", str(path)])
        waited.append(waits.parse(io.StringIO(text), pattern))
        traces.append(path)
    base, head = waited
    slept = (sum(head.slept.values()) - sum(base.slept.values())) / iterations
    sleeps = asked.unit == "sec/op" and slept >= EXPLAINS * (asked.head_value - asked.base_value) > 0
    costs = [each.slept if sleeps else each.every for each in waited]
    per_base, per_head = ({spot: cost / iterations for spot, cost in each.items()} for each in costs)
    return Profiled(
        "sec/op",
        per_base,
        per_head,
        files=tuple(traces),
        command=profiler.shown("go", "tool", "trace", traces[1]),
        folded=True,
        note=f"the figures are time {'slept' if sleeps else 'waited'}, all goroutines added up",
    )


def _by_pprof(
    profiler: Profiler,
    module: str,
    profiles: Mapping[Side, Sequence[Path]],
    sample: str,
    unit: str,
    per: str,
    factor: float,
    quantum: float = 0.0,
) -> Profiled:
    """Both sides' costs, `factor` of pprof's figures each: by the module's functions, and by every function."""
    pattern = pprof.module_pattern(module)

    def costs(side: Side, show: str) -> Costs:
        text = profiler.tool(pprof.top(sample, unit, profiles[side], show=show))
        return {spot: cost * factor for spot, cost in pprof.parse(text).items()}

    base, head, every_base, every_head = (costs(side, show) for show in (pattern, "") for side in SIDES)
    return Profiled(
        per,
        base,
        head,
        (*profiles["base"], *profiles["head"]),
        profiler.shown(
            *("go", "tool", "pprof", "-top", f"-sample_index={sample}", f"-show={pattern}"),
            *(word for path in profiles["base"] for word in ("-diff_base", path)),
            *profiles["head"],
        ),
        quantum=quantum,
        folded=True,
        every=(every_base, every_head),
    )
