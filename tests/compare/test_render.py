from __future__ import annotations

import csv
import io
import json

import pytest

from perf.compare import export, render
from perf.compare.board import compare
from perf.compare.judge import Limits
from perf.compare.model import Asked
from perf.model import Verdict
from tests.compare.goldens import TESTDATA, renderings
from tests.compare.outputs import HEADER, board, lines, source, steady

GOLDENS = dict(renderings())
INPUTS = {"before.txt", "after.txt"}
OLD = lines("BenchmarkA-2", steady(100.0))
SLOWER = lines("BenchmarkA-2", steady(110.0))


@pytest.mark.parametrize("name", GOLDENS)
def test_the_rendering_is_the_one_that_was_reviewed(name: str) -> None:
    assert (TESTDATA / name).read_text("utf-8") == GOLDENS[name]


def test_no_golden_is_left_over() -> None:
    assert {path.name for path in TESTDATA.iterdir()} == GOLDENS.keys() | INPUTS


def test_no_line_is_wider_than_the_terminal() -> None:
    assert max(map(len, GOLDENS["board-60.golden"].splitlines())) <= 60


def test_colours_are_for_terminals_alone() -> None:
    made = board(OLD, SLOWER)
    assert "\x1b[" in render.text(made, 100, colour=True)
    assert "\x1b[" not in render.text(made, 100)


def test_several_columns_are_named_in_every_row_and_mean() -> None:
    both = lines("BenchmarkB", steady(5.0))
    sources = [
        source(HEADER + OLD + both, "a"),
        source(HEADER + SLOWER + both, "b"),
        source(HEADER + OLD + both, "c"),
    ]
    made = compare(sources, Asked(sort="name"))
    assert [row[3] for row in render.row_table(made, made.rows).rows] == ["b", "c", "b", "c"]
    assert [row[1] for row in render.mean_table(made).rows] == ["b", "c"]


def test_a_large_board_folds_what_is_unchanged_in_a_terminal() -> None:
    many = "".join(lines(f"Benchmark{index}", [5.0] * 6) for index in range(render.MOST_ROWS))
    made = board(many + OLD, many + SLOWER)
    text = render.text(made, 120)
    assert "BenchmarkA-2" in text and "Benchmark17" not in text
    assert "and 200 unchanged rows; --format csv has all" in text
    assert len(export.csv_text(made).splitlines()) == render.MOST_ROWS + 2


def test_a_board_of_unchanged_rows_alone_can_be_folded_whole() -> None:
    many = "".join(lines(f"Benchmark{index}", [5.0] * 6) for index in range(render.MOST_ROWS + 1))
    assert "and 201 unchanged rows" in render.text(board(many, many), 120)


def test_long_lists_are_cut_and_say_so() -> None:
    gone = "".join(lines(f"BenchmarkGone{index:02}", [1.0]) for index in range(13))
    text = render.text(board(OLD + gone, OLD), 300)
    assert "BenchmarkGone09, and 3 more" in text


def test_nothing_in_common_is_said_and_unknown() -> None:
    made = board(OLD, lines("BenchmarkB-2", steady(100.0)))
    assert render.conclusion(made) == (
        "nothing to compare on both sides: exit 4, unknown, could not be judged"
    )
    assert render.conclusion(made) in render.text(made, 120)
    assert render.markdown(made).startswith("**nothing to compare")


def test_the_rule_is_said() -> None:
    limits = Limits(alpha=0.02, least_effect=0.1, between_runs=0.05, paired=False)
    said = render.rule(board(OLD, OLD, Asked(limits=limits)))
    assert "at most 2 % for a false alarm" in said
    assert "least effect 10 %; not paired, runs differ by 5 %" in said
    assert "paired by their order" in render.rule(board(OLD, OLD, Asked(limits=Limits(paired=True))))


@pytest.mark.parametrize(("p", "shown"), [(None, "–"), (0.0, "< 1e-12"), (0.5, "0.5"), (0.00123, "0.0012")])
def test_p_is_shown_in_two_figures(p: float | None, shown: str) -> None:
    assert render.probability(p) == shown


def test_n_is_told_of_each_side_where_they_differ() -> None:
    assert (render.sizes(10, 10), render.sizes(10, 9)) == ("10", "10+9")


def test_json_holds_what_the_table_holds_and_the_raw_values() -> None:
    made = board(OLD, SLOWER)
    read = json.loads(export.json_text(made))
    (row,) = read["rows"]
    assert (read["version"], read["exit_code"], row["verdict"]) == (1, 1, Verdict.REGRESSION)
    assert row["base_values"] == list(made.rows[0].comparison.base)
    assert row["delta"] == pytest.approx(0.1)
    assert read["rule"] == {"alpha": 0.01, "least_effect": 0.03, "between_runs": 0.0, "paired": False}


def test_csv_has_a_line_for_each_row_and_nothing_for_what_was_not_measured() -> None:
    made = board(lines("BenchmarkA", [1.0]), lines("BenchmarkA", [0.0]))
    (row,) = csv.DictReader(io.StringIO(export.csv_text(made)))
    assert (row["verdict"], row["base"], row["low"], row["p"]) == ("unknown", "1e-09", "", "")


def test_an_interval_without_end_is_no_number_in_json() -> None:
    made = board(lines("BenchmarkA", [1e-300, 1e300]), lines("BenchmarkA", [1e300, 1e-300]))
    (row,) = json.loads(export.json_text(made))["rows"]
    assert row["verdict"] == "unknown"
