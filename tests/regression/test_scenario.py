"""The whole comparison on real repositories and real Go builds."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from perf.baseline import store
from perf.baseline.pyperf_file import StoredBaseline
from perf.context import Context, Options
from perf.errors import ExitCode, Interrupted, Lacking, RunFailed, UsageError
from perf.model import RegressionResult, Series, Status, Verdict
from perf.regression import process, scenario
from perf.suite import Suite
from perf.system import git

pytestmark = pytest.mark.go

GO_MOD = "module example.test/target\n\ngo 1.21\n"
CODE = """package work

var Sink []byte

func Fill(n int) {
	Sink = make([]byte, n)
}
"""
TWICE = CODE.replace("\tSink", "\tSink = make([]byte, n)\n\tSink")
SLOWER = CODE.replace("\tSink", "\tfor i := range Sink {\n\t\tSink[i] = 1\n\t}\n\tSink")
BENCHMARKS = """package work

import "testing"

func BenchmarkFill(b *testing.B) {
	b.Run("of a/Level_-1-2", func(b *testing.B) {
		for i := 0; i < b.N; i++ {
			Fill(64)
		}
	})
}
"""
COMMIT = {"go.mod": GO_MOD, "work.go": CODE, "work_test.go": BENCHMARKS}
BROKEN = CODE + "\nvar x = undefined\n"
EXTRA = """
func Benchmark{name}(b *testing.B) {{
	for i := 0; i < b.N; i++ {{
		{body}
	}}
}}
"""

Repository = Callable[..., Path]
ContextFor = Callable[..., Context]


@pytest.fixture(autouse=True)
def nothing_counts_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the tests are the same on every machine; tests/work counts for real."""
    monkeypatch.setattr(scenario, "find_counter", lambda *_: None)


@pytest.fixture
def thrifty(suite: Suite) -> Suite:
    """As perf.toml, with benchmarks that run shortly."""
    effort = {name: each.model_copy(update={"benchtime": "2ms"}) for name, each in suite.effort.items()}
    return suite.model_copy(update={"effort": effort})


def worktrees(root: Path) -> list[str]:
    listed = subprocess.run(
        ["git", "-C", str(root), "worktree", "list"], capture_output=True, text=True, check=True
    )
    return listed.stdout.splitlines()


def measured(run_directory: Path) -> set[str]:
    """Keys of the short runs that a run's journal holds."""
    lines = (run_directory / "regression" / "samples.jsonl").read_text("utf-8").splitlines()
    return {key for key, _ in map(json.loads, lines) if key.startswith("native/")}


def result_of(context: Context) -> RegressionResult:
    result = scenario.run(context).result
    assert isinstance(result, RegressionResult)
    return result


def test_a_documentation_commit_is_proven_unchanged_without_measuring(
    git_repository: Repository, context_for: ContextFor
) -> None:
    root = git_repository(COMMIT, {"README.md": "words"})
    context = context_for(root)
    assert any("commit 1" in line for line in scenario.plan(context).lines)
    outcome = scenario.run(context)
    assert (outcome.status, outcome.exit_code) == (Status.PASSED, ExitCode.FINE)
    assert "unchanged, proven: 1 package has identical test binaries; nothing to measure" in outcome.summary
    assert not (context.run_directory / "regression" / "raw" / "first").exists()
    assert len(worktrees(root)) == 1


def test_one_allocation_more_in_an_uncommitted_change_is_a_regression(
    git_repository: Repository, context_for: ContextFor, thrifty: Suite
) -> None:
    root = git_repository(COMMIT, {"README.md": "words"})
    (root / "work.go").write_text(TWICE, "utf-8")
    context = context_for(root, options=Options(pairs=6, seed=11), suite=thrifty)
    outcome = scenario.run(context)
    result = outcome.result
    assert isinstance(result, RegressionResult)
    assert (outcome.status, outcome.exit_code) == (Status.FAILED, ExitCode.FAILED)
    allocations = next(each for each in result.comparisons if each.unit == "allocs/op")
    assert allocations.name == "BenchmarkFill/of_a/Level_-1-2"
    assert (allocations.base, allocations.head) == ((1.0,) * 6, (2.0,) * 6)
    assert allocations.verdict is Verdict.REGRESSION
    assert allocations.position == "work_test.go:5"
    assert result.dirty
    assert any("uncommitted changes" in warning for warning in outcome.warnings)
    assert any("nothing here counts instructions" in warning for warning in outcome.warnings)
    kept = context.run_directory / "regression"
    assert "allocs/op" in next((kept / "raw" / "native-again" / "0").iterdir()).read_text("utf-8")
    assert json.loads((kept / "plan.json").read_text("utf-8"))["seed"] == result.seed == 11
    blame = next(each for each in result.blames if each.unit == "allocs/op")
    assert [(each.function, each.touched_by[0].subject) for each in blame.functions] == [
        ("example.test/target.Fill", "uncommitted changes")
    ]


def test_new_removed_and_failing_benchmarks_are_told_and_none_is_red(
    git_repository: Repository, context_for: ContextFor, thrifty: Suite
) -> None:
    breaks = EXTRA.format(name="Breaks", body="Break()")
    before = BENCHMARKS + EXTRA.format(name="Removed", body="Fill(1)") + breaks
    after = BENCHMARKS + EXTRA.format(name="Added", body="Fill(2)") + breaks
    fine, broken = CODE + "\nfunc Break() {}\n", CODE + '\nfunc Break() { panic("boom") }\n'
    root = git_repository(
        COMMIT | {"work.go": fine, "work_test.go": before}, {"work.go": broken, "work_test.go": after}
    )
    outcome = scenario.run(context_for(root, options=Options(pairs=6), suite=thrifty))
    result = outcome.result
    assert isinstance(result, RegressionResult)
    assert result.only_base == (". BenchmarkRemoved",)
    assert result.only_head == (". BenchmarkAdded",)
    failing = next(each for each in result.comparisons if each.name == "BenchmarkBreaks")
    assert failing.verdict is Verdict.UNKNOWN
    assert "not measured at the head: panicked" in failing.reason
    allocations = next(each for each in result.comparisons if each.unit == "allocs/op")
    assert allocations.verdict is Verdict.UNCHANGED
    assert (outcome.status, outcome.exit_code) == (Status.UNKNOWN, ExitCode.UNKNOWN)


def test_a_base_that_does_not_build_is_unknown_with_the_compilers_words(
    git_repository: Repository, context_for: ContextFor
) -> None:
    root = git_repository(COMMIT | {"work.go": BROKEN}, {"work.go": CODE})
    outcome = scenario.run(context_for(root))
    assert (outcome.status, outcome.exit_code) == (Status.UNKNOWN, ExitCode.UNKNOWN)
    assert "undefined: undefined" in outcome.error
    assert len(worktrees(root)) == 1


def test_a_head_that_does_not_build_is_a_failed_run(
    git_repository: Repository, context_for: ContextFor
) -> None:
    root = git_repository(COMMIT, {"work.go": BROKEN})
    with pytest.raises(RunFailed, match="undefined: undefined"):
        scenario.run(context_for(root))
    assert len(worktrees(root)) == 1


def test_a_target_that_the_base_does_not_have_yet_is_unknown(
    git_repository: Repository, context_for: ContextFor
) -> None:
    root = git_repository({"README.md": "words"}, {f"tool/{path}": text for path, text in COMMIT.items()})
    outcome = scenario.run(context_for(root / "tool"))
    assert outcome.exit_code is ExitCode.UNKNOWN
    assert "nothing to compare with" in outcome.error


def test_an_interrupted_run_keeps_its_raw_output_and_removes_its_worktrees(
    git_repository: Repository, context_for: ContextFor, thrifty: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = git_repository(COMMIT, {"work.go": TWICE})
    context = context_for(root, options=Options(pairs=6), suite=thrifty)
    real, calls = process.run_binary, []

    def interrupted_at_the_fifth(*given: object, **named: object) -> object:
        calls.append(given)
        if len(calls) == 5:
            raise Interrupted("interrupted by SIGINT")
        return real(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(process, "run_binary", interrupted_at_the_fifth)
    with pytest.raises(Interrupted):
        scenario.run(context)
    raw = context.run_directory / "regression" / "raw"
    before = measured(context.run_directory)
    assert 3 <= len(before) <= 5
    assert {path.name for path in (raw / "native").iterdir()}
    assert len(worktrees(root)) == 1
    monkeypatch.setattr(process, "run_binary", real)
    again = replace(
        context, options=replace(context.options, resume="latest"), run_directory=context.places.runs / "zz"
    )
    assert scenario.run(again).status is Status.FAILED
    kept = {
        str(path.relative_to(again.run_directory)) for path in again.run_directory.rglob("native/**/*.txt")
    }
    assert measured(again.run_directory) >= before
    assert len(kept) == len(measured(again.run_directory)) - len(before)


def test_when_the_time_ends_at_once_everything_is_unknown(
    git_repository: Repository, context_for: ContextFor, thrifty: Suite
) -> None:
    root = git_repository(COMMIT, {"work.go": SLOWER})
    effort = {
        name: each.model_copy(update={"regression_budget": 0.0}) for name, each in thrifty.effort.items()
    }
    outcome = scenario.run(context_for(root, suite=thrifty.model_copy(update={"effort": effort})))
    assert outcome.exit_code is ExitCode.UNKNOWN
    result = outcome.result
    assert isinstance(result, RegressionResult)
    timed = [each for each in result.comparisons if each.unit == "sec/op"]
    assert [each.reason for each in timed] == ["the time ended before its first round"]
    assert "--resume" in result.resume


def test_outside_a_repository_there_is_nothing_to_compare_with(
    tmp_path: Path, context_for: ContextFor
) -> None:
    context = context_for(tmp_path)
    with pytest.raises(UsageError, match="not in a git repository"):
        scenario.plan(context)
    outcome = scenario.run(context)
    assert (outcome.status, outcome.exit_code) == (Status.LEFT_OUT, ExitCode.USAGE)
    assert "next: git clone" in outcome.error


def test_a_target_without_benchmarks_is_left_out(git_repository: Repository, context_for: ContextFor) -> None:
    context = context_for(git_repository({"go.mod": GO_MOD, "work.go": CODE}))
    outcome = scenario.run(context)
    assert (outcome.status, outcome.exit_code) == (Status.LEFT_OUT, ExitCode.UNKNOWN)
    assert "no benchmarks" in outcome.summary
    assert "no benchmarks" in scenario.plan(context).lines[0]


def test_a_pattern_that_matches_no_benchmark_is_wrong_use(
    git_repository: Repository, context_for: ContextFor
) -> None:
    with pytest.raises(UsageError, match="Nowhere"):
        scenario.run(context_for(git_repository(COMMIT, {}), options=Options(bench="Nowhere")))


@pytest.mark.parametrize("revision", ["no-such-branch", "--upload-pack=x", ""])
def test_an_unknown_revision_is_wrong_use(
    git_repository: Repository, context_for: ContextFor, revision: str
) -> None:
    context = context_for(git_repository(COMMIT), options=Options(base=revision))
    with pytest.raises(UsageError, match="unknown revision|is no revision"):
        scenario.run(context)


def test_without_a_stored_baseline_the_comparison_with_one_is_unknown(
    git_repository: Repository, context_for: ContextFor
) -> None:
    root = git_repository(COMMIT, {"README.md": "words"})
    outcome = scenario.run(context_for(root, options=Options(against="stored")))
    assert outcome.exit_code is ExitCode.UNKNOWN
    assert "no stored baseline" in outcome.error


@pytest.mark.parametrize("base", [None, "HEAD~1"])
def test_the_stored_baseline_of_the_nearest_ancestor_is_compared_without_measuring_the_base(
    git_repository: Repository, context_for: ContextFor, thrifty: Suite, base: str | None
) -> None:
    root = git_repository(COMMIT, {"work.go": TWICE})
    context = context_for(root, options=Options(against="stored", processes=2, base=base), suite=thrifty)
    assert context.target.checkout is not None
    sha = git.resolve(context.target.checkout, "HEAD~1").sha
    series = tuple(
        Series(".", name, "sec/op", (1e-6,) * 6, (100,) * 6)
        for name in ("BenchmarkFill/of_a/Level_-1-2", "BenchmarkGone")
    )
    stored = StoredBaseline(
        sha,
        False,
        context.target.name,
        context.fingerprint.machine(),
        asdict(context.fingerprint),
        datetime(2026, 11, 1, tzinfo=UTC),
        series,
        (),
    )
    store.save(store.path_for(context, sha), stored)
    assert sha in scenario.plan(context).lines[0]
    result = result_of(context)
    assert (result.against, result.base.sha) == ("stored", sha)
    assert [(each.name, each.verdict) for each in result.comparisons] == [
        ("BenchmarkFill/of_a/Level_-1-2", Verdict.UNKNOWN)
    ]
    assert result.only_base == (". BenchmarkGone",)


def test_a_stored_baseline_whose_machine_differs_is_a_warning(
    git_repository: Repository, context_for: ContextFor
) -> None:
    root = git_repository(COMMIT, {"README.md": "words"})
    context = context_for(root, options=Options(against="stored", processes=1))
    sha = git.ancestors(git.find_checkout(root), "HEAD", 2)[1]
    fingerprint = {**asdict(context.fingerprint), "kernel": "another"}
    series = (Series(".", "BenchmarkFill/of_a/Level_-1-2", "sec/op", (1e-9,) * 6, (1000,) * 6),)
    machine, date = context.fingerprint.machine(), datetime(2026, 11, 1, tzinfo=UTC)
    stored = StoredBaseline(sha, False, context.target.name, machine, fingerprint, date, series, ())
    store.save(store.path_for(context, sha), stored)
    warnings = scenario.run(context).warnings
    assert any("of another machine" in each and "kernel: another then" in each for each in warnings)


def test_a_stored_baseline_is_not_looked_for_beyond_a_shallow_clones_end(
    git_repository: Repository, context_for: ContextFor, tmp_path: Path
) -> None:
    root = git_repository(COMMIT, {"README.md": "words"})
    shallow = tmp_path / "shallow"
    subprocess.run(["git", "clone", "-q", "--depth=1", root.as_uri(), str(shallow)], check=True)
    with pytest.raises(Lacking, match="is a shallow clone"):
        scenario.run(context_for(shallow, options=Options(against="stored")))


def test_a_benchmark_that_fails_in_several_runs_is_told_once(
    git_repository: Repository, context_for: ContextFor
) -> None:
    garbled = """package work

import (
	"fmt"
	"testing"
)

func BenchmarkOdd(b *testing.B) { fmt.Println("BenchmarkOdd 1 NaN ns/op") }

func BenchmarkPanics(b *testing.B) { panic("so that the process is started again without it") }
"""
    root = git_repository(COMMIT | {"odd_test.go": garbled}, {"work.go": TWICE})
    result = result_of(context_for(root, options=Options(pairs=6)))
    said = [(each.name, each.kind) for each in result.problems]
    assert len(said) == len(set(said)) > 0


def test_a_base_that_is_the_head_is_wrong_use_and_no_pass(
    git_repository: Repository, context_for: ContextFor
) -> None:
    context = context_for(git_repository(COMMIT, {"notes.md": "words\n"}), options=Options(base="HEAD"))
    with pytest.raises(UsageError, match="the same commit"):
        scenario.run(context)
