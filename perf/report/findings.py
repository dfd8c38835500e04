"""What this run's own figures say about its limits, and what they call for. Nothing is said without a figure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from perf.load.findings import BUSY_WITH_OTHERS, others_fraction
from perf.model import (
    BenchmarksResult,
    IntegrationResult,
    LoadResult,
    LoadRound,
    RegressionResult,
    RunRecord,
    StressResult,
    Verdict,
)
from perf.report.escape import one_line, shorten
from perf.report.figures import tests_with
from perf.report.load_figures import (
    all_claim_success,
    claim_against_truth,
    copy_percentile,
    cores_used,
    cpu_seconds_per_gb,
    first_errors,
    highest_of,
    median_of,
    requests,
    throughput,
)
from perf.report.regression_figures import change_of, worst_first
from perf.report.words import change, count, problem_title
from perf.units import format_fraction, format_rate, format_seconds, format_size

# When a figure is worth a line; each is a fraction.
CPU_BOUND: Final = 0.8
OWN_SHARE: Final = 0.5
MOSTLY_WAITING: Final = 0.5
UPLOAD_DIFFERENCE: Final = 0.05
WASTED_REQUESTS: Final = 0.1
ROUNDS_DIFFER: Final = 0.2
REGRESSIONS_NAMED: Final = 3

# A 404 that had to be asked for → what was sent because of it.
_LOOK_BEFORE: Final = {
    "destination HEAD blobs 404": "destination PUT uploads 201",
    "destination HEAD manifests 404": "destination PUT manifests 201",
}
_REFUSED: Final = re.compile(r"\b(404|429|5\d\d)\b")


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` in a few words, `evidence` with its figures, `advice` where they call for something. Plain text."""

    what: str
    evidence: str
    advice: str = ""
    bottleneck: bool = True


def findings(record: RunRecord) -> tuple[Finding, ...]:
    """Everything that the results of this run say, in the order of its scenarios."""
    cores = record.fingerprint.get("cores")
    found: list[Finding] = []
    for outcome in record.outcomes:
        match outcome.result:
            case LoadResult() as load:
                found += _of_load(load.rounds, cores if isinstance(cores, int) else None)
            case StressResult() as stress:
                found += _of_stress(stress)
            case RegressionResult() as regression:
                found += _of_regression(regression)
            case BenchmarksResult() as benchmarks:
                found += _of_benchmarks(benchmarks)
            case IntegrationResult() as integration:
                found += _of_integration(integration)
            case _:
                pass
    return tuple(found)


def _of_load(rounds: Sequence[LoadRound], cores: int | None) -> Iterator[Finding]:
    yield from _missing(rounds)
    yield from _hanging(rounds)
    yield from _processor(rounds, cores)
    yield from _uploads(rounds)
    yield from _refused_requests(rounds)
    yield from _uneven_rounds(rounds)


def _missing(rounds: Sequence[LoadRound]) -> Iterator[Finding]:
    claim = claim_against_truth(rounds)
    if not claim:
        return
    errors = first_errors(rounds)
    words = [f"The replicator's commonest first error ({errors[0][1]} ×): {errors[0][0]}."] if errors else []
    seen = next((each.evidence for one in rounds for each in one.missing), "")
    words += [f"The destination's first word: {seen}."] if seen else []
    lies = (
        " Its exit code says success, so nothing that trusts it notices." if all_claim_success(rounds) else ""
    )
    yield Finding(
        "Not every image arrives" if any(one.verified for one in rounds) else "No image arrives",
        " ".join([f"{claim}.", *words]),
        f"Repair the copy before its speed: {claim}.{lies}",
    )


def _hanging(rounds: Sequence[LoadRound]) -> Iterator[Finding]:
    if timed_out := sum(job.timed_out for one in rounds for job in one.jobs):
        jobs = sum(len(one.jobs) for one in rounds)
        yield Finding("Copies hang", f"{timed_out:,} of {count(jobs, 'process')} ran into the time limit.")


def _processor(rounds: Sequence[LoadRound], cores: int | None) -> Iterator[Finding]:
    used, cost = median_of(rounds, cores_used), median_of(rounds, cpu_seconds_per_gb)
    if used is None or cost is None or cores is None:
        return
    share, busy = used / cores, median_of(rounds, lambda one: one.busy_fraction)
    figures = (
        f"the replicator's processes used {used:.2f} of {count(cores, 'core')} ({format_fraction(share)}), "
        f"{cost:.2f} CPU-seconds per GB copied"
    )
    others = others_fraction(rounds) or 0.0
    if busy is not None:
        figures += f"; with the registries and all else the machine was {format_fraction(busy)} busy"
    if others >= BUSY_WITH_OTHERS:
        figures += f", {format_fraction(others)} with other work"
    full = max(share, busy or 0.0)
    if others >= BUSY_WITH_OTHERS:
        yield Finding(
            "Other work held the machine",
            f"In the median round {figures}. The replicator's own limit lies above what was measured.",
            f"Measure when the machine is quiet: {figures}.",
        )
    elif full >= CPU_BOUND and share >= OWN_SHARE * full:
        yield Finding(
            "Bound by the processor",
            f"In the median round {figures}. MB/s then measures the machine as much as the replicator.",
            f"Lower the CPU-seconds per GB, or measure on more cores: {figures}.",
        )
    elif full >= CPU_BOUND:
        yield Finding(
            "The machine was full, mostly with the registries",
            f"In the median round {figures}. The replicator's own limit lies above what was measured.",
            f"Give the registries cores of their own: {figures}.",
        )
    elif (share if busy is None else busy) < MOSTLY_WAITING:
        yield Finding(
            "Waiting rather than computing",
            f"In the median round {figures}. What it waited for (registries, network, locks) this run did not measure.",
        )
    else:
        yield Finding("Processor use", f"In the median round {figures}.")


def _uploads(rounds: Sequence[LoadRound]) -> Iterator[Finding]:
    asked = [one for one in rounds if one.uploaded_bytes is not None and one.verified == one.images]
    verified = sum(one.verified_bytes for one in asked)
    uploaded = sum(one.uploaded_bytes or 0 for one in asked)
    if not verified:
        return
    difference = uploaded / verified - 1.0
    figures = f"{format_size(uploaded)} uploaded for {format_size(verified)} of distinct content ({change(difference)})"
    if difference < -UPLOAD_DIFFERENCE:
        yield Finding(
            "Not every byte was moved",
            f"{figures}: the rest was mounted or stood there already, and counts as copied.",
        )
    elif difference > UPLOAD_DIFFERENCE:
        yield Finding(
            "Content is uploaded more than once",
            f"{figures}: layers shared by repositories, or uploads begun again.",
            f"Mount layers that the destination already holds instead of sending them again: {figures}.",
        )


def _refused_requests(rounds: Sequence[LoadRound]) -> Iterator[Finding]:
    kinds = requests(rounds)
    refused = {
        kind: number - _needed(kind, number, kinds) for kind, number in kinds.items() if _REFUSED.search(kind)
    }
    refused = {kind: number for kind, number in refused.items() if number}
    total = sum(kinds.values())
    if not refused or sum(refused.values()) < WASTED_REQUESTS * total:
        return
    number = sum(refused.values())
    worst, times = max(refused.items(), key=lambda item: item[1])
    figures = f"{number:,} of {total:,} requests ({format_fraction(number / total)}), most of them {worst} ({times:,})"
    yield Finding(
        "Requests that bring nothing", f"{figures}.", f"Spare requests that bring nothing: {figures}."
    )


def _needed(kind: str, number: int, kinds: Mapping[str, int]) -> int:
    """How many of the requests of a refused kind had to be: one look at the destination before each upload."""
    sent = kinds.get(_LOOK_BEFORE.get(kind, ""), 0)
    return min(number, sent)


def _uneven_rounds(rounds: Sequence[LoadRound]) -> Iterator[Finding]:
    rates = [one.bytes_per_second for one in rounds]
    middle = median_of(rounds, throughput)
    if len(rates) < 3 or not middle or (apart := (max(rates) - min(rates)) / middle) < ROUNDS_DIFFER:
        return
    figures = f"{format_rate(min(rates))} to {format_rate(max(rates))}, {format_fraction(apart)} of the median apart"
    yield Finding(
        "The rounds differ",
        "",
        f"Measure with --full, or on a quieter machine, before comparing throughput: rounds lie {figures}.",
        bottleneck=False,
    )


def _of_stress(result: StressResult) -> Iterator[Finding]:
    steps = [step for step in result.steps if step]
    best = next((index for index, step in enumerate(steps) if step[0].workers == result.best_workers), None)
    if best is None:
        return
    rates = [median_of(step, throughput) or 0.0 for step in steps]
    workers = [step[0].workers for step in steps]
    tails = [copy_percentile(step, 0.95) for step in steps]
    if best == len(steps) - 1:
        yield Finding(
            "No limit found",
            f"Throughput was highest with {count(workers[best], 'worker')}, the most that were tried: "
            f"{format_rate(rates[best])}.",
        )
    else:
        last, before = tails[-1], tails[best]
        tail = (
            f", while the P95 of a copy went from {format_seconds(before)} to {format_seconds(last)}"
            if before is not None and last is not None
            else ""
        )
        figures = (
            f"{format_rate(rates[best])} with {count(workers[best], 'worker')}, "
            f"{format_rate(rates[-1])} with {workers[-1]:,}{tail}"
        )
        others = max(others_fraction(step) or 0.0 for step in steps)
        if others >= BUSY_WITH_OTHERS:
            yield Finding(
                "Where throughput stops growing is unknown",
                f"{figures}, while other work held up to {format_fraction(others)} of the machine.",
            )
        else:
            yield Finding(
                f"Throughput stops growing at {count(workers[best], 'worker')}",
                f"{figures}.",
                f"Run about {count(workers[best], 'worker')} on a machine like this: {figures}.",
            )
    memory = [highest_of(step, lambda one: one.peak_rss_bytes) for step in steps]
    first, most = memory[0], memory[-1]
    if first and most and most >= 2 * first:
        yield Finding(
            "Memory grows with the workers",
            f"Peak RSS {format_size(first)} with {count(workers[0], 'worker')}, "
            f"{format_size(most)} with {workers[-1]:,}.",
        )


def _of_regression(result: RegressionResult) -> Iterator[Finding]:
    worse = [each for each in worst_first(result.comparisons) if each.verdict is Verdict.REGRESSION]
    for each in worse[:REGRESSIONS_NAMED]:
        name = shorten(one_line(each.name), 80)
        figures = f"{name} ({each.package}): {each.unit} {change_of(each)} against {result.base.sha[:12]}"
        yield Finding("Worse than its base", f"{figures}.", f"Look at what changed {figures}.")
    if len(worse) > REGRESSIONS_NAMED:
        yield Finding("More regressions", f"{len(worse) - REGRESSIONS_NAMED} more stand in the table above.")


def _of_benchmarks(result: BenchmarksResult) -> Iterator[Finding]:
    broken = [each for each in result.problems if each.counts]
    if broken:
        first = broken[0]
        yield Finding(
            "Benchmarks that give no number",
            "",
            f"Repair {count(len(broken), 'benchmark')} that gave no number, first {problem_title(first)}: "
            f"{first.kind}{f' at {first.position}' if first.position else ''}.",
            bottleneck=False,
        )


def _of_integration(result: IntegrationResult) -> Iterator[Finding]:
    if failed := tests_with(result, "failed"):
        advice = (
            f"Repair {count(len(failed), 'integration test')} of {len(result.tests)}, first {failed[0].name}."
        )
    elif result.no_tests:
        advice = f"Give the integration command tests to run: it found none (exit {result.returncode})."
    else:
        return
    yield Finding("Integration", "", advice, bottleneck=False)
