"""The whole comparison: sources and a question in, rows, means, lists and warnings out. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from perf.benchmarks.format import Unit, higher_is_better, tidy
from perf.compare import notices
from perf.compare.judge import (
    Answer,
    Question,
    Side,
    geometric_mean,
    judge_board,
    ratio_change,
)
from perf.compare.keys import chosen
from perf.compare.layout import Layout, RowKey, lay_out, varying
from perf.compare.model import Asked, Board, Mean, Row, Sort
from perf.compare.notices import OneSided
from perf.compare.samples import Samples, Source
from perf.errors import UsageError
from perf.model import Comparison, Verdict
from perf.regression.verdicts import TOLERANCES

TIME: Final = "sec/op"
RATE: Final = "B/s"
_STANDARD: Final = (TIME, RATE, "B/op", "allocs/op")
# b.SetBytes makes the rate from the time; Go prints it with two decimals, so the product is not quite constant.
_SAME_BYTES: Final = 0.01


@dataclass(frozen=True, slots=True)
class _Cell:
    """The samples of one row and column."""

    parts: tuple[Samples, ...]

    def side(self, unit: str) -> Side:
        return Side(
            tuple(value for part in self.parts for value in part.values.get(unit, ())),
            tuple(count for part in self.parts for count in part.iterations),
        )

    @property
    def units(self) -> dict[str, None]:
        return dict.fromkeys(unit for part in self.parts for unit in part.values)


_Cells = dict[RowKey, dict[str, _Cell]]


def compare(sources: Sequence[Source], asked: Asked) -> Board:
    """Compare every column with the base; raises UsageError when the question leaves nothing to ask."""
    samples = chosen([each for source in sources for each in source.samples], asked.terms)
    if not samples:
        raise UsageError(
            "no benchmark line is left by the filter",
            cause="every --filter must hold; a plain one is searched in the name with its sub-benchmarks",
            next_command="leave out one --filter after the other to see which holds for nothing",
        )
    layout = lay_out(samples, asked.columns, asked.rows, asked.ignored, asked.base)
    _check_columns(layout, samples, asked)
    cells = _cells(samples, layout)
    metadata = tuple(unit for source in sources for unit in source.units)
    rows, one_sided = _rows(cells, layout, asked, metadata, sources)
    if asked.units and not rows:
        raise UsageError(
            f"no benchmark on both sides has the unit {' or '.join(asked.units)}",
            cause=f"units here: {', '.join(dict.fromkeys(unit for each in samples for unit in each.values))}",
            next_command="--unit with one of these",
        )
    several = {key: [part.parts for part in by_column.values()] for key, by_column in cells.items()}
    return Board(
        base=layout.columns[0],
        columns=layout.columns[1:],
        limits=asked.limits,
        rows=_sorted(rows, asked.sort),
        means=_means(rows),
        one_sided=one_sided,
        renames=notices.renames(one_sided),
        common=notices.common(layout),
        warnings=(
            *notices.of_dimensions(layout),
            *notices.of_pooling(several, layout),
            *(() if asked.limits.paired else _of_runs(rows, cells, layout)),
            *notices.of_values(several),
            *notices.of_units(metadata),
            *notices.of_sources(sources),
        ),
    )


def _check_columns(layout: Layout, samples: Sequence[Samples], asked: Asked) -> None:
    if asked.base and asked.base not in layout.columns:
        raise UsageError(
            f"no column is called {asked.base!r}",
            cause=f"the columns are {', '.join(layout.columns)}",
            next_command="--base with one of these",
        )
    if len(layout.columns) < 2:
        keys = ", ".join(varying(samples))
        raise UsageError(
            f"one column ({layout.columns[0]}): nothing to compare it with",
            cause=f"what varies in it: {keys}" if keys else "one input, or one value of --col",
            next_command="name a second file, or split one by --col KEY",
        )


def _cells(samples: Iterable[Samples], layout: Layout) -> _Cells:
    gathered: dict[RowKey, dict[str, list[Samples]]] = {}
    for each in samples:
        gathered.setdefault(layout.row(each), {}).setdefault(layout.column(each), []).append(each)
    return {
        key: {column: _Cell(tuple(parts)) for column, parts in by_column.items()}
        for key, by_column in gathered.items()
    }


# -- rows ---------------------------------------------------------------------------------------------------------


def _rows(
    cells: _Cells, layout: Layout, asked: Asked, metadata: Sequence[Unit], sources: Sequence[Source]
) -> tuple[list[Row], tuple[OneSided, ...]]:
    """Rows of what both sides have, judged together; unknown ones for what failed; the rest is listed."""
    base_label, *others = layout.columns
    wanted = {tidy(unit)[0] for unit in asked.units}
    exact = {unit.unit for unit in metadata if (unit.key, unit.value) == ("assume", "exact")}
    asked_rows: list[tuple[RowKey, str, Question]] = []
    settled: list[Row] = []
    listed: list[OneSided] = []
    failures = notices.Failures(sources, layout)
    for column in others:
        doubts = notices.doubts(layout, base_label, column)
        for key, by_column in cells.items():
            base, head = by_column.get(base_label), by_column.get(column)
            if base is None or head is None:
                present, absent = (base_label, column) if base is not None else (column, base_label)
                if present not in by_column:
                    continue
                failed = failures.of(absent, by_column[present].parts[0])
                if failed:
                    settled.append(_unjudged(key, column, TIME, f"fails in {absent}: {failed}"))
                else:
                    listed.append(OneSided(column, key.package, key.title, "", present))
                continue
            units, changed, alone = _units(base, head, wanted)
            listed += [
                OneSided(column, key.package, key.title, unit, base_label if unit in base.units else column)
                for unit in alone
            ]
            for before, after in changed:
                why = f"{before} in {base_label}, {after} in {column}: a metric that changed its unit can't be compared"
                settled.append(_unjudged(key, column, before, why))
            for unit in units:
                question = Question(
                    unit,
                    base.side(unit),
                    head.side(unit),
                    higher_is_better(unit, metadata),
                    unit in exact,
                    doubts.counted if unit in TOLERANCES else "" if unit in exact else doubts.timed,
                )
                asked_rows.append((key, column, question))
    answers = judge_board([question for _, _, question in asked_rows], asked.limits)
    rows = [
        _row(key, column, question, answer)
        for (key, column, question), answer in zip(asked_rows, answers, strict=True)
    ]
    return [*rows, *settled], tuple(sorted(listed))


def _units(base: _Cell, head: _Cell, wanted: set[str]) -> tuple[list[str], list[tuple[str, str]], list[str]]:
    """Units of both, the one that became another, and those that only one side has; `wanted` of them if not empty."""
    both = [unit for unit in base.units if unit in head.units and (not wanted or unit in wanted)]
    before = [unit for unit in base.units if unit not in head.units and (not wanted or unit in wanted)]
    after = [unit for unit in head.units if unit not in base.units and (not wanted or unit in wanted)]
    if RATE in both and not wanted and _repeats_time(base, head):
        both.remove(RATE)
    own = [[unit for unit in side if unit not in _STANDARD] for side in (before, after)]
    if len(own[0]) == len(own[1]) == 1:
        changed = [(own[0][0], own[1][0])]
        return both, changed, [unit for unit in (*before, *after) if unit not in changed[0]]
    return both, [], [*before, *after]


def _repeats_time(base: _Cell, head: _Cell) -> bool:
    """Whether rate times time is the same number of bytes everywhere, so that the rate is the time again."""
    moved = [
        rate * seconds
        for cell in (base, head)
        for rate, seconds in zip(cell.side(RATE).values, cell.side(TIME).values, strict=False)
    ]
    return bool(moved) and max(moved) - min(moved) <= _SAME_BYTES * min(moved)


def _row(key: RowKey, column: str, question: Question, answer: Answer) -> Row:
    found, base, head = answer.estimate, question.base.values, question.head.values
    change = found.change if found else ratio_change(statistics.median(base), statistics.median(head))
    comparison = Comparison(
        package=key.package,
        name=key.title,
        unit=question.unit,
        base=base,
        head=head,
        change=change,
        low=found.low if found else None,
        high=found.high if found else None,
        verdict=answer.verdict,
        reason=answer.reason,
    )
    return Row(column, comparison, found.p if found else None, answer.adjusted_p, question.higher_is_better)


def _unjudged(key: RowKey, column: str, unit: str, why: str) -> Row:
    comparison = Comparison(key.package, key.title, unit, (), (), None, None, None, Verdict.UNKNOWN, why)
    return Row(column, comparison, None, None, False)


_WORST_FIRST: Final = (Verdict.REGRESSION, Verdict.UNKNOWN, Verdict.IMPROVEMENT, Verdict.UNCHANGED)


def _sorted(rows: Iterable[Row], sort: Sort) -> tuple[Row, ...]:
    """By verdict and size, by how much worse, or by name; equal ones by name, so that the lines' order is no matter."""

    def by_name(row: Row) -> tuple[object, ...]:
        each = row.comparison
        rank = _STANDARD.index(each.unit) if each.unit in _STANDARD else len(_STANDARD)
        return each.package, each.name, rank, each.unit, row.column

    def by_delta(row: Row) -> tuple[object, ...]:
        worsening = row.worsening
        return worsening is None, -(worsening or 0.0), by_name(row)

    def by_verdict(row: Row) -> tuple[object, ...]:
        return _WORST_FIRST.index(row.verdict), -abs(row.comparison.change or 0.0), by_name(row)

    return tuple(sorted(rows, key={"verdict": by_verdict, "delta": by_delta, "name": by_name}[sort]))


# -- means and warnings -------------------------------------------------------------------------------------------


def _means(rows: Iterable[Row]) -> tuple[Mean, ...]:
    """For each column and metric with two benchmarks or more, over those that both sides have."""
    medians: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in rows:
        each = row.comparison
        if each.base and each.head:
            pair = statistics.median(each.base), statistics.median(each.head)
            medians.setdefault((row.column, each.unit), []).append(pair)
    means = []
    for (column, unit), pairs in medians.items():
        positive = [pair for pair in pairs if min(pair) > 0.0]
        if len(positive) > 1:
            base, head = (geometric_mean(side) for side in zip(*positive, strict=True))
            means.append(Mean(column, unit, len(positive), base, head, len(pairs) - len(positive)))
    return tuple(means)


def _of_runs(rows: Sequence[Row], cells: _Cells, layout: Layout) -> tuple[str, ...]:
    """Whether some row that is judged by a test has its two sides measured one after the other."""
    if all(row.p is None for row in rows):
        return ()
    base_label, *others = layout.columns
    for by_column in cells.values():
        if base_label not in by_column:
            continue
        for column in others:
            if column in by_column and _are_apart(by_column[base_label], by_column[column]):
                return notices.NOT_INTERLEAVED
    return ()


def _are_apart(base: _Cell, head: _Cell) -> bool:
    """Whether no line of one side lies between lines of the other, in one file."""
    spans = [(part.file, part.first_line, part.last_line) for part in (*base.parts, *head.parts)]
    if len({file for file, _, _ in spans}) > 1:
        return True
    ranges = sorted(
        (min(part.first_line for part in cell.parts), max(part.last_line for part in cell.parts))
        for cell in (base, head)
    )
    return any(before[1] < after[0] for before, after in pairwise(ranges))
