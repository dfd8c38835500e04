"""`all` is the six scenarios in one process: an error ends its own scenario only, nothing is measured twice."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from perf import everything
from perf.baseline import scenario as baseline
from perf.context import Context, Plan
from perf.errors import ExitCode, Interrupted, Lacking, PerfError, RunFailed, Undecided, UsageError
from perf.everything import Scenario
from perf.model import Outcome, Status

ALL = ("benchmarks", "load", "stress", "regression", "baseline", "integration")


def outcome(name: str, status: Status = Status.PASSED, code: ExitCode = ExitCode.FINE) -> Outcome:
    return Outcome(name, status, code, "said", 1.0)


@pytest.fixture
def context(context_for: Callable[..., Context], tmp_path: Path) -> Context:
    return context_for(tmp_path)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return []


def scenarios(
    monkeypatch: pytest.MonkeyPatch, ran: list[str], errors: Mapping[str, Exception] | None = None
) -> None:
    def run(name: str) -> Callable[[Context], Outcome]:
        def act(_: Context) -> Outcome:
            ran.append(name)
            if errors and name in errors:
                raise errors[name]
            return outcome(name)

        return act

    table = {name: Scenario(lambda _: Plan((), 0.0), run(name)) for name in ALL}
    monkeypatch.setattr(everything, "SCENARIOS", MappingProxyType(table))
    monkeypatch.setattr(
        baseline,
        "store_outcomes",
        lambda _, done, **counted: outcome(f"stored {', '.join(each.scenario for each in done)}"),
    )


def test_the_six_scenarios_are_there_in_the_order_they_run() -> None:
    assert tuple(everything.SCENARIOS) == ALL
    assert everything.names_of("all") == ALL
    assert everything.names_of("load") == ("load",)


def test_all_keeps_the_outcomes_after_each_scenario(
    context: Context, monkeypatch: pytest.MonkeyPatch, ran: list[str]
) -> None:
    scenarios(monkeypatch, ran)
    kept: list[tuple[Outcome, ...]] = []
    everything.run_scenarios(context, "all", kept.append)
    assert [len(each) for each in kept] == [1, 2, 3, 4, 5, 6]


def test_in_all_the_baseline_stores_what_was_measured_before_it(
    context: Context, monkeypatch: pytest.MonkeyPatch, ran: list[str]
) -> None:
    scenarios(monkeypatch, ran)
    kept: list[tuple[Outcome, ...]] = []
    everything.run_scenarios(context, "all", kept.append)
    assert "baseline" not in ran
    assert kept[-1][4].scenario == "stored benchmarks, load, stress, regression"


def test_alone_the_baseline_measures_itself(
    context: Context, monkeypatch: pytest.MonkeyPatch, ran: list[str]
) -> None:
    scenarios(monkeypatch, ran)
    everything.run_scenarios(context, "baseline", lambda _: None)
    assert ran == ["baseline"]


def test_an_error_ends_its_own_scenario_only(
    context: Context, monkeypatch: pytest.MonkeyPatch, ran: list[str]
) -> None:
    scenarios(monkeypatch, ran, {"load": Lacking("no registry", cause="no network", next_command="connect")})
    kept: list[tuple[Outcome, ...]] = []
    everything.run_scenarios(context, "all", kept.append)
    assert ran == ["benchmarks", "load", "stress", "regression", "integration"]
    load = kept[-1][1]
    assert (load.status, load.exit_code, load.summary) == (Status.UNKNOWN, ExitCode.LACKING, "no registry")
    assert "next: connect" in load.error


def test_an_error_that_nobody_foresaw_ends_its_own_scenario_only_and_its_trace_is_kept(
    context: Context, monkeypatch: pytest.MonkeyPatch, ran: list[str]
) -> None:
    scenarios(monkeypatch, ran, {"load": ValueError("odd")})
    kept: list[tuple[Outcome, ...]] = []
    everything.run_scenarios(context, "all", kept.append)
    assert ran == ["benchmarks", "load", "stress", "regression", "integration"]
    load = kept[-1][1]
    assert (load.status, load.exit_code) == (Status.FAILED, ExitCode.FAILED)
    assert load.summary == "load ended in an error that the suite did not foresee: ValueError: odd"
    assert "raise errors[name]" in (context.run_directory / "load" / "traceback.txt").read_text("utf-8")


def test_a_full_disk_anywhere_is_told_as_such(
    context: Context, monkeypatch: pytest.MonkeyPatch, ran: list[str]
) -> None:
    scenarios(monkeypatch, ran, {"load": OSError(errno.ENOSPC, "No space left on device", "/a/b")})
    kept: list[tuple[Outcome, ...]] = []
    everything.run_scenarios(context, "load", kept.append)
    assert (kept[-1][0].exit_code, kept[-1][0].summary) == (
        ExitCode.LACKING,
        "no space left while writing /a/b",
    )


def test_an_interruption_is_kept_as_an_outcome_and_ends_the_run(
    context: Context, monkeypatch: pytest.MonkeyPatch, ran: list[str]
) -> None:
    scenarios(monkeypatch, ran, {"stress": Interrupted("interrupted by SIGINT")})
    kept: list[tuple[Outcome, ...]] = []
    with pytest.raises(Interrupted):
        everything.run_scenarios(context, "all", kept.append)
    assert ran == ["benchmarks", "load", "stress"]
    assert [each.status for each in kept[-1]] == [Status.PASSED, Status.PASSED, Status.INTERRUPTED]
    assert everything.exit_code("all", kept[-1]) is ExitCode.INTERRUPTED


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RunFailed("x"), Status.FAILED),
        (UsageError("x"), Status.FAILED),
        (Lacking("x"), Status.UNKNOWN),
        (Undecided("x"), Status.UNKNOWN),
    ],
)
def test_what_an_error_means_for_its_scenario(error: PerfError, status: Status) -> None:
    ended = everything.ended_by("load", error, 1.5)
    assert (ended.status, ended.exit_code, ended.seconds) == (status, error.exit_code, 1.5)


FINE, LEFT = outcome("a"), outcome("b", Status.LEFT_OUT, ExitCode.USAGE)
FAILED = outcome("c", Status.FAILED, ExitCode.FAILED)
UNKNOWN = outcome("d", Status.UNKNOWN, ExitCode.UNKNOWN)
LACKING = outcome("e", Status.UNKNOWN, ExitCode.LACKING)


@pytest.mark.parametrize(
    ("scenario", "outcomes", "code"),
    [
        ("all", (FINE, FINE), ExitCode.FINE),
        ("all", (FINE, LEFT), ExitCode.FINE),
        ("all", (LEFT, LEFT), ExitCode.UNKNOWN),
        ("all", (FINE, UNKNOWN), ExitCode.UNKNOWN),
        ("all", (UNKNOWN, LACKING), ExitCode.LACKING),
        ("all", (LACKING, FAILED), ExitCode.FAILED),
        ("baseline", (LEFT,), ExitCode.USAGE),
        ("load", (FAILED,), ExitCode.FAILED),
        ("load", (FINE,), ExitCode.FINE),
    ],
)
def test_the_gravest_outcome_gives_the_exit_code_and_what_was_left_out_is_no_pass_alone(
    scenario: str, outcomes: tuple[Outcome, ...], code: ExitCode
) -> None:
    assert everything.exit_code(scenario, outcomes) is code
