"""`regression --bisect`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from perf.bisect import command, follow
from perf.bisect.model import Metric
from perf.bisect.search import Seeds
from perf.context import Context, Options
from perf.errors import Undecided
from perf.model import Outcome, RegressionResult
from tests.bisect.test_command import HISTORY
from tests.conftest import ContextFor
from tests.report.gates import red

pytestmark = pytest.mark.go

Repository = Callable[..., Path]


@pytest.fixture
def context(context_for: ContextFor, git_repository: Repository) -> Context:
    options = Options(bench="Work", base="HEAD~7", time="never", budget_seconds=20.0, bisect=True)
    return context_for(git_repository(*HISTORY), options=options)


def test_a_confirmed_regression_is_followed_to_its_commit(context: Context) -> None:
    outcome = follow.run(context)
    assert isinstance(outcome.result, RegressionResult)
    (culprit,) = outcome.result.culprits
    assert [each.subject for each in culprit.commits] == ["commit 5"]
    assert culprit.unit in {"instructions/op", "allocs/op", "B/op"}
    assert (context.run_directory / "bisect" / "bisect.json").exists()


def test_without_the_option_nothing_is_searched(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    (outcome,) = red().outcomes
    monkeypatch.setattr(follow.scenario, "run", lambda _: outcome)
    assert follow.run(replace(context, options=replace(context.options, bisect=False))) is outcome


def test_a_search_that_fails_is_a_warning_and_changes_no_verdict(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    (outcome,) = red().outcomes

    def fails(*_: object, **__: object) -> None:
        raise Undecided("no luck\nat all")

    monkeypatch.setattr(follow.scenario, "run", lambda _: outcome)
    monkeypatch.setattr(follow, "_seeds", lambda *_: None)
    monkeypatch.setattr(command, "search", fails)
    followed = follow.run(context)
    assert followed.warnings[-1] == "--bisect: the commit was not found: no luck"
    assert (followed.status, followed.exit_code) == (outcome.status, outcome.exit_code)


def test_uncommitted_changes_alone_leave_no_commit_to_search(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    (outcome,) = red().outcomes
    assert isinstance(outcome.result, RegressionResult)
    same: Outcome = replace(outcome, result=replace(outcome.result, base=outcome.result.head))
    monkeypatch.setattr(follow.scenario, "run", lambda _: same)
    assert "no commit to search" in follow.run(context).warnings[-1]


def test_the_rounds_of_the_gate_seed_a_timed_search(context: Context) -> None:
    """What the journal has of both ends, process by process, in its order."""
    journal = context.room("regression") / "samples.jsonl"
    journal.write_text(
        '["survey/base/./work", {"iterations": {"BenchmarkWork": 40}}]\n'
        '["first/000-0/base/./work BenchmarkWork", '
        '{"values": {"sec/op": 1.0}, "cpu_seconds": 2.0, "demand_cores": null, "problem": null}]\n'
        '["first/000-0/head/./work BenchmarkWork", '
        '{"values": {"sec/op": 3.0}, "cpu_seconds": 4.0, "demand_cores": null, "problem": null}]\n'
        '["first/000-0/head/./work BenchmarkOther", '
        '{"values": {"sec/op": 9.0}, "cpu_seconds": 9.0, "demand_cores": null, "problem": null}]\n',
        "utf-8",
    )
    (outcome,) = red().outcomes
    assert isinstance(outcome.result, RegressionResult)
    row = replace(outcome.result.comparisons[0], package="./work", name="BenchmarkWork")
    seeds = follow._seeds(context, row, Metric.WALL)
    assert isinstance(seeds, Seeds)
    assert (seeds.iterations, [(bad, run.values["sec/op"]) for bad, run in seeds.runs]) == (
        40,
        [(False, 1.0), (True, 3.0)],
    )
    assert follow._seeds(context, row, Metric.ALLOCS) is None
