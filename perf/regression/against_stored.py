"""Head against the stored baseline of its nearest measured ancestor: the base is not measured."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from perf.baseline import between_runs, history, machines, store
from perf.baseline.between_runs import BetweenRuns
from perf.baseline.pyperf_file import StoredBaseline
from perf.benchmarks import scenario as benchmarks
from perf.benchmarks.binaries import may_choose
from perf.benchmarks.format import higher_is_better
from perf.benchmarks.run import function
from perf.context import Context
from perf.errors import RunFailed, Undecided
from perf.model import BenchmarksResult, Problem, ProblemKind, RegressionResult, Series, Side
from perf.regression.comparisons import Benchmark, Row, limits_of, named, unmeasured
from perf.regression.sides import Head, dirty_warning
from perf.regression.stored import judge_stored
from perf.regression.worked import INSTRUCTIONS
from perf.system import git
from perf.system.counters import Counter
from perf.work.commit import count_checkout, find_counter

_MOST_ANCESTORS = 200


def compare(context: Context, head: Head) -> tuple[RegressionResult, tuple[str, ...]]:
    """Measure the checkout as `benchmarks` does, count its instructions, and hold both against the baseline."""
    shas = _ancestors(context, head)
    stored = store.load(_nearest(context, head, shas))
    between = between_runs.estimate(history.recent(context, shas))
    measured = benchmarks.run(context)
    now = measured.result
    assert isinstance(now, BenchmarksResult)
    _must_build(stored.series, now)
    counter = find_counter(context) if _of_instructions(stored.series) else None
    counted = _count(context, counter, stored, now.series) if counter is not None else ()
    rows = _judge(context, stored, (*now.series, *counted), counter, between, ())
    if counter is not None and (doubtful := [row for row in rows if _unsure(row)]):
        wanted = {(row.benchmark.package, row.benchmark.name) for row in doubtful}
        again = [each for each in now.series if (each.package, each.name) in wanted]
        fresh = count_checkout(
            context, counter, again, limits_of(context.suite.gate), _raw(context, "again"), again=1
        )
        rows = _judge(context, stored, (*now.series, *counted), counter, between, fresh)
    asked_for = [each for each in stored.series if may_choose(context.options.bench, [function(each.name)])]
    missing = _missing(asked_for, now)
    failed = {named(row.benchmark) for row in missing}
    before, after = _names(asked_for), _names(now.series)
    result = RegressionResult(
        base=Side(stored.sha, git.resolve(head.checkout, stored.sha).subject),
        head=Side(head.commit.sha, head.commit.subject),
        against="stored",
        comparisons=tuple(row.comparison() for row in (*rows, *missing)),
        proven=(),
        only_base=tuple(name for name in before if name not in after and name not in failed),
        only_head=tuple(name for name in after if name not in before),
        problems=now.problems,
        rounds=now.processes,
        seed=context.options.seed,
        dirty=head.dirty,
        counter=counter.name if counter is not None else "",
    )
    return result, (*dirty_warning(head), *_machine_warnings(context, stored), *measured.warnings)


def baseline_of(context: Context, head: Head) -> Path:
    """The baseline of --base, else of the nearest ancestor that has one; raises Undecided when there is none."""
    return _nearest(context, head, _ancestors(context, head))


def _nearest(context: Context, head: Head, shas: Sequence[str]) -> Path:
    path = store.nearest(context, shas)
    if path is None:
        if context.options.base is None and git.is_shallow(head.checkout):
            raise git.too_shallow(head.checkout, "the commits that may have a baseline are not here")
        raise Undecided(
            f"no stored baseline to compare {head.name} with",
            cause=f"none of {len(shas)} commits before it was measured ({store.directory(context)})",
            next_command="compare with the base itself: ./noxw -s regression",
        )
    return path


def _ancestors(context: Context, head: Head) -> tuple[str, ...]:
    """The commits whose baseline will do, nearest first."""
    if context.options.base is not None:
        return (git.resolve(head.checkout, context.options.base).sha,)
    return git.ancestors(head.checkout, head.commit.sha, _MOST_ANCESTORS)[0 if head.dirty else 1 :]


def _judge(
    context: Context,
    stored: StoredBaseline,
    head: Sequence[Series],
    counter: Counter | None,
    between: BetweenRuns,
    fresh: Sequence[Series],
) -> tuple[Row, ...]:
    here = asdict(context.fingerprint)
    return judge_stored(
        stored.series,
        head,
        machines.differences(stored.fingerprint, here),
        stored.sha,
        limits_of(context.suite.gate),
        higher_is_better,
        between=between,
        work_differences=machines.work_differences(
            stored.fingerprint, here, (stored.counter, counter.name if counter is not None else "")
        ),
        fresh=fresh,
    )


def _count(
    context: Context, counter: Counter, stored: StoredBaseline, now: Iterable[Series]
) -> tuple[Series, ...]:
    """Of the benchmarks whose instructions the baseline holds."""
    known = {(each.package, each.name) for each in _of_instructions(stored.series)}
    asked = [each for each in now if (each.package, each.name) in known]
    return count_checkout(context, counter, asked, limits_of(context.suite.gate), _raw(context, "count"))


def _must_build(before: Iterable[Series], now: BenchmarksResult) -> None:
    """Raises RunFailed with the compiler's words where nothing of the head builds, or not what the baseline holds."""
    built = {each.package for each in before}
    broken = [each for each in now.problems if each.kind is ProblemKind.NOT_BUILT]
    broken = [each for each in broken if each.package in built or not now.packages]
    if broken:
        words = "\n".join(f"{each.package}: {each.text}" for each in broken)
        raise RunFailed(
            f"the head does not build:\n{words}",
            cause="the change does not compile",
            next_command=f"in the target's directory: go vet {shlex.join(each.package for each in broken)}",
        )


def _missing(before: Iterable[Series], now: BenchmarksResult) -> list[Row]:
    """A row, with the reason, for each benchmark of the baseline that stands at the head but gave no number there."""
    measured = _names(now.series)
    wanted = dict.fromkeys(Benchmark(each.package, each.name) for each in before)
    return [
        unmeasured(benchmark, f"not measured at the head: {reason}")
        for benchmark in wanted
        if named(benchmark) not in measured and (reason := _why_missing(benchmark, now.problems))
    ]


def _why_missing(benchmark: Benchmark, problems: Iterable[Problem]) -> str:
    """The problem that took it; "" where it simply is not there. A nameless one, and a hang, take the whole package."""
    for each in problems:
        if each.package != benchmark.package or each.kind is ProblemKind.LEFT_OUT:
            continue
        whole = not each.name and each.kind is not ProblemKind.GARBLED
        if whole or f"{benchmark.name}/".startswith(f"{each.name}/"):
            return f"{each.kind}: {each.text}".splitlines()[0]
        if each.kind is ProblemKind.TIMED_OUT:
            return f"the process ended before it: {each.kind} {each.name}"
    return ""


def _unsure(row: Row) -> bool:
    return row.unit == INSTRUCTIONS and row.judgement.alarm


def _of_instructions(series: Iterable[Series]) -> list[Series]:
    return [each for each in series if each.unit == INSTRUCTIONS]


def _raw(context: Context, phase: str) -> Path:
    return context.room("regression") / "raw" / phase


def _names(series: Iterable[Series]) -> dict[str, None]:
    return dict.fromkeys(named(each) for each in series)


def _machine_warnings(context: Context, stored: StoredBaseline) -> list[str]:
    here = asdict(context.fingerprint)
    said = []
    if differences := machines.differences(stored.fingerprint, here):
        said.append(
            f"the stored baseline is of another machine, so no time is judged by it: {'; '.join(differences)}"
        )
    if unrecorded := machines.unrecorded(stored.fingerprint, here):
        said.append(f"the stored baseline does not say of its machine: {', '.join(unrecorded)}")
    return said
