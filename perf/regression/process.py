"""One process of one benchmark of one side: what the rounds and the native counts are made of.

Every leaf benchmark runs in a process of its own, chosen by an exact pattern: one that fails takes no other with it.
A process more costs 5 to 20 ms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from perf.benchmarks.binaries import TestBinary
from perf.benchmarks.names import exact_pattern, slug
from perf.benchmarks.run import run_binary
from perf.context import Context
from perf.model import Problem, ProblemKind
from perf.regression.journal import Journal, made, problem_of
from perf.regression.survey import Subject
from perf.system import host
from perf.work.lengths import SIDES, Side


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
    return run_one(
        context,
        journal,
        _name(subject, side, key),
        _raw(context, subject, side, key),
        subject.base if side == "base" else subject.head,
        subject.benchmark.name,
        iterations,
        subject.timeout_seconds,
        watch_demand=watch_demand,
    )


def recalled(journal: Journal, subject: Subject, key: str) -> bool:
    """Whether the journal has what both sides gave under `key`."""
    return all(journal.recall(_name(subject, side, key)) is not None for side in SIDES)


def _name(subject: Subject, side: Side, key: str) -> str:
    return f"{key}/{side}/{subject.benchmark.package} {subject.benchmark.name}"


def run_one(
    context: Context,
    journal: Journal,
    name: str,
    raw: Path,
    binary: TestBinary,
    benchmark: str,
    iterations: int,
    timeout_seconds: float,
    *,
    watch_demand: bool = False,
) -> Measurement:
    """One process of a binary's `benchmark`, its output kept in `raw`; or what the journal has under `name`."""
    if (known := made(journal.recall(name), from_json)) is not None:
        return known
    run = run_binary(
        context,
        binary,
        raw,
        bench=exact_pattern(benchmark),
        benchtime=f"{iterations}x",
        cpu=host.cores(),
        timeout_seconds=timeout_seconds,
        watch_demand=watch_demand,
    )
    found = next((each for each in run.results if each.benchmark == benchmark), None)
    # One metric that is no number takes nothing from the others; calibration has told of it.
    problem = next((each for each in run.problems if each.counts and not (found and _garbles(each))), None)
    if found is None and problem is None:
        problem = Problem(binary.package, benchmark, ProblemKind.FAILED, "it gave no numbers")
    values = {value.unit: value.value for value in found.values} if found and problem is None else {}
    measured = Measurement(values, run.ended.cpu_seconds, run.demand_cores, problem)
    journal.note(name, asdict(measured))
    return measured


def _garbles(problem: Problem) -> bool:
    return problem.kind is ProblemKind.GARBLED


def _raw(context: Context, subject: Subject, side: Side, key: str) -> Path:
    """A file of its own: names that people tell apart may be the same as parts of a file name."""
    whole = f"{subject.benchmark.package}-{subject.benchmark.name}"
    name = f"{slug(whole)}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"
    return context.room("regression") / "raw" / Path(*key.split("/")) / f"{name}.{side}.txt"


def from_json(known: Mapping[str, Any]) -> Measurement:
    """What the journal has of a process; raises KeyError, TypeError or ValueError where it is no such thing."""
    problem = known["problem"]
    return Measurement(
        {str(unit): float(value) for unit, value in known["values"].items()},
        float(known["cpu_seconds"]),
        known["demand_cores"],
        problem_of(problem) if problem else None,
    )
