"""The scenario `load`: a workload through the replicator, round by round, counted by what the destination holds."""

from __future__ import annotations

from perf.context import Context, Plan
from perf.errors import ExitCode, Interrupted, PerfError
from perf.load import findings
from perf.load.bench import Bench, Setup, describe_setup, expected_round_seconds, open_bench, set_up
from perf.model import JUDGED_EXITS, LoadResult, LoadRound, Outcome, Status
from perf.system import clock
from perf.units import format_rate

NAME = "load"


def plan(context: Context) -> Plan:
    """What would run; raises UsageError for a workload or a drive that is not declared."""
    setup = set_up(context, NAME, context.effort.workload)
    if setup is None:
        return Plan((left_out_reason(context),), 0.0)
    rounds, workers = _rounds(context), _workers(context, setup)
    return Plan(
        (
            *describe_setup(setup),
            f"{rounds} rounds, {workers} at once, each into an empty destination and verified tag by tag",
        ),
        rounds * expected_round_seconds(setup) + 3.0,
    )


def run(context: Context) -> Outcome:
    """Measure. There is no warm-up: every round counts, and the median of the rounds is not moved by a slow first one.

    After a round in which nothing arrived no other is run. When a registry dies or the disk fills, the rounds before
    it stand in the outcome; raises PerfError when there is none.
    """
    started = clock.monotonic_seconds()
    setup = set_up(context, NAME, context.effort.workload)
    if setup is None:
        return left_out(context, NAME)
    rounds: list[LoadRound] = []
    ended_early: PerfError | None = None
    asked = _rounds(context)
    with open_bench(context, setup) as bench:
        try:
            for number in range(1, asked + 1):
                rounds.append(one_round(bench, number, asked, _workers(context, setup)))
                if rounds[-1].verified == 0:
                    break
        except Interrupted:
            raise
        except PerfError as error:
            if not rounds:
                raise
            ended_early = error
        result = LoadResult(
            workload=setup.name,
            drive=setup.drive,
            images=len(bench.images),
            content_bytes=bench.content_bytes,
            registries=bench.pair.kind,
            storage=bench.pair.storage,
            rounds=tuple(rounds),
            reused_images=bench.reused_images,
        )
    return judge(context, result, asked, ended_early, clock.monotonic_seconds() - started)


def judge(
    context: Context, result: LoadResult, asked: int, ended_early: PerfError | None, seconds: float
) -> Outcome:
    """The outcome of what was measured. Pure."""
    objective = context.suite.objective
    rows = findings.objective_rows(objective, result.rounds)
    status = findings.status(objective, result.rounds, rows) if ended_early is None else Status.FAILED
    exit_code = JUDGED_EXITS[status]
    summary = findings.summary(result.rounds, rows)
    if ended_early is not None:
        exit_code = ended_early.exit_code
        summary = f"ended early: {ended_early.what.splitlines()[0]}; before that {summary}"
    return Outcome(
        scenario=NAME,
        status=status,
        exit_code=exit_code,
        summary=summary,
        seconds=seconds,
        result=result,
        objectives=rows,
        warnings=findings.warnings(result.rounds, asked),
        error="" if ended_early is None else str(ended_early),
    )


def one_round(bench: Bench, number: int, total: int, workers: int) -> LoadRound:
    """One round with a line for the person who waits."""
    progress = bench.context.progress
    setup = bench.setup
    of = f" of {total}" if total else ""
    with progress.step(f"{setup.scenario} round {number}{of}: {len(bench.images)} images, {workers} at once"):
        measured = bench.round(number, workers)
    progress.note(
        f"  {measured.verified} of {measured.images} images arrived, {format_rate(measured.bytes_per_second)}"
    )
    return measured


def left_out_reason(context: Context) -> str:
    return f"target {context.target.name} declares no replicator in perf.toml: there is nothing to drive"


def left_out(context: Context, scenario: str) -> Outcome:
    """A target that cannot replicate: not a pass."""
    return Outcome(scenario, Status.LEFT_OUT, ExitCode.UNKNOWN, left_out_reason(context), 0.0)


def _rounds(context: Context) -> int:
    return context.options.rounds or context.effort.load_rounds


def _workers(context: Context, setup: Setup) -> int:
    return context.options.workers or setup.workload.workers
