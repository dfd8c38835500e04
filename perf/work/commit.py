"""Instructions an operation of one commit alone: what a baseline keeps, and what is held against one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from perf.benchmarks.binaries import build_binaries
from perf.context import Context
from perf.model import Series
from perf.regression.comparisons import Benchmark
from perf.regression.worked import INSTRUCTIONS
from perf.system import clock, counters
from perf.system.counters import Counter
from perf.work.counting import Limits, OneSide, count


class Nothing:
    """A journal that keeps nothing: counts are kept by content anyway."""

    def recall(self, key: str) -> object | None:
        return None

    def note(self, key: str, value: object) -> None:
        return None


def find_counter(context: Context) -> Counter | None:
    """What counts instructions here, if anything does."""
    with context.progress.step("looking for what counts instructions"):
        return counters.find_counter(context.processes, context.target_environment())


def count_checkout(
    context: Context,
    counter: Counter,
    times: Iterable[Series],
    limits: Limits,
    room: Path,
    *,
    again: int = 0,
) -> tuple[Series, ...]:
    """A series of instructions/op for each benchmark of which `times` (sec/op) tells that it runs.

    Within the effort's time for the regression; what cannot be counted, or not in time, is not among them.
    """
    built = build_binaries(context, context.target.directory)
    binaries = {each.package: each for each in built if each.path is not None}
    asked = [
        OneSide(Benchmark(each.package, each.name), binaries[each.package], min(each.values))
        for each in times
        if each.unit == "sec/op" and each.values and each.package in binaries
    ]
    deadline = clock.monotonic_seconds() + context.effort.regression_budget
    found = count(context, Nothing(), counter, asked, limits, deadline, again=again, raw=room)
    return tuple(
        Series(each.package, each.name, INSTRUCTIONS, got.base, (got.iterations,) * len(got.base))
        for each, got in found.items()
        if got.base and not got.reason
    )
