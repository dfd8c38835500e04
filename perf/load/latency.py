"""Percentiles of copy times. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of `count` values, in their unit."""

    p50: float
    p95: float
    p99: float
    maximum: float
    count: int


def percentile(values: Sequence[float], fraction: float) -> float:
    """Nearest rank (Hyndman and Fan, type 1): the smallest value that at least `fraction` of all do not exceed.

    It is always a value that was seen. Raises ValueError for no values or a fraction outside 0..1.
    """
    if not values:
        raise ValueError("no values, no percentile")
    if not 0.0 <= fraction <= 1.0:
        raise ValueError(f"{fraction} is not between 0 and 1")
    # Rounded first: .95 × 20 is 19.000000000000004 in places, and must mean rank 19.
    rank = math.ceil(round(fraction * len(values), 9))
    return sorted(values)[max(1, rank) - 1]


def percentiles(values: Sequence[float]) -> Percentiles | None:
    """P50, P95, P99 and the maximum; None when there are no values."""
    if not values:
        return None
    return Percentiles(
        percentile(values, 0.50), percentile(values, 0.95), percentile(values, 0.99), max(values), len(values)
    )
