"""The ramp run for real: steps that share one bench, and what an end early keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from perf.context import Options
from perf.errors import ExitCode, Interrupted, RunFailed
from perf.load.bench import Bench
from perf.model import LoadRound, Missing, Outcome, Status, StressResult
from perf.stress import scenario
from perf.suite import Objective, Target
from tests.conftest import ContextFor
from tests.fakes.fixtures import Replicating, Standing


def result_of(outcome: Outcome) -> StressResult:
    assert isinstance(outcome.result, StressResult)
    return outcome.result


def a_round(
    workers: int, verified: int, megabytes_per_second: float = 100.0, peak: int | None = None
) -> LoadRound:
    return LoadRound(
        workers=workers,
        images=4,
        verified=verified,
        seconds=1.0,
        verified_bytes=int(megabytes_per_second * 1e6) if verified else 0,
        content_bytes=10**9,
        uploaded_bytes=None,
        jobs=(),
        missing=(Missing("to/a", "v1", "manifest: 404"),) * (4 - verified),
        copy_seconds=(),
        copy_seconds_source="",
        samples=(),
        peak_rss_bytes=peak,
    )


@pytest.mark.registry
@pytest.mark.usefixtures("real_registry")
def test_the_workers_rise_between_real_registries(replicating_context: Replicating) -> None:
    context = replicating_context("none", Options(workers=2))
    outcome = scenario.run(context)
    result = result_of(outcome)
    assert [[each.workers for each in step] for step in result.steps] == [[1], [2]]
    assert {each.verified for step in result.steps for each in step} == {6}
    assert outcome.status is Status.PASSED
    assert result.best_workers in (1, 2)
    assert "2 workers" in result.reason
    assert (context.run_directory / "stress" / "round-2" / "round.json").is_file()


def test_what_fails_with_one_worker_is_not_tried_with_two(
    replicating_context: Replicating, standing: Standing
) -> None:
    outcome = scenario.run(replicating_context("nothing copied", standing[0]))
    result = result_of(outcome)
    assert [step[0].workers for step in result.steps] == [1]
    assert (outcome.status, outcome.exit_code) == (Status.FAILED, ExitCode.FAILED)
    assert outcome.summary.startswith("exit 0, 0 of 6 images arrived; it fails already with 1 worker")
    assert result.best_workers is None


def measured_as(
    monkeypatch: pytest.MonkeyPatch, answers: Sequence[LoadRound | Exception]
) -> list[tuple[int, int]]:
    """Rounds answer with these instead of measuring; the (number, workers) asked for."""
    asked: list[tuple[int, int]] = []

    def answer(_self: Bench, number: int, workers: int) -> LoadRound:
        asked.append((number, workers))
        given = answers[len(asked) - 1]
        if isinstance(given, Exception):
            raise given
        return given

    monkeypatch.setattr(Bench, "round", answer)
    return asked


def test_rounds_are_numbered_through_all_steps(
    replicating_context: Replicating, standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = [a_round(workers, 4, 100.0 * workers) for workers in (1, 1, 2, 2)]
    asked = measured_as(monkeypatch, rounds)
    outcome = scenario.run(replicating_context("none", replace(standing[0], rounds=2, workers=2), images=1))
    assert asked == [(1, 1), (2, 1), (3, 2), (4, 2)]
    assert [len(step) for step in result_of(outcome).steps] == [2, 2]
    assert outcome.warnings == ()


def test_a_registry_that_dies_keeps_the_steps_before_it(
    replicating_context: Replicating, standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured_as(monkeypatch, [a_round(1, 4), RunFailed("the source registry died")])
    outcome = scenario.run(replicating_context("none", standing[0], images=1))
    assert (outcome.status, outcome.exit_code) == (Status.FAILED, ExitCode.FAILED)
    assert len(result_of(outcome).steps) == 1
    assert "ended early: the source registry died" in outcome.summary
    assert outcome.error == "the source registry died"


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([RunFailed("died at once")], RunFailed),
        ([a_round(1, 4), Interrupted("interrupted by SIGINT")], Interrupted),
    ],
)
def test_an_error_before_the_first_step_and_an_interruption_pass_through(
    replicating_context: Replicating,
    standing: Standing,
    monkeypatch: pytest.MonkeyPatch,
    answers: list[LoadRound | Exception],
    error: type[Exception],
) -> None:
    measured_as(monkeypatch, answers)
    with pytest.raises(error):
        scenario.run(replicating_context("none", standing[0], images=1))


FORGIVING = Objective.model_validate({"error_rate": "< 30 %"})


@pytest.mark.parametrize(
    ("steps", "objective", "status"),
    [
        ([(a_round(1, 4),), (a_round(2, 2, 90.0),)], FORGIVING, Status.PASSED),
        ([(a_round(1, 3),)], FORGIVING, Status.PASSED),
        ([(a_round(1, 3),)], Objective(), Status.FAILED),
        ([(a_round(1, 4), a_round(1, 2))], FORGIVING, Status.FAILED),
    ],
)
def test_a_breaking_point_is_an_answer_and_only_a_first_step_with_errors_a_failure(
    steps: list[tuple[LoadRound, ...]], objective: Objective, status: Status
) -> None:
    outcome = scenario.judge(objective, "w", steps, "the reason", None, 1.0)
    assert outcome.status is status
    assert outcome.summary == "most with 1 worker: 100.0 MB/s; the reason"


def test_a_step_is_its_median_throughput_and_its_worst_errors_and_memory() -> None:
    step = (a_round(4, 4, 100.0, peak=5), a_round(4, 3, 300.0), a_round(4, 4, 120.0, peak=9))
    seen = scenario.measured(step)
    assert (seen.workers, seen.bytes_per_second, seen.error_rate, seen.peak_rss_bytes) == (4, 120e6, 0.25, 9)
    assert seen.evidence == "to/a:v1: manifest: 404"


def test_the_plan_lists_the_ramp(replicating_context: Replicating) -> None:
    plan = scenario.plan(replicating_context("none", Options(workers=6)))
    assert plan.lines[2].startswith("workers 1, 2, 4, 6 with 1 round(s) each")
    assert plan.expected_seconds > 3.0


def test_a_target_without_a_replicator_is_left_out(context_for: ContextFor, tmp_path: Path) -> None:
    context = context_for(tmp_path, Target())
    assert scenario.run(context).status is Status.LEFT_OUT
    assert "declares no replicator" in scenario.plan(context).lines[0]
