"""More workers step by step, and when to stop. Pure: steps and limits in, the next step or a reason out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from perf.load.findings import BUSY_WITH_OTHERS
from perf.units import Limit, format_fraction, format_rate, format_size

LEAST_GAIN: Final = 0.05
STEPS_WITHOUT_GAIN: Final = 2
# From here on all cores count as busy: the machine, not the replicator, is the limit.
SATURATED: Final = 0.90


@dataclass(frozen=True, slots=True)
class Measured:
    """One step: `bytes_per_second` is the median of its rounds, the others the worst of them."""

    workers: int
    bytes_per_second: float
    error_rate: float
    peak_rss_bytes: int | None = None
    busy_fraction: float | None = None
    evidence: str = ""
    others_fraction: float | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What ends the ramp beside flat throughput. `error_rate` None means that no image may be missing."""

    most_workers: int
    memory_bytes: int
    error_rate: Limit | None = None


@dataclass(frozen=True, slots=True)
class Step:
    workers: int


@dataclass(frozen=True, slots=True)
class Stop:
    reason: str


def next_step(steps: Sequence[Measured], limits: Limits) -> Step | Stop:
    """The next number of workers (1, 2, 4, 8 … and the limit itself), or why the ramp ends."""
    if not steps:
        return Step(1)
    last = steps[-1]
    reason = _errors(steps, limits) or _memory(last, limits) or _flat(steps)
    if reason:
        return Stop(reason)
    if last.workers >= limits.most_workers:
        return Stop(_no_knee(steps, limits))
    return Step(min(2 * last.workers, limits.most_workers))


def best(steps: Sequence[Measured]) -> int | None:
    """The workers with the highest verified throughput; None when nothing arrived."""
    highest = max(steps, key=lambda step: step.bytes_per_second, default=None)
    return highest.workers if highest is not None and highest.bytes_per_second > 0.0 else None


def _errors(steps: Sequence[Measured], limits: Limits) -> str:
    last = steps[-1]
    accepted = (
        limits.error_rate.holds(last.error_rate) if limits.error_rate is not None else last.error_rate == 0.0
    )
    if accepted:
        return ""
    limit = limits.error_rate.text if limits.error_rate is not None else "none"
    what = f"{format_fraction(last.error_rate)} of the images did not arrive (allowed: {limit})"
    evidence = f": {last.evidence}" if last.evidence else ""
    if len(steps) == 1:
        return f"it fails already with {_workers(last.workers)}: {what}{evidence}"
    return f"errors from {_workers(last.workers)} on: {what}, after none too many with {steps[-2].workers}{evidence}"


def _memory(last: Measured, limits: Limits) -> str:
    if last.peak_rss_bytes is None or last.peak_rss_bytes <= limits.memory_bytes:
        return ""
    return (
        f"memory: {format_size(last.peak_rss_bytes)} with {_workers(last.workers)}, "
        f"over the limit of {format_size(limits.memory_bytes)}"
    )


def _flat(steps: Sequence[Measured]) -> str:
    """Two steps in a row that gained less than 5 % over the best before them."""
    if len(steps) <= STEPS_WITHOUT_GAIN:
        return ""
    late = steps[-STEPS_WITHOUT_GAIN:]
    if any(_gain(steps[: steps.index(step)], step) >= LEAST_GAIN for step in late):
        return ""
    knee = steps[-STEPS_WITHOUT_GAIN - 1]
    growing = len(steps) > STEPS_WITHOUT_GAIN + 1
    busy = [step.busy_fraction for step in (knee, *late) if step.busy_fraction is not None]
    saturated = bool(busy) and min(busy) >= SATURATED
    tried = " and ".join(str(step.workers) for step in late)
    others = max(step.others_fraction or 0.0 for step in (knee, *late))
    if others >= BUSY_WITH_OTHERS:
        return (
            f"{tried} workers gain less than {format_fraction(LEAST_GAIN)} over {knee.workers}, but other work held "
            f"{format_fraction(others)} of the machine: where it stops growing cannot be told from this run"
        )
    if saturated and not growing:
        return (
            f"CPU-saturated from {_workers(knee.workers)} on: all cores are busy (≥ {format_fraction(min(busy))}), and "
            f"{tried} workers gain less than {format_fraction(LEAST_GAIN)} over {format_rate(knee.bytes_per_second)}"
        )
    cause = f"; all cores are busy (≥ {format_fraction(min(busy))}), so CPU-saturated" if saturated else ""
    return (
        f"throughput stopped growing at {_workers(knee.workers)} ({format_rate(knee.bytes_per_second)}): "
        f"{tried} workers gain less than {format_fraction(LEAST_GAIN)} over that{cause}"
    )


def _gain(before: Sequence[Measured], step: Measured) -> float:
    highest = max(each.bytes_per_second for each in before)
    return step.bytes_per_second / highest - 1.0 if highest > 0.0 else float("inf")


def _no_knee(steps: Sequence[Measured], limits: Limits) -> str:
    last = steps[-1]
    return (
        f"no knee up to {_workers(limits.most_workers)}, the most that was asked for: "
        f"{format_rate(last.bytes_per_second)} with the last step"
    )


def _workers(count: int) -> str:
    return f"{count} worker" if count == 1 else f"{count} workers"
