"""`invoke bisect`: from what was asked to the answer, shown and kept."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final

from rich.console import Console

from perf.benchmarks.binaries import TestBinary
from perf.bisect import results, resume
from perf.bisect.builds import Builds
from perf.bisect.line import GOOD
from perf.bisect.model import BisectResult, Ending, Metric, Step, Verified
from perf.bisect.modules import packages_declaring
from perf.bisect.probe import ROOM, Gauge, gauge_of, long_enough, start_seconds
from perf.bisect.resume import Wanted
from perf.bisect.revisions import Range, find_range
from perf.bisect.scan import scan
from perf.bisect.search import Outcome, Search, Seeds, search_counted, search_timed, tolerance_of
from perf.bisect.verify import verify
from perf.blame.blame import blame
from perf.blame.profiles import Asked
from perf.blame.touches import Change as Touched
from perf.context import Context
from perf.errors import ExitCode, Interrupted, Undecided, UsageError
from perf.model import Blame
from perf.regression.comparisons import limits_of, named
from perf.regression.journal import Journal
from perf.regression.matched import Couple
from perf.regression.resume import open_journal
from perf.regression.survey import Subject, calibrate
from perf.report import bisect_json, bisect_log, bisect_staircase, bisect_terminal
from perf.system import clock, files, trees
from perf.system.counters import HOW_TO_GET
from perf.work.commit import find_counter

BUDGET_SECONDS: Final = 10.0 * 60.0
_FINE: Final = (Ending.FOUND, Ending.BENCHMARK_CHANGED, Ending.SCANNED)


def run(context: Context, wanted: Wanted) -> ExitCode:
    """Search, keep the result in the run's directory and show it."""
    room = None
    if context.options.resume is not None:
        context, wanted, room = resume.earlier(context)
    try:
        result = search(context, wanted, room)
    except Interrupted as error:
        raise Interrupted(error.what, next_command=f"go on: {results.to_go_on(context)}") from error
    kept = keep(context, result)
    console = Console(highlight=False)
    # Commands stay whole to be copied, however narrow the window is.
    console.print(bisect_terminal.render(result, console.width), crop=False)
    console.print(
        f"kept: {context.shown(kept)} (bisect.json, bisect.log, staircase.svg, raw)",
        soft_wrap=True,
        markup=False,
    )
    return ExitCode.FINE if result.ending in _FINE else ExitCode.UNKNOWN


def keep(context: Context, result: BisectResult) -> Path:
    """Write the result in its forms; the directory."""
    kept = context.room(ROOM)
    for name, text in (
        ("bisect.json", bisect_json.render(result)),
        ("bisect.log", bisect_log.render(result)),
        ("staircase.svg", bisect_staircase.render(result)),
    ):
        files.write_atomically(kept / name, text)
    return kept


def search(
    context: Context, wanted: Wanted, earlier: Path | None = None, seeds: Seeds | None = None
) -> BisectResult:
    """The search alone. Raises as the parts do: UsageError for ends and names, Undecided for ends that do not build."""
    if wanted.tags:
        declared = context.target.declared.model_copy(update={"tags": wanted.tags})
        context = replace(context, target=replace(context.target, declared=declared))
    started = clock.monotonic_seconds()
    asked = find_range(context, wanted.good, wanted.bad, all_parents=wanted.all_parents)
    with _ends(context, asked) as (good, bad):
        package = _package(context, wanted.package, good, bad)
        scratch = context.processes.scratch / "worktrees"
        builds = Builds(context, asked, package, good, bad, scratch)
        first, last = (each.binary for each in builds.ends())
        assert first is not None, "raised else"
        assert last is not None, "raised else"
        ends = (first, last)
        if first.digest == last.digest and not wanted.scan:
            return results.same_binary(context, wanted, asked, package, builds, started)
        resume.keep(context, wanted, asked.commits[0].sha, asked.commits[-1].sha)
        journal = open_journal(context, earlier, ROOM)
        subject = _subject(context, journal, package, ends, builds)
        gauge, metric = _gauge(context, journal, wanted, subject, ends)
        if seeds is not None:
            gauge = replace(gauge, iterations=seeds.iterations)
        budget = context.options.budget_seconds or BUDGET_SECONDS
        state = Search(
            asked.line,
            builds,
            gauge,
            metric,
            wanted.improvement,
            wanted.confidence,
            context.options.seed,
            clock.monotonic_seconds() + budget,
        )
        state.take_in()
        if seeds is not None:
            state.begin_with(seeds)
        least_work = context.suite.gate.least_work
        steps: tuple[Step, ...] = ()
        if wanted.scan:
            outcome, steps = scan(state, least_work)
        elif metric.repeats:
            outcome = search_counted(state, least_work)
        else:
            outcome = search_timed(state)
        if outcome.ending is Ending.FOUND:
            outcome = _of_the_program(state, outcome)
        result = results.of(context, wanted, asked, package, state, outcome, started)
        if outcome.ending is not Ending.FOUND:
            return replace(result, steps=steps)
        try:
            verified = _verified(state, outcome, least_work) if wanted.verify else None
            blamed = _blame(context, asked, builds, state, outcome) if not wanted.improvement else None
        except Interrupted as error:
            raise Interrupted(f"{error.what}; found before that: {result.summary}") from error
        return replace(result, blame=blamed, verified=verified, seconds=clock.monotonic_seconds() - started)


@contextmanager
def _ends(context: Context, asked: Range) -> Iterator[tuple[Path, Path]]:
    """Both ends checked out for the whole search: benchmarks read their files there."""
    place = context.processes.scratch / "worktrees"
    commits = asked.commits
    with (
        trees.exported(asked.checkout, commits[0].sha, place / "good") as good,
        trees.exported(asked.checkout, commits[-1].sha, place / "last") as bad,
    ):
        yield good, bad


def _package(context: Context, wanted: str | None, good: Path, bad: Path) -> str:
    """The one package whose benchmarks the pattern may choose; raises UsageError where there is none or several."""
    pattern = context.options.bench
    chosen = packages_declaring(good, pattern)
    if wanted is not None:
        named_so = f"./{PurePosixPath(wanted)}" if PurePosixPath(wanted).parts else "."
        if named_so in chosen:
            return named_so
        added = named_so in packages_declaring(bad, pattern)
        elsewhere = f"{pattern!r} chooses benchmarks of {', '.join(chosen) or 'no package'} there"
        raise UsageError(
            f"{pattern!r} chooses no benchmark of {named_so} at the good end",
            cause=f"it was added later: the bad end has it; {elsewhere}" if added else elsewhere,
            next_command="name a newer good end: --good REV" if added else "name it: --package ./PATH",
        )
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        raise UsageError(
            f"{pattern!r} chooses benchmarks of {len(chosen)} packages: {', '.join(chosen)}",
            cause="one benchmark is searched by at a time",
            next_command=f"name its package: --package {chosen[0]}",
        )
    later = packages_declaring(bad, pattern)
    raise UsageError(
        f"{pattern!r} chooses no benchmark of the good end",
        cause=f"it was added or renamed later: the bad end has it in {', '.join(later)}"
        if later
        else "a misspelt name",
        next_command="name a newer good end: --good REV"
        if later
        else f"{shlex.join(('./noxw', '-s', 'benchmarks', '--', *context.target.option, '--dry-run'))} lists them",
    )


def _subject(
    context: Context, journal: Journal, package: str, ends: tuple[TestBinary, TestBinary], builds: Builds
) -> Subject:
    """The leaf benchmark that both ends have; raises UsageError where there are several, Undecided for none."""
    with context.progress.step(f"calibrating the benchmark in {package}"):
        found = calibrate(
            context, journal, Couple(package, *ends), context.room(ROOM) / "raw" / "calibration"
        )
    if len(found.subjects) == 1:
        return found.subjects[0]
    if found.subjects:
        names = [each.benchmark.name for each in found.subjects]
        raise UsageError(
            f"{context.options.bench!r} chooses {len(names)} benchmarks: {', '.join(names[:10])}",
            cause="one benchmark is searched by at a time",
            next_command=f"name one: --benchmark {shlex.quote('^' + '$/^'.join(names[0].split('/')) + '$')}",
        )
    ends_of = {"at the head": "at the bad end", "at the base": "at the good end"}
    reasons = [
        f"{named(benchmark)} {reason.replace(side, end, 1)}"
        for benchmark, reason in found.unmeasurable
        for side, end in ends_of.items()
        if side in reason
    ]
    reasons += [f"{named(each)} is missing at the bad end" for each in found.only_base]
    reasons += [f"{named(each)} is missing at the good end" for each in found.only_head]
    raise Undecided(
        f"no benchmark that {context.options.bench!r} chooses in {package} runs at both ends"
        + "".join(f"\n  {each}" for each in reasons),
        cause="it was renamed, added or removed, or fails at an end",
        next_command="name other ends: --good REV --bad REV",
    )


def _gauge(
    context: Context, journal: Journal, wanted: Wanted, subject: Subject, ends: tuple[TestBinary, TestBinary]
) -> tuple[Gauge, Metric]:
    """How to measure, and what: as asked, else instructions where they tell the change, else CPU time."""
    gauge = gauge_of(context, journal, subject)
    if wanted.metric in (None, Metric.INSTRUCTIONS):
        counter = find_counter(context)
        if counter is None and wanted.metric is Metric.INSTRUCTIONS:
            raise Undecided("nothing here counts instructions", next_command=HOW_TO_GET)
        gauge = replace(gauge, counter=counter, limits=limits_of(context.suite.gate))
        counted = wanted.metric is Metric.INSTRUCTIONS or (wanted.scan and counter is not None)
        if counted or _told_by_instructions(context, wanted, gauge, ends):
            return gauge, Metric.INSTRUCTIONS
    metric = wanted.metric or (Metric.ALLOCS if wanted.scan else Metric.CPU)
    if wanted.scan and not metric.repeats:
        raise UsageError(
            f"--scan walks by what is counted, and {metric} is timed",
            cause="timing every commit of a range would take hours",
            next_command="--metric instructions, allocs or bytes",
        )
    if metric is Metric.CPU:
        gauge = long_enough(replace(gauge, start_seconds=start_seconds(gauge, *ends)), ends[0])
    return gauge, metric


def _told_by_instructions(
    context: Context, wanted: Wanted, gauge: Gauge, ends: tuple[TestBinary, TestBinary]
) -> bool:
    if gauge.counter is None:
        return False
    with context.progress.step("counting the instructions of both ends"):
        good, bad = (gauge.value(Metric.INSTRUCTIONS, each, 0) for each in ends)
    if isinstance(good, str) or isinstance(bad, str):
        return False
    change = bad / good - 1.0
    least = context.suite.gate.least_effect
    return change <= -least if wanted.improvement else change >= least


def _blame(context: Context, asked: Range, builds: Builds, state: Search, outcome: Outcome) -> Blame | None:
    """Which functions grew from before the culprit to it."""
    first, last = outcome.answer.places[0], outcome.answer.places[-1]
    before = _before(state, first)
    base, head = builds.at(before).binary, builds.at(last).binary
    if base is None or head is None or outcome.change is None:
        return None
    with builds.checked_out(before) as old, builds.checked_out(last) as new:
        relative = builds.relative
        change = Touched(asked.checkout, asked.commits[before].sha, asked.commits[last].sha, dirty=False)
        wanted = Asked(
            base.package,
            state.gauge.benchmark.name,
            state.metric.unit,
            replace(base, directory=old / relative),
            replace(head, directory=new / relative),
            state.gauge.iterations,
            outcome.change.before,
            outcome.change.after,
        )
        (found,) = blame(context, change, [wanted], state.gauge.counter)
    return found


def _of_the_program(state: Search, outcome: Outcome) -> Outcome:
    """Found, unless the culprit edited the benchmark itself: then its figures say nothing of the program."""
    places = outcome.answer.places
    changed = state.builds.changed_between(_before(state, places[0]), places[-1])
    return replace(outcome, ending=Ending.BENCHMARK_CHANGED) if changed else outcome


def _verified(state: Search, outcome: Outcome, least_work: float) -> Verified | None:
    places = outcome.answer.places
    before, culprit = (state.builds.at(each).binary for each in (_before(state, places[0]), places[-1]))
    if before is None or culprit is None or outcome.change is None:
        return None
    tolerance = tolerance_of(state.metric, outcome.change.before, least_work) if state.metric.repeats else 0.0
    return verify(state.gauge, state.metric, before, culprit, tolerance)


def _before(state: Search, place: int) -> int:
    """The nearest place before the culprit that can be measured."""
    while place != GOOD:
        place = state.line.before(place)
        if state.measurable[place] and state.builds.at(place).binary is not None:
            return place
    return GOOD
