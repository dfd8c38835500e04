"""A table as a value, rendered as Markdown here and for the terminal in perf.report.terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from tabulate import tabulate

from perf.report.escape import cell, code

ABSENT: Final = "–"


class Kind(StrEnum):
    """How a column is shown: names as code, shortened in their middle; numbers to the right; words by their meaning."""

    NAME = "name"
    NUMBER = "number"
    WORD = "word"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Column:
    """`rank` says when it gives way in a narrow window: 0 never, the highest first."""

    title: str
    kind: Kind = Kind.NUMBER
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as plain text; a renderer escapes them."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]

    def first(self, most: int) -> Table:
        """At most so many rows of it."""
        return Table(self.columns, self.rows[:most])

    def with_columns(self, ranks: Mapping[str, int]) -> Table:
        """The columns of these titles, in this order, with these ranks."""
        titles = [column.title for column in self.columns]
        picked = self._with([titles.index(title) for title in ranks])
        columns = zip(picked.columns, ranks.values(), strict=True)
        return Table(tuple(replace(column, rank=rank) for column, rank in columns), picked.rows)

    def without_empty_columns(self) -> Table:
        """Columns in which nothing was measured are not shown."""
        return self._with(
            [
                index
                for index in range(len(self.columns))
                if any(row[index] not in ("", ABSENT) for row in self.rows)
            ]
        )

    def _with(self, kept: Sequence[int]) -> Table:
        return Table(
            tuple(self.columns[index] for index in kept),
            tuple(tuple(row[index] for index in kept) for row in self.rows),
        )


def pipe(table: Table) -> str:
    """The table in Markdown, aligned; "" for one without rows."""
    if not table.rows:
        return ""
    rows = [
        [_CELLS.get(column.kind, cell)(text) for column, text in zip(table.columns, row, strict=True)]
        for row in table.rows
    ]
    return tabulate(
        rows,
        headers=[cell(column.title) for column in table.columns],
        tablefmt="pipe",
        disable_numparse=True,
        colalign=["right" if column.kind is Kind.NUMBER else "left" for column in table.columns],
    )


def _unbroken(text: str) -> str:
    """A number keeps its unit beside it however narrow its column is shown."""
    return cell(text).replace(" ", "\u00a0")


_CELLS: Final = {Kind.NAME: code, Kind.NUMBER: _unbroken}


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Table:
    """A table from any sequences."""
    return Table(tuple(columns), tuple(tuple(row) for row in rows))
