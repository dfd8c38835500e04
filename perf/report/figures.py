"""Benchmarks, tests and objectives as tables; perf.report.load_figures and .regression_figures have the others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Final

from perf.benchmarks.summary import variation
from perf.model import (
    BenchmarksResult,
    IntegrationResult,
    ObjectiveRow,
    Problem,
    RunRecord,
    Series,
    TimedTest,
)
from perf.report.tables import ABSENT, Column, Kind, Table, table
from perf.report.words import marked, objective_value, objective_word, plus_minus, title, took
from perf.units import format_quantity, format_seconds

_TIME: Final = "sec/op"
_STANDARD: Final = (_TIME, "B/op", "allocs/op")
OWN_COLUMNS: Final = 3
"""Units beyond time, B/op and allocs/op that get a column of their own; the rarer ones share one."""


def quantity(value: float, unit: str) -> str:
    """A benchmark's value beside a heading or a metric that names its unit: "1.5 ms", "12", "4.2 MB/s", "1.85 M"."""
    if not math.isfinite(value):
        return str(value)
    if unit.startswith(("sec", "cpu-sec")):
        return format_seconds(value)
    if unit.startswith("instructions"):
        return _thousands(value)
    if unit.startswith("B/"):
        text = format_quantity(value, unit)
        return text if unit == "B/s" else text.removesuffix(unit[1:])
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"


def _thousands(value: float) -> str:
    """Three digits and a letter: "1.85 M". What rounds up to the next letter is written with it."""
    for letter, factor in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= 0.9995 * factor:
            return (
                f"{value / factor:.3g} {letter}" if abs(value) < 1e15 else f"{value / factor:,.0f} {letter}"
            )
    return f"{value:.3g}"


def centre(values: Sequence[float], unit: str) -> str:
    """The median, written in its unit; "–" of no values."""
    return quantity(median(values), unit) if values else ABSENT


def benchmark_tables(result: BenchmarksResult) -> tuple[tuple[str, Table], ...]:
    """A table a package, all with the same columns: median and spread over the processes of each metric."""
    own = _own_units(result.series)
    shown, shared = own[:OWN_COLUMNS], own[OWN_COLUMNS:]
    columns = (
        Column("benchmark", Kind.NAME),
        Column("time/op"),
        Column("spread"),
        Column("B/op", rank=2),
        Column("allocs/op", rank=1),
        *(Column(unit, rank=3) for unit in shown),
        *((Column("other", Kind.TEXT, rank=4),) if shared else ()),
        Column("runs"),
    )
    packages: dict[str, dict[str, dict[str, Series]]] = {}
    for series in result.series:
        packages.setdefault(series.package, {}).setdefault(series.name, {})[series.unit] = series
    return tuple(
        (
            package,
            table(columns, [_benchmark_row(name, by_unit, shown, shared) for name, by_unit in named.items()]),
        )
        for package, named in packages.items()
    )


def _own_units(series: Iterable[Series]) -> list[str]:
    uses: dict[str, int] = {}
    for each in series:
        if each.unit not in _STANDARD:
            uses[each.unit] = uses.get(each.unit, 0) + 1
    return sorted(uses, key=lambda unit: (-uses[unit], unit))


def _benchmark_row(name: str, by_unit: dict[str, Series], shown: list[str], shared: list[str]) -> list[str]:
    values = {unit: series.values for unit, series in by_unit.items()}

    def middle(unit: str) -> str:
        return centre(values.get(unit, ()), unit)

    others = [f"{middle(unit)} {unit}" for unit in shared if unit in values]
    return [
        name,
        middle(_TIME),
        plus_minus(variation(values.get(_TIME, ()))),
        middle("B/op"),
        middle("allocs/op"),
        *(middle(unit) for unit in shown),
        *(("; ".join(others) or ABSENT,) if shared else ()),
        str(max(map(len, values.values()))),
    ]


def problem_table(problems: Iterable[Problem]) -> Table:
    """What gave no number, and why."""
    return table(
        (
            Column("where", Kind.NAME, rank=3),
            Column("package", Kind.NAME, rank=2),
            Column("benchmark", Kind.NAME),
            Column("what", Kind.WORD),
            Column("why", Kind.TEXT),
        ),
        [(each.position, each.package, each.name or "all", each.kind, each.text) for each in problems],
    )


_TROUBLE_FIRST: Final = ("failed", "skipped", "passed")


def table_of_tests(tests: Iterable[TimedTest]) -> Table:
    """Tests of the target's own: what failed, what was skipped, what passed; within each the slowest first."""
    ordered = sorted(tests, key=lambda each: (_TROUBLE_FIRST.index(each.status), -(each.seconds or 0.0)))
    return table(
        (
            Column("status", Kind.WORD),
            Column("test", Kind.NAME),
            Column("time"),
            Column("package", Kind.NAME, rank=1),
        ),
        [
            (
                marked(each.status),
                each.name,
                ABSENT if each.seconds is None else took(each.seconds),
                each.package,
            )
            for each in ordered
        ],
    )


def tests_with(result: IntegrationResult, status: str) -> tuple[TimedTest, ...]:
    return tuple(test for test in result.tests if test.status == status)


def objective_table(rows: Iterable[ObjectiveRow]) -> Table:
    return table(
        (
            Column("metric", Kind.TEXT),
            Column("target"),
            Column("current"),
            Column("status", Kind.WORD),
            Column("note", Kind.TEXT, rank=1),
        ),
        [
            (
                each.metric.replace("_", " "),
                each.target.replace(">=", "≥").replace("<=", "≤"),
                objective_value(each),
                marked(objective_word(each)),
                each.note or ABSENT,
            )
            for each in rows
        ],
    ).without_empty_columns()


def outcome_table(record: RunRecord) -> Table:
    """A line a scenario: how it ended and what it came to."""
    return table(
        (
            Column("scenario", Kind.TEXT),
            Column("status", Kind.WORD),
            Column("what it came to", Kind.TEXT),
            Column("took"),
        ),
        [
            (title(each.scenario), marked(each.status), each.summary, took(each.seconds))
            for each in record.outcomes
        ],
    )
