"""The regression in a terminal: a table a verdict, worst first; what did not change in one line; what grew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from perf.model import Blame, Comparison, Culprit, RegressionResult, Verdict
from perf.report.escape import one_line, shorten
from perf.report.figures import quantity
from perf.report.layout import INDENT, fitted, indented, whole
from perf.report.regression_figures import (
    NEEDS,
    NOTE_OF_UNKNOWN,
    SENSE,
    WORST_FIRST,
    by_metric,
    commit,
    comparison_table,
    counted_by,
    explained,
    note_of,
    of_verdict,
    share,
)
from perf.report.words import count, joined, marked

REGRESSIONS_SHOWN: Final = 200
ROWS_SHOWN: Final = 30
"""Of every other verdict."""
NARROW: Final = 80
NAMES_SHOWN: Final = 20
BLAMES_SHOWN: Final = 5
FUNCTIONS_SHOWN: Final = 5
TOUCHES_SHOWN: Final = 5
_DEEPER: Final = INDENT + 2
_SHARE_CELLS: Final = 5

# Title → rank: which gives way first in a narrow window.
_DECIDED: Final = {
    "benchmark": 0,
    "metric": 0,
    "base": 3,
    "head": 2,
    "change": 0,
    "interval": 1,
    "values": 4,
    "package": 5,
    "why": 6,
}
_UNKNOWN: Final = {
    "benchmark": 0,
    "metric": 0,
    SENSE: 0,
    NEEDS: 0,
    "why": 1,
    "change": 2,
    "interval": 3,
    "values": 4,
    "package": 5,
}


def regression(result: RegressionResult, width: int) -> Iterator[RenderableType]:
    """Everything but the problems, laid out for `width` cells."""
    yield indented(_sides(result), "dim")
    yield from _tables(result, width)
    if unchanged := of_verdict(result.comparisons, Verdict.UNCHANGED):
        yield indented(f"{marked(Verdict.UNCHANGED)}: {len(unchanged):,} ({by_metric(unchanged)})")
    if result.proven:
        yield indented(f"identical test binaries, not measured: {_names(result.proven)}", "dim")
    for names, where in ((result.only_base, "base"), (result.only_head, "head")):
        if names:
            yield indented(f"only in {where}: {_names(names)}", "dim")
    for culprit in result.culprits:
        yield from _culprit(culprit)
    for blame in result.blames[:BLAMES_SHOWN]:
        yield from blamed(blame, width)
    if (more := len(result.blames) - BLAMES_SHOWN) > 0:
        yield indented(f"and {count(more, 'explained regression')} more, in summary.md", "dim")


def to_go_on(result: RegressionResult) -> Iterator[RenderableType]:
    """The command that measures what is left."""
    if result.resume:
        yield indented("the time ended before all was decided; to go on:", "yellow")
        yield whole(result.resume, depth=_DEEPER)


def _sides(result: RegressionResult) -> str:
    against = f" ({result.against})" if result.against != "base" else ""
    counter = f", {counted}" if (counted := counted_by(result)) else ""
    return (
        f"head {result.head.sha[:12]} {result.head.subject} against base {result.base.sha[:12]} "
        f"{result.base.subject}{against}{counter}, seed {result.seed}"
    )


def _tables(result: RegressionResult, width: int) -> Iterator[RenderableType]:
    """The verdict is a heading, which leaves its width to the names. What is unknown has a table of its own: there it
    matters what the run could have seen, not what it seemed to see."""
    decided = [each for each in WORST_FIRST if each not in (Verdict.UNCHANGED, Verdict.UNKNOWN)]
    yield from _table(result.comparisons, decided, _DECIDED, note_of(result), width)
    unknown = of_verdict(result.comparisons, Verdict.UNKNOWN)
    yield from _table(
        unknown, [Verdict.UNKNOWN], _UNKNOWN, NOTE_OF_UNKNOWN if explained(unknown) else "", width
    )


def _table(
    comparisons: Sequence[Comparison],
    verdicts: Sequence[Verdict],
    columns: Mapping[str, int],
    note: str,
    width: int,
) -> Iterator[RenderableType]:
    rows = {verdict: found for verdict in verdicts if (found := of_verdict(comparisons, verdict))}
    if not rows:
        return
    yield Text()
    shown = {verdict: found[: _most(verdict)] for verdict, found in rows.items()}
    groups = [
        (marked(verdict), comparison_table(_named(found, width)).with_columns(columns))
        for verdict, found in shown.items()
    ]
    yield fitted(groups, width)
    for verdict, found in rows.items():
        if (more := len(found) - len(shown[verdict])) > 0:
            yield indented(f"and {more:,} more: {verdict}, in summary.md", "dim")
    if note:
        yield indented(note, "dim")


def _named(comparisons: Sequence[Comparison], width: int) -> list[Comparison]:
    """Where room is short, names without the "Benchmark" that all of them begin with."""
    if width >= NARROW:
        return list(comparisons)
    return [replace(each, name=each.name.removeprefix("Benchmark") or each.name) for each in comparisons]


def _most(verdict: Verdict) -> int:
    return REGRESSIONS_SHOWN if verdict is Verdict.REGRESSION else ROWS_SHOWN


def blamed(blame: Blame, width: int) -> Iterator[RenderableType]:
    """What grew in one benchmark, and who touched it."""
    yield Text()
    room = max(1, width - INDENT - len(f"what grew in , {blame.unit}"))
    yield indented(f"what grew in {shorten(one_line(blame.name), max(room, 24))}, {blame.unit}", "bold")
    for each in blame.functions[:FUNCTIONS_SHOWN]:
        figures = f"{quantity(each.base, blame.unit)} → {quantity(each.head, blame.unit)}"
        name = shorten(one_line(each.function), max(24, width - _DEEPER - _SHARE_CELLS - 2 - len(figures)))
        part = share(each)
        yield indented(f"{part} {name} {figures}", depth=_DEEPER + _SHARE_CELLS - len(part))
        if each.position:
            yield indented(f"at {each.position}", "dim", depth=_DEEPER + _SHARE_CELLS + 1)
        for touch in each.touched_by[:TOUCHES_SHOWN]:
            yield indented(f"touched by {commit(touch)}", depth=_DEEPER + _SHARE_CELLS + 1)
        if (more := len(each.touched_by) - TOUCHES_SHOWN) > 0:
            yield indented(f"and by {count(more, 'commit')} more", "dim", depth=_DEEPER + _SHARE_CELLS + 1)
    if (more := len(blame.functions) - FUNCTIONS_SHOWN) > 0:
        yield indented(f"and {count(more, 'function')} more, in summary.md", "dim", depth=_DEEPER)
    if blame.note:
        yield indented(blame.note, "dim", depth=_DEEPER)
    if blame.command:
        yield indented("more:", "dim", depth=_DEEPER)
        yield whole(blame.command, depth=_DEEPER)


def _culprit(culprit: Culprit) -> Iterator[RenderableType]:
    yield Text()
    yield indented(f"which commit did it: {one_line(culprit.name)}, {culprit.unit}", "bold")
    for touch in culprit.commits:
        yield indented(commit(touch), depth=_DEEPER)
    yield indented(one_line(culprit.summary), "dim", depth=_DEEPER)
    if culprit.command:
        yield whole(culprit.command, depth=_DEEPER)


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_SHOWN:,} more" if len(names) > NAMES_SHOWN else ""
    return f"{joined(names[:NAMES_SHOWN])}{more}"
