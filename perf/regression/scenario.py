"""The scenario `regression`: did the head get slower than the base?"""

from __future__ import annotations

import math
import shlex
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from perf.benchmarks import scenario as benchmarks
from perf.benchmarks.binaries import BenchmarkPackage, find_packages, left_out_benchmarks
from perf.benchmarks.names import declared_at
from perf.benchmarks.run import function
from perf.benchmarks.summary import told_once
from perf.blame.blame import blame
from perf.blame.profiles import Asked
from perf.blame.touches import Change
from perf.context import Context, Plan
from perf.errors import ExitCode, Interrupted, Undecided, UsageError
from perf.model import (
    Blame,
    Comparison,
    Outcome,
    Problem,
    ProblemKind,
    RegressionResult,
    Side,
    Status,
    Verdict,
)
from perf.regression import against_stored, gate, outcome, resume
from perf.regression.comparisons import Benchmark, Row, limits_of, named, unmeasured
from perf.regression.journal import FILE_NAME, Journal
from perf.regression.matched import Couple, Matched
from perf.regression.resume import RunPlan
from perf.regression.sides import (
    Head,
    built,
    dirty_warning,
    find_base,
    find_head,
    no_repository,
)
from perf.regression.survey import Subject, calibrate
from perf.system import clock
from perf.system.counters import HOW_TO_GET, Counter
from perf.system.git import Commit
from perf.units import format_seconds
from perf.work.commit import find_counter

_SCENARIO = "regression"
_NO_BENCHMARKS = "the target has no benchmarks, so there is nothing to compare"
# Of one benchmark, both sides, on two cores: seen on the bundled target.
_SECONDS_TO_COUNT = 4.0
_SECONDS_PER_ROUND = 0.6


@dataclass(frozen=True, slots=True)
class _Calibrated:
    """All differing packages' calibrations as one. `changed` are benchmarks whose own code differs."""

    subjects: tuple[Subject, ...]
    changed: frozenset[Benchmark]
    places: Mapping[tuple[str, str], str]
    only_base: tuple[str, ...]
    only_head: tuple[str, ...]
    unmeasurable: tuple[Row, ...]
    problems: tuple[Problem, ...]


def plan(context: Context) -> Plan:
    """What would be compared; nothing is built. Raises as `run` does where a side cannot be found."""
    head = find_head(context)
    found = _chosen(context)
    if not found:
        return Plan((f"{_SCENARIO}: {_NO_BENCHMARKS}",), 0.0)
    if context.options.against == "stored":
        path = against_stored.baseline_of(context, head)
        measured = benchmarks.plan(context)
        first = f"{_SCENARIO}: {head.name} against the stored baseline {path}"
        return Plan((first, *measured.lines), measured.expected_seconds)
    base = find_base(context, head)
    names = sum(len(each.names) for each in found if not each.left_out)
    budget = _budget(context)
    time = (
        "all of them"
        if context.options.time == "always"
        else "those whose work changed, that wait or run concurrently"
    )
    most = (
        "no limit of time"
        if math.isinf(budget)
        else f"at most {format_seconds(budget)} for counting and timing"
    )
    lines = (
        f"{_SCENARIO}: {head.name} ({head.commit.subject}) against {base.sha[:12]} ({base.subject})",
        f"  {names} benchmark functions, packages: {len(found)}; those with identical test binaries are not measured",
        "  instructions, allocations and bytes per operation of each are counted on both sides",
        f"  then timed: {time}; at most {_rounds(context)} rounds of pairs in fresh processes, in random order; {most}",
        "  what seems changed is measured again before it is believed",
    )
    seconds = names * (_SECONDS_TO_COUNT + _rounds(context) * _SECONDS_PER_ROUND)
    return Plan(lines, min(seconds, budget))


def run(context: Context) -> Outcome:
    """Compare. A side that cannot be judged ends as unknown; raises RunFailed when the head does not build.

    What was measured before an Interrupted lies under the run's `regression/raw`.
    """
    started = clock.monotonic_seconds()
    if context.target.checkout is None:
        error = no_repository(context)
        return Outcome(_SCENARIO, Status.LEFT_OUT, error.exit_code, error.what, 0.0, error=str(error))
    try:
        head = find_head(context)
        if not _chosen(context):
            return Outcome(_SCENARIO, Status.LEFT_OUT, ExitCode.UNKNOWN, _NO_BENCHMARKS, 0.0)
        stored = context.options.against == "stored"
        result, warnings = against_stored.compare(context, head) if stored else _against_base(context, head)
    except Interrupted as error:
        if (context.room(_SCENARIO) / FILE_NAME).exists():
            raise Interrupted(error.what, next_command=f"go on: {_go_on(context)}") from error
        raise
    except Undecided as error:
        seconds = clock.monotonic_seconds() - started
        summary = error.what.splitlines()[0]
        return Outcome(_SCENARIO, Status.UNKNOWN, ExitCode.UNKNOWN, summary, seconds, error=str(error))
    return outcome.of(result, warnings, clock.monotonic_seconds() - started)


def _against_base(context: Context, head: Head) -> tuple[RegressionResult, tuple[str, ...]]:
    before = resume.earlier(context)
    if before is not None:
        context = resume.as_planned(context, before[1])
    base = find_base(context, head)
    if base.sha == head.commit.sha and not head.dirty:
        raise UsageError(
            f"the base and the head are the same commit, {base.sha[:12]}: there is nothing to compare",
            cause="--base names what is checked out",
            next_command="name an older one: --base HEAD~1, or leave it out for the merge base",
        )
    with built(context, base, head) as matched:
        plan = _run_plan(context, base, head, matched)
        if before is not None:
            resume.check(before[1], plan)
        resume.keep(context, plan)
        journal = resume.open_journal(context, before[0] if before is not None else None)
        calibrated = _calibrate(context, journal, matched)
        counter = find_counter(context) if calibrated.subjects else None
        judged = gate.judge(
            context,
            journal,
            calibrated.subjects,
            calibrated.changed,
            counter,
            limits_of(context.suite.gate),
            _rounds(context),
            _budget(context),
        )
        rows = (*judged.rows, *calibrated.unmeasurable)
        blames = _blames(context, base, head, calibrated.subjects, rows, counter)
    result = RegressionResult(
        base=Side(base.sha, base.subject),
        head=Side(head.commit.sha, head.commit.subject),
        against="base",
        comparisons=tuple(_located(row.comparison(), calibrated) for row in rows),
        proven=matched.proven,
        only_base=(*matched.only_base, *calibrated.only_base, *judged.only_base),
        only_head=(*matched.only_head, *calibrated.only_head, *judged.only_head),
        problems=(*matched.problems, *told_once((*calibrated.problems, *judged.problems))),
        rounds=judged.rounds,
        seed=context.options.seed,
        dirty=head.dirty,
        counter=counter.name if counter is not None else "",
        counting_seconds=judged.counting_seconds,
        blames=blames,
        resume=_go_on(context) if judged.unfinished else "",
    )
    told = _counter_warning(calibrated.subjects, counter)
    return result, (*dirty_warning(head), *matched.notes, *told, *judged.warnings)


def _calibrate(context: Context, journal: Journal, matched: Matched) -> _Calibrated:
    raw = context.room(_SCENARIO) / "raw" / "calibration"
    each = []
    for couple in matched.differing:
        with context.progress.step(f"calibrating the benchmarks of {couple.package}"):
            each.append(calibrate(context, journal, couple, raw))
    rows = context.target.declared.leave_out
    left_out = [
        Problem(couple.package, row.benchmark, ProblemKind.LEFT_OUT, row.reason)
        for couple in matched.differing
        for row in left_out_benchmarks(rows, couple.package)
    ]
    subjects = tuple(subject for one in each for subject in one.subjects)
    edited = {(couple.package, name) for couple in matched.differing for name in couple.changed}
    return _Calibrated(
        subjects,
        frozenset(
            each.benchmark
            for each in subjects
            if (each.benchmark.package, function(each.benchmark.name)) in edited
        ),
        {name: place for couple in matched.differing for name, place in _places(context, couple).items()},
        tuple(named(benchmark) for one in each for benchmark in one.only_base),
        tuple(named(benchmark) for one in each for benchmark in one.only_head),
        tuple(unmeasured(benchmark, reason) for one in each for benchmark, reason in one.unmeasurable),
        told_once((*left_out, *(problem for one in each for problem in one.problems))),
    )


def _places(context: Context, couple: Couple) -> dict[tuple[str, str], str]:
    """Where the head declares each benchmark function: file:line in the repository."""
    assert context.target.checkout is not None
    root = PurePosixPath(context.target.checkout.subdirectory)
    places = declared_at(couple.package, couple.source or couple.head.directory)
    return {(couple.package, name): (root / place).as_posix() for name, place in places.items()}


def _located(comparison: Comparison, calibrated: _Calibrated) -> Comparison:
    key = (comparison.package, function(comparison.name))
    return replace(comparison, position=calibrated.places.get(key, ""))


def _counter_warning(subjects: Sequence[Subject], counter: Counter | None) -> list[str]:
    if not subjects or counter is not None:
        return []
    return [f"nothing here counts instructions, so every benchmark is judged by its time alone: {HOW_TO_GET}"]


def _blames(
    context: Context,
    base: Commit,
    head: Head,
    subjects: Sequence[Subject],
    rows: Sequence[Row],
    counter: Counter | None,
) -> tuple[Blame, ...]:
    """What grew in each confirmed regression."""
    known = {subject.benchmark: subject for subject in subjects}
    asked = [
        Asked(
            row.benchmark.package,
            row.benchmark.name,
            row.unit,
            known[row.benchmark].base,
            known[row.benchmark].head,
            known[row.benchmark].iterations,
            statistics.median(row.base),
            statistics.median(row.head),
        )
        for row in rows
        if row.judgement.verdict is Verdict.REGRESSION
    ]
    change = Change(head.checkout, base.sha, head.commit.sha, head.dirty)
    return blame(context, change, asked, counter) if asked else ()


def _run_plan(context: Context, base: Commit, head: Head, matched: Matched) -> RunPlan:
    return RunPlan(
        target=context.target.name,
        base=base.sha,
        head=head.commit.sha,
        dirty=head.dirty,
        seed=context.options.seed,
        bench=context.options.bench,
        effort=context.effort_name,
        time=context.options.time,
        pairs=context.options.pairs,
        binaries=resume.digests(matched.differing),
    )


def _go_on(context: Context) -> str:
    words = ("./noxw", "-s", _SCENARIO, "--", *context.target.option, "--resume", context.run_directory.name)
    return shlex.join(words)


def _chosen(context: Context) -> tuple[BenchmarkPackage, ...]:
    """The checkout's packages with benchmarks, () when it has none; raises UsageError when --bench matches none."""
    found = find_packages(context, context.target.directory)
    return benchmarks.choose(found, context.options.bench) if found else ()


def _rounds(context: Context) -> int:
    """The most rounds that a benchmark is given."""
    return context.options.pairs or context.effort.regression_rounds


def _budget(context: Context) -> float:
    """Seconds to count and time in, once both sides are built; inf where a person named the rounds alone."""
    asked = context.options.budget_seconds
    if asked is not None:
        return asked
    return math.inf if context.options.pairs else context.effort.regression_budget
