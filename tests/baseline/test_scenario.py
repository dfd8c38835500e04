"""Measuring and keeping, and when nothing is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from perf.baseline import machines, scenario, store
from perf.context import Context, Options, Plan
from perf.errors import ExitCode, Interrupted, RunFailed
from perf.model import BaselineResult, BenchmarksResult, Outcome, Problem, ProblemKind, Series, Status
from perf.system import git
from tests.baseline import samples
from tests.benchmarks import modules
from tests.conftest import ContextFor

pytestmark = pytest.mark.go

Repository = Callable[..., Path]
FILES = {"go.mod": modules.GO_MOD, "good/good_test.go": modules.GOOD}


@pytest.fixture
def repository(git_repository: Repository) -> Path:
    return git_repository(FILES)


def head(context: Context) -> str:
    assert context.target.checkout is not None
    return git.head(context.target.checkout).sha


def must_not_measure(context: Context) -> Outcome:
    raise AssertionError("measured although it must not be")


@pytest.fixture
def no_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perf.benchmarks.scenario.run", must_not_measure)
    monkeypatch.setattr("perf.load.scenario.run", must_not_measure)


def test_the_benchmarks_of_the_commit_checked_out_are_measured_and_kept(
    context_for: ContextFor, repository: Path
) -> None:
    """Real benchmarks; the target has no replicator, and the line that says so is a warning."""
    context = context_for(repository, options=Options(processes=2))
    outcome = scenario.run(context)
    assert (outcome.status, outcome.exit_code) == (Status.PASSED, ExitCode.FINE)
    path = store.path_for(context, head(context))
    assert outcome.result == BaselineResult(context.shown(path), head(context), False, 1)
    assert any(warning.startswith("load is not in it") for warning in outcome.warnings)
    kept = store.load(path)
    assert kept.sha == head(context)
    assert kept.fingerprint == asdict(context.fingerprint)
    assert machines.differences(kept.fingerprint, asdict(context.fingerprint)) == ()
    assert {(each.name, each.unit, len(each.values)) for each in kept.series} >= {
        ("BenchmarkSum", "sec/op", 2),
        ("BenchmarkSum", "widgets", 2),
    }


def test_what_was_measured_already_is_kept_without_measuring_again(
    context_for: ContextFor, repository: Path, no_measuring: None
) -> None:
    context = context_for(repository)
    given = [
        samples.benchmarks_outcome(),
        samples.load_outcome(samples.load_round()),
        Outcome("stress", Status.PASSED, ExitCode.FINE, "", 1.0),
    ]
    outcome = scenario.store_outcomes(context, given)
    assert outcome.status is Status.PASSED
    assert outcome.warnings == ()
    kept = store.load(store.path_for(context, head(context)))
    assert kept.series == samples.SERIES
    assert [each.seconds for each in kept.load] == [(2.0,)]


def test_a_dirty_tree_is_refused_before_anything_is_measured(
    context_for: ContextFor, repository: Path, no_measuring: None
) -> None:
    (repository / "good" / "good_test.go").write_text(modules.GOOD + "// changed\n")
    context = context_for(repository)
    for outcome in (
        scenario.run(context),
        scenario.store_outcomes(context, [samples.benchmarks_outcome()]),
    ):
        assert (outcome.status, outcome.exit_code) == (Status.LEFT_OUT, ExitCode.USAGE)
        assert "--apart" in outcome.summary
    assert "nothing is measured" in scenario.plan(context).lines[0]
    assert not (context.places.root / "baselines").exists()


def test_a_dirty_tree_is_kept_apart_on_request(context_for: ContextFor, repository: Path) -> None:
    (repository / "good" / "good_test.go").write_text(modules.GOOD + "// changed\n")
    context = context_for(repository, options=Options(apart=True))
    outcome = scenario.store_outcomes(context, [samples.benchmarks_outcome()])
    assert outcome.status is Status.PASSED
    assert isinstance(outcome.result, BaselineResult)
    assert outcome.result.dirty
    assert outcome.result.path.endswith(f"{head(context)}-dirty.json")
    assert store.nearest(context, [head(context)]) is None


def test_untracked_files_do_not_make_a_tree_dirty(context_for: ContextFor, repository: Path) -> None:
    (repository / "notes.txt").write_text("mine")
    outcome = scenario.store_outcomes(context_for(repository), [samples.benchmarks_outcome()])
    assert outcome.status is Status.PASSED


def test_a_target_outside_git_has_no_baseline(
    context_for: ContextFor, tmp_path: Path, no_measuring: None
) -> None:
    outcome = scenario.run(context_for(modules.write_module(tmp_path / "plain", FILES)))
    assert (outcome.status, outcome.exit_code) == (Status.LEFT_OUT, ExitCode.USAGE)
    assert "git" in outcome.summary


def test_a_repository_without_commits_has_no_baseline(
    context_for: ContextFor, git_repository: Repository, no_measuring: None
) -> None:
    outcome = scenario.run(context_for(git_repository()))
    assert (outcome.status, outcome.exit_code) == (Status.LEFT_OUT, ExitCode.UNKNOWN)
    assert "no commit yet" in outcome.summary


def test_a_part_of_the_benchmarks_does_not_take_the_place_of_all(
    context_for: ContextFor, repository: Path, no_measuring: None
) -> None:
    context = context_for(repository, options=Options(bench="Sum"))
    for outcome in (
        scenario.run(context),
        scenario.store_outcomes(context, [samples.benchmarks_outcome()]),
    ):
        assert (outcome.status, outcome.exit_code) == (Status.LEFT_OUT, ExitCode.USAGE)
        assert "--bench" in outcome.summary


def test_nothing_is_kept_when_the_checkout_moved_meanwhile(context_for: ContextFor, repository: Path) -> None:
    context = context_for(repository)
    outcome = scenario.store_outcomes(context, [samples.benchmarks_outcome()], measured_at="f" * 40)
    assert outcome.status is Status.LEFT_OUT
    assert "moved" in outcome.summary
    assert not (context.places.root / "baselines").exists()


FAILURES = (
    Problem("./p", "BenchmarkX", ProblemKind.PANICKED, "panic: no"),
    Problem("./q", "", ProblemKind.LEFT_OUT, "network"),
    Problem("./b", "", ProblemKind.NOT_BUILT, "b.go:1: undefined: y"),
)


def test_benchmarks_that_failed_wholesale_are_not_kept(context_for: ContextFor, repository: Path) -> None:
    context = context_for(repository)
    failed = samples.benchmarks_outcome(series=(), problems=FAILURES)
    outcome = scenario.store_outcomes(context, [failed, samples.load_outcome(samples.load_round(verified=0))])
    assert (outcome.status, outcome.exit_code) == (Status.FAILED, ExitCode.FAILED)
    assert "./p BenchmarkX is not in it: panicked" in outcome.warnings
    assert "./b is not in it: does not build: b.go:1: undefined: y" in outcome.warnings
    assert "load is not in it: no round arrived whole (at best 0 of 4 images)" in outcome.warnings
    assert not (context.places.root / "baselines").exists()


def test_where_nothing_could_be_measured_the_baseline_adds_no_failure(
    context_for: ContextFor, repository: Path
) -> None:
    lacking = [
        Outcome(name, Status.UNKNOWN, ExitCode.LACKING, "Go is too old", 0.0)
        for name in ("benchmarks", "load")
    ]
    outcome = scenario.store_outcomes(context_for(repository), lacking)
    assert (outcome.status, outcome.exit_code) == (Status.UNKNOWN, ExitCode.UNKNOWN)
    assert "benchmarks is not in it: Go is too old" in outcome.warnings


def test_some_failed_benchmarks_are_told_and_the_rest_is_kept(
    context_for: ContextFor, repository: Path
) -> None:
    """So is a benchmark whose values pyperf cannot hold."""
    context = context_for(repository)
    zero = Series("./z", "BenchmarkZero", "sec/op", (0.0,), (1,))
    given = samples.benchmarks_outcome(series=(*samples.SERIES, zero), problems=FAILURES)
    outcome = scenario.store_outcomes(context, [given])
    assert outcome.status is Status.PASSED
    assert outcome.warnings == (
        "./z:BenchmarkZero is not in it: it has no value above zero",
        "./p BenchmarkX is not in it: panicked",
        "./b is not in it: does not build: b.go:1: undefined: y",
    )
    assert store.load(store.path_for(context, head(context))).series == samples.SERIES


RED = Outcome("regression", Status.FAILED, ExitCode.FAILED, "1 regression", 1.0)
GREEN = Outcome("regression", Status.PASSED, ExitCode.FINE, "unchanged", 1.0)
SLOWER = tuple(replace(each, values=tuple(3 * value for value in each.values)) for each in samples.SERIES)


def test_a_red_regression_never_overwrites_the_baseline_that_stands(
    context_for: ContextFor, repository: Path
) -> None:
    context = context_for(repository)
    path = store.path_for(context, head(context))
    first = scenario.store_outcomes(context, [samples.benchmarks_outcome(), RED])
    assert first.status is Status.PASSED, "where none stands there is nothing to overwrite"
    kept = path.read_bytes()
    outcome = scenario.store_outcomes(context, [samples.benchmarks_outcome(SLOWER), RED])
    assert (outcome.status, outcome.exit_code) == (Status.LEFT_OUT, ExitCode.UNKNOWN)
    assert (
        outcome.summary == f"the regression is red, so the baseline that stands stays: {context.shown(path)}"
    )
    assert path.read_bytes() == kept
    scenario.store_outcomes(context, [samples.benchmarks_outcome(SLOWER), GREEN])
    assert store.load(path).series == SLOWER


def test_failures_never_take_benchmarks_out_of_the_baseline_that_stands(
    context_for: ContextFor, repository: Path
) -> None:
    context = context_for(repository)
    path = store.path_for(context, head(context))
    whole = [samples.benchmarks_outcome(), samples.load_outcome(samples.load_round())]
    scenario.store_outcomes(context, whole)
    kept = path.read_bytes()
    failed = samples.benchmarks_outcome(samples.SERIES[-2:], FAILURES)
    outcome = scenario.store_outcomes(context, [failed])
    assert (outcome.status, outcome.exit_code) == (Status.LEFT_OUT, ExitCode.UNKNOWN)
    assert "this run has no ./pkg/copy BenchmarkCopy/Level_-1 and 1 more" in outcome.summary
    assert "./p BenchmarkX is not in it: panicked" in outcome.warnings
    assert path.read_bytes() == kept


def test_without_failures_fewer_benchmarks_are_what_was_asked_for(
    context_for: ContextFor, repository: Path
) -> None:
    """A row of perf.toml may leave some out; and failures that lose nothing replace what stands."""
    context = context_for(repository)
    for given in (
        samples.benchmarks_outcome(),
        samples.benchmarks_outcome(samples.SERIES[-2:]),
        samples.benchmarks_outcome(SLOWER[-2:], FAILURES),
    ):
        assert scenario.store_outcomes(context, [given]).status is Status.PASSED
        assert isinstance(given.result, BenchmarksResult)
        assert store.load(store.path_for(context, head(context))).series == given.result.series


def test_a_file_that_is_no_good_baseline_is_replaced_even_after_a_red_regression(
    context_for: ContextFor, repository: Path
) -> None:
    context = context_for(repository)
    path = store.path_for(context, head(context))
    path.parent.mkdir(parents=True)
    path.write_text("half a fi", "utf-8")
    outcome = scenario.store_outcomes(context, [samples.benchmarks_outcome(), RED])
    assert outcome.status is Status.PASSED
    assert any("what stood there is replaced" in each and "is not whole" in each for each in outcome.warnings)
    assert store.load(path).series == samples.SERIES


def test_a_baseline_of_a_newer_form_is_not_replaced(context_for: ContextFor, repository: Path) -> None:
    context = context_for(repository)
    path = store.path_for(context, head(context))
    path.parent.mkdir(parents=True)
    path.write_text('{"metadata": {"perf_version": 99}}', "utf-8")
    outcome = scenario.store_outcomes(context, [samples.benchmarks_outcome()])
    assert (outcome.status, outcome.exit_code) == (Status.LEFT_OUT, ExitCode.UNKNOWN)
    assert "made by a newer perf" in outcome.summary
    assert "99" in path.read_text("utf-8")


def test_instructions_are_kept_beside_what_was_measured(context_for: ContextFor, repository: Path) -> None:
    context = context_for(repository)
    counted = Series(".", "BenchmarkAll", "instructions/op", (1234.5, 1235.0), (7000, 7000))
    scenario.store_outcomes(
        context, [samples.benchmarks_outcome()], counted=[counted], counter="valgrind 3.19.0"
    )
    kept = store.load(store.path_for(context, head(context)))
    assert counted in kept.series
    assert kept.counter == "valgrind 3.19.0"


def test_a_load_that_cannot_be_measured_does_not_take_the_benchmarks_along(
    context_for: ContextFor, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(context: Context) -> Outcome:
        raise RunFailed("the source registry died")

    monkeypatch.setattr("perf.benchmarks.scenario.run", lambda context: samples.benchmarks_outcome())
    monkeypatch.setattr("perf.load.scenario.run", fails)
    outcome = scenario.run(context_for(repository))
    assert outcome.status is Status.PASSED
    assert outcome.warnings == ("load is not in it: the source registry died",)


def test_an_interruption_passes_through_and_keeps_nothing(
    context_for: ContextFor, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(context: Context) -> Outcome:
        raise Interrupted("interrupted by SIGINT")

    context = context_for(repository)
    monkeypatch.setattr("perf.benchmarks.scenario.run", lambda context: samples.benchmarks_outcome())
    monkeypatch.setattr("perf.load.scenario.run", interrupted)
    with pytest.raises(Interrupted):
        scenario.run(context)
    assert not (context.places.root / "baselines").exists()


def test_a_plan_adds_both_up_and_names_the_file(
    context_for: ContextFor, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perf.benchmarks.scenario.plan", lambda context: Plan(("one",), 2.0))
    monkeypatch.setattr("perf.load.scenario.plan", lambda context: Plan(("two",), 3.0))
    context = context_for(repository)
    plan = scenario.plan(context)
    assert plan.lines == ("one", "two", f"kept as {context.shown(store.path_for(context, head(context)))}")
    assert plan.expected_seconds == 5.0
