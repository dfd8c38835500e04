"""docs/performance-test-<date>.md: five sections, verdict first, nothing that this run did not measure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from perf.model import LoadResult, ObjectiveRow, Outcome, Problem, RunRecord, Status
from perf.report.benchmark_section import benchmark_section
from perf.report.escape import cell, code, prose
from perf.report.figures import objective_table, outcome_table
from perf.report.findings import findings
from perf.report.load_figures import claim_against_truth
from perf.report.load_section import load_section
from perf.report.sections import Blocks, conditions
from perf.report.tables import pipe
from perf.report.words import SCENARIO_TITLES, count, joined, objective_word, outcomes_of, title, verdict_line


def report(record: RunRecord) -> str:
    """The whole report as Markdown text."""
    blocks = [f"# Performance test {cell(record.started[:10])}: {cell(record.target)}"]
    for heading, section in _SECTIONS.items():
        blocks += [f"## {heading}", *section(record)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _summary(record: RunRecord) -> Blocks:
    return [
        f"**{cell(verdict_line(record))}**",
        *_reasons(record),
        pipe(outcome_table(record)) or "No scenario ran to an end.",
        "### Objectives",
        *_objectives(record),
        *_warnings(record),
        *_left_out(record),
        "### How it was measured",
        *conditions(record),
    ]


def _reasons(record: RunRecord) -> Blocks:
    rows = _objective_rows(record)
    missed = [row.metric.replace("_", " ") for row in rows if objective_word(row) == "missed"]
    failed = [title(each.scenario) for each in record.outcomes if each.status is Status.FAILED]
    lines = [f"- **{cell(claim)}.**" for claim in _claims_against_truth(record)]
    lines += [f"- Failed: {cell(joined(failed))}."] if failed else []
    lines += (
        [f"- Missed {len(missed)} of {count(len(rows), 'objective')}: {cell(joined(missed))}."]
        if missed
        else []
    )
    return ["\n".join(lines)]


def _claims_against_truth(record: RunRecord) -> tuple[str, ...]:
    """What matters most: images that did not arrive, beside what the replicator said of them."""
    loads = [each.result for each in record.outcomes if isinstance(each.result, LoadResult)]
    return tuple(claim for load in loads if (claim := claim_against_truth(load.rounds)))


def _objective_rows(record: RunRecord) -> tuple[ObjectiveRow, ...]:
    return tuple(row for outcome in record.outcomes for row in outcome.objectives)


def _objectives(record: RunRecord) -> Blocks:
    rows = _objective_rows(record)
    if rows:
        return [pipe(objective_table(rows))]
    if outcomes_of(record, "load"):
        return ["No objective was judged: perf.toml names none, or load ended before it could judge one."]
    return ["No objective was judged: they are judged by load, which was not part of this run."]


def _warnings(record: RunRecord) -> Blocks:
    lines = [f"- {title(each.scenario)}: {cell(text)}" for each in record.outcomes for text in each.warnings]
    return ["### Read with care", "\n".join(lines)] if lines else []


def _left_out(record: RunRecord) -> Blocks:
    lines = [
        f"- {title(each.scenario)}: {cell(each.summary)}"
        for each in record.outcomes
        if each.status is Status.LEFT_OUT
    ]
    lines += [f"- {_problem_line(each)}" for each in _left_out_problems(record.outcomes)]
    ran = {each.scenario for each in record.outcomes}
    if absent := [name for name in SCENARIO_TITLES if name not in ran]:
        why = (
            "the run ended before them"
            if record.scenario == "all"
            else f"only {record.scenario} was asked for"
        )
        lines.append(f"- {joined(map(title, absent))}: not part of this run ({cell(why)}).")
    return ["### Left out", "\n".join(lines)] if lines else []


def _left_out_problems(outcomes: Iterable[Outcome]) -> Iterable[Problem]:
    problems = (each for outcome in outcomes for each in getattr(outcome.result, "problems", ()))
    return dict.fromkeys(each for each in problems if not each.counts)


def _problem_line(problem: Problem) -> str:
    names = " ".join(code(name) for name in (problem.package, problem.name) if name)
    return f"{names}: {problem.kind}, {cell(problem.text)}"


def _bottlenecks(record: RunRecord) -> Blocks:
    found = [each for each in findings(record) if each.bottleneck]
    if found:
        return ["\n".join(f"- **{cell(each.what)}.** {cell(each.evidence)}" for each in found)]
    measured = [
        each for each in record.outcomes if each.scenario in ("load", "stress") and each.result is not None
    ]
    if measured:
        return ["Nothing: no figure of this run points at a limit."]
    return ["Nothing to analyse: neither load nor stress measured anything in this run."]


def _recommendations(record: RunRecord) -> Blocks:
    advice = [each.advice for each in findings(record) if each.advice]
    if not advice:
        return ["None: nothing measured in this run calls for one."]
    return ["\n".join(f"{number}. {prose(text)}" for number, text in enumerate(advice, start=1))]


_SECTIONS: Final[dict[str, Callable[[RunRecord], Blocks]]] = {
    "Executive Summary": _summary,
    "Benchmark Results": benchmark_section,
    "Load Test Results": load_section,
    "Bottleneck Analysis": _bottlenecks,
    "Recommendations": _recommendations,
}
