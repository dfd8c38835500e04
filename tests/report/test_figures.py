"""Centre, spread, order and units of the tables."""

from __future__ import annotations

import dataclasses

import pytest

from perf.model import BenchmarksResult, ObjectiveRow, StressResult, TimedTest
from perf.report.figures import (
    benchmark_tables,
    objective_table,
    quantity,
    table_of_tests,
)
from perf.report.load_figures import (
    claim_against_truth,
    copy_percentile,
    missing_table,
    range_table,
    round_table,
    step_table,
)
from perf.report.tables import Table
from perf.report.words import change, count, took
from tests.report.records import load_round, nothing_arrived, series


def column(table: Table, title: str) -> list[str]:
    index = [each.title for each in table.columns].index(title)
    return [row[index] for row in table.rows]


def line(table: Table, first: str) -> list[str]:
    return next(list(row[1:]) for row in table.rows if row[0] == first)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (4.15e-3, "sec/op", "4.15 ms"),
        (0.25e-9, "sec/op", "0.25 ns"),
        (65536.0, "B/op", "65.5 kB"),
        (812e6, "B/s", "812 MB/s"),
        (412.0, "allocs/op", "412"),
        (0.5, "allocs/op", "0.5"),
        (83412.0, "jobs/sec", "83,412"),
        (1e300, "jobs/sec", "1e+300"),
        (3.2e-7, "cpu-sec/op", "320 ns"),
        (1.85e6, "instructions/op", "1.85 M"),
        (85_300.0, "instructions/op", "85.3 k"),
        (412.0, "instructions/op", "412"),
        (999_499.0, "instructions/op", "999 k"),
        (999_600.0, "instructions/op", "1 M"),
        (4.1e9, "instructions/op", "4.1 G"),
        (-2.5e12, "instructions/op", "-2.5 T"),
        (3e15, "instructions/op", "3,000 T"),
        (0.0, "instructions/op", "0"),
    ],
)
def test_values_are_written_in_a_unit_that_people_read(value: float, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


def test_the_centre_is_the_median_and_runs_count_the_processes() -> None:
    result = BenchmarksResult(
        (*series("a", "X", sec=(1.0, 9.0, 2.0), allocs=(3.0, 3.0, 4.0)), *series("b", "X", sec=(5.0,))),
        (), 3, "50ms", 2, "go1.26.8",
    )  # fmt: skip
    (first, one), (second, other) = benchmark_tables(result)
    assert (first, second) == ("a", "b")
    assert (column(one, "time/op"), column(one, "allocs/op"), column(one, "runs")) == (["2 s"], ["3"], ["3"])
    assert (column(other, "time/op"), column(other, "spread")) == (["5 s"], ["–"])


def test_common_custom_units_get_a_column_and_rare_ones_share_one() -> None:
    many = {f"u{number}": (float(number),) for number in range(1, 6)}
    result = BenchmarksResult(
        (*series("a", "X", **many), *series("a", "Y", u5=(50.0,))), (), 1, "1x", 1, "go1.26.8"
    )
    ((_, table),) = benchmark_tables(result)
    assert column(table, "u5") == ["5", "50"]
    assert column(table, "other") == ["3 u3; 4 u4", "–"]


def test_failed_tests_stand_before_slow_ones() -> None:
    tests = [TimedTest("p", name, status, seconds, "") for name, status, seconds in
             (("a", "passed", 9.0), ("b", "passed", 99.0), ("c", "skipped", 0.0), ("d", "failed", 0.1))]  # fmt: skip
    assert column(table_of_tests(tests), "test") == ["d", "c", "b", "a"]


@pytest.mark.parametrize(
    ("row", "current", "status"),
    [
        (ObjectiveRow("throughput", ">= 125 MB/s", 138.8e6, "B/s", True), "138.8 MB/s", "✅ met"),
        (ObjectiveRow("response time", "< 200 ms", 0.25, "sec", False), "250 ms", "❌ missed"),
        (ObjectiveRow("error rate", "< 5 %", 0.021, "fraction", True), "2.1 %", "✅ met"),
        (ObjectiveRow("memory", "< 1 GiB", 5e8, "B", True), "500 MB", "✅ met"),
        (ObjectiveRow("rate", ">= 10 /s", 12.5, "/s", True), "12.5/s", "✅ met"),
        (ObjectiveRow("copies", ">= 10", 12.0, "copies", True), "12 copies", "✅ met"),
        (ObjectiveRow("odd", "whatever", 3.0, "x", True), "3 x", "✅ met"),
        (ObjectiveRow("response time", "< 200 ms", None, "sec", None), "not measured", "❔ not measured"),
        (ObjectiveRow("response time", "< 200 ms", 0.1, "sec", None), "100 ms", "❔ unknown"),
    ],
)
def test_an_objective_is_told_in_the_unit_of_its_target(row: ObjectiveRow, current: str, status: str) -> None:
    table = objective_table([row])
    assert (column(table, "current"), column(table, "status")) == ([current], [status])


@pytest.mark.parametrize(
    ("rounds", "sentence"),
    [
        ((load_round(),), ""),
        ((), ""),
        ((load_round(images=40, verified=0),), "exit 0, 0 of 40 images arrived"),
        ((load_round(images=40, verified=0),) * 3, "exit 0, 0 of 40 images arrived in each of 3 rounds"),
        ((load_round(), load_round(verified=47)), "exit 0, 47 of 48 images arrived in the worst of 2 rounds"),
        (
            (load_round(images=1, verified=0, returncode=2),),
            "exit 2 in 1 of 1 processes, 0 of 1 image arrived",
        ),
    ],
)
def test_the_claim_stands_beside_what_arrived(rounds: tuple, sentence: str) -> None:
    assert claim_against_truth(rounds) == sentence


def test_percentiles_are_those_of_all_copies_together_never_a_mean_of_percentiles() -> None:
    quick = load_round(images=99, copy_seconds=(0.1,) * 99)
    slow = load_round(images=1, copy_seconds=(10.0,))
    assert copy_percentile([quick, slow], 0.99) == 0.1
    assert line(round_table([quick, slow]), "P99 of a copy") == ["100 ms", "100 ms", "10 s"]


def test_no_copy_time_is_shown_where_nothing_arrived() -> None:
    assert copy_percentile([load_round(verified=0, copy_seconds=(0.01,))], 0.5) is None


def test_what_no_round_measured_is_left_out_and_never_a_zero() -> None:
    bare = dataclasses.replace(
        load_round(uploaded_share=None, busy=None), jobs=(), samples=(), copy_seconds=()
    )
    titles = [row[0] for row in round_table([bare]).rows]
    never = {
        "uploaded bytes",
        "machine busy",
        "cores used",
        "CPU-seconds per GB",
        "P95 of a copy",
        "most threads",
    }
    assert not {*never, "timed out"} & set(titles)


def test_a_time_out_in_one_round_is_a_zero_in_the_others_and_no_line_when_there_was_none() -> None:
    rounds = [load_round(timed_out=2), load_round()]
    assert line(range_table(rounds), "timed out") == ["2", "0", "2"]
    assert line(round_table(rounds), "timed out") == ["2", "2", "0"]
    assert "timed out" not in [row[0] for row in range_table([load_round()]).rows]


def test_one_round_is_not_shown_twice() -> None:
    assert [each.title for each in round_table([load_round()]).columns] == ["figure", "the round"]
    assert [each.title for each in range_table([load_round()]).columns] == ["figure", "all rounds"]


def test_a_step_is_told_against_the_step_before() -> None:
    steps = tuple(
        (load_round(workers=workers, seconds=seconds),) for workers, seconds in ((1, 4.0), (2, 2.0), (4, 2.0))
    )
    table = step_table(StressResult("quick", steps, "no gain", 2))
    assert column(table, "gain") == ["–", "+100.0 %", "+0.0 %".replace("+", "")]
    assert column(table, "note") == ["–", "best", "–"]


def test_ten_missing_images_are_shown_and_the_rest_counted() -> None:
    result = nothing_arrived().outcomes[0].result
    table, more = missing_table(result.rounds)
    assert (len(table.rows), more) == (10, 30)
    assert table.rows[0] == ("perf/00:v0", "1, 2", "manifest 404 MANIFEST_UNKNOWN")


def test_small_words() -> None:
    assert [change(each) for each in (None, 0.0, 0.05, -0.031)] == ["–", "0.0 %", "+5.0 %", "−3.1 %"]
    assert change(0.0031, "instructions/op") == "+0.31 %"
    assert [count(1, "image"), count(1200, "image"), count(2, "process")] == [
        "1 image",
        "1,200 images",
        "2 processes",
    ]
    assert [took(0.0), took(0.2)] == ["0 s", "200 ms"]
