"""The measuring: which benchmarks there are, how many iterations each, and the rounds of pairs. Raw output is kept.

Every leaf benchmark runs in a process of its own, chosen by an exact pattern: sub-benchmarks a thousand times apart
in speed each get their own iteration count, and one that fails takes no other with it. A process more costs 5 to 20 ms.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perf.benchmarks.binaries import TestBinary
from perf.benchmarks.run import run_binary
from perf.context import Context
from perf.model import Problem, ProblemKind
from perf.regression.comparisons import Benchmark, Pair
from perf.regression.schedule import Slot
from perf.regression.sides import Couple
from perf.system import clock, host

SURVEY_TIMEOUT_SECONDS: Final = 300.0
RUN_TIMEOUT_SECONDS: Final = 30.0
MOST_SURVEYS: Final = 5
MOST_FAILED_PAIRS: Final = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """A leaf benchmark that both sides have, with the iteration count that the base was calibrated to."""

    benchmark: Benchmark
    base: TestBinary
    head: TestBinary
    iterations: int
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Survey:
    """What one side's binary has: iterations by benchmark, problems, and how long its longest process took."""

    iterations: Mapping[str, int]
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


@dataclass(frozen=True, slots=True)
class Measured:
    """Pairs by benchmark in the order they came. `dropped` counts pairs of which a side failed; `rounds` were begun."""

    pairs: Mapping[Benchmark, tuple[Pair, ...]]
    dropped: Mapping[Benchmark, int]
    problems: tuple[Problem, ...]
    rounds: int
    out_of_time: bool


def calibrate(context: Context, couple: Couple, raw: Path) -> Calibration:
    """List the benchmarks of both sides; a run of the base with the effort's benchtime chooses the iteration counts."""
    base = _survey(context, couple.base, raw / "base", context.effort.benchtime)
    head = _survey(context, couple.head, raw / "head", "1x")
    return sort_out(couple, base, head)


def sort_out(couple: Couple, base: Survey, head: Survey) -> Calibration:
    """What can be measured, and why the rest cannot. Pure."""
    timeout_seconds = RUN_TIMEOUT_SECONDS + 10.0 * base.seconds
    subjects: list[Subject] = []
    only_base: list[Benchmark] = []
    only_head: list[Benchmark] = []
    unmeasurable: list[tuple[Benchmark, str]] = []
    for name in dict.fromkeys((*base.iterations, *head.iterations)):
        benchmark = Benchmark(couple.package, name)
        if name in base.iterations and name in head.iterations:
            iterations = base.iterations[name]
            subjects.append(Subject(benchmark, couple.base, couple.head, iterations, timeout_seconds))
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


def measure(
    context: Context,
    subjects: Sequence[Subject],
    planned: Sequence[Sequence[Slot[Benchmark]]],
    raw: Path,
    what: str,
    budget_seconds: float | None,
) -> Measured:
    """Run the planned rounds until the budget ends. What was measured before an Interrupted lies under `raw`."""
    known = {subject.benchmark: subject for subject in subjects}
    pairs: dict[Benchmark, list[Pair]] = {benchmark: [] for benchmark in known}
    dropped: Counter[Benchmark] = Counter()
    problems: dict[Problem, None] = {}
    started = clock.monotonic_seconds()
    total, done, begun = sum(map(len, planned)), 0, 0
    for number, slots in enumerate(planned, start=1):
        for place, slot in enumerate(slots):
            if budget_seconds is not None and clock.monotonic_seconds() - started > budget_seconds:
                return _measured(pairs, dropped, problems, begun, out_of_time=True)
            begun, done = number, done + 1
            if dropped[slot.benchmark] >= MOST_FAILED_PAIRS:
                continue
            pair = _pair(context, known[slot.benchmark], slot, raw, f"{number:03}-{place:04}", problems)
            if pair is None:
                dropped[slot.benchmark] += 1
            else:
                pairs[slot.benchmark].append(pair)
            context.progress.count(what, done, total)
    return _measured(pairs, dropped, problems, begun, out_of_time=False)


def exact_pattern(name: str) -> str:
    """The pattern for -test.bench that chooses this benchmark and, at its depth, no other."""
    return "/".join(f"^{re.escape(part)}$" for part in name.split("/"))


def _measured(
    pairs: Mapping[Benchmark, Sequence[Pair]],
    dropped: Mapping[Benchmark, int],
    problems: Mapping[Problem, None],
    rounds: int,
    *,
    out_of_time: bool,
) -> Measured:
    return Measured(
        {benchmark: tuple(each) for benchmark, each in pairs.items()},
        dict(dropped),
        tuple(problems),
        rounds,
        out_of_time,
    )


def _pair(
    context: Context,
    subject: Subject,
    slot: Slot[Benchmark],
    raw: Path,
    place: str,
    problems: dict[Problem, None],
) -> Pair | None:
    """Both sides back to back; None when one gave no numbers."""
    slug = _slug(f"{subject.benchmark.package}-{subject.benchmark.name}")
    values: dict[str, dict[str, float]] = {}
    for side in ("base", "head") if slot.base_first else ("head", "base"):
        run = run_binary(
            context,
            subject.base if side == "base" else subject.head,
            raw / side / f"{place}-{slug}.txt",
            bench=exact_pattern(subject.benchmark.name),
            benchtime=f"{subject.iterations}x",
            cpu=host.cores(),
            timeout_seconds=subject.timeout_seconds,
        )
        failed = [problem for problem in run.problems if problem.counts]
        problems.update(dict.fromkeys(failed))
        found = [result for result in run.results if result.benchmark == subject.benchmark.name]
        if not found or failed:
            return None
        values[side] = {value.unit: value.value for value in found[0].values}
    return Pair(values["base"], values["head"])


def _survey(context: Context, binary: TestBinary, raw: Path, benchtime: str) -> Survey:
    """Run all benchmarks once; when one takes the process with it, again without that one."""
    iterations: dict[str, int] = {}
    problems: dict[Problem, None] = {}
    skip: list[str] = []
    seconds, complete = 0.0, False
    for attempt in range(MOST_SURVEYS):
        run = run_binary(
            context,
            binary,
            raw / f"{_slug(binary.package)}-{attempt}.txt",
            bench=context.options.bench,
            benchtime=benchtime,
            cpu=host.cores(),
            timeout_seconds=SURVEY_TIMEOUT_SECONDS,
            skip=tuple(skip),
            verbose=True,
        )
        iterations.update({result.benchmark: result.iterations for result in run.results})
        problems.update(dict.fromkeys(run.problems))
        seconds = max(seconds, run.ended.seconds)
        complete = run.ended.ok and not any(problem.counts for problem in run.problems)
        failed = {f"^{re.escape(problem.name.split('/')[0])}$" for problem in run.problems if _took(problem)}
        if complete or not failed - set(skip):
            break
        skip += sorted(failed - set(skip))
    return Survey(iterations, tuple(problems), seconds, complete)


def _slug(text: str) -> str:
    """A file name for people to find; what makes it unique stands before it."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:80] or "root"


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
