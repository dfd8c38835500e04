"""Where the places and values of a bisect lie in its drawing. Pure."""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from perf.bisect.model import BisectResult, Level, State
from perf.report.bisect_figures import has_values, suspects

LEFT: Final = 84
RIGHT: Final = 888
TOP: Final = 84
BOTTOM: Final = 340
_FOLDED_SHARE: Final = 0.5
"""How wide a folded column is, of one that is drawn."""
_TICKS: Final = 5
_Z: Final = 1.96
_FEWEST_FOR_AN_INTERVAL: Final = 6


@dataclass(frozen=True, slots=True)
class Column:
    """A place that is drawn, or a run of folded ones; `at` is its middle and `width` its width in the drawing."""

    levels: tuple[Level, ...]
    measured: bool
    at: float
    width: float


@dataclass(frozen=True, slots=True)
class Scale:
    """From a value to its height in the drawing; `step` is that between two lines of the grid."""

    low: float
    high: float
    step: float

    def y(self, number: float) -> float:
        return TOP + (BOTTOM - TOP) * (self.high - number) / (self.high - self.low)

    def ticks(self) -> list[float]:
        first, last = math.ceil(self.low / self.step), math.floor(self.high / self.step)
        return [number * self.step for number in range(first, last + 1)]


def columns_of(result: BisectResult) -> list[Column]:
    answer = set(suspects(result))
    runs = [tuple(run) for _, run in groupby(result.levels, lambda each: _kind(each, answer))]
    shares = [1.0 if _is_drawn(run[0], answer) else _FOLDED_SHARE for run in runs]
    unit = (RIGHT - LEFT) / sum(shares)
    columns, left = [], float(LEFT)
    for run, share in zip(runs, shares, strict=True):
        columns.append(Column(run, _is_drawn(run[0], answer), left + unit * share / 2.0, unit * share))
        left += unit * share
    return columns


def _is_drawn(level: Level, answer: Container[int]) -> bool:
    """What shares its binary is the same measurement: drawn once, but where it is the answer."""
    return has_values(level) and (level.same_as is None or level.place in answer)


def _kind(level: Level, answer: Container[int]) -> tuple[int, bool, bool]:
    """What neighbours have in common that are folded into one; a place that is drawn is of a kind of its own."""
    alone = level.place if _is_drawn(level, answer) else -1
    return alone, level.state is State.SKIPPED, level.place in answer


def numbers_of(level: Level) -> list[float]:
    return [each for each in level.values if math.isfinite(each)]


def scale_of(numbers: Sequence[float]) -> Scale:
    low, high = min(numbers), max(numbers)
    room = (high - low) or abs(high) * 0.1 or 1.0
    step = _round(room / _TICKS)
    return Scale(low - 0.08 * room, high + 0.08 * room, step)


def _round(step: float) -> float:
    """1, 2 or 5 times a power of ten, no less than `step`."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * each for each in (1.0, 2.0, 5.0, 10.0) if power * each >= step * (1.0 - 1e-9))


def interval(ordered: Sequence[float]) -> tuple[float, float] | None:
    """In which the median lies, whatever the values' distribution: by the ranks that a binomial keeps (95 %)."""
    number = len(ordered)
    if number < _FEWEST_FOR_AN_INTERVAL:
        return None
    rank = max(0, math.floor((number - _Z * math.sqrt(number)) / 2.0))
    return ordered[rank], ordered[number - 1 - rank]
