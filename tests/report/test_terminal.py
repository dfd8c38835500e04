"""The end of a run in a terminal: whole at 60 cells, roomy at 200, and harmless whatever a benchmark is called."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from perf.errors import ExitCode
from perf.model import (
    BenchmarksResult,
    Blame,
    Comparison,
    LoadResult,
    Outcome,
    Problem,
    ProblemKind,
    RegressionResult,
    Result,
    RunRecord,
    Status,
    StressResult,
    Touch,
    Verdict,
)
from perf.report import plan, terminal
from tests.report.gates import grew, open_question, red, row
from tests.report.goldens import ALL, in_terminal
from tests.report.records import (
    AWKWARD,
    BASE,
    HEAD,
    RECORDS,
    everything_fine,
    full_of_failures,
    nothing_arrived,
    record,
    series,
)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_no_line_is_wider_than_the_window(make: Callable[[], RunRecord], width: int) -> None:
    lines = in_terminal(make(), width).splitlines()
    commands = ("    go tool ", "    cg_diff ", "    ./noxw ")
    assert max(cell_len(line) for line in lines if not line.startswith(commands)) <= width


@settings(deadline=None, max_examples=40)
@given(
    st.text(max_size=300),
    st.text(max_size=80),
    st.floats(1e-12, 1e6),
    st.integers(min_value=20, max_value=250),
)
def test_any_name_fits_any_window(name: str, package: str, seconds: float, width: int) -> None:
    result = BenchmarksResult(
        series(package, name, sec=(seconds,) * 3, allocs=(1.0,) * 3), (), 3, "50ms", 1, "go"
    )
    run = record(
        "benchmarks", ExitCode.FINE, Outcome("benchmarks", Status.PASSED, ExitCode.FINE, name, 1.0, result)
    )
    shown = in_terminal(run, width)
    assert max(cell_len(line) for line in shown.splitlines()) <= width
    assert "\x1b" not in shown


def test_long_names_give_way_in_their_middle_and_keep_their_ends() -> None:
    names = [f"BenchmarkCopyImage/registry=distribution/layers=16/size={size}" for size in ("1MiB", "4MiB")]
    result = BenchmarksResult(
        tuple(one for name in names for one in series("p", name, sec=(1.0,) * 5)), (), 5, "50ms", 1, "go"
    )
    run = record(
        "benchmarks", ExitCode.FINE, Outcome("benchmarks", Status.PASSED, ExitCode.FINE, "", 1.0, result)
    )
    narrow = in_terminal(run, 60)
    for size in ("1MiB", "4MiB"):
        assert f"size={size} " in narrow
    assert "…" in narrow
    assert all(name in in_terminal(run, 120) for name in names)


def test_narrow_windows_drop_the_least_telling_columns_and_keep_centre_spread_and_runs() -> None:
    header = next(line for line in in_terminal(everything_fine(), 60).splitlines() if "time/op" in line)
    assert [word in header for word in ("time/op", "spread", "runs", "jobs/sec")] == [True, True, True, False]
    wide = next(line for line in in_terminal(everything_fine(), 120).splitlines() if "time/op" in line)
    assert all(word in wide for word in ("B/op", "allocs/op", "B/s", "jobs/sec"))


def test_tables_of_all_packages_are_aligned_with_one_another() -> None:
    lines = in_terminal(everything_fine(), 80).splitlines()
    ends = {line.index(" ms") for line in lines if "BenchmarkCopyImage/layers=4  4" in line}
    ends |= {line.index(" µs") for line in lines if "BenchmarkSchedule-2" in line}
    assert len(ends) == 1


def test_exit_0_and_nothing_arrived_hits_the_eye() -> None:
    shown = in_terminal(nothing_arrived(), 80)
    assert "exit 0, 0 of 40 images arrived" in shown
    assert "❌ every process claimed success; the destination says otherwise" in shown
    assert "and 37 images more that did not arrive" in shown
    assert "❌ no test ran: nothing was tested" in shown


def test_the_last_line_is_the_exit_code_with_its_meaning() -> None:
    for make, last in (
        (everything_fine, "✅ exit 0: fine"),
        (full_of_failures, "❌ exit 1: a regression, a missed objective, or a run that failed"),
        (RECORDS["nothing-measured"], "❔ exit 3: the environment lacks something"),
    ):
        assert in_terminal(make(), 80).splitlines()[-1] == last


def test_an_error_is_said_once_with_its_cause_and_what_to_type_next() -> None:
    shown = in_terminal(RECORDS["nothing-measured"](), 80)
    assert shown.count("no Go toolchain") == 1
    assert "likely cause: go is not on PATH" in shown
    assert "next: ./noxw" in shown


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (LoadResult("w", "copy", 1, 1, "r", "s", (), False), ""),
        (StressResult("w", (), "the registry died", None), "stopped because: the registry died"),
        (RegressionResult(BASE, HEAD, "merge base", (), (), (), (), (), 0, 1, False), "merge base"),
    ],
)
def test_a_result_without_figures_shows_no_empty_table(result: Result, words: str) -> None:
    run = record("x", ExitCode.UNKNOWN, Outcome("x", Status.UNKNOWN, ExitCode.UNKNOWN, "died", 1.0, result))
    shown = in_terminal(run, 120)
    assert words in shown
    assert "throughput" not in shown
    assert "verdict" not in shown


def test_many_problems_are_counted_beyond_ten() -> None:
    problems = tuple(Problem("p", f"B{number}", ProblemKind.FAILED, "x") for number in range(12))
    result = BenchmarksResult((), problems, 1, "1x", 1, "go")
    run = record(
        "benchmarks", ExitCode.FAILED, Outcome("benchmarks", Status.FAILED, ExitCode.FAILED, "", 1.0, result)
    )
    assert "❌ and 2 problems more" in in_terminal(run, 80)


def in_colour(environment: dict[str, str]) -> str:
    console = Console(
        file=io.StringIO(), width=80, force_terminal=True, color_system="standard", _environ=environment
    )
    console.print(terminal.summary(full_of_failures(), 80))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_colour_means_something_and_no_color_is_respected() -> None:
    assert "\x1b[1;31m❌ failed" in in_colour({})
    assert "[31m" not in in_colour({"NO_COLOR": "1"}).replace("?[31m", "")


def test_a_terminal_sequence_in_a_name_is_not_sent_to_the_terminal() -> None:
    result = BenchmarksResult(series("p\x1b[2J", AWKWARD + "\x1b[31m", sec=(1.0,)), (), 1, "1x", 1, "go")
    run = record(
        "benchmarks",
        ExitCode.FINE,
        Outcome("benchmarks", Status.PASSED, ExitCode.FINE, "\x1b[5m", 1.0, result),
    )
    assert "\x1b" not in in_terminal(run, 200)


def test_a_plan_shows_lines_and_the_expected_time() -> None:
    assert plan.text({"load": (("build skiff", "copy 48 images,\n5 rounds"), 41.7)}) == (
        "load: about 42 s\n  build skiff\n  copy 48 images, 5 rounds\n\n"
        "Nothing was run. What is built for the first time adds to that."
    )


def test_plans_of_several_scenarios_add_up_and_an_empty_one_says_so() -> None:
    shown = plan.text({"load": (("copy",), 0.2), "integration": ((), 0.0), "regression": (("pairs",), 200.0)})
    assert "load: about 1 s" in shown
    assert "integration: no time to speak of\n  nothing would run" in shown
    assert "Nothing was run. about 3 min 20 s of measuring in all." in shown


# -- the regression -----------------------------------------------------------------------------------------------


def regression_in_terminal(result: RegressionResult, width: int = 120) -> str:
    outcome = Outcome("regression", Status.FAILED, ExitCode.FAILED, "told", 1.0, result)
    return in_terminal(record("regression", ExitCode.FAILED, outcome), width)


def result_of(*rows: Comparison, blames: tuple[Blame, ...] = ()) -> RegressionResult:
    return RegressionResult(BASE, HEAD, "base", rows, (), (), (), (), 6, 1, False, blames=blames)


def test_regressions_come_first_and_what_did_not_change_is_one_line() -> None:
    shown = in_terminal(red(), 120)
    order = ("❌ regression", "✅ improvement", "❔ unknown", "✅ unchanged: 42", "what grew in", "--resume")
    assert [shown.index(each) for each in order] == sorted(shown.index(each) for each in order)
    assert "✅ unchanged: 42 (14 instructions/op, 14 allocs/op, 14 B/op)" in shown
    assert "BenchmarkSame" not in shown


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_an_unknown_row_says_at_every_width_what_it_would_take(width: int) -> None:
    lines = in_terminal(red(), width).splitlines()
    header = next(line for line in lines if "could see" in line)
    row_of = next(line for line in lines if "Retry/wait=1ms" in line)
    assert "more rounds" in header
    assert re.search(r"± 12\.0 % +24", row_of)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_long_name_can_be_told_from_its_siblings_at_every_width(width: int) -> None:
    lines = [line for line in in_terminal(red(), width).splitlines() if "size=4MiB-2" in line]
    assert len(lines) == 3
    assert all("CopyImage" in line for line in lines[:2])


def test_what_grew_stands_with_place_figures_share_and_commits() -> None:
    shown = in_terminal(red(), 120)
    assert "     64 % skiff/pkg/copy.(*Writer).Flush 110 k → 820 k\n" in shown
    assert "          at examples/skiff/pkg/copy/writer.go:88\n" in shown
    assert "          touched by 1f1f1f1f1f1f copy: reuse the buffer (A. Author)\n" in shown
    assert "    cg_diff .perf/runs/x/regression/blame/copy-base.out" in shown


def test_how_to_get_a_counter_is_the_warning_of_the_scenario_and_said_once() -> None:
    shown = in_terminal(open_question(), 120)
    assert shown.count("counts instructions") == 1
    assert "instructions counted by" not in shown


def test_a_command_is_never_cut() -> None:
    command = "cg_diff " + " ".join(f"file-{number}" for number in range(300))
    shown = regression_in_terminal(result_of(blames=(Blame("p", "B", "sec/op", (), command=command),)))
    assert " ".join(shown.split("more:")[1].split("❌")[0].split()) == command


def test_what_does_not_fit_a_terminal_is_counted() -> None:
    touches = tuple(Touch(f"{number:040}", "x", "") for number in range(7))
    functions = tuple(grew(f"f{number}", "", 1.0, 2.0, 0.1, *touches) for number in range(8))
    rows = (
        *(row(f"R{number}", "sec/op", 1.0, 0.5, Verdict.REGRESSION) for number in range(203)),
        *(row(f"U{number}", "sec/op", 1.0, 0.5, Verdict.UNKNOWN) for number in range(34)),
    )
    result = dataclasses.replace(
        result_of(*rows, blames=(Blame("p", "B", "sec/op", functions),) * 7),
        only_base=tuple(f"gone{number}" for number in range(26)),
    )
    shown = regression_in_terminal(result)
    for words in (
        "and 3 more: regression, in summary.md",
        "and 4 more: unknown, in summary.md",
        "and 2 explained regressions more, in summary.md",
        "and 3 functions more, in summary.md",
        "and by 2 commits more",
        "gone19 and 6 more",
    ):
        assert words in shown


def test_a_name_that_is_only_benchmark_stays_in_a_narrow_window() -> None:
    shown = regression_in_terminal(result_of(row("Benchmark", "sec/op", 1.0, 0.5, Verdict.REGRESSION)), 60)
    assert "  Benchmark  sec/op" in shown
