"""Going on with an earlier run: which one, and only while both sides are what they were."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from perf.context import Context, Options
from perf.errors import UsageError
from perf.regression import resume
from perf.regression.resume import RunPlan

PLAN = RunPlan("work", "b" * 40, "h" * 40, False, 7, "Copy", "full", "needed", None, {"./pkg": ("1", "2")})
ContextFor = Callable[..., Context]


@pytest.fixture
def context(context_for: ContextFor, tmp_path: Path) -> Context:
    (tmp_path / "work").mkdir()
    return context_for(tmp_path / "work", options=Options(resume="latest"))


def ran(context: Context, name: str, plan: RunPlan, *, measured: bool = True) -> None:
    here = replace(context, run_directory=context.places.runs / name)
    resume.keep(here, plan)
    if measured:
        resume.open_journal(here, None).note("a", name)


def test_without_the_option_nothing_is_resumed(context_for: ContextFor, tmp_path: Path) -> None:
    assert resume.earlier(context_for(tmp_path)) is None


def test_the_latest_run_of_this_target_goes_on(context: Context) -> None:
    ran(context, "1", PLAN)
    ran(context, "2", replace(PLAN, seed=8))
    ran(context, "3", replace(PLAN, target="another"))
    ran(context, "4", PLAN, measured=False)
    found = resume.earlier(context)
    assert found is not None
    assert (found[0].parent.name, found[1].seed) == ("2", 8)
    assert resume.open_journal(context, found[0]).recall("a") == "2"


def test_a_named_run_goes_on(context: Context) -> None:
    ran(context, "1", PLAN)
    ran(context, "2", PLAN)
    named = replace(context, options=Options(resume="1"))
    assert (resume.earlier(named) or (Path(), None))[0].parent.name == "1"


@pytest.mark.parametrize("asked", ["latest", "20200101-000000-regression-abcd"])
def test_where_there_is_no_such_run_it_is_said(context: Context, asked: str) -> None:
    with pytest.raises(UsageError, match="no run of regression to go on with"):
        resume.earlier(replace(context, options=Options(resume=asked)))


@pytest.mark.parametrize("asked", ["", ".", "..", "/", "/etc", "1/", "../runs/1", "1/regression"])
def test_what_is_no_name_of_a_run_is_wrong_use(context: Context, asked: str) -> None:
    ran(context, "1", PLAN)
    with pytest.raises(UsageError, match=f"--resume '{asked}' names no run"):
        resume.earlier(replace(context, options=Options(resume=asked)))


@pytest.mark.parametrize("asked", ["*", "[1]", "x" * 999])
def test_a_name_is_no_pattern_and_may_be_of_any_length(context: Context, asked: str) -> None:
    ran(context, "1", PLAN)
    with pytest.raises(UsageError, match="no run of regression to go on with"):
        resume.earlier(replace(context, options=Options(resume=asked)))


@pytest.mark.parametrize("odd", ["1", "{}", '{"target": 1}'])
def test_a_plan_that_is_none_is_no_run(context: Context, odd: str) -> None:
    ran(context, "1", PLAN)
    (context.places.runs / "1" / "regression" / "plan.json").write_text(odd, "utf-8")
    with pytest.raises(UsageError, match="no run of regression"):
        resume.earlier(context)


@pytest.mark.parametrize(
    ("field", "value"), [("bench", 7), ("base", None), ("seed", "x"), ("binaries", {"p": 1})]
)
def test_a_plan_with_an_odd_value_is_no_run(context: Context, field: str, value: object) -> None:
    ran(context, "1", PLAN)
    path = context.places.runs / "1" / "regression" / "plan.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), field: value}), "utf-8")
    with pytest.raises(UsageError, match="no run of regression"):
        resume.earlier(context)


def test_a_plan_that_was_cut_short_is_no_run(context: Context) -> None:
    ran(context, "1", PLAN)
    (context.places.runs / "1" / "regression" / "plan.json").write_text('{"target": "wo', "utf-8")
    with pytest.raises(UsageError):
        resume.earlier(context)


def test_the_sides_the_choice_and_the_seed_are_those_of_the_earlier_run(context: Context) -> None:
    planned = resume.as_planned(context, PLAN)
    assert (planned.options.base, planned.options.seed, planned.options.bench) == ("b" * 40, 7, "Copy")
    assert planned.effort_name == "full"


@pytest.mark.parametrize(
    ("now", "what"),
    [
        (replace(PLAN, head="c" * 40), "the head"),
        (replace(PLAN, dirty=True), "the head"),
        (replace(PLAN, binaries={"./pkg": ("1", "3")}), "the test binaries"),
    ],
)
def test_a_run_does_not_go_on_with_other_sides(now: RunPlan, what: str) -> None:
    with pytest.raises(UsageError, match=f"{what} changed since that run"):
        resume.check(PLAN, now)
    resume.check(PLAN, PLAN)
