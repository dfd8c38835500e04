"""What a person reads at the end of a run: a block a scenario, the objectives, the exit code with its meaning."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from perf.model import (
    BaselineResult,
    BenchmarksResult,
    IntegrationResult,
    LoadResult,
    LoadRound,
    Outcome,
    Problem,
    RegressionResult,
    RunRecord,
    Status,
    StressResult,
)
from perf.report import regression_terminal
from perf.report.escape import one_line
from perf.report.figures import (
    benchmark_tables,
    objective_table,
    table_of_tests,
    tests_with,
)
from perf.report.layout import fitted, indented, style_of
from perf.report.load_figures import (
    all_claim_success,
    claim_against_truth,
    first_errors,
    missing_table,
    range_table,
    step_table,
)
from perf.report.tables import Table
from perf.report.words import count, marked, problem_title, title, took, verdict_line
from perf.units import format_size

PROBLEMS_SHOWN = 10
MISSING_SHOWN = 3
PASSED_TESTS_SHOWN = 10


def summary(record: RunRecord, width: int) -> RenderableType:
    """For rich's Console.print, laid out for `width` cells; where files lie is the caller's to add."""
    rows = tuple(row for outcome in record.outcomes for row in outcome.objectives)
    shown: list[RenderableType] = []
    for outcome in record.outcomes:
        shown += [*_block(outcome, width), Text()]
    if rows:
        shown += [Text("Objectives", "bold"), _table(objective_table(rows), width), Text()]
    verdict = verdict_line(record)
    shown.append(
        Text(
            verdict, "bold green" if verdict.startswith("✅") else "bold red" if "❌" in verdict else "yellow"
        )
    )
    return Group(*shown)


def _block(outcome: Outcome, width: int) -> Iterator[RenderableType]:
    status = marked(outcome.status)
    yield Text.assemble(
        (f"{title(outcome.scenario)} ", "bold"),
        (status, style_of(outcome.status)),
        f" in {took(outcome.seconds)}",
    )
    yield indented(outcome.summary, style_of(outcome.status) if outcome.status is Status.FAILED else "")
    match outcome.result:
        case BenchmarksResult() as benchmarks:
            yield from _benchmarks(benchmarks, width)
        case LoadResult() as load:
            yield from _load(load, width)
        case StressResult() as stress:
            yield from _stress(stress, width)
        case RegressionResult() as regression:
            yield from regression_terminal.regression(regression, width)
            yield from _problems(regression.problems)
            yield from regression_terminal.to_go_on(regression)
        case IntegrationResult() as integration:
            yield from _integration(integration, width)
        case BaselineResult() | None:
            pass
    for warning in outcome.warnings:
        yield indented(f"warning: {warning}", "yellow")
    if outcome.error:
        yield from _error(outcome)


def _error(outcome: Outcome) -> Iterator[RenderableType]:
    """What happened, the likely cause, what to type next; the first line is not said twice."""
    for line in outcome.error.splitlines():
        if one_line(line) != one_line(outcome.summary):
            yield indented(line, "red")


def _benchmarks(result: BenchmarksResult, width: int) -> Iterator[RenderableType]:
    if tables := benchmark_tables(result):
        yield Text()
        yield fitted(tables, width)
        yield indented(
            f"median of {count(result.processes, 'process')}, -benchtime {result.benchtime}; "
            "spread: half the interquartile range of the time",
            "dim",
        )
    yield from _problems(result.problems)


def _problems(problems: Iterable[Problem]) -> Iterator[RenderableType]:
    counting = [each for each in problems if each.counts]
    for each in counting[:PROBLEMS_SHOWN]:
        where = f"{each.position}: " if each.position else ""
        yield indented(f"❌ {where}{problem_title(each)} {each.kind}: {each.text}", "red")
    if len(counting) > PROBLEMS_SHOWN:
        yield indented(f"❌ and {count(len(counting) - PROBLEMS_SHOWN, 'problem')} more", "red")
    aside = [each for each in problems if not each.counts]
    for each in aside[:PROBLEMS_SHOWN]:
        yield indented(f"➖ {problem_title(each)} {each.kind}: {each.text}", "dim")
    if len(aside) > PROBLEMS_SHOWN:
        yield indented(f"➖ and {len(aside) - PROBLEMS_SHOWN} more left out or skipped", "dim")


def _load(result: LoadResult, width: int) -> Iterator[RenderableType]:
    yield from _lie(result.rounds)
    if result.rounds:
        yield Text()
        yield _table(range_table(result.rounds), width)
        yield indented(
            f"{result.workload}: {count(result.images, 'image')}, {format_size(result.content_bytes)}, driven by "
            f"{result.drive}; {count(len(result.rounds), 'round')}; only what the destination holds counts",
            "dim",
        )
    missing, more = missing_table(result.rounds)
    for image, _, evidence in missing.rows[:MISSING_SHOWN]:
        yield indented(f"{image}: {evidence}", "red")
    if (more := more + max(0, len(missing.rows) - MISSING_SHOWN)) > 0:
        yield indented(f"and {count(more, 'image')} more that did not arrive", "red")
    yield from _first_error(result.rounds)


def _lie(rounds: Sequence[LoadRound]) -> Iterator[RenderableType]:
    if claim_against_truth(rounds) and all_claim_success(rounds):
        yield indented("❌ every process claimed success; the destination says otherwise", "bold red")


def _first_error(rounds: Sequence[LoadRound]) -> Iterator[RenderableType]:
    for error, number in first_errors(rounds)[:1]:
        yield indented(f"its commonest first error ({number:,} ×): {error}", "red")


def _stress(result: StressResult, width: int) -> Iterator[RenderableType]:
    rounds = [one for step in result.steps for one in step]
    yield from _lie(rounds)
    if rounds:
        yield Text()
        yield _table(step_table(result), width)
    yield indented(f"stopped because: {result.reason}")
    yield from _first_error(rounds)


def _integration(result: IntegrationResult, width: int) -> Iterator[RenderableType]:
    yield indented(f"{shlex.join(result.command)}: exit {result.returncode}", "dim")
    if result.no_tests or not result.tests:
        yield indented("❌ no test ran: nothing was tested", "bold red")
        return
    others = (*tests_with(result, "failed"), *tests_with(result, "skipped"))
    passed = sorted(tests_with(result, "passed"), key=lambda each: -(each.seconds or 0.0))
    yield Text()
    yield _table(table_of_tests((*others, *passed[:PASSED_TESTS_SHOWN])), width)
    if len(passed) > PASSED_TESTS_SHOWN:
        yield indented(f"and {len(passed) - PASSED_TESTS_SHOWN} faster ones that passed", "dim")


def _table(table: Table, width: int) -> RenderableType:
    return fitted([("", table)], width)
