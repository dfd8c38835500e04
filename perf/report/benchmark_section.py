"""The Markdown of benchmarks, the baseline and the regression."""

from __future__ import annotations

from perf.model import BaselineResult, BenchmarksResult, Outcome, RegressionResult, RunRecord
from perf.report.escape import cell, code
from perf.report.figures import benchmark_tables
from perf.report.regression_figures import headline
from perf.report.regression_section import regression_blocks
from perf.report.sections import Blocks, nothing_measured, part, problems
from perf.report.tables import pipe
from perf.report.words import count


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


def _baseline(outcome: Outcome) -> Blocks:
    result = outcome.result
    if not isinstance(result, BaselineResult):
        return [nothing_measured(outcome)]
    apart = ", stored apart since tracked files are changed" if result.dirty else ""
    return [
        f"{count(result.benchmarks, 'benchmark')} of {code(result.sha)} kept in {code(result.path)}{apart}."
    ]


def _regression(outcome: Outcome) -> Blocks:
    told = [f"{cell(headline(outcome))}."] if isinstance(outcome.result, RegressionResult) else []
    return [*told, *regression_blocks(outcome)]
