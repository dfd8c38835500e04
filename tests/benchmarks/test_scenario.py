"""The scenario as a whole: plan, rounds, problems told once, warnings, what is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from perf.benchmarks import scenario
from perf.benchmarks.binaries import find_packages
from perf.benchmarks.run import run_binary
from perf.context import Context, Options
from perf.errors import ExitCode, Interrupted, UsageError
from perf.model import BenchmarksResult, Outcome, Problem, ProblemKind, Status
from perf.suite import LeaveOut, Target
from tests.benchmarks import modules
from tests.conftest import ContextFor
from tests.fakes.targets import small_suite

pytestmark = pytest.mark.go

SOURCE = {
    "good/good_test.go": modules.GOOD,
    "odd/odd_test.go": modules.ODD,
    "broken/broken_test.go": modules.BROKEN,
}


@pytest.fixture
def module(tmp_path: Path) -> Path:
    return modules.write_module(tmp_path / "module", SOURCE)


def result_of(outcome: Outcome) -> BenchmarksResult:
    assert isinstance(outcome.result, BenchmarksResult)
    return outcome.result


def told(result: BenchmarksResult) -> set[tuple[str, str, ProblemKind]]:
    return {(each.package, each.name, each.kind) for each in result.problems}


def kept(context: Context) -> Path:
    return context.run_directory / "benchmarks"


def test_a_plan_tells_what_would_run_and_builds_nothing(context_for: ContextFor, module: Path) -> None:
    """Five processes of three times 50 ms for each function; a broken package is found out by building only."""
    rows = (
        LeaveOut(package="./odd", benchmark="Hangs|Panics|Exits|^BenchmarkSkips$", reason="ends its process"),
        LeaveOut(package="./broken", reason="known to be broken"),
    )
    plan = scenario.plan(context_for(module, Target(leave_out=rows)))
    text = "\n".join(plan.lines)
    assert "8 benchmark functions in 2 packages, 6 processes each, -benchtime=50ms" in plan.lines[0]
    assert "./good: BenchmarkSum" in text
    assert "BenchmarkPanics" not in text
    assert "ends its process" in text
    assert "known to be broken" in text
    assert plan.expected_seconds == pytest.approx(8 * 6 * 3 * 0.05)


def test_a_series_has_a_value_per_process_for_each_unit(context_for: ContextFor, module: Path) -> None:
    context = context_for(module, options=Options(bench="Sum|Logs", processes=3, seed=7))
    outcome = scenario.run(context)
    assert (outcome.status, outcome.exit_code) == (Status.PASSED, ExitCode.FINE)
    assert outcome.summary == "2 benchmarks in 2 packages, 3 processes of 50ms each"
    result = result_of(outcome)
    series = {(each.package, each.name, each.unit): each for each in result.series}
    assert {unit for package, _, unit in series if package == "./good"} == {
        "sec/op",
        "B/op",
        "allocs/op",
        "widgets",
    }
    time = series["./good", "BenchmarkSum", "sec/op"]
    assert len(time.values) == len(time.iterations) == 3
    assert 0 < min(time.values) < 1e-3
    assert series["./good", "BenchmarkSum", "widgets"].values == (2, 2, 2)
    assert any("fewer than 5 values" in warning for warning in outcome.warnings)
    assert any("GOMAXPROCS" in warning and "--seed 7" in warning for warning in outcome.warnings)
    assert len(list((kept(context) / "raw").rglob("*.txt"))) == 6
    written = json.loads((kept(context) / "series.json").read_text())
    assert written["seed"] == 7
    assert [sorted(order) for order in written["order"]] == [["./good", "./odd"]] * 3
    assert len(written["series"]) == len(result.series)


def test_every_kind_of_misbehaviour_is_told_once_and_the_rest_is_measured(
    context_for: ContextFor, module: Path
) -> None:
    """What kills the first process is found out at once; the processes after it run without it, to their end."""
    bench = "Sum|Never|Before|Panics$|HangsInside|Fails|Skips|Exits|NoNumber|ZLast"
    context = context_for(module, options=Options(bench=bench, processes=3), suite=small_suite())
    packages = find_packages(context, module)
    result, warnings = scenario.measure(context, packages, timeout_seconds=3.0)

    assert told(result) == {
        ("./broken", "", ProblemKind.NOT_BUILT),
        ("./odd", "BenchmarkPanics", ProblemKind.PANICKED),
        ("./odd", "BenchmarkHangsInside", ProblemKind.TIMED_OUT),
        ("./odd", "BenchmarkFails", ProblemKind.FAILED),
        ("./odd", "BenchmarkExitsWell", ProblemKind.PANICKED),
        ("./odd", "BenchmarkExitsBadly", ProblemKind.FAILED),
        ("./odd", "BenchmarkNoNumber", ProblemKind.GARBLED),
        ("./odd", "BenchmarkSkips", ProblemKind.SKIPPED),
    }
    times = {each.name: len(each.values) for each in result.series if each.unit == "sec/op"}
    assert times["BenchmarkBefore"] == times["BenchmarkSum"] == 3
    assert any("BenchmarkPanics" in warning for warning in warnings)


def test_a_package_that_goes_on_hanging_is_not_run_again(context_for: ContextFor, module: Path) -> None:
    """The benchmark before the hang has the value of the first process; the plan's processes are not waited for."""
    hanging = {
        f"BenchmarkMore{number}": f"func BenchmarkMore{number}(b *testing.B) {{ time.Sleep(time.Hour) }}\n"
        for number in range(4)
    }
    (module / "odd" / "odd_test.go").write_text(modules.ODD + "".join(hanging.values()))
    context = context_for(module, options=Options(bench="Before|More", processes=4), suite=small_suite())
    packages = [each for each in find_packages(context, module) if each.package == "./odd"]
    result, warnings = scenario.measure(context, packages, timeout_seconds=1.5)
    assert {each.name for each in result.problems} == {"BenchmarkMore0", "BenchmarkMore1", "BenchmarkMore2"}
    assert [len(each.values) for each in result.series if each.unit == "sec/op"] == [1]
    assert any("not run again" in warning for warning in warnings)


def test_a_failed_benchmark_fails_the_run_and_the_others_stand(context_for: ContextFor, module: Path) -> None:
    outcome = scenario.run(context_for(module, options=Options(bench="Fails|ZLast", processes=2)))
    assert (outcome.status, outcome.exit_code) == (Status.FAILED, ExitCode.FAILED)
    assert "1 failed" in outcome.summary
    assert {each.name for each in result_of(outcome).series} == {"BenchmarkZLast"}


def test_a_pattern_that_matches_nothing_is_wrong_use_and_names_what_is_close(
    context_for: ContextFor, module: Path
) -> None:
    context = context_for(module, options=Options(bench="BenchmarkHang5"))
    for entry in (scenario.plan, scenario.run):
        with pytest.raises(UsageError, match="no benchmark matches 'BenchmarkHang5'") as caught:
            entry(context)
        assert "BenchmarkHangs" in caught.value.cause


def test_a_sub_benchmark_that_is_not_there_is_wrong_use(context_for: ContextFor, module: Path) -> None:
    with pytest.raises(UsageError, match="no benchmark matches"):
        scenario.run(context_for(module, options=Options(bench="Sum/nothing", processes=1)))


def test_a_package_pattern_that_matches_nothing_is_wrong_use(context_for: ContextFor, module: Path) -> None:
    """`go list` only warns, and then the target would seem to have no benchmarks."""
    for pattern in ("./absent/...", "-exec=x"):
        with pytest.raises(UsageError, match=f"no Go package of .* matches {pattern}"):
            scenario.plan(context_for(module, Target(packages=(pattern,))))


def test_a_leave_out_row_that_go_does_not_take_is_named_as_such(
    context_for: ContextFor, module: Path
) -> None:
    rows = (LeaveOut(package="./good", benchmark="(unclosed", reason="x"),)
    context = context_for(module, Target(packages=("./good",), leave_out=rows))
    with pytest.raises(UsageError, match=r"leave_out row of perf\.toml.*\(unclosed"):
        scenario.run(context)


def test_an_effort_that_is_not_declared_is_wrong_use(context_for: ContextFor, module: Path) -> None:
    context = replace(context_for(module, suite=small_suite()), effort_name="full")
    with pytest.raises(UsageError, match=r"no \[effort\.full\]"):
        scenario.plan(context)


def test_what_does_not_build_ends_with_what_to_type(context_for: ContextFor, module: Path) -> None:
    outcome = scenario.run(context_for(module, Target(packages=("./broken",), tags="some")))
    assert (outcome.status, outcome.exit_code) == (Status.FAILED, ExitCode.FAILED)
    assert outcome.error == f"  next: cd {module} && go vet -tags=some ./broken"


def test_a_benchmark_that_fails_ends_with_what_to_type(context_for: ContextFor, module: Path) -> None:
    options = Options(bench="^BenchmarkPanics$", processes=1)
    outcome = scenario.run(context_for(module, Target(packages=("./odd",)), options))
    assert outcome.error == f"  next: cd {module} && go test '-run=^$' '-bench=^BenchmarkPanics$' ./odd"


def test_a_target_without_benchmarks_is_left_out_with_the_reason(
    context_for: ContextFor, tmp_path: Path
) -> None:
    context = context_for(modules.write_module(tmp_path / "plain", {"plain_test.go": modules.PLAIN}))
    outcome = scenario.run(context)
    assert (outcome.status, outcome.exit_code) == (Status.LEFT_OUT, ExitCode.UNKNOWN)
    assert "no benchmarks" in outcome.summary
    assert "no benchmarks" in scenario.plan(context).lines[0]


def test_a_target_whose_benchmarks_are_all_left_out_is_left_out_with_their_reasons(
    context_for: ContextFor, module: Path
) -> None:
    rows = (LeaveOut(package="./...", reason="asks the network"), LeaveOut(package="./gone", reason="x"))
    outcome = scenario.run(context_for(module, Target(leave_out=rows)))
    assert outcome.status is Status.LEFT_OUT
    assert "asks the network" in outcome.summary
    assert any("./gone" in warning for warning in outcome.warnings)


def test_an_interruption_passes_through_and_what_was_measured_is_kept(
    context_for: ContextFor, module: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_for(module, options=Options(bench="Sum", processes=3))
    calls: list[Path] = []

    def interrupted_at_the_second(context: Context, binary: object, raw: Path, **more: object) -> object:
        calls.append(raw)
        if len(calls) == 2:
            raise Interrupted("interrupted by SIGINT")
        return run_binary(context, binary, raw, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(scenario, "run_binary", interrupted_at_the_second)
    with pytest.raises(Interrupted):
        scenario.run(context)
    written = json.loads((kept(context) / "series.json").read_text())
    assert {len(each["values"]) for each in written["series"]} == {1}
    assert calls[0].read_text().endswith("PASS\n")


def test_the_order_of_packages_is_shuffled_in_each_round_and_repeats_with_its_seed() -> None:
    packages = [f"./p{number}" for number in range(6)]
    rounds = scenario.schedule(packages, 20, seed=1)
    assert rounds == scenario.schedule(packages, 20, seed=1)
    assert rounds != scenario.schedule(packages, 20, seed=2)
    assert all(sorted(order) == packages for order in rounds)
    assert len({order[0] for order in rounds}) == 6


def test_left_out_rows_are_among_the_problems_but_do_not_fail_the_run(
    context_for: ContextFor, module: Path
) -> None:
    rows = (
        LeaveOut(package="./odd", benchmark="^BenchmarkFails$", reason="known to fail"),
        LeaveOut(package="./broken", reason="known not to build"),
    )
    declared = Target(leave_out=rows)
    outcome = scenario.run(context_for(module, declared, Options(bench="Sum|Fails|ZLast|Never", processes=1)))
    assert outcome.status is Status.PASSED
    assert result_of(outcome).problems == (
        Problem("./broken", "", ProblemKind.LEFT_OUT, "known not to build"),
        Problem("./odd", "^BenchmarkFails$", ProblemKind.LEFT_OUT, "known to fail"),
    )
