"""The search's answer in a terminal: the answer first, then what it rests on, then what grew. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from perf.bisect.model import BisectResult, Change, Ending, Level, Metric, State, Step
from perf.model import Blame, Verdict
from perf.report import bisect_plot
from perf.report.bisect_figures import (
    LONGEST_SUBJECT,
    SHORT,
    chance,
    has_values,
    in_a_line,
    likeliest,
    metric_name,
    moved,
    other_way,
    sides,
    subject,
    value,
)
from perf.report.escape import one_line, shorten
from perf.report.layout import fitted, indented, whole
from perf.report.regression_terminal import FUNCTIONS_SHOWN, blamed
from perf.report.tables import Column, Kind, table
from perf.report.words import count, took

CULPRITS_SHOWN: Final = 8
LIKELIEST_SHOWN: Final = 5
STEPS_SHOWN: Final = 15
_DEEPER: Final = 4
_IN_A_TABLE: Final = 100


def render(result: BisectResult, width: int) -> RenderableType:
    """For rich's Console.print, laid out for `width` cells; where files lie is the caller's to add."""
    return Group(*_lines(result, width))


def _lines(result: BisectResult, width: int) -> Iterator[RenderableType]:
    yield from _ANSWERS[result.ending](result, width)
    yield indented(_spent(result), "dim")
    if result.verified is not None:
        yield _verified(result)
    yield from bisect_plot.plot(result, width)
    for note in result.notes:
        yield indented(f"note: {one_line(note)}", "yellow")
    if result.blame is not None:
        yield from _blame(result.blame, width)
    if result.resume:
        yield Text()
        yield indented("to go on:", "yellow")
        yield whole(result.resume, depth=_DEEPER)
    if result.again:
        yield Text()
        yield indented("to search again:", "dim")
        yield whole(result.again, depth=_DEEPER)


# -- answers ------------------------------------------------------------------------------------------------------


def _found(result: BisectResult, width: int) -> Iterator[RenderableType]:
    places = [result.levels[place] for place in result.culprits]
    if len(places) == 1:
        (one,) = places
        yield _head(f"Culprit ✅ {one.commit.sha[:SHORT]} {subject(one.commit)}", "bold")
        yield indented(_who(one))
        if len(one.commit.parents) > 1 and not result.all_parents:
            yield indented("a merge: --all-parents searches what it brought in, too")
    else:
        skipped = sum(each.state is State.SKIPPED for each in places)
        why = f"{skipped:,} of them cannot be measured" if skipped else "no measurement tells them apart"
        yield _head(f"Culprit ✅ one of {count(len(places), 'commit')}: {why}", "bold")
        yield from _each(places)
    if result.change is not None:
        yield _effect(result, result.change)
    yield indented(_sure(result))


def _each(places: list[Level]) -> Iterator[RenderableType]:
    """The first and the last of many: what lies between cannot be measured."""
    shown = places if len(places) <= CULPRITS_SHOWN else [*places[: CULPRITS_SHOWN - 1], places[-1]]
    for each in shown:
        if each is places[-1] and len(shown) < len(places):
            yield indented(f"… {len(places) - len(shown):,} more, in bisect.json", "dim", depth=_DEEPER)
        yield indented(f"{each.commit.sha[:SHORT]} {subject(each.commit)}")
        yield indented(_who(each), "dim", depth=_DEEPER)
        if each.state is State.SKIPPED:
            reason = one_line(each.reason) or "no reason given"
            yield indented(f"cannot be measured: {shorten(reason, LONGEST_SUBJECT)}", "dim", depth=_DEEPER)


def _benchmark_changed(result: BisectResult, width: int) -> Iterator[RenderableType]:
    yield _head(
        "Bisect ➖ the benchmark itself changed, so this is no regression of what it measures", "bold"
    )
    yield from _summary(result)
    yield from _each([result.levels[place] for place in result.culprits])
    if result.change is not None:
        yield _effect(result, result.change)


def _scanned(result: BisectResult, width: int) -> Iterator[RenderableType]:
    steps = result.steps
    if not steps:
        yield _head("Bisect ✅ no step: no commit of this range changed it", "bold")
    else:
        told = f"{count(len(steps), 'step')} of {metric_name(result.metric)}"
        yield _head(f"Bisect ✅ {told} along the range", "bold")
        yield _steps(steps[:STEPS_SHOWN], result, width)
        if (more := len(steps) - STEPS_SHOWN) > 0:
            yield indented(f"and {count(more, 'step')} more, in bisect.json", "dim")
    if result.change is not None:
        yield indented(f"from end to end: {_figures(result.metric, result.change)}")


def _same_binary(result: BisectResult, width: int) -> Iterator[RenderableType]:
    yield _head("Bisect ➖ no commit in this range can have changed it", "bold")
    yield indented("both ends have the same test binary, so nothing had to be measured")


def _no_shift(result: BisectResult, width: int) -> Iterator[RenderableType]:
    change = result.change
    yield _head(f"Bisect ❔ {in_a_line(result)}", "bold")
    if other_way(result):
        option = "without --improvement" if result.improvement else "with --improvement"
        yield indented(f"it moved the other way; to find that commit, search {option}")
    else:
        yield indented(
            "commits between may still have changed it and changed it back: --scan shows every step"
        )
    if change is not None:
        yield indented(f"from the good end to the bad end: {_figures(result.metric, change)}")


def _undecided(result: BisectResult, width: int) -> Iterator[RenderableType]:
    yield _head("Bisect ❔ not determined", "bold")
    shown = likeliest(result, LIKELIEST_SHOWN)
    if not shown:
        yield from _summary(result)
        return
    columns = (
        Column("chance"),
        Column("commit", Kind.WORD),
        Column("date", Kind.WORD, rank=1),
        Column("author", Kind.NAME, rank=2),
        Column("subject", Kind.TEXT),
    )
    rows = [(chance(each.chance), each.commit.sha[:SHORT], *_told(each)) for each in shown]
    of = count(len(result.levels) - 1, "commit")
    yield indented(f"the likeliest of {of}, where {result.confidence * 100:g} % was asked for:")
    yield fitted([("", table(columns, rows))], width)
    left = [each for each in result.levels if each.chance > 0.0][LIKELIEST_SHOWN:]
    if left:
        others = sum(each.chance for each in result.levels) - sum(each.chance for each in shown)
        yield indented(f"and {count(len(left), 'commit')} more, {chance(others)} together", "dim")
    if result.change is not None:
        yield indented(f"if it is the likeliest: {_figures(result.metric, result.change)}")
    yield indented("where commits changed it and changed it back, no one step fits: --scan shows every step")


_ANSWERS: Final[dict[Ending, Callable[[BisectResult, int], Iterator[RenderableType]]]] = {
    Ending.FOUND: _found,
    Ending.BENCHMARK_CHANGED: _benchmark_changed,
    Ending.SCANNED: _scanned,
    Ending.SAME_BINARY: _same_binary,
    Ending.NO_SHIFT: _no_shift,
    Ending.UNDECIDED: _undecided,
}


# -- parts of an answer -------------------------------------------------------------------------------------------


def _head(text: str, style: str) -> RenderableType:
    return indented(text, style, depth=0)


def _summary(result: BisectResult) -> Iterator[RenderableType]:
    """What the search said, as far as the heading does not."""
    told = one_line(result.summary).removeprefix(f"{result.ending}").lstrip(": ")
    if told:
        yield indented(told)


def _who(level: Level) -> str:
    return f"{one_line(level.commit.date)[:10]}, {shorten(one_line(level.commit.author), _IN_A_TABLE)}"


def _told(level: Level) -> tuple[str, str, str]:
    """Date, author without the address, subject: a table has no room for more."""
    commit = level.commit
    author = one_line(commit.author).partition(" <")[0]
    return one_line(commit.date)[:10], author, shorten(one_line(commit.subject), _IN_A_TABLE)


def _effect(result: BisectResult, change: Change) -> RenderableType:
    return indented(_figures(result.metric, change))


def _figures(metric: Metric, change: Change) -> str:
    return f"{metric_name(metric)} {moved(change, metric.unit)}, {sides(change, metric.unit)}"


def _sure(result: BisectResult) -> str:
    if result.metric.repeats:
        by = f", by {result.counter}" if result.counter and result.metric is Metric.INSTRUCTIONS else ""
        return f"counted, not timed{by}: nothing else in the range fits the counts"
    it = "it is this one" if len(result.culprits) == 1 else "it is one of these"
    of = count(len(result.levels) - 1, "commit")
    return f"{chance(result.chance)} that {it} of {of} ({result.confidence * 100:g} % was asked for)"


def _spent(result: BisectResult) -> str:
    where = f"{one_line(result.benchmark)} of {one_line(result.package)}"
    machine = f" on {one_line(result.machine)}" if result.machine else ""
    searched = "" if not result.all_parents else ", merged branches too"
    return (
        f"{where}, {count(len(result.levels) - 1, 'commit')}{searched}: {count(result.measurements, 'measurement')} "
        f"and {count(result.builds, 'build')} in {took(result.seconds)}{machine}, seed {result.seed}"
    )


def _verified(result: BisectResult) -> RenderableType:
    found = result.verified
    assert found is not None
    wanted = Verdict.IMPROVEMENT if result.improvement else Verdict.REGRESSION
    reason = f": {one_line(found.reason)}" if found.reason else ""
    by = count(found.rounds, "fresh value" if result.metric.repeats else "fresh pair")
    each = " a side" if result.metric.repeats else ""
    if found.verdict == wanted:
        return indented(f"✅ verified against its parent by {by}{each}{reason}")
    return indented(
        f"❔ not verified against its parent, {by}{each} say {one_line(found.verdict)}{reason}", "yellow"
    )


def _steps(steps: tuple[Step, ...], result: BisectResult, width: int) -> RenderableType:
    unit = result.metric.unit
    columns = (
        Column("commit", Kind.WORD),
        Column("change"),
        Column("before", rank=2),
        Column("after", rank=1),
        Column("date", Kind.WORD, rank=3),
        Column("author", Kind.NAME, rank=4),
        Column("subject", Kind.TEXT),
    )
    rows: list[tuple[str, ...]] = []
    for step in steps:
        change = step.change
        last = result.levels[step.places[-1]]
        figures = (moved(change, unit), value(change.before, unit), value(change.after, unit))
        rows.append((last.commit.sha[:SHORT], *figures, *_told(last)))
        if others := len(step.places) - 1:
            first = result.levels[step.places[0]].commit.sha[:SHORT]
            which = f"or {first}" if others == 1 else f"or one of {others:,} before it, from {first}"
            why = "cannot be measured" if not has_values(result.levels[step.places[0]]) else "not told apart"
            rows.append(("", *("",) * 5, f"{which} ({why})"))
    return fitted([("", table(columns, rows))], width)


def _blame(blame: Blame, width: int) -> Iterator[RenderableType]:
    yield from blamed(replace(blame, functions=blame.functions[:FUNCTIONS_SHOWN]), width)
    if (more := len(blame.functions) - FUNCTIONS_SHOWN) > 0:
        yield indented(f"and {count(more, 'function')} more, in bisect.json", "dim", depth=_DEEPER)
