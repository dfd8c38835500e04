"""The scenario `stress`: workers 1, 2, 4, 8 … on one workload until something gives; the step table and the reason."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from perf.context import Context, Plan
from perf.errors import ExitCode, Interrupted, PerfError
from perf.load.bench import Bench, describe_setup, expected_round_seconds, open_bench, set_up
from perf.load.findings import claims, others_fraction, too_many_errors
from perf.load.scenario import left_out, left_out_reason, one_round
from perf.model import LoadRound, Outcome, Status, StressResult
from perf.stress.ramp import Limits, Measured, Step, Stop, best, next_step
from perf.suite import Objective
from perf.system import clock, host
from perf.units import format_rate

NAME = "stress"
# The ramp ends before the replicator's memory makes the machine swap.
MEMORY_SHARE = 0.5


def plan(context: Context) -> Plan:
    """What would run; raises UsageError for a workload or a drive that is not declared."""
    setup = set_up(context, NAME, context.effort.stress_workload)
    if setup is None:
        return Plan((left_out_reason(context),), 0.0)
    most, rounds = _most_workers(context), _rounds(context)
    ramp = worker_ramp(most)
    return Plan(
        (
            *describe_setup(setup),
            f"workers {', '.join(map(str, ramp))} with {rounds} round(s) each, until throughput stops growing, "
            "errors pass the objective or memory passes half of what is free",
        ),
        len(ramp) * rounds * expected_round_seconds(setup) + 3.0,
    )


def run(context: Context) -> Outcome:
    """Raise the workers until the ramp stops. An error after the first step ends it; the steps before it are kept."""
    started = clock.monotonic_seconds()
    setup = set_up(context, NAME, context.effort.stress_workload)
    if setup is None:
        return left_out(context, NAME)
    steps: list[tuple[LoadRound, ...]] = []
    ended_early: PerfError | None = None
    with open_bench(context, setup) as bench:
        limits = Limits(
            most_workers=_most_workers(context),
            memory_bytes=int(host.available_memory_bytes() * MEMORY_SHARE),
            error_rate=context.suite.objective.error_rate,
        )
        following = next_step((), limits)
        try:
            while isinstance(following, Step):
                steps.append(_measure(bench, following.workers, _rounds(context), sum(map(len, steps))))
                following = next_step([measured(step) for step in steps], limits)
        except Interrupted:
            raise
        except PerfError as error:
            if not steps:
                raise
            ended_early = error
            following = Stop(f"ended early: {error.what.splitlines()[0]}")
    seconds = clock.monotonic_seconds() - started
    return judge(context.suite.objective, setup.name, steps, following.reason, ended_early, seconds)


def judge(
    objective: Objective,
    workload: str,
    steps: Sequence[tuple[LoadRound, ...]],
    reason: str,
    ended_early: PerfError | None,
    seconds: float,
) -> Outcome:
    """The outcome of a ramp; a breaking point is an answer, a first step with too many errors a failure. Pure."""
    table = [measured(step) for step in steps]
    at_best = best(table)
    status, exit_code = Status.PASSED, ExitCode.FINE
    if any(too_many_errors(objective, each) for each in steps[0]):
        status, exit_code = Status.FAILED, ExitCode.FAILED
    if ended_early is not None:
        status, exit_code = Status.FAILED, ended_early.exit_code
    if at_best is None:
        first = steps[0][0]
        summary = f"{claims(first)}, 0 of {first.images} images arrived; {reason}"
    else:
        highest = max(step.bytes_per_second for step in table)
        workers = f"{at_best} worker" if at_best == 1 else f"{at_best} workers"
        summary = f"most with {workers}: {format_rate(highest)}; {reason}"
    return Outcome(
        scenario=NAME,
        status=status,
        exit_code=exit_code,
        summary=summary,
        seconds=seconds,
        result=StressResult(workload, tuple(steps), reason, at_best),
        warnings=warnings(steps),
        error="" if ended_early is None else str(ended_early),
    )


def measured(step: tuple[LoadRound, ...]) -> Measured:
    """One step as the ramp sees it. Pure."""
    peaks = [each.peak_rss_bytes for each in step if each.peak_rss_bytes is not None]
    busy = [each.busy_fraction for each in step if each.busy_fraction is not None]
    missing = next((each.missing[0] for each in step if each.missing), None)
    return Measured(
        workers=step[0].workers,
        bytes_per_second=statistics.median(each.bytes_per_second for each in step),
        error_rate=max(each.error_rate for each in step),
        peak_rss_bytes=max(peaks, default=None),
        busy_fraction=statistics.median(busy) if busy else None,
        others_fraction=others_fraction(step),
        evidence="" if missing is None else f"{missing.repository}:{missing.tag}: {missing.evidence}",
    )


def warnings(steps: Sequence[tuple[LoadRound, ...]]) -> tuple[str, ...]:
    """What a reader must know of the ramp. Pure."""
    if steps and min(len(step) for step in steps) == 1:
        return ("one round a step: a difference of a few percent between steps may be noise",)
    return ()


def worker_ramp(most: int) -> tuple[int, ...]:
    """All steps that a ramp up to `most` can take."""
    limits, steps = Limits(most, 0), [1]
    while steps[-1] < limits.most_workers:
        steps.append(min(2 * steps[-1], most))
    return tuple(steps)


def _measure(bench: Bench, workers: int, rounds: int, before: int) -> tuple[LoadRound, ...]:
    measured_rounds: list[LoadRound] = []
    for number in range(before + 1, before + rounds + 1):
        measured_rounds.append(one_round(bench, number, 0, workers))
        if measured_rounds[-1].verified == 0:
            break
    return tuple(measured_rounds)


def _rounds(context: Context) -> int:
    return context.options.rounds or context.effort.stress_rounds


def _most_workers(context: Context) -> int:
    return context.options.workers or context.effort.stress_workers
