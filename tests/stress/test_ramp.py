"""When the ramp goes on and why it stops, over values alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.stress.ramp import Limits, Measured, Step, Stop, best, next_step
from perf.units import parse_limit

LIMITS = Limits(most_workers=64, memory_bytes=1_000_000_000, error_rate=parse_limit("< 5 %", "fraction"))


def steps(*rates: float, busy: float | None = None) -> list[Measured]:
    """1, 2, 4 … workers with these MB/s."""
    return [Measured(2**number, rate * 1e6, 0.0, 10_000_000, busy) for number, rate in enumerate(rates)]


def reason(measured: list[Measured], limits: Limits = LIMITS) -> str:
    decided = next_step(measured, limits)
    assert isinstance(decided, Stop), decided
    return decided.reason


@pytest.mark.parametrize(
    ("measured", "workers"),
    [
        ([], 1),
        (steps(100), 2),
        (steps(100, 190), 4),
        # One step without gain is no knee yet.
        (steps(100, 190, 191), 8),
        (steps(100, 101), 4),
        # A step that gains over all before it starts the count anew.
        (steps(100, 190, 191, 260), 16),
        (steps(100, 190, 260, 261), 16),
    ],
)
def test_the_workers_double_while_it_may_grow(measured: list[Measured], workers: int) -> None:
    assert next_step(measured, LIMITS) == Step(workers)


def test_the_last_step_is_the_cap_itself() -> None:
    assert next_step(steps(100, 200, 400), Limits(6, 10**9)) == Step(6)


def test_no_knee_is_an_answer() -> None:
    assert reason(steps(100, 200, 400), Limits(4, 10**9)).startswith("no knee up to 4 workers")


def test_two_steps_without_gain_are_a_knee_at_the_step_before() -> None:
    assert reason(steps(100, 190, 193, 185)) == (
        "throughput stopped growing at 2 workers (190.0 MB/s): 4 and 8 workers gain less than 5 % over that"
    )


def test_a_knee_with_busy_cores_says_what_the_limit_is() -> None:
    assert reason(steps(100, 190, 193, 185, busy=0.97)).endswith(
        "all cores are busy (≥ 97 %), so CPU-saturated"
    )


def test_flat_from_the_start_with_busy_cores_is_saturation_not_a_breaking_point() -> None:
    assert reason(steps(300, 305, 302, busy=0.99)).startswith(
        "CPU-saturated from 1 worker on: all cores are busy"
    )


def test_flat_from_the_start_with_idle_cores_is_the_replicators_own() -> None:
    said = reason(steps(300, 305, 302, busy=0.4))
    assert said.startswith("throughput stopped growing at 1 worker")
    assert "CPU" not in said


def test_a_dip_that_recovers_is_measured_on_but_falling_is_a_knee() -> None:
    assert next_step(steps(100, 60, 130), LIMITS) == Step(8)
    assert "stopped growing at 1 worker" in reason(steps(100, 60, 40))


def broken(rates: list[Measured], error_rate: float, evidence: str = "") -> list[Measured]:
    last = rates[-1]
    return [
        *rates[:-1],
        Measured(last.workers, last.bytes_per_second, error_rate, last.peak_rss_bytes, None, evidence),
    ]


def test_errors_past_the_limit_stop_it_with_evidence() -> None:
    said = reason(broken(steps(100, 190, 300), 0.25, "to/a:v1: manifest: 404"))
    assert said == (
        "errors from 4 workers on: 25 % of the images did not arrive (allowed: < 5 %), "
        "after none too many with 2: to/a:v1: manifest: 404"
    )


def test_errors_within_the_limit_go_on() -> None:
    assert next_step(broken(steps(100, 190), 0.04), LIMITS) == Step(4)


def test_without_an_objective_no_image_may_be_missing() -> None:
    said = reason(broken(steps(100, 190), 0.01), Limits(64, 10**9))
    assert "(allowed: none)" in said


def test_a_target_that_fails_at_one_worker_stops_there() -> None:
    said = reason(broken(steps(0), 1.0, "to/a:v1: manifest: 404"))
    assert said.startswith("it fails already with 1 worker: 100 % of the images did not arrive")


def test_memory_past_the_limit_stops_it() -> None:
    measured = [*steps(100), Measured(2, 200e6, 0.0, 3_000_000_000)]
    assert reason(measured) == "memory: 3 GB with 2 workers, over the limit of 1 GB"


def test_memory_that_was_not_seen_does_not_stop_it() -> None:
    assert next_step([Measured(1, 1e6, 0.0)], LIMITS) == Step(2)


def test_the_best_is_the_highest_throughput_or_nothing() -> None:
    assert best(steps(100, 190, 185)) == 2
    assert best(steps(0, 0)) is None
    assert best([]) is None


@given(
    st.lists(
        st.tuples(st.floats(0, 1e9), st.floats(0, 0.2), st.one_of(st.none(), st.floats(0, 1))),
        min_size=12,
        max_size=12,
    ),
    st.integers(1, 1024),
)
def test_the_ramp_rises_never_passes_the_cap_and_ends(
    world: list[tuple[float, float, float | None]], most: int
) -> None:
    limits = Limits(most, 10**9, LIMITS.error_rate)
    measured: list[Measured] = []
    for rate, errors, busy in world:
        decided = next_step(measured, limits)
        if isinstance(decided, Stop):
            assert decided.reason
            return
        assert decided.workers <= most
        assert not measured or decided.workers > measured[-1].workers
        measured.append(Measured(decided.workers, rate, errors, None, busy))
    assert isinstance(next_step(measured, limits), Stop)


def test_beside_other_work_the_ramp_does_not_say_where_throughput_stops_growing() -> None:
    flat = [Measured(workers, 100e6, 0.0, busy_fraction=0.99, others_fraction=0.4) for workers in (1, 2, 4)]
    assert "other work held 40 % of the machine: where it stops growing cannot be told" in reason(flat)
