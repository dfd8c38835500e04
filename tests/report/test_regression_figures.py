"""Order, counts, figures and places of a regression's rows."""

from __future__ import annotations

import dataclasses

import pytest

from perf.errors import ExitCode
from perf.model import Blame, Comparison, Outcome, RegressionResult, Status, Verdict
from perf.report.regression_figures import (
    Place,
    blame_of,
    by_metric,
    change_of,
    comparison_table,
    counted_by,
    figures_of,
    headline,
    note_of,
    place,
    places_of,
    tally,
    why,
    worst_first,
)
from perf.report.tables import Table
from tests.report.gates import COPY, LONG, TOUCH, grew, no_base, open_question, red, row
from tests.report.records import BASE, HEAD, comparison


def column(table: Table, title: str) -> list[str]:
    index = [each.title for each in table.columns].index(title)
    return [line[index] for line in table.rows]


def result_of(*rows: Comparison, blames: tuple[Blame, ...] = ()) -> RegressionResult:
    return RegressionResult(BASE, HEAD, "base", rows, (), (), (), (), 6, 1, False, blames=blames)


def test_the_worst_comparison_stands_first() -> None:
    given = [
        comparison("same", 0.0, Verdict.UNCHANGED),
        comparison("better", -0.5, Verdict.IMPROVEMENT),
        comparison("busier", 0.2, Verdict.MORE_WORK),
        comparison("edited", 9.0, Verdict.BENCHMARK_CHANGED),
        comparison("open", None, Verdict.UNKNOWN),
        comparison("bad", 0.1, Verdict.REGRESSION),
        comparison("worse", -0.4, Verdict.REGRESSION, unit="B/s"),
        comparison("from nothing", None, Verdict.REGRESSION),
    ]
    assert [each.name for each in worst_first(given)] == [
        "from nothing", "worse", "bad", "open", "edited", "busier", "better", "same",
    ]  # fmt: skip


def test_a_comparison_without_values_shows_none_of_them() -> None:
    empty = dataclasses.replace(comparison("x", None, Verdict.UNKNOWN), base=(), head=())
    table = comparison_table([empty])
    titles = ("base", "head", "change", "interval", "could see", "more rounds")
    assert [column(table, title) for title in titles] == [["–"]] * 6
    assert column(table, "values") == ["0"]


def test_values_of_each_side_are_told_apart_where_they_differ() -> None:
    uneven = dataclasses.replace(comparison("x", 0.1, Verdict.UNKNOWN), head=(1.0,))
    assert column(comparison_table([uneven]), "values") == ["3, 1"]


def test_what_a_run_could_have_seen_is_told_of_unknown_rows_only() -> None:
    known = row("a", "sec/op", 1.0, 0.1, Verdict.REGRESSION, smallest_seen=0.04)
    unknown = row("b", "sec/op", 1.0, 0.1, Verdict.UNKNOWN, smallest_seen=0.04, more_rounds=1200)
    assert column(comparison_table([known, unknown]), "could see") == ["–", "± 4.0 %"]
    assert column(comparison_table([known, unknown]), "more rounds") == ["–", "1,200"]
    assert why(unknown) == "could have seen ± 4.0 %, needs about 1,200 more rounds"
    assert why(dataclasses.replace(unknown, smallest_seen=None, more_rounds=1)) == "needs about 1 more round"
    said = dataclasses.replace(unknown, reason="needs about 1,200 more rounds (−1 % … +9 %)")
    assert why(said) == "needs about 1,200 more rounds (−1 % … +9 %), could have seen ± 4.0 %"


def test_a_change_from_nothing_has_no_percentage() -> None:
    assert change_of(row("a", "allocs/op", 0.0, None, Verdict.REGRESSION)) == "from 0"
    assert figures_of(row("a", "allocs/op", 0.0, None, Verdict.REGRESSION)) == "0 → 1 (from 0)"
    both = dataclasses.replace(row("a", "allocs/op", 0.0, None, Verdict.UNKNOWN), head=(0.0,))
    assert (change_of(both), figures_of(both)) == ("–", "0 → 0")


def test_verdicts_and_metrics_are_counted() -> None:
    (outcome,) = red().outcomes
    assert isinstance(outcome.result, RegressionResult)
    rows = outcome.result.comparisons
    assert tally(rows) == (
        "3 regressions, 2 unknown, 1 of a changed benchmark, 1 with more work, 1 improvement, 42 unchanged"
    )
    assert tally(()) == ""
    assert by_metric(rows[-42:]) == "14 instructions/op, 14 allocs/op, 14 B/op"


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (no_base().outcomes[0], f"❔ unknown: the base {BASE.sha[:12]} does not build"),
        (open_question().outcomes[0], "❔ cannot tell: 2 unknown, 2 unchanged"),
        (Outcome("regression", Status.PASSED, ExitCode.FINE, "", 1.0,
                 result_of(comparison("a", 0.0, Verdict.UNCHANGED))), "✅ no regression: 1 unchanged"),
        (Outcome("regression", Status.PASSED, ExitCode.FINE, "", 1.0, result_of()),
         "✅ no regression: identical test binaries, nothing to measure"),
        (Outcome("regression", Status.FAILED, ExitCode.FAILED, "", 1.0,
                 result_of(comparison("a", 0.5, Verdict.REGRESSION))), "❌ 1 regression"),
        (Outcome("regression", Status.UNKNOWN, ExitCode.UNKNOWN, "nothing to compare", 1.0, result_of()),
         "❔ cannot tell: nothing to compare"),
        (Outcome("regression", Status.INTERRUPTED, ExitCode.INTERRUPTED, "SIGINT", 1.0), "❔ interrupted: SIGINT"),
    ],
)  # fmt: skip
def test_the_headline_is_the_verdict(outcome: Outcome, line: str) -> None:
    assert headline(outcome) == line


@pytest.mark.parametrize(
    ("position", "found"),
    [
        ("pkg/copy/copy.go:41", Place("pkg/copy/copy.go", 41)),
        ("./a b/c:d.go:7:12", Place("a b/c:d.go", 7)),
        ("copy.go", None),
        ("copy.go:0", None),
        ("/usr/lib/go/src/runtime/mem.go:3", None),
        ("C:\\\\src\\\\x.go:3", None),
        ("../x.go:3", None),
        ("a/../../x.go:3", None),
        (":3", None),
        ("./:3", None),
        ("", None),
    ],
)  # fmt: skip
def test_only_lines_of_the_repository_are_places(position: str, found: Place | None) -> None:
    assert place(position) == found


def test_the_function_that_was_touched_is_the_first_place() -> None:
    one = row(LONG, "sec/op", 1.0, 0.5, Verdict.REGRESSION, position="copy_test.go:9")
    functions = (
        grew("runtime.memmove", "/go/src/runtime/x.s:1", 1.0, 2.0, 0.6),
        grew("big", "big.go:1", 1.0, 2.0, 0.3),
        grew("touched", "touched.go:5", 1.0, 2.0, 0.1, TOUCH),
        grew("again", "touched.go:5", 1.0, 2.0, 0.05),
    )
    result = result_of(one, blames=(Blame(COPY, LONG, "cpu-sec/op", functions),))
    assert places_of(result, one) == [
        (Place("touched.go", 5), "touched"),
        (Place("big.go", 1), "big"),
        (Place("copy_test.go", 9), LONG),
    ]
    assert places_of(result_of(one), one) == [(Place("copy_test.go", 9), LONG)]


def test_the_blame_of_the_same_metric_goes_before_another() -> None:
    one = row(LONG, "B/op", 1.0, 0.5, Verdict.REGRESSION)
    other, same = Blame(COPY, LONG, "instructions/op", ()), Blame(COPY, LONG, "B/op", ())
    assert blame_of(result_of(one, blames=(other, same)), one) == same
    assert blame_of(result_of(one, blames=(other,)), one) == other
    assert blame_of(result_of(one, blames=(Blame("p", LONG, "B/op", ()),)), one) is None


@pytest.mark.parametrize(
    ("seconds", "unit", "told"),
    [
        (5.2, "sec/op", "instructions counted by valgrind 3.19.0 in 5.2 s"),
        (5.2, "instructions/op", "instructions counted by valgrind 3.19.0 in 5.2 s"),
        (0.0, "instructions/op", "instructions counted by valgrind 3.19.0"),
        (None, "instructions/op", "instructions counted by valgrind 3.19.0"),
        (0.0, "sec/op", ""),
        (None, "sec/op", ""),
    ],
)
def test_instructions_are_told_only_where_some_were_counted(
    seconds: float | None, unit: str, told: str
) -> None:
    given = result_of(row("a", unit, 1.0, 0.0, Verdict.UNCHANGED))
    counted = dataclasses.replace(given, counter="valgrind 3.19.0", counting_seconds=seconds)
    assert counted_by(counted) == told
    assert counted_by(dataclasses.replace(counted, counter="")) == ""


def test_the_note_names_the_estimate_that_was_made() -> None:
    assert "Hodges–Lehmann" in note_of(result_of())
    stored = note_of(dataclasses.replace(result_of(), against="stored"))
    assert "trimmed means" in stored
    assert "pairs" not in stored
