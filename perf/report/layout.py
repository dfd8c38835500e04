"""Tables and words in a terminal of any width: names give way in their middle, then the least telling columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from perf.model import Status, Verdict
from perf.report.escape import one_line, shorten
from perf.report.tables import ABSENT, Column, Kind, Table

GAP: Final = 2
INDENT: Final = 2
# A name or a sentence is cut or wrapped down to this before another column is dropped, and to `_LEAST` at the last.
_COMFORTABLE: Final = {Kind.NAME: 32, Kind.TEXT: 24}
_LEAST: Final = 12

STYLES: Final[dict[str, str]] = {
    Status.PASSED: "green",
    Status.FAILED: "bold red",
    Status.UNKNOWN: "yellow",
    Status.LEFT_OUT: "dim",
    Status.INTERRUPTED: "yellow",
    Verdict.REGRESSION: "bold red",
    Verdict.IMPROVEMENT: "green",
    Verdict.MORE_WORK: "yellow",
    "met": "green",
    "missed": "bold red",
    "not measured": "yellow",
    "best": "bold",
}


def style_of(words: str) -> str:
    """The style for a word, with or without its mark."""
    return STYLES.get(words, STYLES.get(words.partition(" ")[2], ""))


def indented(text: str, style: str = "", *, depth: int = INDENT, longest: int | None = 600) -> RenderableType:
    """A sentence below a heading, wrapped between its words."""
    line = one_line(text)
    return Padding(Text(line if longest is None else shorten(line, longest), style), (0, 0, 0, depth))


def whole(command: str, *, depth: int) -> RenderableType:
    """A command in one line, however long, to be copied: for Console.print with crop=False."""
    return Text(f"{' ' * depth}{one_line(command)}", no_wrap=True, overflow="ignore")


def fitted(groups: Sequence[tuple[str, Table]], width: int) -> RenderableType:
    """Tables of the same columns under their titles ("" for none), aligned with one another within `width` cells."""
    columns = groups[0][1].columns
    rows = [[one_line(cell) for cell in row] for _, table in groups for row in table.rows]
    kept = _widths(columns, rows, width - INDENT)
    shown: list[RenderableType] = []
    for number, (title, table) in enumerate(groups):
        if title:
            shown.append(Text(shorten(one_line(title), max(1, width - INDENT)), style_of(title) or "dim"))
        shown.append(_rich(table, kept, header=number == 0))
    return Padding(Group(*shown), (0, 0, 0, INDENT))


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> dict[int, int]:
    """Index → cells of each column that stays; empty columns go, then the highest ranks."""
    natural = {
        index: max([cell_len(column.title), *(cell_len(row[index]) for row in rows)])
        for index, column in enumerate(columns)
        if any(row[index] not in ("", ABSENT) for row in rows)
    }
    kept = {
        index: max(cell_len(columns[index].title), min(wide, _COMFORTABLE.get(columns[index].kind, wide)))
        for index, wide in natural.items()
    }

    def room() -> int:
        return width - sum(kept.values()) - GAP * len(kept)

    while room() < 0 and (ranked := [index for index in kept if columns[index].rank]):
        del kept[max(ranked, key=lambda index: (columns[index].rank, index))]
    flexible = [index for index in kept if columns[index].kind in _COMFORTABLE]
    while room() > 0 and (growing := [index for index in flexible if kept[index] < natural[index]]):
        for index in growing[: room()]:
            kept[index] += 1
    while room() < 0 and (shrinking := [index for index in flexible if kept[index] > _LEAST]):
        kept[max(shrinking, key=lambda index: kept[index])] -= 1
    return kept


def _rich(table: Table, widths: dict[int, int], *, header: bool) -> RichTable:
    shown = RichTable(
        box=None, show_header=header, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold"
    )
    for index, wide in widths.items():
        column = table.columns[index]
        shown.add_column(
            Text(column.title),
            justify="right" if column.kind is Kind.NUMBER else "left",
            width=wide,
            overflow="fold",
        )
    for row in table.rows:
        shown.add_row(
            *(_cell(table.columns[index].kind, one_line(row[index]), widths[index]) for index in widths)
        )
    return shown


def _cell(kind: Kind, text: str, wide: int) -> Text:
    if kind is Kind.NAME:
        return Text(shorten(text, wide))
    return Text(text, style_of(text) if kind is Kind.WORD else "")
