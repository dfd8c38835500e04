"""A table as a value, rendered as Markdown here and for the terminal in perf.report.terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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

    def without_empty_columns(self) -> Table:
        """Columns in which nothing was measured are not shown."""
        kept = [
            index
            for index in range(len(self.columns))
            if any(row[index] not in ("", ABSENT) for row in self.rows)
        ]
        return Table(
            tuple(self.columns[index] for index in kept),
            tuple(tuple(row[index] for index in kept) for row in self.rows),
        )


def pipe(table: Table) -> str:
    """The table in Markdown, aligned; "" for one without rows."""
    if not table.rows:
        return ""
    rows = [
        [
            code(text) if column.kind is Kind.NAME else cell(text)
            for column, text in zip(table.columns, row, strict=True)
        ]
        for row in table.rows
    ]
    return tabulate(
        rows,
        headers=[cell(column.title) for column in table.columns],
        tablefmt="pipe",
        disable_numparse=True,
        colalign=["right" if column.kind is Kind.NUMBER else "left" for column in table.columns],
    )


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Table:
    """A table from any sequences."""
    return Table(tuple(columns), tuple(tuple(row) for row in rows))
