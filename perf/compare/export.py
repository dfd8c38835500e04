"""A board for programs: JSON and CSV, in base units. Pure: a board in, text out."""

from __future__ import annotations

import csv
import io
import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from perf.compare.judge import VERDICTS
from perf.compare.model import Board, Row
from perf.errors import MEANINGS

VERSION: Final = 1
"""Of the JSON object; changes when a field changes its meaning or goes."""

_FIELDS: Final = (
    "verdict",
    "package",
    "benchmark",
    "unit",
    "column",
    "base",
    "new",
    "delta",
    "low",
    "high",
    "p",
    "adjusted_p",
    "n_base",
    "n_new",
    "higher_is_better",
    "reason",
)


def json_text(board: Board) -> str:
    """One object. Medians, means and values are in base units, changes fractions, what was not measured null."""
    written = {
        "version": VERSION,
        "exit_code": int(board.exit_code),
        "meaning": MEANINGS[board.exit_code],
        "rule": asdict(board.limits),
        "base": board.base,
        "columns": board.columns,
        "settings": dict(board.common),
        "verdicts": {verdict.value: board.count(verdict) for verdict in VERDICTS},
        "rows": [
            {**_row(row), "base_values": row.comparison.base, "new_values": row.comparison.head}
            for row in board.rows
        ],
        "geometric_means": [
            {
                "unit": each.unit,
                "column": each.column,
                "base": each.base,
                "new": each.head,
                "delta": each.change,
                "benchmarks": each.benchmarks,
                "left_out": each.left_out,
            }
            for each in board.means
        ],
        "one_sided": [asdict(each) for each in board.one_sided],
        "perhaps_renamed": [asdict(each) for each in board.renames],
        "warnings": board.warnings,
    }
    return json.dumps(written, indent=1, allow_nan=False) + "\n"


def csv_text(board: Board) -> str:
    """A header and a line a row; what was not measured is empty. Warnings have no place here: print them beside."""
    written = io.StringIO()
    writer = csv.DictWriter(written, _FIELDS, lineterminator="\n")
    writer.writeheader()
    for row in board.rows:
        writer.writerow(_row(row))
    return written.getvalue()


def _row(row: Row) -> dict[str, Any]:
    each = row.comparison
    values = (
        each.verdict.value,
        each.package,
        each.name,
        each.unit,
        row.column,
        _median(each.base),
        _median(each.head),
        _finite(each.change),
        _finite(each.low),
        _finite(each.high),
        row.p,
        row.adjusted_p,
        len(each.base),
        len(each.head),
        row.higher_is_better,
        each.reason,
    )
    return dict(zip(_FIELDS, values, strict=True))


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
