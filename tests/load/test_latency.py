"""Percentiles by nearest rank: always a value that was seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.load.latency import percentile

values = st.lists(st.floats(0, 1e6), min_size=1, max_size=200)


@pytest.mark.parametrize(
    ("count", "fraction", "rank"),
    [
        (1, 0.99, 1),
        (20, 0.95, 19),
        (100, 0.95, 95),
        (100, 0.99, 99),
        (101, 0.5, 51),
        (4, 0.5, 2),
        (3, 0.0, 1),
    ],
)
def test_the_rank_is_the_nearest_above(count: int, fraction: float, rank: int) -> None:
    assert percentile([float(value) for value in range(count, 0, -1)], fraction) == rank


@given(values, st.floats(0, 1))
def test_at_least_that_share_does_not_exceed_it_and_it_was_seen(seen: list[float], fraction: float) -> None:
    at = percentile(seen, fraction)
    assert at in seen
    assert sum(value <= at for value in seen) / len(seen) >= fraction - 1e-9


@given(values)
def test_percentiles_rise_to_the_maximum(seen: list[float]) -> None:
    p50, p95, p99, highest = (percentile(seen, fraction) for fraction in (0.50, 0.95, 0.99, 1.0))
    assert p50 <= p95 <= p99 <= highest == max(seen)


def test_no_values_have_no_percentiles() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


@pytest.mark.parametrize("fraction", [-0.1, 1.1, 95.0])
def test_a_fraction_outside_0_and_1_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="not between 0 and 1"):
        percentile([1.0], fraction)
