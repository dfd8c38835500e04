"""Instructions an operation of one commit alone: what a baseline keeps, and what is held against one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perf.benchmarks.binaries import build_binaries
from perf.context import Context
from perf.model import Series
from perf.system import clock
from perf.system.counters import Counter, find_counter
from perf.work.counting import Journal, Limits, OneSide, count

INSTRUCTIONS: Final = "instructions/op"


@dataclass(frozen=True, slots=True, order=True)
class Benchmark:
    """A leaf benchmark; its package as a path in the module."""

    package: str
    name: str


class Nothing:
    """A journal that keeps nothing: counts are kept by content anyway."""

    def recall(self, key: str) -> object | None:
        return None

    def note(self, key: str, value: object) -> None:
        return None


def find(context: Context) -> Counter | None:
    """What counts instructions here, if anything does."""
    with context.progress.step("looking for what counts instructions"):
        return find_counter(context.processes, context.target_environment())


def count_checkout(
    context: Context,
    counter: Counter,
    times: Iterable[Series],
    limits: Limits,
    room: Path,
    *,
    fresh: bool = False,
    journal: Journal | None = None,
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
    found = count(context, journal or Nothing(), counter, asked, limits, deadline, fresh=fresh, raw=room)
    return tuple(
        Series(each.package, each.name, INSTRUCTIONS, got.base, (got.iterations,) * len(got.base))
        for each, got in found.items()
        if got.base and not got.reason
    )
