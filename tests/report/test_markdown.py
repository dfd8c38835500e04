"""The report: five sections, the verdict first, and only what the run measured."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

import pytest
from markdown_it import MarkdownIt

from perf.errors import ExitCode
from perf.model import (
    BaselineResult,
    IntegrationResult,
    LoadResult,
    Outcome,
    RegressionResult,
    RunRecord,
    Status,
    StressResult,
    TimedTest,
)
from perf.report.markdown import report
from tests.report.goldens import ALL
from tests.report.records import (
    BASE,
    HEAD,
    everything_fine,
    full_of_failures,
    load,
    load_round,
    nothing_arrived,
    nothing_measured,
    record,
)

SECTIONS = [
    "Executive Summary",
    "Benchmark Results",
    "Load Test Results",
    "Bottleneck Analysis",
    "Recommendations",
]


def section(text: str, name: str) -> str:
    return text.split(f"## {name}\n", 1)[1].split("\n## ", 1)[0]


def of(outcome: Outcome) -> str:
    return report(record(outcome.scenario, outcome.exit_code, outcome))


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_there_are_exactly_the_five_sections(make: Callable[[], RunRecord]) -> None:
    assert re.findall(r"^## (.+)$", report(make()), re.M) == SECTIONS


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_every_table_is_whole_and_nothing_foreign_is_markup(make: Callable[[], RunRecord]) -> None:
    text = report(make())
    shown = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert shown.count("<table>") == len(re.findall(r"^\|:?-+", text, re.M))
    for table in re.findall(r"<table>.*?</table>", shown, re.S):
        cells = [len(re.findall(r"<t[hd]", row)) for row in re.findall(r"<tr>.*?</tr>", table, re.S)]
        assert len(set(cells)) == 1
    assert "<script" not in shown
    assert "<em>" not in shown


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_columns_are_aligned_in_the_source(make: Callable[[], RunRecord]) -> None:
    blocks = [block.splitlines() for block in report(make()).split("\n\n") if block.startswith("|")]
    for lines in blocks:
        assert len({len(line) for line in lines}) == 1


def test_the_verdict_comes_before_everything_else() -> None:
    first = section(report(nothing_arrived()), "Executive Summary").strip().splitlines()
    assert first[0] == "**❌ exit 1: a regression, a missed objective, or a run that failed**"
    assert first[2:4] == [
        "- **exit 0, 0 of 40 images arrived in each of 2 rounds.**",
        "- Failed: Load, Stress, Integration.",
    ]
    assert first[4] == "- Missed 2 of 4 objectives: throughput, error rate."


def test_exit_0_and_nothing_arrived_hits_the_eye() -> None:
    loaded = section(report(nothing_arrived()), "Load Test Results")
    assert "> ❌ **exit 0, 0 of 40 images arrived in each of 2 rounds**" in loaded
    assert "Every process claimed success; the destination says otherwise." in loaded
    assert "… and 30 images more" in loaded


def test_how_it_was_measured_suffices_to_repeat_it() -> None:
    summary = section(report(everything_fine()), "Executive Summary")
    for part in ("1f1f1f1f", "example-cpu-2c-0123abcd", "Go go1.26.8", "kernel 6.18.0", "seed of the order: 7",
                 "```sh\npython -m perf all --target skiff\n```", ".perf/runs/20260304-101112-all-abcd/"):  # fmt: skip
        assert part in summary


def test_a_command_is_quoted_for_a_shell() -> None:
    run = dataclasses.replace(everything_fine(), command=("perf", "load", "--target", "a b"))
    assert "perf load --target 'a b'" in report(run)
    assert "To repeat it" not in report(dataclasses.replace(run, command=()))


def test_a_target_without_git_and_a_dirty_one_say_so() -> None:
    bare = dataclasses.replace(nothing_measured(), target_sha=None, target_subject="")
    assert "no commit: not a git repository" in report(bare)
    assert "(with changes that are not committed)" in report(dataclasses.replace(bare, target_dirty=True))


def test_what_was_not_measured_says_why() -> None:
    text = report(nothing_measured())
    assert "Nothing measured (❔ unknown): no Go toolchain" in section(text, "Load Test Results")
    assert "  next: ./noxw" in section(text, "Load Test Results")
    assert section(text, "Benchmark Results").count("Nothing measured: not part of this run.") == 3
    assert "neither load nor stress measured anything" in section(text, "Bottleneck Analysis")
    assert section(text, "Recommendations").strip() == "None: nothing measured in this run calls for one."


def test_objectives_that_nothing_judged_say_why() -> None:
    assert "load ended before it could judge one" in report(nothing_measured())
    other = of(Outcome("stress", Status.PASSED, ExitCode.FINE, "x", 1.0))
    assert "judged by load, which was not part of this run" in other


def test_an_objective_not_measured_is_neither_met_nor_missed() -> None:
    row = next(line for line in report(full_of_failures()).splitlines() if line.startswith("| response time"))
    assert row.replace("\u00a0", " ").count("not measured") == 2
    assert "✅" not in row
    assert "❌" not in row


def test_what_was_left_out_is_listed_with_its_reason() -> None:
    summary = section(report(full_of_failures()), "Executive Summary")
    assert "- Baseline: tracked files are changed: a.go" in summary
    assert "- `skiff/pkg/copy` `BenchmarkSkips`: skipped, needs a &#124; network" in summary
    assert "`skiff/pkg/slow`: left out, sleeps 10 s an operation" in report(everything_fine())


def test_scenarios_of_all_that_were_not_reached_are_not_silent() -> None:
    assert "Benchmarks, Baseline, Regression: not part of this run (the run ended before them)" in report(
        nothing_arrived()
    )
    assert "not part of this run (only load was asked for)" in report(nothing_measured())


def test_an_error_after_partial_results_stands_beside_them() -> None:
    outcome = Outcome(
        "load",
        Status.FAILED,
        ExitCode.FAILED,
        "ended early",
        1.0,
        load(load_round()),
        error="it died\n  next: x",
    )
    assert "```\nit died\n  next: x\n```" in of(outcome)
    assert "| images arrived" in of(outcome)


@pytest.mark.parametrize(
    "result", [LoadResult("w", "copy", 1, 1, "r", "s", (), False), StressResult("w", (), "x", None)]
)
def test_a_result_without_rounds_counts_as_nothing_measured(result: LoadResult | StressResult) -> None:
    scenario = "load" if isinstance(result, LoadResult) else "stress"
    assert "Nothing measured (❔ unknown): died first" in of(
        Outcome(scenario, Status.UNKNOWN, ExitCode.UNKNOWN, "died first", 1.0, result)
    )


@pytest.mark.parametrize(
    "scenario", ["benchmarks", "load", "stress", "baseline", "regression", "integration"]
)
def test_a_scenario_that_ended_in_an_error_says_so_in_its_place(scenario: str) -> None:
    text = of(
        Outcome(scenario, Status.UNKNOWN, ExitCode.LACKING, "no Go", 0.1, error="no Go\n  next: ./noxw")
    )
    assert "Nothing measured (❔ unknown): no Go\n\n```\nno Go\n  next: ./noxw\n```" in text


def test_unchanged_comparisons_are_folded() -> None:
    regression = section(report(full_of_failures()), "Benchmark Results")
    before, folded = regression.split("<details>", 1)
    assert "BenchmarkB" in before
    assert "BenchmarkE" not in before
    assert "BenchmarkE" in folded
    assert "❌ 4 regressions, 1 unchanged." in before
    assert "1 ✅ unchanged: 1 sec/op" in folded


def test_a_regression_with_nothing_to_compare_is_one_line() -> None:
    result = RegressionResult(BASE, HEAD, "merge base", (), ("a", "b"), (), (), (), 0, 1, False)
    text = of(Outcome("regression", Status.PASSED, ExitCode.FINE, "x", 1.0, result))
    assert "✅ no regression: identical test binaries, nothing to measure." in text
    assert "nothing compared, seed 1." in text
    assert "unchanged without measuring (2): `a`, `b`" in text


def test_a_baseline_of_a_dirty_tree_is_marked() -> None:
    result = BaselineResult("baselines/x.json", HEAD.sha, True, 1)
    text = of(Outcome("baseline", Status.PASSED, ExitCode.FINE, "x", 1.0, result))
    assert "stored apart since tracked files are changed" in text


def test_a_pattern_that_matches_no_test_is_no_pass() -> None:
    assert "exit 0 after 1.1 s, but no test ran: nothing was tested." in report(nothing_arrived())
    silent = IntegrationResult(("x",), (), True, 0, 1.0, "")
    assert "no test ran" in of(Outcome("integration", Status.FAILED, ExitCode.FAILED, "x", 1.0, silent))


def test_few_tests_stand_open_and_a_failing_one_without_output_needs_no_block() -> None:
    tests = (TimedTest("p", "TestA", "failed", 1.0, " \n"), TimedTest("p", "TestB", "passed", 1.0, "noise"))
    result = IntegrationResult(("x",), tests, False, 1, 2.0, "")
    text = of(Outcome("integration", Status.FAILED, ExitCode.FAILED, "x", 1.0, result))
    assert "1 passed, 1 failed, 0 skipped" in text
    assert "`TestB`" in text
    assert "`TestA`:" not in text
    assert "<details>" not in text


def test_a_run_without_any_outcome_still_has_its_report() -> None:
    text = report(record("all", ExitCode.INTERRUPTED))
    assert "**❔ exit 130: interrupted**" in text
    assert "No scenario ran to an end." in text


def test_measured_load_without_a_finding_says_nothing_points_at_a_limit() -> None:
    bare = dataclasses.replace(load_round(uploaded_share=None, busy=None), jobs=())
    text = of(Outcome("load", Status.PASSED, ExitCode.FINE, "x", 1.0, load(bare)))
    assert "no figure of this run points at a limit" in section(text, "Bottleneck Analysis")
