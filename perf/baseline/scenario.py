"""The scenario `baseline`: benchmarks and load on the commit checked out, kept by its full hash."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from perf.baseline import store
from perf.baseline.pyperf_file import StoredBaseline, StoredLoad, storable, whole_rounds
from perf.benchmarks import scenario as benchmarks
from perf.context import Context, Plan
from perf.errors import ExitCode, Interrupted, Lacking, PerfError, Undecided, UsageError
from perf.model import (
    BaselineResult,
    BenchmarksResult,
    LoadResult,
    Outcome,
    Problem,
    ProblemKind,
    Series,
    Status,
)
from perf.system import clock, git
from perf.work.commit import count_checkout, find_counter

_SCENARIO = "baseline"


@dataclass(frozen=True, slots=True)
class _Place:
    """Which commit is measured, and the file that keeps it."""

    sha: str
    dirty: bool
    path: Path


def plan(context: Context) -> Plan:
    """What would be measured and where it would be kept; a refusal is told here already."""
    from perf.load import scenario as load

    place = _place(context)
    if isinstance(place, Outcome):
        return Plan((f"nothing is measured: {place.summary}",), 0.0)
    measured, loaded = benchmarks.plan(context), load.plan(context)
    return Plan(
        (*measured.lines, *loaded.lines, f"kept as {context.shown(place.path)}"),
        measured.expected_seconds + loaded.expected_seconds,
    )


def run(context: Context) -> Outcome:
    """Measure and keep. A dirty tree is refused before anything is measured, or kept apart with `options.apart`.

    Raises what `benchmarks` raises; when load cannot be measured the benchmarks are kept without it.
    """
    from perf.load import scenario as load

    started = clock.monotonic_seconds()
    place = _place(context)
    if isinstance(place, Outcome):
        return place
    outcomes = [benchmarks.run(context)]
    try:
        outcomes.append(load.run(context))
    except Interrupted:
        raise
    except PerfError as error:
        outcomes.append(Outcome("load", Status.FAILED, error.exit_code, error.what, 0.0, error=str(error)))
    counted, counter = count(context, outcomes)
    return store_outcomes(
        context,
        outcomes,
        measured_at=place.sha,
        started_seconds=started,
        counted=counted,
        counter=counter,
    )


def count(context: Context, outcomes: Sequence[Outcome]) -> tuple[tuple[Series, ...], str]:
    """Instructions/op of the benchmarks that these outcomes have, and what counted them.

    Nothing where nothing can, and where no baseline would be kept of them anyway.
    """
    if isinstance(_place(context), Outcome):
        return (), ""
    series = [
        each
        for outcome in outcomes
        if isinstance(outcome.result, BenchmarksResult)
        for each in outcome.result.series
    ]
    counter = find_counter(context) if series else None
    if counter is None:
        return (), ""
    raw = context.room(_SCENARIO) / "raw" / "count"
    return count_checkout(context, counter, series, context.suite.gate, raw), counter.name


def store_outcomes(
    context: Context,
    outcomes: Sequence[Outcome],
    *,
    measured_at: str | None = None,
    started_seconds: float | None = None,
    counted: Sequence[Series] = (),
    counter: str = "",
) -> Outcome:
    """Keep what these outcomes measured already; nothing is measured here.

    `measured_at` is the commit that was checked out when measuring began: when another stands there now, nothing is
    kept. `started_seconds` is a reading of the monotonic clock. `counted` are instructions/op by `counter`.
    A baseline that stands is never replaced after a red regression, nor by one that lost benchmarks to failures.
    """
    started = clock.monotonic_seconds() if started_seconds is None else started_seconds
    place = _place(context)
    if isinstance(place, Outcome):
        return place
    if measured_at is not None and measured_at != place.sha:
        return _left_out(
            f"the checkout moved from {measured_at[:12]} to {place.sha[:12]} while it was measured",
            ExitCode.UNKNOWN,
        )
    series, load, warnings = _collect(outcomes, counted)
    if not series and not load:
        # Where nothing could be measured that is told already; only figures that came to nothing are a failure.
        failed = any(outcome.status not in (Status.UNKNOWN, Status.LEFT_OUT) for outcome in outcomes)
        return Outcome(
            _SCENARIO,
            Status.FAILED if failed else Status.UNKNOWN,
            ExitCode.FAILED if failed else ExitCode.UNKNOWN,
            f"nothing to keep for {place.sha[:12]}: neither benchmarks nor load gave a figure",
            clock.monotonic_seconds() - started,
            warnings=warnings,
        )
    red = any(each.scenario == "regression" and each.status is Status.FAILED for each in outcomes)
    stays, replaced = _standing(context, place.path, _names(series, load), red=red, failures=bool(warnings))
    if stays:
        seconds = clock.monotonic_seconds() - started
        return Outcome(_SCENARIO, Status.LEFT_OUT, ExitCode.UNKNOWN, stays, seconds, warnings=warnings)
    store.save(
        place.path,
        StoredBaseline(
            place.sha,
            place.dirty,
            context.target.name,
            context.fingerprint.machine(),
            asdict(context.fingerprint),
            clock.now(),
            series,
            load,
            counter,
        ),
    )
    count = len({(each.package, each.name) for each in series})
    apart = ", apart: the tree has changes that are in no commit" if place.dirty else ""
    kept_as = context.shown(place.path)
    return Outcome(
        _SCENARIO,
        Status.PASSED,
        ExitCode.FINE,
        f"{count} benchmarks{' and load' if load else ''} of {place.sha[:12]} kept as {kept_as}{apart}",
        clock.monotonic_seconds() - started,
        BaselineResult(kept_as, place.sha, place.dirty, count),
        warnings=(*warnings, *replaced),
    )


def _standing(
    context: Context, path: Path, names: set[str], *, red: bool, failures: bool
) -> tuple[str, tuple[str, ...]]:
    """Why the baseline that stands in this place stays, "" when it does not; and what is to be told of it then.

    `names` is what the new one holds.
    """
    shown = context.shown(path)
    try:
        standing = store.load(path)
    except UsageError:
        return "", ()
    except Lacking as error:
        return f"nothing is kept: {error.what.replace(str(path), shown)}", ()
    except Undecided as error:
        return "", (f"what stood there is replaced: {error.what.replace(str(path), shown)}",)
    if red:
        return f"the regression is red, so the baseline that stands stays: {shown}", ()
    lost = sorted(_names(standing.series, standing.load) - names)
    if failures and lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        return f"the baseline that stands stays, since this run has no {lost[0]}{more}: {shown}", ()
    return "", ()


def _names(series: Iterable[Series], load: Iterable[StoredLoad]) -> set[str]:
    benchmarks = {f"{each.package} {each.name}" for each in series}
    return benchmarks | {f"load of {each.workload}" for each in load}


def _place(context: Context) -> _Place | Outcome:
    """Where the checkout's baseline belongs; an Outcome that says why when it is not to be kept."""
    checkout = context.target.checkout
    if checkout is None:
        return _left_out(
            f"{context.target.directory} is not in a git repository, so there is no commit to keep a baseline for: "
            "git clone the target and give that path: --target PATH"
        )
    if context.options.bench != ".":
        # It would take the place of the whole one that may stand there.
        return _left_out("a baseline holds every benchmark of its commit: leave out --bench")
    try:
        sha = git.head(checkout).sha
    except Undecided as error:
        return _left_out(f"{error.what}: {error.next_command}", error.exit_code)
    dirty = git.is_dirty(checkout)
    if dirty and not context.options.apart:
        return _left_out(
            f"the target has changes that are in no commit, so they are not the baseline of {sha[:12]}: "
            "commit or stash them, or keep it apart with --apart"
        )
    return _Place(sha, dirty, store.path_for(context, sha, dirty=dirty))


def _left_out(reason: str, exit_code: ExitCode = ExitCode.USAGE) -> Outcome:
    return Outcome(_SCENARIO, Status.LEFT_OUT, exit_code, reason, 0.0)


def _collect(
    outcomes: Iterable[Outcome], counted: Sequence[Series]
) -> tuple[tuple[Series, ...], tuple[StoredLoad, ...], tuple[str, ...]]:
    """What can be kept, and a warning for everything that cannot."""
    series: list[Series] = []
    load: list[StoredLoad] = []
    warnings: list[str] = []
    for outcome in outcomes:
        match outcome.result:
            case BenchmarksResult() as result:
                kept, lost = storable((*result.series, *counted))
                series += kept
                warnings += [f"{name} is not in it: it has no value above zero" for name in lost]
                failed = [problem for problem in result.problems if problem.counts]
                warnings += [
                    f"{problem.package} {problem.name} is not in it: {_why(problem)}".replace("  ", " ")
                    for problem in failed
                ]
            case LoadResult() as result:
                if (stored := whole_rounds(result)) is not None:
                    load.append(stored)
                else:
                    verified = max((each.verified for each in result.rounds), default=0)
                    warnings.append(
                        f"load is not in it: no round arrived whole (at best {verified} of {result.images} images)"
                    )
            case None if outcome.scenario in ("benchmarks", "load"):
                warnings.append(f"{outcome.scenario} is not in it: {outcome.summary}")
            case _:
                pass
    return tuple(series), tuple(load), tuple(warnings)


def _why(problem: Problem) -> str:
    return f"{problem.kind}: {problem.text}" if problem.kind is ProblemKind.NOT_BUILT else str(problem.kind)
