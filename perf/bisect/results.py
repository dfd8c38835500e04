"""What a search comes to: its result with the levels it rests on, in words, and the commands to see it again."""

from __future__ import annotations

import shlex
from dataclasses import replace

from perf.bisect.builds import Builds
from perf.bisect.line import GOOD
from perf.bisect.model import BisectResult, Ending, Level, Metric, State
from perf.bisect.resume import CONFIDENCE, Wanted
from perf.bisect.revisions import Range
from perf.bisect.search import Outcome, Search
from perf.context import Context
from perf.system import clock


def same_binary(
    context: Context, wanted: Wanted, asked: Range, package: str, builds: Builds, started: float
) -> BisectResult:
    """Of a range whose ends have one test binary: nothing is measured. `started`: a reading of the monotonic clock."""
    levels = (
        Level(place, commit, State.BUILT if place in (GOOD, asked.line.bad) else State.UNTOUCHED)
        for place, commit in enumerate(asked.commits)
    )
    return BisectResult(
        target=context.target.name,
        package=package,
        benchmark=context.options.bench,
        metric=wanted.metric or Metric.CPU,
        improvement=wanted.improvement,
        all_parents=wanted.all_parents,
        confidence=wanted.confidence,
        ending=Ending.SAME_BINARY,
        summary="no commit in this range can have changed it: both ends have the same test binary",
        culprits=(),
        chance=0.0,
        change=None,
        levels=tuple(levels),
        measurements=0,
        builds=builds.linked,
        seconds=clock.monotonic_seconds() - started,
        seed=context.options.seed,
        machine=context.fingerprint.machine(),
        notes=builds.notes,
        again=_again(context, wanted, asked),
    )


def of(
    context: Context,
    wanted: Wanted,
    asked: Range,
    package: str,
    state: Search,
    outcome: Outcome,
    started: float,
) -> BisectResult:
    """Of a search that ended; what comes after it (blame, verifying, steps) is not in it yet."""
    answered = outcome.ending in (Ending.FOUND, Ending.BENCHMARK_CHANGED)
    counter = state.gauge.counter
    # What is not replaced is true of every range.
    return replace(
        same_binary(context, wanted, asked, package, state.builds, started),
        benchmark=state.gauge.benchmark.name,
        metric=state.metric,
        ending=outcome.ending,
        summary=_summary(asked, state, outcome),
        culprits=outcome.answer.places if answered else (),
        chance=outcome.answer.chance,
        change=outcome.change,
        levels=tuple(_level(place, asked, state, outcome) for place in range(asked.line.size + 1)),
        measurements=state.measurements,
        counter=counter.name if counter is not None else "",
        notes=(*state.builds.notes, *state.notes),
        resume=to_go_on(context) if outcome.ending is Ending.UNDECIDED else "",
    )


def _summary(asked: Range, state: Search, outcome: Outcome) -> str:
    match outcome.ending:
        case Ending.FOUND | Ending.BENCHMARK_CHANGED:
            names = [asked.commits[place].sha[:12] for place in outcome.answer.places]
            return (
                names[0]
                if len(names) == 1
                else f"one of {len(names)} that cannot be told apart: {', '.join(names)}"
            )
        case Ending.SCANNED:
            return f"every distinct binary counted by {state.metric.unit}"
        case Ending.NO_SHIFT:
            return f"the ends do not differ in {state.metric.unit}"
        case _:
            return f"not determined: the likeliest has {outcome.answer.chance:.0%} of {state.confidence:.0%} asked for"


def _level(place: int, asked: Range, state: Search, outcome: Outcome) -> Level:
    known = state.builds.known().get(place)
    chance = float(outcome.chances[place - 1]) if place else 0.0
    commit = asked.commits[place]
    if known is None:
        return Level(place, commit, State.UNTOUCHED, chance=chance)
    if known.binary is None:
        return Level(place, commit, State.SKIPPED, reason=known.reason, chance=chance)
    if (first := state.same_as.get(place, place)) != place:
        return Level(
            place, commit, State.SAME, tuple(state.values.get(first, ())), same_as=first, chance=chance
        )
    values = tuple(state.values.get(place, ()))
    return Level(place, commit, State.MEASURED if values else State.BUILT, values, chance=chance)


def _again(context: Context, wanted: Wanted, asked: Range) -> str:
    chosen = [
        *("--good", asked.commits[0].sha[:12], "--bad", asked.commits[-1].sha[:12]),
        *("--benchmark", context.options.bench),
        *(("--package", wanted.package) if wanted.package else ()),
        *(("--metric", str(wanted.metric)) if wanted.metric else ()),
        *(("--confidence", f"{wanted.confidence:g}") if wanted.confidence != CONFIDENCE else ()),
        *(("--improvement",) if wanted.improvement else ()),
        *(("--all-parents",) if wanted.all_parents else ()),
        *(("--scan",) if wanted.scan else ()),
        *(("--tags", wanted.tags) if wanted.tags else ()),
        *("--seed", str(context.options.seed)),
    ]
    return _command(context, *chosen)


def to_go_on(context: Context) -> str:
    """The command that goes on with this search."""
    return _command(context, "--resume", context.run_directory.name)


def _command(context: Context, *arguments: str) -> str:
    return shlex.join(
        ("./noxw", "--run", "python", "-m", "perf", "bisect", *context.target.option, *arguments)
    )
