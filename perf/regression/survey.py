"""Which benchmarks both sides have, and how many iterations each is given. Raw output is kept.

Every leaf benchmark has an iteration count of its own: sub-benchmarks may be a thousand times apart in speed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from perf.benchmarks.binaries import TestBinary
from perf.benchmarks.names import slug
from perf.benchmarks.run import run_binary
from perf.context import Context
from perf.model import Problem, ProblemKind
from perf.regression.comparisons import Benchmark
from perf.regression.journal import Journal, made, problem_of
from perf.regression.matched import Couple
from perf.system import host

# As long as may be counted and timed in, but no less and no more.
SURVEY_SECONDS: Final = (60.0, 300.0)
RUN_TIMEOUT_SECONDS: Final = 30.0
MOST_SURVEYS: Final = 5


@dataclass(frozen=True, slots=True)
class Subject:
    """A leaf benchmark that both sides have, with the iteration count that the base was calibrated to.

    `seconds_per_op` is what one operation took then: good enough to plan with, and nothing is judged by it.
    """

    benchmark: Benchmark
    base: TestBinary
    head: TestBinary
    iterations: int
    seconds_per_op: float
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Survey:
    """What one side's binary has: iterations and seconds per operation by benchmark, problems, its longest process."""

    iterations: Mapping[str, int]
    seconds_per_op: Mapping[str, float]
    problems: tuple[Problem, ...]
    seconds: float
    complete: bool


@dataclass(frozen=True, slots=True)
class Calibration:
    """A package's benchmarks sorted: to be measured, of one side only, or to be named with a reason."""

    subjects: tuple[Subject, ...]
    only_base: tuple[Benchmark, ...]
    only_head: tuple[Benchmark, ...]
    unmeasurable: tuple[tuple[Benchmark, str], ...]
    problems: tuple[Problem, ...]


def calibrate(context: Context, journal: Journal, couple: Couple, raw: Path) -> Calibration:
    """List the benchmarks of both sides; a run of the base with the effort's benchtime chooses the iteration counts."""
    base = _once(
        journal,
        f"survey/base/{couple.package}",
        lambda: _survey(context, couple.base, raw / "base", context.effort.benchtime),
    )
    head = _once(
        journal, f"survey/head/{couple.package}", lambda: _survey(context, couple.head, raw / "head", "1x")
    )
    return sort_out(couple, base, head)


def sort_out(couple: Couple, base: Survey, head: Survey) -> Calibration:
    """What can be measured, and why the rest cannot. Pure."""
    timeout_seconds = RUN_TIMEOUT_SECONDS + 10.0 * base.seconds
    subjects: list[Subject] = []
    only_base: list[Benchmark] = []
    only_head: list[Benchmark] = []
    unmeasurable: list[tuple[Benchmark, str]] = []
    for name in dict.fromkeys((*base.iterations, *head.iterations)):
        if name.partition("/")[0] in couple.removed and not couple.not_held:
            continue  # It is listed already: the head's binary has it only because the base's files are held.
        benchmark = Benchmark(couple.package, name)
        if name in base.iterations and name in head.iterations:
            iterations = base.iterations[name]
            each = base.seconds_per_op.get(name, 0.0)
            subjects.append(Subject(benchmark, couple.base, couple.head, iterations, each, timeout_seconds))
            continue
        side, missing, alone = (
            ("head", head, only_base) if name in base.iterations else ("base", base, only_head)
        )
        reason = _why_missing(missing, name)
        if reason:
            unmeasurable.append((benchmark, f"not measured at the {side}: {reason}"))
        else:
            alone.append(benchmark)
    return Calibration(
        tuple(subjects),
        tuple(only_base),
        tuple(only_head),
        tuple(unmeasurable),
        tuple(dict.fromkeys((*base.problems, *head.problems))),
    )


def _once(journal: Journal, key: str, survey: Callable[[], Survey]) -> Survey:
    if (known := made(journal.recall(key), _from_json)) is not None:
        return known
    found = survey()
    journal.note(key, asdict(found))
    return found


def _from_json(known: Mapping[str, Any]) -> Survey:
    return Survey(**{**known, "problems": tuple(map(problem_of, known["problems"]))})


def _survey(context: Context, binary: TestBinary, raw: Path, benchtime: str) -> Survey:
    """Run all benchmarks once; when one takes the process with it, again without that one."""
    iterations: dict[str, int] = {}
    seconds_per_op: dict[str, float] = {}
    problems: dict[Problem, None] = {}
    skip: list[str] = []
    seconds, complete = 0.0, False
    for attempt in range(MOST_SURVEYS):
        run = run_binary(
            context,
            binary,
            raw / f"{slug(binary.package)}-{attempt}.txt",
            bench=context.options.bench,
            benchtime=benchtime,
            cpu=host.cores(),
            timeout_seconds=_timeout_seconds(context),
            skip=tuple(skip),
            verbose=True,
        )
        iterations.update({result.benchmark: result.iterations for result in run.results})
        times = ((result.benchmark, result.value("sec/op")) for result in run.results)
        seconds_per_op.update({name: value for name, value in times if value is not None})
        problems.update(dict.fromkeys(run.problems))
        seconds = max(seconds, run.ended.seconds)
        complete = run.ended.ok and not any(problem.counts for problem in run.problems)
        failed = {f"^{re.escape(problem.name.split('/')[0])}$" for problem in run.problems if _took(problem)}
        if complete or not failed - set(skip):
            break
        skip += sorted(failed - set(skip))
    return Survey(iterations, seconds_per_op, tuple(problems), seconds, complete)


def _timeout_seconds(context: Context) -> float:
    asked = context.options.budget_seconds or context.effort.regression_budget
    least, most = SURVEY_SECONDS
    return min(max(asked, least), most)


def _took(problem: Problem) -> bool:
    return problem.counts and problem.kind is not ProblemKind.GARBLED and bool(problem.name)


def _why_missing(survey: Survey, name: str) -> str:
    """Why a side has no numbers for a benchmark that the other has; "" when it simply is not there."""
    for problem in survey.problems:
        if problem.name and (name == problem.name or name.startswith(f"{problem.name}/")):
            return f"{problem.kind}: {problem.text}".splitlines()[0]
    if not survey.complete:
        return "the process ended before it: " + "; ".join(
            f"{problem.kind} {problem.name}".strip() for problem in survey.problems
        )
    return ""
