"""One value of a binary: what a process used, what it counted. All of it in the journal, none measured twice."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from perf import work
from perf.benchmarks.binaries import TestBinary
from perf.bisect.model import Metric
from perf.context import Context
from perf.regression.comparisons import Benchmark, Limits
from perf.regression.journal import Journal
from perf.regression.native import SHORT_ITERATIONS, START_RUNS, start_of
from perf.regression.process import Measurement, run_one
from perf.regression.survey import Subject
from perf.system.counters import Counter
from perf.work.counting import OneSide

# Long enough for its own work to be most of what a process does, short enough for many.
SECONDS_A_VALUE: Final = 0.2
ROOM: Final = "bisect"


@dataclass(frozen=True, slots=True)
class Gauge:
    """How one benchmark is measured. `start_seconds` is the CPU that starting takes, None where it hides its own."""

    context: Context
    journal: Journal
    benchmark: Benchmark
    iterations: int
    seconds_per_op: float
    timeout_seconds: float
    counter: Counter | None = None
    limits: Limits | None = None
    start_seconds: float | None = None

    def run(self, binary: TestBinary, number: int | str, iterations: int | None = None) -> Measurement:
        """The process of that number of a binary; from the journal where it ran before."""
        name = f"{binary.digest[:16]}/{iterations or self.iterations}x/{number}"
        raw = self.context.room(ROOM) / "raw" / f"{name}.txt"
        return run_one(
            self.context,
            self.journal,
            f"run/{self.benchmark.package} {self.benchmark.name}/{name}",
            raw,
            binary,
            self.benchmark.name,
            iterations or self.iterations,
            self.timeout_seconds,
        )

    def value(self, metric: Metric, binary: TestBinary, number: int) -> float | str:
        """The value of that number; the reason, in words, where there is none."""
        if metric is Metric.INSTRUCTIONS:
            return self._instructions(binary, number)
        measured = self.run(binary, number)
        if measured.problem is not None:
            return f"{measured.problem.kind}: {measured.problem.text}".splitlines()[0]
        found = read(self, metric, measured)
        return f"reports no {metric.unit}" if found is None or not math.isfinite(found) else found

    def _instructions(self, binary: TestBinary, number: int) -> float | str:
        """The median of several counts. Every number but 0 counts anew."""
        assert self.counter is not None and self.limits is not None
        asked = OneSide(self.benchmark, binary, self.seconds_per_op)
        raw = self.context.room(ROOM) / "raw" / "counts" / binary.digest[:16] / str(number)
        counted = work.count(
            self.context, self.journal, self.counter, [asked], self.limits, again=number, raw=raw
        )[self.benchmark]
        if counted.reason:
            return counted.reason
        return statistics.median(counted.base)


def _cpu(gauge: Gauge, measured: Measurement) -> float | None:
    if gauge.start_seconds is None:
        return measured.cpu_seconds / gauge.iterations
    used = measured.cpu_seconds - gauge.start_seconds
    return used / (gauge.iterations - SHORT_ITERATIONS) if used > 0.0 else None


def _reported(metric: Metric) -> Callable[[Gauge, Measurement], float | None]:
    return lambda _, measured: measured.values.get(metric.unit)


_OF: Final[dict[Metric, Callable[[Gauge, Measurement], float | None]]] = {
    Metric.CPU: _cpu,
    Metric.WALL: _reported(Metric.WALL),
    Metric.ALLOCS: _reported(Metric.ALLOCS),
    Metric.BYTES: _reported(Metric.BYTES),
}


def read(gauge: Gauge, metric: Metric, measured: Measurement) -> float | None:
    """The metric's value of a process, in base units per operation; None where it has none."""
    return _OF[metric](gauge, measured)


def gauge_of(context: Context, journal: Journal, subject: Subject) -> Gauge:
    """For a benchmark that both ends have, at an iteration count that gives a value its time."""
    wanted = round(SECONDS_A_VALUE / subject.seconds_per_op) if subject.seconds_per_op > 0.0 else 0
    iterations = max(subject.iterations, wanted)
    return Gauge(
        context, journal, subject.benchmark, iterations, subject.seconds_per_op, subject.timeout_seconds
    )


def long_enough(gauge: Gauge, binary: TestBinary) -> Gauge:
    """With as many iterations as use the CPU for a value's time: what took long may only have waited for a core."""
    measured = gauge.run(binary, "length")
    own = measured.cpu_seconds - (gauge.start_seconds or 0.0)
    if measured.problem is not None or own <= 0.0:
        return gauge
    return replace(gauge, iterations=max(gauge.iterations, round(gauge.iterations * SECONDS_A_VALUE / own)))


def start_seconds(gauge: Gauge, good: TestBinary, bad: TestBinary) -> float | None:
    """CPU seconds to start and set up, the same for every binary; None where the ends start differently."""
    if gauge.iterations <= SHORT_ITERATIONS:
        return None
    runs = [
        [gauge.run(binary, f"start-{number}", SHORT_ITERATIONS) for number in range(START_RUNS)]
        for binary in (good, bad)
    ]
    if any(each.problem is not None for side in runs for each in side):
        return None
    return start_of(*([each.cpu_seconds for each in side] for side in runs))
