from __future__ import annotations

import statistics

import pytest

from perf.compare.board import compare
from perf.compare.judge import Limits
from perf.compare.keys import term
from perf.compare.model import Asked, Board
from perf.errors import ExitCode, UsageError
from perf.model import Verdict
from tests.compare.outputs import (
    HEADER,
    board,
    lines,
    noisy,
    paired,
    several,
    single,
    source,
    steady,
    titles,
    verdicts,
)

OLD = lines("BenchmarkA-2", steady(100.0))
SLOWER = lines("BenchmarkA-2", steady(110.0))


def warned(made: Board, words: str) -> bool:
    return any(words in warning for warning in made.warnings)


# -- verdicts and exit codes --------------------------------------------------------------------------------------


def test_a_row_has_medians_delta_interval_p_and_n() -> None:
    row = single(board(OLD, SLOWER))
    each = row.comparison
    assert (each.package, each.name, each.unit) == ("example.com/p", "BenchmarkA-2", "sec/op")
    assert statistics.median(each.base) == 100e-9
    assert len(each.base) == len(each.head) == 10
    assert each.change == pytest.approx(0.1)
    assert each.low is not None and each.high is not None
    assert each.low < each.change < each.high
    assert row.p is not None and row.p < 1e-6


@pytest.mark.parametrize(
    ("new", "code"),
    [
        (SLOWER, ExitCode.FAILED),
        (lines("BenchmarkA-2", steady(90.0)), ExitCode.FINE),
        (OLD, ExitCode.FINE),
        (lines("BenchmarkA-2", steady(100.0, 3)), ExitCode.UNKNOWN),
        (lines("BenchmarkB-2", steady(100.0)), ExitCode.UNKNOWN),
        (SLOWER + lines("BenchmarkC-2", [1.0]), ExitCode.FAILED),
    ],
)
def test_the_exit_code_is_1_for_a_regression_4_for_the_unknown_and_else_0(new: str, code: ExitCode) -> None:
    assert board(OLD + lines("BenchmarkC-2", steady(5.0)), new).exit_code is code


def test_pairing_is_asked_for() -> None:
    weather = noisy(1.0, 3, 20, 0.3)
    old = lines("BenchmarkA", [round(1000 * each, 3) for each in weather])
    new = lines("BenchmarkA", [round(1100 * each, 3) for each in weather])
    assert single(board(old, new)).verdict is Verdict.UNKNOWN
    assert single(board(old, new, paired())).verdict is Verdict.REGRESSION


# -- what one side lacks ------------------------------------------------------------------------------------------


def test_a_benchmark_of_one_side_is_listed_and_never_red() -> None:
    made = board(OLD + lines("BenchmarkGone", [1.0]), OLD + lines("BenchmarkNew", [9.0]))
    assert [(each.name, each.present) for each in made.one_sided] == [
        ("BenchmarkGone", "old"),
        ("BenchmarkNew", "new"),
    ]
    assert made.exit_code is ExitCode.FINE
    assert made.renames == ()


def test_a_renamed_sub_benchmark_is_guessed_and_not_compared() -> None:
    made = board(
        OLD + lines("BenchmarkCopy/size_1024-2", steady(1.0)), OLD + lines("BenchmarkCopy/size=1024-2", [9.0])
    )
    assert [(each.before, each.after) for each in made.renames] == [
        ("BenchmarkCopy/size_1024-2", "BenchmarkCopy/size=1024-2")
    ]
    assert titles(made.rows) == ["BenchmarkA-2"]


def test_a_rename_is_not_guessed_across_packages() -> None:
    made = board(
        OLD + lines("BenchmarkCopy/size_1024", [1.0]),
        OLD + "pkg: other\n" + lines("BenchmarkCopy/size=1024", [1.0]),
    )
    assert made.renames == ()


def test_too_many_one_sided_benchmarks_are_not_guessed_at() -> None:
    many = "".join(lines(f"BenchmarkCopy/old{index}", [1.0]) for index in range(201))
    assert board(OLD + many, OLD + lines("BenchmarkCopy/new1", [1.0])).renames == ()


def test_a_benchmark_that_fails_on_one_side_is_unknown_with_its_reason() -> None:
    failed = "--- FAIL: BenchmarkB-2\n    b_test.go:7: connection refused\nFAIL\n"
    made = board(OLD + lines("BenchmarkB/x-2", steady(1.0)), OLD + failed)
    assert verdicts(made)["BenchmarkB/x-2", "sec/op"] is Verdict.UNKNOWN
    assert made.rows[0].comparison.reason == "fails in new: b_test.go:7: connection refused"
    assert made.exit_code is ExitCode.UNKNOWN
    assert warned(made, "new: BenchmarkB-2 failed")


def test_another_packages_failure_explains_nothing() -> None:
    failed = "FAIL\tother [build failed]\n"
    made = board(OLD + lines("BenchmarkB-2", steady(1.0)), OLD + failed)
    assert [each.name for each in made.one_sided] == ["BenchmarkB-2"]
    assert made.exit_code is ExitCode.FINE


def test_a_package_that_does_not_build_makes_its_benchmarks_unknown() -> None:
    made = board(OLD, "FAIL\texample.com/p [build failed]\npkg: other\n" + OLD)
    assert made.rows[0].comparison.reason == "fails in new: build failed"


def test_another_benchmarks_failure_explains_nothing() -> None:
    failed = "--- FAIL: BenchmarkB-2\n    b_test.go:7: no\nFAIL\n"
    made = board(OLD + lines("BenchmarkBoth-2", steady(1.0)), OLD + failed)
    assert [each.name for each in made.one_sided] == ["BenchmarkBoth-2"]


@pytest.mark.parametrize(
    "end",
    [
        "panic: index out of range\n\ngoroutine 1 [running]:\nexit status 2\nFAIL\texample.com/p\t0.1s\n",
        "exit status 3\nFAIL\texample.com/p\t0.1s\n",
    ],
    ids=["panic", "exit"],
)
def test_what_a_dying_process_did_not_come_to_is_unknown(end: str) -> None:
    made = board(OLD + lines("BenchmarkLast-2", steady(1.0)), OLD + end)
    assert verdicts(made)["BenchmarkLast-2", "sec/op"] is Verdict.UNKNOWN
    assert made.rows[0].comparison.reason.startswith("fails in new: ")


def test_many_failures_are_counted() -> None:
    failed = "".join(f"--- FAIL: BenchmarkF{index}\n    x_test.go:1: no\n" for index in range(5))
    assert warned(board(OLD, OLD + failed), "new: and 2 more failed")


def test_a_metric_of_one_side_is_listed() -> None:
    rounds = [{"ns/op": value, "B/op": 64} for value in steady(100.0)]
    made = board(OLD, several("BenchmarkA-2", rounds))
    assert [(each.unit, each.present) for each in made.one_sided] == [("B/op", "new")]
    assert made.exit_code is ExitCode.FINE


def test_a_metric_that_changes_its_unit_is_unknown() -> None:
    old = several("BenchmarkA", [{"ns/op": 5, "rows/op": 7}] * 6)
    new = several("BenchmarkA", [{"ns/op": 5, "krows/op": 7}] * 6)
    made = board(old, new)
    assert verdicts(made) == {
        ("BenchmarkA", "rows/op"): Verdict.UNKNOWN,
        ("BenchmarkA", "sec/op"): Verdict.UNCHANGED,
    }
    assert "krows/op in new" in made.rows[0].comparison.reason


def test_a_unit_in_another_scale_is_the_same_unit() -> None:
    new = lines("BenchmarkA-2", [value / 1e6 for value in steady(100.0)], "ms/op")
    assert single(board(OLD, new)).verdict is Verdict.UNCHANGED


# -- odd values ---------------------------------------------------------------------------------------------------


def test_zeros_and_nan_are_unknown_and_told() -> None:
    made = board(OLD, lines("BenchmarkA-2", [0, 0, 0, 0, 0, "NaN", 100, 100, 100, 100]))
    assert single(made).verdict is Verdict.UNKNOWN
    assert warned(made, "1 benchmark gives times or rates of zero or below")
    assert warned(made, "new: 1 line could not be taken, the first at 10")


def test_a_rate_that_is_the_time_again_is_judged_once_unless_it_is_asked_for() -> None:
    old = several("BenchmarkA", [{"ns/op": value, "MB/s": 1e5 / value} for value in steady(100.0)])
    new = several("BenchmarkA", [{"ns/op": value, "MB/s": 1e5 / value} for value in steady(110.0)])
    assert verdicts(board(old, new)) == {("BenchmarkA", "sec/op"): Verdict.REGRESSION}
    asked = board(old, new, Asked(units=("MB/s",)))
    assert verdicts(asked) == {("BenchmarkA", "B/s"): Verdict.REGRESSION}
    assert asked.rows[0].higher_is_better


def test_a_rate_of_its_own_is_judged() -> None:
    old = several("BenchmarkA", [{"ns/op": value, "MB/s": 9} for value in steady(100.0)])
    new = several("BenchmarkA", [{"ns/op": value, "MB/s": 5} for value in steady(100.0)])
    assert verdicts(board(old, new))["BenchmarkA", "B/s"] is Verdict.REGRESSION


def test_unit_lines_say_what_is_better_and_what_is_exact() -> None:
    header = HEADER + "Unit hits better=higher assume=exact\n"
    made = board(lines("BenchmarkA", [100], "hits"), lines("BenchmarkA", [90], "hits"), header=header)
    assert single(made).verdict is Verdict.REGRESSION
    assert single(made).worsening == pytest.approx(0.1)


def test_unit_lines_that_contradict_each_other_are_told() -> None:
    made = board("Unit hits better=higher\n" + OLD, "Unit hits better=lower\n" + OLD)
    assert warned(made, "unit hits: better=higher in old, lower in new")


# -- machines and other dimensions --------------------------------------------------------------------------------


def on(cpu: str, body: str, extra: str = "") -> str:
    return f"goos: linux\ngoarch: amd64\npkg: p\ncpu: {cpu}\n{extra}{body}"


def pair(old: str, new: str, asked: Asked | None = None) -> Board:
    return compare([source(old, "old"), source(new, "new")], asked or Asked())


def test_times_of_two_machines_are_unknown_and_counts_are_judged() -> None:
    old = several("BenchmarkA-2", [{"ns/op": value, "allocs/op": 2} for value in steady(100.0)])
    new = several("BenchmarkA-2", [{"ns/op": value, "allocs/op": 3} for value in steady(150.0)])
    made = pair(on("A", old), on("B", new))
    assert verdicts(made) == {
        ("BenchmarkA-2", "sec/op"): Verdict.UNKNOWN,
        ("BenchmarkA-2", "allocs/op"): Verdict.REGRESSION,
    }
    assert warned(made, "cpu differs: old: A; new: B")
    assert "unlike machines (cpu A and B); --ignore cpu" in made.rows[1].comparison.reason


def test_times_of_two_machines_are_judged_on_request_and_the_warning_stays() -> None:
    made = pair(on("A", OLD), on("B", SLOWER), Asked(ignored=("cpu",)))
    assert single(made).verdict is Verdict.REGRESSION
    assert warned(made, "cpu is ignored and varies: old: A; new: B")


def test_counts_of_two_architectures_are_unknown() -> None:
    rounds = several("BenchmarkA", [{"allocs/op": 2}] * 6)
    made = pair("goarch: amd64\n" + rounds, "goarch: arm64\n" + rounds)
    assert single(made).verdict is Verdict.UNKNOWN


def test_another_gomaxprocs_meets_its_row_and_is_unknown() -> None:
    made = pair(on("A", OLD), on("A", OLD.replace("-2 ", "-4 ")))
    assert (single(made).comparison.name, single(made).verdict) == ("BenchmarkA", Verdict.UNKNOWN)
    assert warned(made, "GOMAXPROCS differs: old: 2; new: 4")


def test_several_gomaxprocs_in_one_file_are_rows_of_their_own() -> None:
    both = OLD + OLD.replace("-2 ", "-4 ")
    made = pair(on("A", both), on("A", both))
    assert titles(made.rows) == ["BenchmarkA-2", "BenchmarkA-4"]


def test_another_go_version_is_told_and_judged() -> None:
    made = pair(on("A", OLD, "goversion: go1.25\n"), on("A", SLOWER, "goversion: go1.26\n"))
    assert single(made).verdict is Verdict.REGRESSION
    assert warned(made, "goversion differs: old: go1.25; new: go1.26")


def test_a_machine_that_one_side_does_not_tell_is_only_warned_of() -> None:
    made = pair(on("A", OLD), "goos: linux\ngoarch: amd64\npkg: p\n" + SLOWER)
    assert single(made).verdict is Verdict.REGRESSION
    assert warned(made, "cpu differs: old: A; new: not told")


def test_a_key_with_several_values_parts_the_rows() -> None:
    both = f"shard: 1\n{OLD}shard: 2\n{OLD}"
    made = pair(both, f"shard: 1\n{OLD}shard: 2\n{SLOWER}")
    assert verdicts(made) == {
        ("BenchmarkA-2 (shard: 1)", "sec/op"): Verdict.UNCHANGED,
        ("BenchmarkA-2 (shard: 2)", "sec/op"): Verdict.REGRESSION,
    }


def test_a_key_that_leaves_no_row_to_meet_is_told() -> None:
    made = pair(f"shard: 1\n{OLD}shard: 2\n{OLD}", f"shard: 3\n{OLD}")
    assert made.exit_code is ExitCode.UNKNOWN
    assert warned(made, "shard has no value in common (old: 1 and 2; new: 3): no row meets; --ignore shard")


def test_an_ignored_key_pools_its_values_with_a_warning() -> None:
    made = pair(f"round: 1\n{OLD}round: 2\n{OLD}", OLD, Asked(ignored=("round",)))
    assert len(single(made).comparison.base) == 20
    assert warned(made, "round is ignored and varies: old: 1 and 2")


def test_an_ignored_key_that_agrees_or_is_absent_is_not_spoken_of() -> None:
    made = pair(on("A", OLD), on("A", OLD), Asked(ignored=("cpu", "absent")))
    assert not warned(made, "ignored")


def test_a_package_that_was_renamed_meets_its_row_when_ignored() -> None:
    old, new = "pkg: a\n" + OLD, "pkg: b\n" + SLOWER
    assert pair(old, new).rows == ()
    assert single(pair(old, new, Asked(ignored=("pkg",)))).comparison.package == ""


def test_settings_that_all_share_are_kept_for_the_heading() -> None:
    assert dict(board(OLD, OLD).common) == {
        "goos": "linux",
        "goarch": "amd64",
        "cpu": "A",
        "GOMAXPROCS": "2",
    }
    without = OLD.replace("-2 ", " ")
    assert "GOMAXPROCS" not in dict(board(without, without).common)


# -- columns and rows ---------------------------------------------------------------------------------------------


def test_one_file_is_split_by_a_key_of_its_lines() -> None:
    made = compare([source(f"commit: a\n{OLD}commit: b\n{SLOWER}")], Asked(columns=("commit",)))
    assert (made.base, made.columns) == ("a", ("b",))
    assert single(made).verdict is Verdict.REGRESSION


def test_one_file_is_split_by_a_key_of_its_names() -> None:
    text = lines("BenchmarkA/mode=x/n=1-2", steady(100.0)) + lines("BenchmarkA/mode=y/n=1-2", steady(90.0))
    row = single(compare([source(text)], Asked(columns=("/mode",))))
    assert (row.column, row.comparison.name, row.verdict) == ("y", "BenchmarkA/n=1-2", Verdict.IMPROVEMENT)


def test_lines_without_the_key_are_a_column_of_their_own() -> None:
    made = compare([source(f"{OLD}commit: b\n{OLD}")], Asked(columns=("commit",)))
    assert (made.base, made.columns) == ("no commit", ("b",))


def test_another_base_is_chosen_by_its_label() -> None:
    made = board(OLD, SLOWER, Asked(base="new"))
    assert (made.base, made.columns, single(made).verdict) == ("new", ("old",), Verdict.IMPROVEMENT)


def test_several_files_are_columns_against_the_first() -> None:
    sources = [source(HEADER + text, label) for label, text in (("a", OLD), ("b", SLOWER), ("c", OLD))]
    made = compare(sources, Asked())
    assert [(row.column, row.verdict) for row in made.rows] == [
        ("b", Verdict.REGRESSION),
        ("c", Verdict.UNCHANGED),
    ]


def test_what_only_two_of_three_columns_have_is_listed_where_it_lacks() -> None:
    extra = lines("BenchmarkB", [1.0])
    sources = [source(HEADER + text, label) for label, text in (("a", OLD), ("b", OLD + extra), ("c", OLD))]
    assert [(each.column, each.name, each.present) for each in compare(sources, Asked()).one_sided] == [
        ("b", "BenchmarkB", "b")
    ]


def test_two_files_of_one_label_are_one_column() -> None:
    sources = [source(HEADER + OLD, "old"), source(HEADER + OLD, "old"), source(HEADER + SLOWER, "new")]
    each = single(compare(sources, Asked())).comparison
    assert (len(each.base), len(each.head)) == (20, 10)


def test_rows_by_a_shorter_name_pool_with_a_warning() -> None:
    text = lines("BenchmarkA/x=1", steady(100.0)) + lines("BenchmarkA/x=2", steady(100.0))
    made = board(text, text, Asked(rows=(".name",)))
    assert single(made).comparison.name == "BenchmarkA"
    assert warned(made, "1 row pools benchmarks that differ in .fullname")
    meant = board(text, text, Asked(rows=(".name",), ignored=(".fullname",)))
    assert not warned(meant, "pools")


def test_rows_by_a_key_are_named_after_it() -> None:
    text = lines("BenchmarkA/x=1", steady(100.0)) + lines("BenchmarkA", steady(100.0))
    made = board(text, text, Asked(rows=("/x", "goos")))
    assert sorted(titles(made.rows)) == ["x=1 goos=linux", "x=none goos=linux"]


def test_the_full_name_beside_another_key() -> None:
    assert titles(board(OLD, OLD, Asked(rows=("pkg", ".fullname"))).rows) == [
        "pkg=example.com/p BenchmarkA-2"
    ]


def test_the_filters_all_hold() -> None:
    text = OLD + lines("BenchmarkB/x=1", steady(1.0)) + lines("BenchmarkB/x=2", steady(1.0))
    assert titles(board(text, text, Asked(terms=(term("B/"), term("-/x:1")))).rows) == ["BenchmarkB/x=2"]


def test_units_are_chosen_in_any_scale() -> None:
    text = several("BenchmarkA", [{"ns/op": 5, "B/op": 7}] * 6)
    assert list(verdicts(board(text, text, Asked(units=("ns/op",))))) == [("BenchmarkA", "sec/op")]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked(terms=(term("Nothing"),)), "no benchmark line is left"),
        (Asked(units=("W",)), "no benchmark on both sides has the unit W"),
        (Asked(base="older"), "no column is called 'older'"),
        (Asked(columns=("goos",)), "one column"),
    ],
)
def test_a_question_that_leaves_nothing_is_wrong_use(asked: Asked, words: str) -> None:
    with pytest.raises(UsageError, match=words) as told:
        board(OLD, OLD, asked)
    assert told.value.cause and told.value.next_command


def test_one_column_says_by_what_it_could_be_split() -> None:
    text = "commit: a\nBenchmarkA/x=1-2 1 5 ns/op\ncommit: b\nBenchmarkA/x=2-2 1 5 ns/op\n"
    with pytest.raises(UsageError) as told:
        compare([source(text)], Asked())
    assert told.value.cause == "what varies in it: commit, /x"


# -- order and means ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("verdict", ["BenchmarkWorst", "BenchmarkBad", "BenchmarkFew", "BenchmarkGood", "BenchmarkSame"]),
        ("delta", ["BenchmarkFew", "BenchmarkWorst", "BenchmarkBad", "BenchmarkSame", "BenchmarkGood"]),
        ("name", ["BenchmarkBad", "BenchmarkFew", "BenchmarkGood", "BenchmarkSame", "BenchmarkWorst"]),
    ],
)
def test_rows_are_sorted_by_verdict_delta_or_name(sort: str, names: list[str]) -> None:
    factors = {"Same": 1.0, "Good": 0.5, "Bad": 1.1, "Worst": 2.0}
    old = "".join(lines(f"Benchmark{name}", steady(100.0)) for name in factors)
    new = "".join(lines(f"Benchmark{name}", steady(100.0 * factor)) for name, factor in factors.items())
    few = lines("BenchmarkFew", [1.0]), lines("BenchmarkFew", [5.0])
    asked = {"verdict": Asked(), "delta": Asked(sort="delta"), "name": Asked(sort="name")}[sort]
    assert titles(board(old + few[0], new + few[1], asked).rows) == names


def test_the_geometric_mean_is_of_the_medians_that_both_have() -> None:
    old = lines("BenchmarkA", [100] * 6) + lines("BenchmarkB", [400] * 6) + lines("BenchmarkC", [1e9] * 6)
    new = lines("BenchmarkA", [200] * 6) + lines("BenchmarkB", [200] * 6) + lines("BenchmarkZ", [0] * 6)
    (mean,) = board(old + lines("BenchmarkZ", [0] * 6), new).means
    assert (mean.benchmarks, mean.left_out) == (2, 1)
    assert mean.base == pytest.approx(200e-9)
    assert mean.change == pytest.approx(0.0)


def test_one_benchmark_has_no_mean() -> None:
    assert board(OLD, OLD).means == ()


# -- runs apart ---------------------------------------------------------------------------------------------------


def test_two_files_are_two_runs_and_that_is_told_unless_they_are_paired() -> None:
    assert warned(board(OLD, OLD), "one after the other")
    assert not warned(board(OLD, OLD, paired()), "one after the other")


@pytest.mark.parametrize(
    ("order", "apart"), [("aaaaaabbbbbb", True), ("abbaabbaabba", False)], ids=["in a row", "in turn"]
)
def test_sides_measured_in_turn_in_one_file_are_one_run(order: str, apart: bool) -> None:
    text = "".join(f"side: {side}\nBenchmarkA 1 5 ns/op\n" for side in order)
    made = compare([source(text)], Asked(columns=("side",)))
    assert warned(made, "one after the other") is apart


def test_counts_are_the_same_in_any_run() -> None:
    rounds = several("BenchmarkA", [{"allocs/op": 2}] * 6)
    assert not warned(board(rounds, rounds), "one after the other")


def test_runs_apart_need_both_sides_to_be_told() -> None:
    side = [f"side: {side}\nBenchmark{name} 1 5 ns/op\n" for name in "AB" for side in "abba" * 3]
    alone = lines("BenchmarkC", [1.0])
    text = "side: b\n" + alone + "".join(side)
    made = compare([source(text)], Asked(columns=("side",), base="a"))
    assert not warned(made, "one after the other")


def test_the_limits_are_kept_with_the_board() -> None:
    assert board(OLD, OLD, Asked(limits=Limits(alpha=0.2))).limits.alpha == 0.2
