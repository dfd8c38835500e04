"""Percentiles of copy times. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence


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
