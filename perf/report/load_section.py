"""The Markdown of load, stress and integration."""

from __future__ import annotations

import shlex

from perf.load.findings import claims
from perf.model import IntegrationResult, LoadResult, LoadRound, Outcome, RunRecord, StressResult, TimedTest
from perf.report.escape import cell, code, fence
from perf.report.figures import table_of_tests, tests_with
from perf.report.load_figures import (
    all_claim_success,
    claim_against_truth,
    first_errors,
    missing_table,
    request_table,
    round_table,
    sources,
    step_table,
)
from perf.report.sections import Blocks, folded, nothing_measured, part
from perf.report.tables import pipe
from perf.report.words import count, joined
from perf.units import format_seconds, format_size

TESTS_OPEN = 20
OUTPUTS_SHOWN = 5


def load_section(record: RunRecord) -> Blocks:
    """What arrived, how fast and at which cost; the worker ramp; the target's own integration tests."""
    return [
        *part(record, "load", "Load", lambda outcome: _load(outcome, record.id)),
        *part(record, "stress", "Stress", _stress),
        *part(record, "integration", "Integration", _integration),
    ]


def _load(outcome: Outcome, run: str) -> Blocks:
    result = outcome.result
    if not isinstance(result, LoadResult) or not result.rounds:
        return [nothing_measured(outcome)]
    made = "seeded earlier, found by content" if result.reused_images else "seeded for this run"
    workers = sorted({one.workers for one in result.rounds})
    blocks = [
        *_claim(result.rounds),
        f"Workload {code(result.workload)}: {count(result.images, 'image')}, {format_size(result.content_bytes)} "
        f"of random content ({made}); driven by {code(result.drive)} with "
        f"{'/'.join(map(str, workers))} at once; {cell(result.registries)}, storage {cell(result.storage)}.",
        pipe(round_table(result.rounds)),
        "Only images verified at the destination digest by digest count. All rounds: rates and costs are the median "
        "of the rounds, peaks the highest, percentiles those of all copies together"
        f"{_of_source(result)}. Exits, shown and not believed: {joined(dict.fromkeys(map(claims, result.rounds)))}.",
    ]
    if requests := pipe(request_table(result.rounds)):
        blocks += folded("Requests by kind", requests)
    return [*blocks, *_missing(result.rounds, run), *_errors(result.rounds)]


def _of_source(result: LoadResult) -> str:
    where = sources(result.rounds)
    return f" (times from {cell(where)})" if where else ""


def _claim(rounds: tuple[LoadRound, ...]) -> Blocks:
    claim = claim_against_truth(rounds)
    if not claim:
        return []
    lie = (
        "\n>\n> Every process claimed success; the destination says otherwise."
        if all_claim_success(rounds)
        else ""
    )
    return [f"> ❌ **{cell(claim)}**{lie}"]


def _missing(rounds: tuple[LoadRound, ...], run: str) -> Blocks:
    found, more = missing_table(rounds)
    if not found.rows:
        return []
    rest = (
        f"… and {count(more, 'image')} more, each with its evidence in {code(f'.perf/runs/{run}/load/')}."
        if more
        else ""
    )
    return ["#### Images that did not arrive whole", pipe(found), rest]


def _errors(rounds: tuple[LoadRound, ...]) -> Blocks:
    errors = first_errors(rounds)
    if not errors:
        return []
    lines = [f"- {number:,} × {code(error)}" for error, number in errors]
    return ["The replicator's own first errors:", "\n".join(lines)]


def _stress(outcome: Outcome) -> Blocks:
    result = outcome.result
    if not isinstance(result, StressResult) or not any(result.steps):
        return [nothing_measured(outcome)]
    rounds = tuple(one for step in result.steps for one in step)
    per_step = sorted({len(step) for step in result.steps})
    best = (
        f"Highest throughput with {count(result.best_workers, 'worker')}."
        if result.best_workers is not None
        else "No number of workers is the best one."
    )
    return [
        *_claim(rounds),
        f"Workload {code(result.workload)}, workers raised step by step, {'/'.join(map(str, per_step))} "
        f"{'round' if per_step == [1] else 'rounds'} a step. {best} Stopped because: {cell(result.reason)}.".replace(
            "..", "."
        ),
        pipe(step_table(result)),
        *_errors(rounds),
    ]


def _integration(outcome: Outcome) -> Blocks:
    result = outcome.result
    if not isinstance(result, IntegrationResult):
        return [nothing_measured(outcome)]
    command = (
        f"{code(shlex.join(result.command))}: exit {result.returncode} after {format_seconds(result.seconds)}"
    )
    if result.no_tests or not result.tests:
        return [
            f"❌ {command}, but no test ran: nothing was tested.",
            fence(result.tail) if result.tail else "",
        ]
    passed, failed, skipped = (tests_with(result, status) for status in ("passed", "failed", "skipped"))
    blocks = [f"{command}; {len(passed)} passed, {len(failed)} failed, {len(skipped)} skipped."]
    many = len(passed) > TESTS_OPEN
    blocks.append(pipe(table_of_tests((*failed, *skipped, *(() if many else passed)))))
    blocks += [block for test in failed[:OUTPUTS_SHOWN] for block in _output(test)]
    return [*blocks, *folded(f"{len(passed)} passed", pipe(table_of_tests(passed)))] if many else blocks


def _output(test: TimedTest) -> Blocks:
    return [f"{code(test.name)}:", fence(test.output)] if test.output.strip() else []
