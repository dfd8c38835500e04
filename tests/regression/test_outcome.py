"""What a comparison comes to as a whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perf.errors import ExitCode
from perf.model import Comparison, Problem, ProblemKind, RegressionResult, Side, Status, Verdict
from perf.regression.outcome import of

NOTHING = RegressionResult(
    Side("a" * 40, "one"), Side("b" * 40, "two"), "base", (), (), (), (), (), 10, 1, False
)


def row(verdict: Verdict, change: float | None = 0.5) -> Comparison:
    return Comparison("./p", "BenchmarkA", "sec/op", (), (), change, None, None, verdict, "")


BROKEN = Problem("./q", "", ProblemKind.NOT_BUILT, "a.go:1: no")
FELL = Problem("./q", "BenchmarkA", ProblemKind.PANICKED, "boom")
LEFT = Problem("./q", "", ProblemKind.LEFT_OUT, "sleeps")


@pytest.mark.parametrize(
    ("result", "status", "summary"),
    [
        (
            replace(NOTHING, proven=("./p",)),
            Status.PASSED,
            "unchanged, proven: 1 package has identical test binaries; nothing to measure",
        ),
        (NOTHING, Status.UNKNOWN, "no benchmark stands on both sides"),
        (replace(NOTHING, only_head=("./p BenchmarkNew",)), Status.UNKNOWN, "nothing to compare"),
        (replace(NOTHING, proven=("./p",), problems=(LEFT,)), Status.PASSED, "nothing to measure"),
        (replace(NOTHING, proven=("./p",), problems=(BROKEN,)), Status.UNKNOWN, "1 package could not be run"),
        (
            replace(NOTHING, problems=(BROKEN, FELL, LEFT, replace(FELL, name="BenchmarkB"))),
            Status.UNKNOWN,
            "1 package and 2 benchmarks could not be run",
        ),
        (
            replace(NOTHING, comparisons=(row(Verdict.UNCHANGED), row(Verdict.IMPROVEMENT))),
            Status.PASSED,
            "aaaaaaaaaaaa → bbbbbbbbbbbb: 1 improvement, 1 unchanged",
        ),
        (replace(NOTHING, comparisons=(row(Verdict.UNKNOWN),)), Status.UNKNOWN, "1 unknown"),
        (
            replace(
                NOTHING,
                proven=("./p", "./q"),
                dirty=True,
                comparisons=(
                    row(Verdict.UNKNOWN),
                    row(Verdict.REGRESSION),
                    row(Verdict.REGRESSION, 20.0),
                ),
            ),
            Status.FAILED,
            "bbbbbbbbbbbb + uncommitted changes: 2 regressions (worst: ./p BenchmarkA sec/op +2,000 %), 1 unknown; "
            "proven unchanged: 2 packages have identical test binaries",
        ),
        (
            replace(NOTHING, comparisons=(row(Verdict.REGRESSION, None), row(Verdict.REGRESSION))),
            Status.FAILED,
            "worst: ./p BenchmarkA sec/op from zero",
        ),
    ],
)
def test_the_worst_verdict_decides(result: RegressionResult, status: Status, summary: str) -> None:
    found = of(result, (), 1.0)
    assert found.status is status
    assert summary in found.summary
    expected = {
        Status.PASSED: ExitCode.FINE,
        Status.FAILED: ExitCode.FAILED,
        Status.UNKNOWN: ExitCode.UNKNOWN,
    }
    assert found.exit_code is expected[status]


def test_what_could_not_be_run_is_told_once_among_the_results_problems() -> None:
    outcome = of(replace(NOTHING, problems=(BROKEN, LEFT)), (), 1.0)
    assert isinstance(outcome.result, RegressionResult)
    assert BROKEN in outcome.result.problems
    assert not outcome.error
