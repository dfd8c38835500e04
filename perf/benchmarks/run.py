"""One process of a test binary: started, its raw output kept as it comes, its end judged."""

from __future__ import annotations

import os
import select
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from signal import SIGQUIT
from typing import Final

from perf.benchmarks import ends, reader
from perf.benchmarks import format as go_format
from perf.benchmarks.binaries import TestBinary, left_out_benchmarks
from perf.context import Context
from perf.errors import Lacking, UsageError
from perf.model import Problem, ProblemKind
from perf.system import files, usage
from perf.system.processes import GRACE_SECONDS, Child, Ended
from perf.units import format_seconds

_KINDS: Final[dict[go_format.FailureKind, ProblemKind]] = {
    "benchmark": ProblemKind.FAILED,
    "panic": ProblemKind.PANICKED,
    "timeout": ProblemKind.TIMED_OUT,
    "signal": ProblemKind.FAILED,
    "build": ProblemKind.NOT_BUILT,
    "package": ProblemKind.FAILED,
    "exit": ProblemKind.FAILED,
}
_SKIP_SINCE: Final = (1, 20, 0)


@dataclass(frozen=True, slots=True)
class ProcessRun:
    """What one process gave; the results before a panic or a timeout are among them.

    `killed_by` is the benchmark function that ended it too early, "" where that is not known, None where none did.
    `demand_cores` is how many cores it asked for, None where that was not watched.
    """

    results: tuple[go_format.Result, ...]
    problems: tuple[Problem, ...]
    ended: Ended
    killed_by: str | None = None
    demand_cores: float | None = None


def run_binary(
    context: Context,
    binary: TestBinary,
    raw: Path,
    *,
    bench: str,
    benchtime: str,
    cpu: int,
    timeout_seconds: float,
    skip: Sequence[str] = (),
    verbose: bool = False,
    watch_demand: bool = False,
) -> ProcessRun:
    """Run every chosen benchmark once in one process; its output goes to the file `raw` as it comes.

    Benchmarks that perf.toml leaves out, and those that `skip` (regular expressions) names, are not run. Past the
    timeout the process is asked for its goroutines, which name the benchmark it hangs in, and stopped. `verbose`
    (-test.v) makes Go tell which benchmarks skip themselves; what is measured goes without: benchmarks may ask for it.
    Raises UsageError when Go does not take `bench` as a regular expression.
    """
    assert binary.path is not None, "a binary that was not built cannot be run"
    rows = left_out_benchmarks(context.target.declared.leave_out, binary.package)
    argv = [
        str(binary.path),
        "-test.run=^$",
        f"-test.bench={bench}",
        "-test.benchmem",
        "-test.count=1",
        f"-test.cpu={cpu}",
        f"-test.benchtime={benchtime}",
        # Go's own clock does not watch benchmarks: it is set for a TestMain that asks, and never strikes first.
        f"-test.timeout={timeout_seconds + 60:g}s",
        "-test.paniconexit0",
        *(["-test.v"] if verbose else []),
        *skip_argument(context, [*(row.benchmark for row in rows), *skip]),
    ]
    files.make_directory(raw.parent)
    with files.disk_errors(raw), raw.open("wb") as output:
        child = context.processes.start(
            argv, environment=context.target_environment(), cwd=binary.directory, stdout=output
        )
        try:
            with usage.demand_of(child.pid) if watch_demand else nullcontext() as demand:
                ended = _wait(child, timeout_seconds)
        finally:
            child.stop()
    text = raw.read_text("utf-8", "replace")
    if "testing: invalid regexp" in text:
        line = next(line for line in text.splitlines() if "testing: invalid regexp" in line)
        where = "a leave_out row of perf.toml" if "-test.skip" in line else "--bench"
        raise UsageError(
            f"Go does not take the pattern of {where}: {line}",
            cause="it is not a regular expression as Go writes them",
            next_command="go doc regexp/syntax",
        )
    name = os.path.relpath(raw, context.run_directory)
    judged = judge(binary.package, name, text, ended, cpu, timeout_seconds)
    return replace(judged, demand_cores=demand.cores()) if demand is not None else judged


def judge(package: str, file: str, text: str, ended: Ended, cpu: int, timeout_seconds: float) -> ProcessRun:
    """What a process gave, from its output and its end. Pure. An exit code of 0 without Go's PASS is no good end."""
    said, dump = ends.split_dump(text) if ended.timed_out else (text, "")
    lines = said.split("\n")
    records = tuple(reader.parse(lines, file, cpu))
    results = tuple(record for record in records if isinstance(record, go_format.Result))
    problems = [problem for record in records if (problem := _problem(package, record, cpu)) is not None]
    if ended.timed_out:
        place = ends.benchmark_in(dump, package)
        words = f"did not end within {format_seconds(timeout_seconds)}, and was stopped"
        end = Problem(package, place.name, ProblemKind.TIMED_OUT, words, place.position)
        # The name that still waits for its numbers is no garbage then.
        problems = [each for each in problems if each.kind is not ProblemKind.GARBLED]
    elif panic := next((each for each in problems if each.kind is ProblemKind.PANICKED), None):
        place = ends.benchmark_in(said, package)
        # The stack knows best: while a panic unwinds, Go may already have printed the name of the benchmark after it.
        told = panic.name if place.name in ("", function(panic.name)) else place.name
        end = replace(panic, name=told, position=panic.position or place.position)
        problems.remove(panic)
        results = tuple(each for each in results if not _printed_by_dying(each, told))
    elif words := ends.without_a_word(lines, ended.returncode):
        end = Problem(package, ends.started_last(lines), ProblemKind.FAILED, words)
    else:
        return ProcessRun(results, _without_echoes(problems), ended)
    return ProcessRun(results, _without_echoes([*problems, end]), ended, killed_by=function(end.name))


def _printed_by_dying(result: go_format.Result, killer: str) -> bool:
    """While a panic unwinds, Go may print a result for the benchmark that is dying, with a time or without.

    Sub-benchmarks with a time ended before; the stack tells their function alone.
    """
    if result.benchmark == killer:
        return True
    return function(result.benchmark) == function(killer) and result.value("sec/op") is None


def function(name: str) -> str:
    """The function of a benchmark's name: "BenchmarkCopy" of "BenchmarkCopy/size=4"."""
    return name.partition("/")[0]


def _problem(package: str, record: go_format.Record, cpu: int) -> Problem | None:
    match record:
        case go_format.Failure():
            words = record.message or "\n".join(record.output)
            name = go_format.split_procs(record.name or "", cpu)[0]
            position = ends.in_package(package, record.location or "")
            return Problem(package, name, _KINDS[record.kind], words, position)
        case go_format.Skip():
            name = record.name
            words = " ".join(line.strip() for line in record.reason)
            return Problem(
                package, name, ProblemKind.SKIPPED, words, ends.in_package(package, record.location or "")
            )
        case go_format.SyntaxProblem():
            first = record.text.partition(" ")[0]
            name = go_format.split_procs(first, cpu)[0] if first.startswith("Benchmark") else ""
            words = f"{record.message}: {record.text.strip()}"
            return Problem(package, name, ProblemKind.GARBLED, words, f"{record.file}:{record.line}")
        case _:
            return None


def _without_echoes(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Without Go's closing FAIL where something said why."""
    telling = [each for each in problems if each.text != "FAIL"]
    return tuple(telling or problems)


def skip_argument(context: Context, patterns: Sequence[str]) -> list[str]:
    """-test.skip for these patterns; raises Lacking with a Go that has no such flag."""
    if not patterns:
        return []
    if (0, 0, 0) < context.go.release() < _SKIP_SINCE:
        raise Lacking(
            f"{context.go.version} cannot leave out single benchmarks",
            cause="-test.skip came with Go 1.20",
            next_command="install a newer Go and put it first on PATH, or leave out the whole package in perf.toml",
        )
    return [f"-test.skip={'|'.join(patterns)}"]


def _wait(child: Child, timeout_seconds: float) -> Ended:
    """Wait for the end. A process that takes too long gets SIGQUIT first, on which Go tells what it is doing."""
    poller = select.poll()
    poller.register(child.descriptor, select.POLLIN)
    if poller.poll(timeout_seconds * 1000):
        return child.wait()
    child.signal(SIGQUIT)
    return replace(child.wait(GRACE_SECONDS), timed_out=True)
