"""The Markdown of benchmarks, the baseline and the regression."""

from __future__ import annotations

from perf.model import (
    BaselineResult,
    BenchmarksResult,
    Outcome,
    Problem,
    RegressionResult,
    RunRecord,
    Side,
    Verdict,
)
from perf.report.escape import cell, code
from perf.report.figures import benchmark_tables, comparison_table, problem_table, worst_first
from perf.report.sections import Blocks, folded, nothing_measured, part
from perf.report.tables import pipe
from perf.report.words import COMPARISON_NOTE, count, joined, marked


def benchmark_section(record: RunRecord) -> Blocks:
    """Every package's table, what gave no number, the baseline's line, the regression table."""
    return [
        *part(record, "benchmarks", "Benchmarks", _benchmarks),
        *part(record, "baseline", "Baseline", _baseline),
        *part(record, "regression", "Regression", _regression),
    ]


def _benchmarks(outcome: Outcome) -> Blocks:
    result = outcome.result
    if not isinstance(result, BenchmarksResult):
        return [nothing_measured(outcome)]
    tables = benchmark_tables(result)
    number = sum(len(each.rows) for _, each in tables)
    blocks = [
        f"{count(number, 'benchmark')} of {count(len(tables), 'package')}, "
        f"{count(result.processes, 'process')} each, `-benchtime` {cell(result.benchtime)}, {cell(result.go_version)}. "
        "Each value is the median over the processes; the spread is ± half the interquartile range of the time, "
        "in percent of its median."
        if tables
        else "No benchmark gave a number."
    ]
    for package, each in tables:
        blocks += [f"#### {code(package)}", pipe(each.without_empty_columns())]
    return [*blocks, *problems(result.problems)]


def problems(found: tuple[Problem, ...]) -> Blocks:
    """What failed, as a table; what was left out on purpose stands in the summary."""
    counting = [each for each in found if each.counts]
    if not counting:
        return []
    return [f"❌ {count(len(counting), 'problem')}:", pipe(problem_table(counting).without_empty_columns())]


def _baseline(outcome: Outcome) -> Blocks:
    result = outcome.result
    if not isinstance(result, BaselineResult):
        return [nothing_measured(outcome)]
    apart = ", stored apart since tracked files are changed" if result.dirty else ""
    return [
        f"{count(result.benchmarks, 'benchmark')} of {code(result.sha)} kept in {code(result.path)}{apart}."
    ]


def _regression(outcome: Outcome) -> Blocks:
    result = outcome.result
    if not isinstance(result, RegressionResult):
        return [nothing_measured(outcome)]
    verdicts = [each.verdict for each in result.comparisons]
    counts = joined(f"{verdict} {verdicts.count(verdict)}" for verdict in Verdict if verdict in verdicts)
    dirty = " with changes that are not committed" if result.dirty else ""
    against = f" ({cell(result.against)})" if result.against != "base" else ""
    compared = (
        f"{counts}; at most {count(result.rounds, 'pair')} a benchmark" if counts else "nothing was compared"
    )
    blocks = [
        f"Head {_side(result.head)}{dirty} against base {_side(result.base)}{against}: {compared}, seed {result.seed}."
    ]
    ordered = worst_first(result.comparisons)
    telling = [each for each in ordered if each.verdict is not Verdict.UNCHANGED]
    unchanged = [each for each in ordered if each.verdict is Verdict.UNCHANGED]
    if telling:
        blocks += [pipe(comparison_table(telling).without_empty_columns()), COMPARISON_NOTE]
    if unchanged:
        heading = f"{len(unchanged)} {marked(Verdict.UNCHANGED)}"
        blocks += folded(heading, pipe(comparison_table(unchanged).without_empty_columns()))
    if result.proven:
        names = joined(map(code, result.proven))
        blocks.append(
            f"Identical test binaries on both sides, so unchanged without measuring ({len(result.proven)}): {names}."
        )
    for only, where in ((result.only_base, "base"), (result.only_head, "head")):
        if only:
            blocks.append(f"Only in {where}, so not compared: {joined(map(code, only))}.")
    return [*blocks, *problems(result.problems)]


def _side(side: Side) -> str:
    return f"{code(side.sha[:12])} {cell(side.subject)}".rstrip()
