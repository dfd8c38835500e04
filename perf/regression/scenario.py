"""The scenario `regression`: did the head get slower than the base?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from perf.baseline import store
from perf.benchmarks import scenario as benchmarks
from perf.benchmarks.binaries import BenchmarkPackage, find_packages, left_out_benchmarks
from perf.benchmarks.format import higher_is_better
from perf.benchmarks.summary import benchtime_seconds, told_once
from perf.context import Context, Plan
from perf.errors import ExitCode, Undecided
from perf.model import BenchmarksResult, Outcome, Problem, ProblemKind, RegressionResult, Series, Side, Status
from perf.regression import measure, outcome
from perf.regression.comparisons import (
    Benchmark,
    Limits,
    Row,
    alarms,
    conclude,
    judge_pairs,
    one_sided_units,
    unmeasured,
)
from perf.regression.schedule import schedule
from perf.regression.sides import Head, Matched, built, find_base, find_head, no_repository
from perf.regression.stored import judge_stored
from perf.system import clock, git
from perf.system.git import Commit
from perf.units import format_seconds

_SCENARIO = "regression"
_NO_BENCHMARKS = "the target has no benchmarks, so there is nothing to compare"
_MOST_ANCESTORS = 200
# A pair is two processes; each starts, runs once shortly and once in full.
_SECONDS_PER_PAIR_BEYOND_BENCHTIME = 0.05


@dataclass(frozen=True, slots=True)
class _Calibrated:
    """All differing packages' calibrations as one."""

    subjects: tuple[measure.Subject, ...]
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
        path = _stored_path(context, head)
        measured = benchmarks.plan(context)
        first = f"{_SCENARIO}: {head.name} against the stored baseline {path}"
        return Plan((first, *measured.lines), measured.expected_seconds)
    base = find_base(context, head)
    names = sum(len(each.names) for each in found if not each.left_out)
    rounds, budget = _rounds(context), _budget(context)
    seconds = (
        names
        * rounds
        * 2.0
        * (benchtime_seconds(context.effort.benchtime) + _SECONDS_PER_PAIR_BEYOND_BENCHTIME)
    )
    lines = (
        f"{_SCENARIO}: {head.name} ({head.commit.subject}) against {base.sha[:12]} ({base.subject})",
        f"  {names} benchmark functions, packages: {len(found)}; those with identical test binaries are not measured",
        f"  {rounds} rounds of pairs in fresh processes, in random order"
        + (f", at most {format_seconds(budget)}" if budget is not None else ""),
        f"  what seems changed is measured again on {rounds} fresh rounds before it is believed",
    )
    return Plan(lines, seconds if budget is None else min(seconds, budget))


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
        result, warnings = _against_stored(context, head) if stored else _against_base(context, head)
    except Undecided as error:
        seconds = clock.monotonic_seconds() - started
        summary = error.what.splitlines()[0]
        return Outcome(_SCENARIO, Status.UNKNOWN, ExitCode.UNKNOWN, summary, seconds, error=str(error))
    return outcome.of(result, warnings, clock.monotonic_seconds() - started)


def _against_base(context: Context, head: Head) -> tuple[RegressionResult, tuple[str, ...]]:
    base = find_base(context, head)
    seed = context.options.seed
    with built(context, base, head) as matched:
        calibrated = _calibrate(context, matched)
        _keep_plan(context, base, head, seed, calibrated.subjects)
        first = _measure(context, calibrated.subjects, seed, "first")
        limits = _limits(context)
        rows = judge_pairs(first.pairs, limits, higher_is_better)
        chosen = alarms(rows)
        doubtful = {benchmark for benchmark, _ in chosen}
        again = [each for each in calibrated.subjects if each.benchmark in doubtful]
        fresh = _measure(context, again, seed, "fresh")
        rows = conclude(rows, judge_pairs(fresh.pairs, limits, higher_is_better, set(chosen)))
    old_units, new_units = _one_sided(first)
    result = RegressionResult(
        base=Side(base.sha, base.subject),
        head=Side(head.commit.sha, head.commit.subject),
        against="base",
        comparisons=tuple(
            row.comparison() for row in (*rows, *_without_pairs(first), *calibrated.unmeasurable)
        ),
        proven=matched.proven,
        only_base=(*matched.only_base, *calibrated.only_base, *old_units),
        only_head=(*matched.only_head, *calibrated.only_head, *new_units),
        problems=(*matched.problems, *calibrated.problems),
        rounds=first.rounds,
        seed=seed,
        dirty=head.dirty,
    )
    return result, (*_dirty_warning(head), *_warnings(first, _rounds(context)), *_warnings(fresh, 0))


def _calibrate(context: Context, matched: Matched) -> _Calibrated:
    raw = context.room(_SCENARIO) / "raw" / "calibration"
    each = []
    for couple in matched.differing:
        with context.progress.step(f"calibrating the benchmarks of {couple.package}"):
            each.append(measure.calibrate(context, couple, raw))
    rows = context.target.declared.leave_out
    left_out = [
        Problem(couple.package, row.benchmark, ProblemKind.LEFT_OUT, row.reason)
        for couple in matched.differing
        for row in left_out_benchmarks(rows, couple.package)
    ]
    return _Calibrated(
        tuple(subject for one in each for subject in one.subjects),
        tuple(_named(benchmark) for one in each for benchmark in one.only_base),
        tuple(_named(benchmark) for one in each for benchmark in one.only_head),
        tuple(unmeasured(benchmark, reason) for one in each for benchmark, reason in one.unmeasurable),
        told_once((*left_out, *(problem for one in each for problem in one.problems))),
    )


def _measure(
    context: Context, subjects: Sequence[measure.Subject], seed: int, phase: str
) -> measure.Measured:
    planned = (
        schedule([each.benchmark for each in subjects], _rounds(context), seed, phase) if subjects else ()
    )
    what = "pairs measured" if phase == "first" else "pairs measured again, to confirm"
    raw = context.room(_SCENARIO) / "raw" / phase
    return measure.measure(context, subjects, planned, raw, what, _budget(context))


def _against_stored(context: Context, head: Head) -> tuple[RegressionResult, tuple[str, ...]]:
    stored = store.load(_stored_path(context, head))
    measured = benchmarks.run(context)
    now = measured.result
    assert isinstance(now, BenchmarksResult)
    differences = store.differences(stored.fingerprint, asdict(context.fingerprint))
    rows = judge_stored(
        stored.series, now.series, differences, stored.sha, _limits(context), higher_is_better
    )
    before, after = _names(stored.series), _names(now.series)
    result = RegressionResult(
        base=Side(stored.sha, git.resolve(head.checkout, stored.sha).subject),
        head=Side(head.commit.sha, head.commit.subject),
        against="stored",
        comparisons=tuple(row.comparison() for row in rows),
        proven=(),
        only_base=tuple(name for name in before if name not in after),
        only_head=tuple(name for name in after if name not in before),
        problems=now.problems,
        rounds=now.processes,
        seed=context.options.seed,
        dirty=head.dirty,
    )
    return result, (*_dirty_warning(head), *_machine_warning(differences), *measured.warnings)


def _stored_path(context: Context, head: Head) -> Path:
    """The baseline of --base, else of the nearest ancestor that has one; raises Undecided when there is none."""
    if context.options.base is not None:
        shas: tuple[str, ...] = (git.resolve(head.checkout, context.options.base).sha,)
    else:
        shas = git.ancestors(head.checkout, head.commit.sha, _MOST_ANCESTORS)[0 if head.dirty else 1 :]
    path = store.nearest(context, shas)
    if path is None:
        if git.is_shallow(head.checkout):
            raise git.too_shallow(head.checkout, "the commits that may have a baseline are not here")
        raise Undecided(
            f"no stored baseline to compare {head.name} with",
            cause=f"none of {len(shas)} commits before it was measured on this machine ({store.directory(context)})",
            next_command="compare with the base itself: ./noxw -s regression",
        )
    return path


def _chosen(context: Context) -> tuple[BenchmarkPackage, ...]:
    """The checkout's packages with benchmarks, () when it has none; raises UsageError when --bench matches none."""
    found = find_packages(context, context.target.directory)
    return benchmarks.choose(found, context.options.bench) if found else ()


def _rounds(context: Context) -> int:
    return context.options.pairs or context.effort.regression_rounds


def _budget(context: Context) -> float | None:
    """Seconds for the first rounds, and as many for the fresh ones; none where a person named the rounds."""
    return None if context.options.pairs else context.effort.regression_budget


def _limits(context: Context) -> Limits:
    return Limits(context.suite.gate.least_effect, context.suite.gate.false_alarms)


def _named(benchmark: Benchmark) -> str:
    return f"{benchmark.package} {benchmark.name}"


def _names(series: Iterable[Series]) -> dict[str, None]:
    return dict.fromkeys(_named(Benchmark(each.package, each.name)) for each in series)


def _without_pairs(first: measure.Measured) -> list[Row]:
    return [
        unmeasured(
            benchmark,
            f"all {first.dropped[benchmark]} rounds failed on a side"
            if first.dropped.get(benchmark)
            else "the time ended before its first round",
        )
        for benchmark, pairs in first.pairs.items()
        if not pairs
    ]


def _one_sided(measured: measure.Measured) -> tuple[list[str], list[str]]:
    """Metrics that one side alone reports."""
    old: list[str] = []
    new: list[str] = []
    for benchmark, pairs in measured.pairs.items():
        only_base, only_head = one_sided_units(pairs)
        old += [f"{_named(benchmark)} {unit}" for unit in only_base]
        new += [f"{_named(benchmark)} {unit}" for unit in only_head]
    return old, new


def _dirty_warning(head: Head) -> list[str]:
    if not head.dirty:
        return []
    return [
        "the head is the checkout as it stands, with uncommitted changes; --base HEAD compares with its last commit"
    ]


def _machine_warning(differences: Sequence[str]) -> list[str]:
    if not differences:
        return []
    return [
        f"the stored baseline is of another machine, so nothing is judged by it: {'; '.join(differences)}"
    ]


def _warnings(measured: measure.Measured, rounds: int) -> list[str]:
    said = [
        f"{_named(benchmark)}: {count} rounds dropped, in which a side failed"
        for benchmark, count in measured.dropped.items()
    ]
    said += [
        f"{problem.package} {problem.name}: {problem.kind} in a round: {problem.text}"
        for problem in measured.problems
    ]
    if measured.out_of_time and rounds:
        said.append(f"the time ended in round {measured.rounds} of {rounds}")
    return said


def _keep_plan(
    context: Context, base: Commit, head: Head, seed: int, subjects: Iterable[measure.Subject]
) -> None:
    """What is needed to repeat the run: the sides, the seed, the iterations."""
    kept = {
        "base": base.sha,
        "head": head.commit.sha,
        "dirty": head.dirty,
        "seed": seed,
        "rounds": _rounds(context),
        "iterations": {_named(each.benchmark): each.iterations for each in subjects},
    }
    context.keep(context.room(_SCENARIO) / "plan.json", json.dumps(kept, indent=1) + "\n")
