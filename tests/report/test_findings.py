"""Bottlenecks and recommendations: a rule speaks when its figure says so, with the figure, and is silent otherwise."""

from __future__ import annotations

import dataclasses

import pytest

from perf.errors import ExitCode
from perf.model import (
    BaselineResult,
    BenchmarksResult,
    IntegrationResult,
    LoadRound,
    Outcome,
    Problem,
    ProblemKind,
    RegressionResult,
    Result,
    RunRecord,
    Status,
    StressResult,
    TimedTest,
    Verdict,
)
from perf.report.findings import Finding, findings
from tests.report.records import BASE, HEAD, MIB, comparison, load, load_round, record


def of(result: Result, **fingerprint: int) -> list[Finding]:
    run = record("x", ExitCode.FINE, Outcome("x", Status.PASSED, ExitCode.FINE, "", 1.0, result))
    return list(findings(dataclasses.replace(run, fingerprint=fingerprint or {"cores": 2})))


def said(found: list[Finding]) -> dict[str, Finding]:
    return {each.what: each for each in found}


@pytest.mark.parametrize(
    ("one", "what", "figure"),
    [
        (load_round(busy=0.97, cpu_share=1.2), "Bound by the processor", "97 % busy"),
        (
            load_round(busy=0.97, cpu_share=0.4),
            "The machine was full, mostly with the registries",
            "0.40 of 2 cores (20 %)",
        ),
        (load_round(busy=None, cpu_share=1.9), "Bound by the processor", "1.90 of 2 cores (95 %)"),
        (load_round(busy=0.3), "Waiting rather than computing", "30 % busy"),
        (load_round(busy=None, cpu_share=0.4), "Waiting rather than computing", "0.40 of 2 cores (20 %)"),
        (load_round(busy=0.7), "Processor use", "70 % busy"),
        (load_round(uploaded_share=0.5), "Not every byte was moved", "101 MB uploaded for 201 MB"),
        (load_round(uploaded_share=1.5), "Content is uploaded more than once", "(+50.0 %)"),
        (load_round(timed_out=3), "Copies hang", "3 of 48 processes"),
        (load_round(verified=40, first_error="boom"), "Not every image arrives", "error (48 ×): boom."),
        (load_round(verified=0), "No image arrives", "exit 0, 0 of 48 images arrived"),
        (
            load_round(requests={"destination HEAD blobs 404": 30, "source GET blobs 200": 70}),
            "Requests that bring nothing",
            "30 of 100 requests (30 %), most of them destination HEAD blobs 404 (30)",
        ),
    ],
)
def test_a_round_speaks_for_itself(one: LoadRound, what: str, figure: str) -> None:
    assert figure in said(of(load(one)))[what].evidence


@pytest.mark.parametrize(
    ("one", "what"),
    [
        (load_round(), "No image arrives"),
        (load_round(), "Copies hang"),
        (load_round(uploaded_share=None), "Not every byte was moved"),
        (load_round(uploaded_share=1.02), "Content is uploaded more than once"),
        # What was uploaded for images that did not arrive says nothing about those that did.
        (load_round(verified=40, uploaded_share=1.5), "Content is uploaded more than once"),
        (load_round(requests={"HEAD blobs 404": 5, "GET blobs 200": 95}), "Requests that bring nothing"),
        (load_round(requests={"GET base 401": 50, "GET blobs 200": 50}), "Requests that bring nothing"),
    ],
)
def test_a_rule_is_silent_without_its_evidence(one: LoadRound, what: str) -> None:
    assert what not in said(of(load(one)))


def test_nothing_is_said_of_the_processor_when_the_cores_are_unknown_or_nothing_was_copied() -> None:
    silent = {
        "Processor use",
        "Bound by the processor",
        "Waiting rather than computing",
        "The machine was full, mostly with the registries",
    }
    assert not silent & said(of(load(load_round()), memory_gib=8)).keys()
    assert not silent & said(of(load(load_round(verified=0)))).keys()


def test_rounds_that_lie_apart_call_for_another_measurement_but_are_no_bottleneck() -> None:
    found = said(of(load(*(load_round(seconds=seconds) for seconds in (1.0, 1.5, 2.0)))))["The rounds differ"]
    assert not found.bottleneck
    assert "100.7 MB/s to 201.3 MB/s" in found.advice
    assert "The rounds differ" not in said(of(load(load_round(seconds=1.0), load_round(seconds=2.0))))


def ramp(best: int | None, *steps: tuple[int, float, int]) -> StressResult:
    rounds = tuple(
        (load_round(workers=workers, seconds=seconds, peak_rss_bytes=rss * MIB),)
        for workers, seconds, rss in steps
    )
    return StressResult("quick", rounds, "because", best)


def test_growth_that_stops_names_the_workers_and_both_figures() -> None:
    found = said(of(ramp(2, (1, 4.0, 90), (2, 2.0, 100), (4, 2.1, 110))))[
        "Throughput stops growing at 2 workers"
    ]
    assert "100.7 MB/s with 2 workers, 95.9 MB/s with 4" in found.evidence
    assert found.advice.startswith("Run about 2 workers")


def test_no_knee_is_a_possible_answer() -> None:
    found = said(of(ramp(2, (1, 4.0, 90), (2, 2.0, 100))))["No limit found"]
    assert "2 workers, the most that were tried: 100.7 MB/s" in found.evidence
    assert not found.advice


def test_memory_that_doubles_over_the_ramp_is_told() -> None:
    assert "Memory grows with the workers" in said(of(ramp(2, (1, 4.0, 90), (2, 2.0, 200))))
    assert "Memory grows with the workers" not in said(of(ramp(2, (1, 4.0, 90), (2, 2.0, 100))))


def test_a_ramp_without_a_best_step_says_nothing() -> None:
    assert of(ramp(None, (1, 4.0, 90))) == []


def test_three_regressions_are_named_and_the_rest_counted() -> None:
    comparisons = tuple(comparison(f"B{number}", number / 10, Verdict.REGRESSION) for number in range(1, 6))
    result = RegressionResult(BASE, HEAD, "", comparisons, (), (), (), (), 6, 1, False)
    found = of(result)
    assert [each.evidence.split()[0] for each in found] == ["B5", "B4", "B3", "2"]
    assert "sec/op +50.0 % against 2e2e2e2e2e2e" in found[0].advice


def test_benchmarks_without_a_number_call_for_repair_where_the_run_failed_by_them() -> None:
    left_out = Problem("p", "X", ProblemKind.LEFT_OUT, "sleeps")
    broken = Problem("p", "Y", ProblemKind.PANICKED, "x", "y_test.go:3")
    assert of(BenchmarksResult((), (left_out,), 1, "1x", 1, "go")) == []
    (found,) = of(BenchmarksResult((), (left_out, broken), 1, "1x", 1, "go"))
    assert found.advice == "Repair 1 benchmark that gave no number, first p Y: panicked at y_test.go:3."
    assert not found.bottleneck


def test_integration_calls_for_repair_or_for_tests() -> None:
    tests = (TimedTest("p", "A", "failed", 1.0, ""), TimedTest("p", "B", "passed", 1.0, ""))
    assert of(IntegrationResult(("make",), tests, False, 1, 1.0, ""))[0].advice.startswith(
        "Repair 1 integration test"
    )
    assert "found none (exit 0)" in of(IntegrationResult(("make",), (), True, 0, 1.0, ""))[0].advice
    assert of(IntegrationResult(("make",), tests[1:], False, 0, 1.0, "")) == []


def test_other_results_say_nothing() -> None:
    assert of(BaselineResult("p", "s", False, 1)) == []
    assert of(None) == []


def test_every_finding_carries_a_figure() -> None:
    from tests.report.records import RECORDS

    for make in RECORDS.values():
        run: RunRecord = make()
        for each in findings(run):
            assert any(letter.isdigit() for letter in each.evidence + each.advice), each


def test_other_work_on_the_machine_is_told_before_the_replicator_is_blamed() -> None:
    busy = dataclasses.replace(load_round(busy=0.97, cpu_share=0.4), others_fraction=0.3)
    found = said(of(load(busy)))["Other work held the machine"]
    assert "30 % with other work" in found.evidence
    assert found.advice.startswith("Measure when the machine is quiet")


def test_a_look_at_the_destination_before_each_upload_is_no_waste() -> None:
    needed = {
        "destination HEAD blobs 404": 100,
        "destination PUT uploads 201": 100,
        "source GET blobs 200": 100,
    }
    assert "Requests that bring nothing" not in said(of(load(load_round(requests=needed))))
    twice = {**needed, "destination HEAD blobs 404": 200}
    assert (
        "100 of 400 requests"
        in said(of(load(load_round(requests=twice))))["Requests that bring nothing"].evidence
    )


def test_no_number_of_workers_is_advised_from_a_ramp_beside_other_work() -> None:
    steps = tuple(
        (dataclasses.replace(load_round(workers=workers), others_fraction=0.4),) for workers in (1, 2, 4)
    )
    found = of(StressResult("quick", steps, "flat", 1))
    assert not any("Run about" in each.advice for each in found)
