"""Blame: for each confirmed regression the functions that grew, and who touched them. It never fails the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Final

from perf.benchmarks.names import slug
from perf.blame import notes, profiles
from perf.blame.costs import EXPLAINS, Profiled
from perf.blame.growth import Difference, Growth, compare
from perf.blame.profiles import Asked, Profiler
from perf.blame.source import Source
from perf.blame.touches import Change, Touches, find_touches
from perf.context import Context
from perf.errors import Lacking, PerfError, RunFailed, Undecided
from perf.model import Blame, GrownFunction
from perf.system import clock, go
from perf.system.counters import Counter

MOST_FUNCTIONS: Final = 8
SECONDS_EACH: Final = 30.0
SECONDS_IN_ALL: Final = 60.0
# Part of all growth from which a function is named. Without stacks a touched one may be small and call what grew.
_LEAST_SHARE: Final = 0.03
_LEAST_SHARE_TOUCHED: Final = 0.001
_EXPLAINED_BY_TOUCHED: Final = 0.1
_MOST_CALLERS: Final = 3
# What becomes a note: everything but an interruption and our own mistakes.
_PROBLEMS: Final = (Lacking, RunFailed, Undecided, OSError, ValueError)
_TIME: Final = "time"
_TIMES: Final = ("sec/op", "cpu-sec/op")
_TOOLS: Final = ("pprof", "trace")


@dataclass(frozen=True, slots=True)
class _Found:
    """What one kind of profile says. `measured` is the growth that it is to explain, None where units differ."""

    profiled: Profiled
    difference: Difference
    every: Difference | None
    measured: float | None

    @property
    def explained(self) -> float | None:
        return (self.every or self.difference).net / self.measured if self.measured else None


def blame(
    context: Context,
    change: Change,
    asked: Sequence[Asked],
    counter: Counter | None,
    seconds_each: float = SECONDS_EACH,
    seconds_in_all: float = SECONDS_IN_ALL,
) -> tuple[Blame, ...]:
    """What grew in each, in their order. Several times of one benchmark (wall, CPU) are one blame.

    Profiles are kept in the run's regression/blame. What cannot be told is a note; raises Interrupted alone.
    """
    unlike = _unlike(asked)
    if not unlike:
        return ()
    with context.progress.step("preparing go tool pprof and trace"):
        for tool in _TOOLS:
            go.prepare_tool(context.go, context.processes, tool, context.run_directory)
    ends = clock.monotonic_seconds() + seconds_in_all
    touches, problem = _touches(change)
    told = []
    for number, each in enumerate(unlike, start=1):
        now = clock.monotonic_seconds()
        if now >= ends:
            told.append(
                _nothing(each, f"not looked into: {seconds_in_all:g} s went into the regressions before it")
            )
            continue
        name = slug(f"{each.package}-{each.name}-{each.unit}")
        place = context.room("regression") / "blame" / f"{number:02}-{name}"
        what = f"finding what grew in {each.package} {each.name}, {each.unit} ({number}/{len(unlike)})"
        with context.progress.step(what):
            profiler = Profiler(context, each, place, min(now + seconds_each, ends))
            told.append(_blame_one(profiler, touches, counter, problem))
    return tuple(told)


def _unlike(asked: Sequence[Asked]) -> list[Asked]:
    """The first of each benchmark and kind."""
    first: dict[tuple[str, str, str], Asked] = {}
    for each in asked:
        first.setdefault((each.package, each.name, _kind(each.unit)), each)
    return list(first.values())


def _touches(change: Change) -> tuple[Touches, str]:
    try:
        return find_touches(change), ""
    except _PROBLEMS as error:
        return Touches(change, {}, {}), _words(error)


def _blame_one(profiler: Profiler, touches: Touches, counter: Counter | None, problem: str) -> Blame:
    context, asked = profiler.context, profiler.asked
    problems = [problem] if problem else []
    if _kind(asked.unit) == _TIME and asked.unit not in _TIMES:
        problems.append(f"no profile tells {asked.unit} by function, its time is shown")
    try:
        sources = _source(asked.base.directory), _source(asked.head.directory, asked)
        found = _look(profiler, counter, sources, problems)
    except _PROBLEMS as error:
        return _nothing(asked, "; ".join((*problems, _words(error))))
    if found is None:
        return _nothing(asked, "; ".join(problems))
    functions = [
        _grown_function(each, found.difference, touches, problems) for each in _chosen(found, touches)
    ]
    return Blame(
        asked.package,
        asked.name,
        found.profiled.unit,
        tuple(functions),
        tuple(path.relative_to(context.run_directory).as_posix() for path in found.profiled.files),
        found.profiled.command,
        notes.note(
            found.profiled,
            found.difference,
            found.every,
            found.explained,
            functions,
            touches.requirements_changed(),
            problems,
        ),
    )


def _look(
    profiler: Profiler, counter: Counter | None, sources: tuple[Source, Source], problems: list[str]
) -> _Found | None:
    """The first kind of profile that explains the growth, else the one that explains most; None where all failed."""
    best: _Found | None = None
    for profile in _ways(profiler, counter, sources[1].module):
        try:
            profiled = profile()
            found = _compared(profiled, sources, profiler.asked)
        except _PROBLEMS as error:
            problems.append(_words(error))
            continue
        if found.difference.grown and (found.explained is None or found.explained >= EXPLAINS):
            return found
        if best is None or (found.explained or 0.0) > (best.explained or 0.0):
            best = found
    return best


def _ways(profiler: Profiler, counter: Counter | None, module: str) -> Sequence[Callable[[], Profiled]]:
    """What to profile, the likeliest first. Whether a benchmark waits is asked of its head."""
    computing = partial(profiles.cpu, profiler, module)
    match profiler.asked.unit:
        case "instructions/op":
            return partial(profiles.instructions, profiler, counter), computing
        case "allocs/op" | "B/op":
            return (partial(profiles.allocations, profiler, module),)
        case "cpu-sec/op":
            return (computing,)
    waiting = partial(profiles.waiting, profiler, module)
    return (waiting, computing) if profiles.mostly_waits(profiler) else (computing, waiting)


def _kind(unit: str) -> str:
    return unit if unit in ("instructions/op", "allocs/op", "B/op") else _TIME


def _compared(profiled: Profiled, sources: tuple[Source, Source], asked: Asked) -> _Found:
    difference = compare(profiled.base, profiled.head, sources, profiled.quantum)
    every = compare(*profiled.every, sources, profiled.quantum) if profiled.every else None
    grown = asked.head_value - asked.base_value
    same = profiled.unit == asked.unit or (profiled.unit in _TIMES and asked.unit in _TIMES)
    return _Found(profiled, difference, every, grown if same and grown > 0 else None)


def _chosen(found: _Found, touches: Touches) -> list[Growth]:
    """The functions to name: touched ones first, then by growth.

    A touched function may cost no more itself and call what does, or cost less than sampling tells: where no other
    touched one explains the growth, such are named too.
    """
    difference, folded = found.difference, found.profiled.folded
    whole = max(difference.total, found.measured or 0.0)
    least_touched = _LEAST_SHARE if folded else _LEAST_SHARE_TOUCHED
    grown = [each for each in difference.grown if touches.touched(each)]
    touched = [each for each in grown if each.grown >= least_touched * whole]
    others = [each for each in difference.grown if each not in grown and each.grown >= _LEAST_SHARE * whole]
    explained = sum(each.grown for each in touched) >= _EXPLAINED_BY_TOUCHED * whole
    if not (explained or (folded and others)):
        touched += [each for each in difference.ran if touches.touched(each)][:_MOST_CALLERS]
    return [*touched, *others][:MOST_FUNCTIONS]


def _grown_function(
    each: Growth, difference: Difference, touches: Touches, problems: list[str]
) -> GrownFunction:
    try:
        commits = touches.commits(each)
    except _PROBLEMS as error:
        problems.append(_words(error))
        commits = ()
    return GrownFunction(
        each.function,
        touches.position(each),
        max(each.base, 0.0),
        each.head,
        max(each.grown, 0.0) / difference.total if difference.total else 0.0,
        commits,
    )


def _source(package: Path, asked: Asked | None = None) -> Source:
    """The module around a package's directory, read when asked for; raises OSError where there is none."""
    root = next((each for each in (package, *package.parents) if (each / "go.mod").is_file()), package)
    held = asked.held if asked else {}

    @cache
    def read(path: str) -> str | None:
        file = root / path
        known = held.get(file, file)
        try:
            return known.read_text("utf-8", "replace") if known is not None else None
        except OSError:
            return None

    return Source(go.module_path((root / "go.mod").read_text("utf-8", "replace")), read)


def _nothing(asked: Asked, note: str) -> Blame:
    return Blame(asked.package, asked.name, asked.unit, (), note=note)


def _words(error: Exception) -> str:
    said = error.what if isinstance(error, PerfError) else str(error)
    return (said.splitlines() or [type(error).__name__])[0]
