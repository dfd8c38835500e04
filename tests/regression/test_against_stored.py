"""Against a stored baseline: what the head has but cannot run is no benchmark of the base alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from perf.baseline import store
from perf.baseline.pyperf_file import StoredBaseline
from perf.context import Context, Options
from perf.errors import ExitCode, RunFailed
from perf.model import Outcome, ProblemKind, RegressionResult, Series, Verdict
from perf.regression import scenario
from perf.system import git

pytestmark = pytest.mark.go

GO_MOD = "module example.test/target\n\ngo 1.21\n"
CODE = "package work\n\nfunc Fill() {}\n"
OTHER = 'package other\n\nimport "testing"\n\nfunc BenchmarkOther(b *testing.B) { b.ReportAllocs() }\n'
HEAD = """package work

import (
	"log"
	"testing"
)

func BenchmarkFill(b *testing.B) {
	for i := 0; i < b.N; i++ {
		Fill()
	}
}

func BenchmarkPanics(b *testing.B) { panic("boom") }

func BenchmarkGivesUp(b *testing.B) { log.Fatal("no luck") }

func BenchmarkSkips(b *testing.B) {
	b.Run("sub", func(b *testing.B) { b.Skip("not here") })
}
"""
COMMIT = {"go.mod": GO_MOD, "work.go": CODE, "work_test.go": HEAD, "other/other_test.go": OTHER}

Compared = Callable[..., Outcome]


@pytest.fixture
def compared(git_repository: Callable[..., Path], context_for: Callable[..., Context]) -> Compared:
    """`compared(changed, "BenchmarkFill")`: a head with these changes against a baseline of this benchmark of "."."""

    def compare(changed: dict[str, str], *names: str, bench: str = ".") -> Outcome:
        root = git_repository(COMMIT, {"README.md": "words"} | changed)
        options = Options(against="stored", processes=1, bench=bench)
        context = context_for(root, options=options)
        sha = git.ancestors(git.find_checkout(root), "HEAD", 2)[1]
        stored = StoredBaseline(
            sha,
            False,
            context.target.name,
            context.fingerprint.machine(),
            asdict(context.fingerprint),
            datetime(2026, 11, 1, tzinfo=UTC),
            tuple(Series(".", name, "sec/op", (1e-9,) * 6, (1000,) * 6) for name in names),
            (),
        )
        store.save(store.path_for(context, sha), stored)
        return scenario.run(context)

    return compare


def test_what_fails_at_the_head_is_unknown_with_the_reason_and_what_is_gone_is_of_the_base_alone(
    compared: Compared,
) -> None:
    names = ("BenchmarkFill", "BenchmarkPanics", "BenchmarkGivesUp/x", "BenchmarkSkips/sub", "BenchmarkGone")
    outcome = compared({}, *names)
    result = outcome.result
    assert isinstance(result, RegressionResult)
    assert result.only_base == (". BenchmarkGone",)
    rows = {each.name: each for each in result.comparisons}
    assert {each.verdict for each in rows.values()} == {Verdict.UNKNOWN}
    assert {name: rows[name].reason for name in names[1:4]} == {
        "BenchmarkPanics": "not measured at the head: panicked: panic: boom",
        "BenchmarkGivesUp/x": "not measured at the head: failed: ended with exit 1; the last it said: no luck",
        "BenchmarkSkips/sub": "not measured at the head: skipped: work_test.go:19: not here",
    }
    assert {each.name for each in result.problems if each.kind is ProblemKind.PANICKED} == {"BenchmarkPanics"}
    assert outcome.exit_code is ExitCode.UNKNOWN
    assert "benchmarks could not be run" in outcome.summary


BROKEN_OTHER = {"other/other_test.go": OTHER + "\nvar x = undefined\n"}


@pytest.mark.parametrize(
    ("changed", "bench"),
    [({"work.go": CODE + "\nvar x = undefined\n"}, "Fill|Other"), (BROKEN_OTHER, "Other")],
    ids=["what the baseline holds", "all there is"],
)
def test_a_head_that_does_not_build_is_a_failed_run_with_the_compilers_words(
    compared: Compared, changed: dict[str, str], bench: str
) -> None:
    with pytest.raises(RunFailed, match="undefined: undefined"):
        compared(changed, "BenchmarkFill", bench=bench)


def test_a_package_that_the_baseline_does_not_hold_and_that_does_not_build_is_a_problem(
    compared: Compared,
) -> None:
    outcome = compared(BROKEN_OTHER, "BenchmarkFill", bench="Fill|Other")
    assert outcome.exit_code is ExitCode.UNKNOWN
    assert "1 package could not be run" in outcome.summary


def test_what_was_not_asked_for_is_not_of_the_base_alone(compared: Compared) -> None:
    result = compared({}, "BenchmarkFill", "BenchmarkPanics", "BenchmarkFillGone", bench="Fill").result
    assert isinstance(result, RegressionResult)
    assert result.only_base == (". BenchmarkFillGone",)
    assert [each.name for each in result.comparisons] == ["BenchmarkFill"]
