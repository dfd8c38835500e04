"""One process of one benchmark of one side: what the rounds and the native counts are made of.

Every leaf benchmark runs in a process of its own, chosen by an exact pattern: one that fails takes no other with it.
A process more costs 5 to 20 ms.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from perf.benchmarks.binaries import TestBinary
from perf.benchmarks.names import exact_pattern, slug
from perf.benchmarks.run import run_binary
from perf.context import Context
from perf.model import Problem, ProblemKind
from perf.regression.journal import Journal, problem_of
from perf.regression.survey import Subject
from perf.system import host
from perf.work.lengths import Side


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one process gave: values by unit (empty when it failed: `problem` says how), and what it used as a whole."""

    values: dict[str, float]
    cpu_seconds: float
    demand_cores: float | None
    problem: Problem | None


def measure_once(
    context: Context,
    journal: Journal,
    subject: Subject,
    side: Side,
    iterations: int,
    key: str,
    *,
    watch_demand: bool = False,
) -> Measurement:
    """Run it, or recall what the journal has under `key`, which also names the file of its raw output."""
    name = f"{key}/{side}/{subject.benchmark.package} {subject.benchmark.name}"
    if isinstance(known := journal.recall(name), dict):
        return _from_json(known)
    binary: TestBinary = subject.base if side == "base" else subject.head
    run = run_binary(
        context,
        binary,
        _raw(context, subject, side, key),
        bench=exact_pattern(subject.benchmark.name),
        benchtime=f"{iterations}x",
        cpu=host.cores(),
        timeout_seconds=subject.timeout_seconds,
        watch_demand=watch_demand,
    )
    problem = next((each for each in run.problems if each.counts), None)
    found = next((each for each in run.results if each.benchmark == subject.benchmark.name), None)
    if found is None and problem is None:
        problem = Problem(
            subject.benchmark.package, subject.benchmark.name, ProblemKind.FAILED, "it gave no numbers"
        )
    values = {value.unit: value.value for value in found.values} if found and problem is None else {}
    measured = Measurement(values, run.ended.cpu_seconds, run.demand_cores, problem)
    journal.note(name, asdict(measured))
    return measured


def _raw(context: Context, subject: Subject, side: Side, key: str) -> Path:
    name = slug(f"{subject.benchmark.package}-{subject.benchmark.name}")
    return context.room("regression") / "raw" / Path(*key.split("/")) / f"{name}.{side}.txt"


def _from_json(known: dict[str, Any]) -> Measurement:
    problem = known["problem"]
    return Measurement(
        known["values"],
        known["cpu_seconds"],
        known["demand_cores"],
        problem_of(problem) if problem else None,
    )
