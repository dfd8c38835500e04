"""A board as text for a terminal and as Markdown. Pure: a board in, text out."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from perf.compare.model import Board, Row
from perf.errors import MEANINGS, ExitCode
from perf.model import Verdict
from perf.report.escape import cell, code, one_line, prose
from perf.report.figures import centre, quantity
from perf.report.layout import INDENT, fitted
from perf.report.tables import ABSENT, Column, Kind, Table, pipe, table
from perf.report.words import change, count, marked
from perf.units import format_fraction

MOST_ROWS: Final = 200
"""A terminal shows what is unchanged up to so many rows in all."""

_LISTED: Final = 10
_SMALLEST_P: Final = 1e-12
_COUNTABLE: Final = (Verdict.REGRESSION, Verdict.IMPROVEMENT)
_ORDER: Final = (Verdict.REGRESSION, Verdict.UNKNOWN, Verdict.IMPROVEMENT, Verdict.UNCHANGED)


def text(board: Board, width: int, *, colour: bool = False) -> str:
    """For a terminal of `width` cells; with `colour`, with its escape sequences."""
    console = Console(
        file=io.StringIO(),
        width=width,
        highlight=False,
        color_system="standard" if colour else None,
        force_terminal=colour,
        legacy_windows=False,
    )
    for part in _blocks(board, width):
        console.print(part)
    shown = console.file
    assert isinstance(shown, io.StringIO)
    return "".join(f"{line.rstrip()}\n" for line in shown.getvalue().split("\n")[:-1])


def _blocks(board: Board, width: int) -> Iterator[RenderableType]:
    for key, value in board.common:
        yield _line(f"{key}: {value}", "dim")
    yield _line(f"base: {board.base}; against it: {', '.join(board.columns)}")
    folds = len(board.rows) > MOST_ROWS
    rows = [row for row in board.rows if not (folds and row.verdict is Verdict.UNCHANGED)]
    if rows:
        yield Text()
        yield fitted([("", row_table(board, rows))], width)
    if len(rows) < len(board.rows):
        folded = count(len(board.rows) - len(rows), "unchanged row")
        yield _line(f"and {folded}; --format csv has all", "dim")
    if board.means:
        yield Text()
        yield fitted([("", mean_table(board))], width)
    if lists := list(_lists(board)):
        yield Text()
        yield from (_line(f"{title}: {_shown(names)}") for title, names in lists)
    if board.warnings:
        yield Text()
        yield from (_line(f"warning: {warning}", "yellow") for warning in board.warnings)
    yield Text()
    yield _line(rule(board), "dim")
    style = {ExitCode.FINE: "bold green", ExitCode.FAILED: "bold red"}.get(board.exit_code, "bold yellow")
    yield _line(conclusion(board), style)


def _line(words: str, style: str = "") -> RenderableType:
    return Padding(Text(one_line(words), style), (0, 0, 0, INDENT))


def markdown(board: Board) -> str:
    """For a job summary or a comment: the verdict first, what is unchanged folded."""
    telling = [row for row in board.rows if row.verdict is not Verdict.UNCHANGED]
    unchanged = [row for row in board.rows if row.verdict is Verdict.UNCHANGED]
    parts = [f"**{cell(conclusion(board))}**"]
    settings = "; ".join(f"{cell(key)}: {code(value)}" for key, value in board.common)
    parts.append(f"Base: {code(board.base)}; against it: {', '.join(map(code, board.columns))}")
    parts += [settings] if settings else []
    parts += [pipe(row_table(board, telling))] if telling else []
    if unchanged:
        title = count(len(unchanged), "unchanged row")
        folded = pipe(row_table(board, unchanged))
        parts.append(f"<details><summary>{title}</summary>\n\n{folded}\n\n</details>")
    parts += [pipe(mean_table(board))] if board.means else []
    listed = [f"- {prose(title)}: {', '.join(map(code, names))}" for title, names in _lists(board)]
    parts += ["\n".join(listed)] if listed else []
    warned = [f"- ⚠️ {cell(warning)}" for warning in board.warnings]
    parts += ["\n".join(warned)] if warned else []
    parts.append(prose(rule(board)))
    return "\n\n".join(parts) + "\n"


def row_table(board: Board, rows: Iterable[Row]) -> Table:
    """A line a row; the column is named where there are several."""
    shown = table(
        (
            Column("verdict", Kind.WORD),
            Column("benchmark", Kind.NAME),
            Column("metric", Kind.TEXT),
            Column("column", Kind.NAME),
            Column("base", rank=3),
            Column("new", rank=2),
            Column("delta"),
            Column("95 % interval", rank=1),
            Column("p", rank=4),
            Column("board p", rank=5),
            Column("n"),
            Column("package", Kind.NAME, rank=6),
            Column("why", Kind.TEXT, rank=7),
        ),
        [_cells(row, len(board.columns) > 1) for row in rows],
    )
    return shown.without_empty_columns()


def _cells(row: Row, several: bool) -> tuple[str, ...]:
    each = row.comparison
    interval = each.low is not None and each.high is not None
    return (
        marked(each.verdict),
        each.name,
        each.unit,
        row.column if several else ABSENT,
        centre(each.base, each.unit),
        centre(each.head, each.unit),
        change(each.change),
        f"{change(each.low)} … {change(each.high)}" if interval else ABSENT,
        probability(row.p),
        probability(row.adjusted_p),
        sizes(len(each.base), len(each.head)),
        each.package or ABSENT,
        each.reason or ABSENT,
    )


def mean_table(board: Board) -> Table:
    """Geometric means of the medians."""
    shown = table(
        (
            Column("geometric mean", Kind.TEXT),
            Column("column", Kind.NAME),
            Column("base"),
            Column("new"),
            Column("delta"),
            Column("of"),
            Column("left out", Kind.TEXT, rank=1),
        ),
        [
            (
                each.unit,
                each.column if len(board.columns) > 1 else ABSENT,
                quantity(each.base, each.unit),
                quantity(each.head, each.unit),
                change(each.change),
                count(each.benchmarks, "benchmark"),
                f"{each.left_out} with a zero" if each.left_out else ABSENT,
            )
            for each in board.means
        ],
    )
    return shown.without_empty_columns()


def _lists(board: Board) -> Iterator[tuple[str, Sequence[str]]]:
    """What was not compared, titled; long lists are cut, and say so."""
    groups: dict[str, list[str]] = {}
    for each in board.one_sided:
        absent = board.base if each.present == each.column else each.column
        kind = "metrics only" if each.unit else "only"
        name = f"{each.name} {each.unit}" if each.unit else each.name
        groups.setdefault(f"{kind} in {each.present} (not in {absent})", []).append(name)
    for title, names in groups.items():
        kept = names[:_LISTED]
        yield title, [*kept, *([f"and {len(names) - _LISTED:,} more"] if len(names) > _LISTED else [])]
    for renamed in board.renames:
        yield "perhaps renamed", (f"{renamed.before} → {renamed.after}",)


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names)


def rule(board: Board) -> str:
    """What the verdicts were held to."""
    limits = board.limits
    how = "values paired by their order" if limits.paired else "not paired"
    runs = f", runs differ by {format_fraction(limits.between_runs)}" if limits.between_runs else ""
    return (
        f"at most {format_fraction(limits.alpha)} for a false alarm on the whole board; least effect "
        f"{format_fraction(limits.least_effect)}; {how}{runs}; "
        "base and new are medians, deltas of trimmed means of logarithms"
    )


def conclusion(board: Board) -> str:
    """The verdicts counted, and the exit code with its meaning."""
    numbers = [(board.count(verdict), verdict) for verdict in _ORDER]
    said = ", ".join(
        count(number, verdict) if verdict in _COUNTABLE else f"{number:,} {verdict}"
        for number, verdict in numbers
        if number
    )
    code_ = board.exit_code
    return f"{said or 'nothing to compare on both sides'}: exit {int(code_)}, {MEANINGS[code_]}"


def probability(p: float | None) -> str:
    """p for people: ".0012" is "0.0012", and what is below all sense is "< 1e-12"."""
    if p is None:
        return ABSENT
    return f"< {_SMALLEST_P:g}" if p < _SMALLEST_P else f"{p:.2g}"


def sizes(base: int, head: int) -> str:
    """ "10", or "10+9" where the sides differ."""
    return str(base) if base == head else f"{base}+{head}"
