"""The scenario `benchmarks`: every package with benchmarks, in several processes, in rounds of shuffled order."""

from __future__ import annotations

import difflib
import json
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

from perf.benchmarks import summary
from perf.benchmarks.binaries import (
    BenchmarkPackage,
    TestBinary,
    build_packages,
    find_packages,
    left_out_benchmarks,
    may_choose,
    warn_of_idle_rows,
)
from perf.benchmarks.run import ProcessRun, function, run_binary
from perf.context import Context, Plan
from perf.errors import ExitCode, UsageError
from perf.model import BenchmarksResult, Outcome, Problem, ProblemKind, Status
from perf.system import clock, host

_SCENARIO = "benchmarks"
# What a benchmark takes beyond -benchtime: Go feels its way to the iteration count.
_RUNS_PER_BENCHTIME = 3.0
_MOST_HANGS = 3
_NO_BENCHMARKS = "the target has no benchmarks (no test file declares a func Benchmark…)"


@dataclass(slots=True)
class _Measured:
    """What has come in so far; kept on disk whatever happens next."""

    seed: int
    processes: int
    cpu: int
    runs: dict[str, list[ProcessRun]] = field(default_factory=dict)
    explained: list[Problem] = field(default_factory=list)
    set_aside: dict[str, set[str]] = field(default_factory=dict)
    hangs: dict[str, int] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)


def plan(context: Context) -> Plan:
    """What would run, from the source alone. Raises UsageError when no benchmark matches."""
    found = find_packages(context, context.target.directory)
    if not found:
        return Plan((f"{_SCENARIO}: {_NO_BENCHMARKS}",), 0.0)
    chosen = choose(found, context.options.bench)
    running = [each for each in chosen if not each.left_out]
    names = sum(len(_names(context, each)) for each in running)
    count, benchtime = _processes(context), context.effort.benchtime
    seconds = names * count * _RUNS_PER_BENCHTIME * summary.benchtime_seconds(benchtime)
    lines = [
        f"{_SCENARIO}: {names} benchmark functions in {len(running)} packages, "
        f"{count} processes each, -benchtime={benchtime}",
        *(f"  {each.package}: {', '.join(_names(context, each))}" for each in running),
        *(f"  {each.package}: left out: {each.left_out}" for each in chosen if each.left_out),
        *(
            f"  {each.package}: left out: {row.benchmark}: {row.reason}"
            for each in running
            for row in left_out_benchmarks(context.target.declared.leave_out, each.package)
        ),
    ]
    return Plan(tuple(lines), seconds)


def run(context: Context) -> Outcome:
    """Build and measure. Raises UsageError when no benchmark matches, and as finding and building them does."""
    started = clock.monotonic_seconds()
    found = find_packages(context, context.target.directory)
    if not found:
        return Outcome(_SCENARIO, Status.LEFT_OUT, ExitCode.UNKNOWN, _NO_BENCHMARKS, 0.0)
    chosen = choose(found, context.options.bench)
    most = max(len(each.names) for each in chosen)
    limit = 120.0 + 30.0 * most * summary.benchtime_seconds(context.effort.benchtime)
    result, warnings = measure(context, chosen, timeout_seconds=limit)
    warnings += warn_of_idle_rows(context.target.declared.leave_out, [each.package for each in found])
    seconds = clock.monotonic_seconds() - started
    failed = any(problem.counts for problem in result.problems)
    if not result.series and not failed:
        if context.options.bench != ".":
            raise _no_match(context.options.bench, found)
        reasons = sorted({problem.text for problem in result.problems})
        words = f"no benchmark gave a number: {'; '.join(reasons)}"
        return Outcome(
            _SCENARIO, Status.LEFT_OUT, ExitCode.UNKNOWN, words, seconds, result, warnings=warnings
        )
    return Outcome(
        _SCENARIO,
        Status.FAILED if failed else Status.PASSED,
        ExitCode.FAILED if failed else ExitCode.FINE,
        summary.one_line(result),
        seconds,
        result,
        warnings=warnings,
        error=_what_next(context, result),
    )


def choose(found: Sequence[BenchmarkPackage], bench: str) -> tuple[BenchmarkPackage, ...]:
    """The packages with a benchmark that `bench` may choose; raises UsageError with close names when there is none."""
    chosen = tuple(each for each in found if may_choose(bench, each.names))
    if not chosen:
        raise _no_match(bench, found)
    return chosen


def schedule(packages: Sequence[str], rounds: int, seed: int) -> tuple[tuple[str, ...], ...]:
    """The packages' order in each round, shuffled anew, so that a drift of the machine does not sit on one of them."""
    random = Random(seed)
    return tuple(tuple(random.sample(packages, len(packages))) for _ in range(rounds))


def measure(
    context: Context, packages: Sequence[BenchmarkPackage], *, timeout_seconds: float
) -> tuple[BenchmarksResult, tuple[str, ...]]:
    """Build these packages and run each in its processes; the result and the warnings. Raw output is kept."""
    built = build_packages(context, packages)
    problems = [each.problem for each in built if each.problem is not None]
    rows = context.target.declared.leave_out
    problems += [
        Problem(each.package, row.benchmark, ProblemKind.LEFT_OUT, row.reason)
        for each in built
        if each.path is not None
        for row in left_out_benchmarks(rows, each.package)
    ]
    measured = _Measured(context.options.seed, _processes(context), host.cores())
    runnable = {each.package: each for each in built if each.path is not None}
    names = {each.package: _names(context, each) for each in packages}
    order = schedule(tuple(runnable), measured.processes, measured.seed)
    try:
        done = 0
        for number, packages_in_order in enumerate(order, start=1):
            for package in packages_in_order:
                _one_process(context, runnable[package], number, names[package], measured, timeout_seconds)
                done += 1
                context.progress.count("benchmark processes", done, len(runnable) * len(order))
    finally:
        result = _result(context, measured, problems, len(runnable))
        _keep(context, measured, order, result)
    return result, _warnings(measured, result)


def _one_process(
    context: Context,
    binary: TestBinary,
    number: int,
    names: Sequence[str],
    measured: _Measured,
    timeout_seconds: float,
) -> None:
    """One process of one package. What kills its process is told once, and the later processes run without it."""
    package = binary.package
    if package in measured.stopped:
        return
    aside = measured.set_aside.setdefault(package, set())
    given = run_binary(
        context,
        binary,
        _raw(context, package, str(number)),
        bench=context.options.bench,
        benchtime=context.effort.benchtime,
        cpu=measured.cpu,
        timeout_seconds=timeout_seconds,
        skip=_exactly(aside),
    )
    measured.runs.setdefault(package, []).append(given)
    _set_aside(package, given, measured)
    if number == 1 and package not in measured.stopped:
        silent = [name for name in names if name not in _functions(given)]
        _ask_the_silent(context, binary, silent, _functions(given), measured, timeout_seconds)


def _ask_the_silent(
    context: Context,
    binary: TestBinary,
    silent: Sequence[str],
    heard: set[str],
    measured: _Measured,
    timeout_seconds: float,
) -> None:
    """Why these gave nothing: they stand behind one that killed the process, skip themselves, or call os.Exit.

    The last two are told with -test.v only, so short processes of their own ask, until none of them is killed.
    """
    for attempt in range(1, len(silent) + 1):
        asked = run_binary(
            context,
            binary,
            _raw(context, binary.package, f"silent-{attempt}"),
            bench=context.options.bench,
            benchtime="1x",
            cpu=measured.cpu,
            timeout_seconds=timeout_seconds,
            skip=_exactly(heard),
            verbose=True,
        )
        measured.explained += asked.problems
        _set_aside(binary.package, asked, measured)
        heard = heard | _functions(asked)
        silent = [name for name in silent if name not in heard]
        if not silent or not asked.killed_by or binary.package in measured.stopped:
            return


def _functions(given: ProcessRun) -> set[str]:
    """The benchmark functions that gave a number or a problem."""
    names = [each.benchmark for each in given.results] + [each.name for each in given.problems]
    return {function(name) for name in names if name}


def _set_aside(package: str, given: ProcessRun, measured: _Measured) -> None:
    """Later processes run without what killed this one. A package that goes on hanging is not run again."""
    aside = measured.set_aside.setdefault(package, set())
    known = given.killed_by in aside
    if given.killed_by:
        aside.add(given.killed_by)
    if given.ended.timed_out:
        measured.hangs[package] = measured.hangs.get(package, 0) + 1
        if known or not given.killed_by or measured.hangs[package] == _MOST_HANGS:
            measured.stopped.add(package)


def _result(
    context: Context, measured: _Measured, problems: Sequence[Problem], packages: int
) -> BenchmarksResult:
    series = summary.series(
        {package: [each.results for each in given] for package, given in measured.runs.items()}
    )
    met = [problem for given in measured.runs.values() for each in given for problem in each.problems]
    return BenchmarksResult(
        series,
        summary.told_once([*problems, *measured.explained, *met]),
        measured.processes,
        context.effort.benchtime,
        packages,
        context.go.version,
    )


def _keep(
    context: Context, measured: _Measured, order: Sequence[Sequence[str]], result: BenchmarksResult
) -> None:
    kept = {
        "seed": measured.seed,
        "order": order,
        "bench": context.options.bench,
        "gomaxprocs": measured.cpu,
        **asdict(result),
    }
    context.keep(context.room(_SCENARIO) / "series.json", json.dumps(kept, indent=1))


def _warnings(measured: _Measured, result: BenchmarksResult) -> tuple[str, ...]:
    aside = (
        f"{package}: the later processes ran without what killed the first: {', '.join(sorted(names))}"
        for package, names in measured.set_aside.items()
        if names
    )
    stopped = (f"{package} hung and was not run again" for package in sorted(measured.stopped))
    conditions = (
        f"measured with GOMAXPROCS={measured.cpu}; the packages' order comes from --seed {measured.seed}"
    )
    return (*summary.warnings(result), *aside, *stopped, conditions)


def _names(context: Context, each: BenchmarkPackage) -> tuple[str, ...]:
    """The functions of a package that `options.bench` may choose and perf.toml does not leave out whole."""
    rows = left_out_benchmarks(context.target.declared.leave_out, each.package)
    patterns = [row.benchmark for row in rows if "/" not in row.benchmark]
    return tuple(
        name
        for name in each.names
        if may_choose(context.options.bench, [name]) and not any(may_choose(p, [name]) for p in patterns)
    )


def _what_next(context: Context, result: BenchmarksResult) -> str:
    """What to type when something failed, in the form of PerfError; "" where nothing did."""
    failed = [problem for problem in result.problems if problem.counts]
    if not failed:
        return ""
    first = next((each for each in failed if each.kind is ProblemKind.NOT_BUILT), failed[0])
    tags = context.target.declared.tags
    pattern = f"^{function(first.name)}$" if first.name else "."
    argv = [
        *(
            ["go", "vet"]
            if first.kind is ProblemKind.NOT_BUILT
            else ["go", "test", "-run=^$", f"-bench={pattern}"]
        ),
        *([f"-tags={tags}"] if tags else []),
        first.package,
    ]
    return f"  next: cd {shlex.quote(str(context.target.directory))} && {shlex.join(argv)}"


def _no_match(bench: str, found: Sequence[BenchmarkPackage]) -> UsageError:
    names = sorted({name for each in found for name in each.names})
    wanted = bench.partition("/")[0].strip("^$")
    close = difflib.get_close_matches(wanted, names, n=5, cutoff=0.4)
    close = close or difflib.get_close_matches(f"Benchmark{wanted}", names, n=5, cutoff=0.4)
    shown = close or names[:5]
    return UsageError(
        f"no benchmark matches {bench!r}",
        cause=f"a misspelt name; there are {len(names)}, {'close to it' if close else 'such as'}: {', '.join(shown)}",
        next_command=f"--bench '^{shown[0]}$', or --dry-run without --bench to see them all",
    )


def _processes(context: Context) -> int:
    return context.options.processes or context.effort.processes


def _raw(context: Context, package: str, name: str) -> Path:
    return context.room(_SCENARIO) / "raw" / package / f"{name}.txt"


def _exactly(names: Iterable[str]) -> list[str]:
    return [f"^{name}$" for name in sorted(names)]
