"""Iterations long enough and not too long, and as many processes as it takes: with processes of a known cost."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.work import lengths
from perf.work.lengths import Lengths, Rule, Run, Side, Wanted, choose, per_operation, wanted

RULE = Rule(0.003)


@dataclass
class Machine:
    """Go processes whose cost is known: a start, a set-up for each time b.N is set, the operations, and jitter."""

    operation: float
    start: float = 3.5e6
    set_up: float = 0.0
    jitter: float = 0.0
    head: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self.ran: list[Run] = []

    def count(self, run: Run) -> int:
        self.ran.append(run)
        operations = 1 + run.iterations if run.iterations > 1 else 1
        factor = self.head if run.side == "head" else 1.0
        setting_up = self.set_up * (2 if run.iterations > 1 else 1)
        return round(
            self.start
            + setting_up
            + operations * self.operation * factor
            + self._random.gauss(0.0, self.jitter)
        )

    def through(
        self, seconds_per_op: float, sides: tuple[Side, ...] = ("base", "head"), hint: Lengths | None = None
    ) -> tuple[Wanted, dict[Side, dict[int, list[int]]]]:
        """Run all that is wanted until nothing is."""
        counts: dict[Side, dict[int, list[int]]] = {side: {} for side in sides}
        while (asked := wanted(seconds_per_op, counts, RULE, hint)).runs:
            for run in asked.runs:
                known = counts[run.side].setdefault(run.iterations, [])
                assert run.number == len(known), "processes are numbered in their order"
                known.append(self.count(run))
            assert len(self.ran) < 50, "it ends"
        return asked, counts


@pytest.mark.parametrize("operation", [20.0, 3e3, 4e5, 2e7, 4e8])
@pytest.mark.parametrize("instructions_per_ns", [3.0, 8.0, 50.0])
@pytest.mark.parametrize("set_up", [0.0, 2e7], ids=["without set-up", "with set-up"])
def test_the_long_run_is_about_the_target_however_wrong_the_native_time_is(
    operation: float, instructions_per_ns: float, set_up: float
) -> None:
    machine = Machine(operation, set_up=set_up)
    done, counts = machine.through(operation / instructions_per_ns * 1e-9)
    assert done.lengths is not None
    more = (done.lengths.long - done.lengths.short) * operation
    assert more <= lengths.FITS[1] or done.lengths.long == done.lengths.short + 1
    assert more >= lengths.FITS[0]
    assert 2 <= done.lengths.short < done.lengths.long
    assert per_operation(counts["base"], done.lengths) == pytest.approx([operation] * 2, rel=1e-3)


@given(
    operation=st.floats(1.0, 2e9),
    seconds=st.floats(1e-10, 5.0),
    set_up=st.floats(0.0, 1e8),
    jitter=st.floats(0.0, 1e7),
    seed=st.integers(0, 2**16),
)
def test_it_always_ends_with_lengths_or_with_a_reason(
    operation: float, seconds: float, set_up: float, jitter: float, seed: int
) -> None:
    machine = Machine(operation, set_up=set_up, jitter=jitter, seed=seed)
    done, counts = machine.through(seconds)
    assert bool(done.why) != bool(done.lengths)
    if done.lengths:
        assert 2 <= done.lengths.short < done.lengths.long
        assert all(len(per_operation(side, done.lengths)) >= RULE.fewest for side in counts.values())


def test_the_short_run_is_about_ten_million_instructions_at_twenty_a_nanosecond() -> None:
    assert lengths.first_short(1e-6) == 500
    assert lengths.first_short(120e-9) == 4100
    assert lengths.first_short(5e-3) == 2


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan, math.inf])
def test_without_a_native_time_it_feels_its_way_from_two_iterations(seconds: float) -> None:
    done, _ = Machine(50.0).through(seconds)
    assert done.lengths is not None and done.lengths.short == 2
    assert (done.lengths.long - 2) * 50.0 >= lengths.FITS[0]


def test_an_operation_of_seconds_is_not_even_tried() -> None:
    machine = Machine(1e10)
    done, _ = machine.through(2.5)
    assert (done.why, machine.ran) == ("an operation of 2.5 s is too long to count", [])


def test_an_operation_that_turns_out_too_long_is_told_after_the_short_run() -> None:
    machine = Machine(2e10)
    done, _ = machine.through(0.5)
    assert done.why == "an operation of about 20.0 G instructions is too long to count"
    assert [run.iterations for run in machine.ran] == [2, 2]


def test_heavy_operations_are_counted_with_two_and_three() -> None:
    done, _ = Machine(1e9).through(0.1)
    assert done.lengths == Lengths(2, 3)


def test_a_benchmark_that_waits_is_not_run_for_minutes() -> None:
    """50,000 instructions and a wait of 1 ms an operation: 150 M of them would take 3 s natively, and more here."""
    done, _ = Machine(5e4).through(1e-3)
    assert done.lengths is not None
    assert done.lengths.long * 1e-3 <= 0.51


def test_work_that_does_not_grow_with_the_iterations_is_told() -> None:
    done, _ = Machine(0.0).through(1e-3)
    assert done.why.startswith("its instructions do not grow with its iterations")


def test_times_that_differ_a_little_choose_the_same_lengths() -> None:
    """What is kept of an earlier run is used again then."""
    assert {lengths.first_short(seconds) for seconds in (1.00e-6, 1.005e-6, 1.01e-6)} <= {490, 500}
    assert lengths.rounded(123_456) == 120_000
    assert lengths.rounded(99) == 99
    assert lengths.rounded(1) == 2
    assert lengths.rounded(1e15) == 1_000_000_000


def test_lengths_of_an_earlier_count_are_used_again() -> None:
    machine = Machine(1e4)
    done, _ = machine.through(5.0, hint=Lengths(10, 7000))
    assert done.lengths == Lengths(10, 7000)
    assert {run.iterations for run in machine.ran} == {10, 7000}


def test_a_benchmark_that_hardly_jitters_costs_six_processes() -> None:
    machine = Machine(15e6, jitter=4e4, seed=1)
    machine.through(2e-3)
    assert len(machine.ran) == 6


def test_one_side_alone_costs_three() -> None:
    machine = Machine(15e6, jitter=2e4, seed=1)
    done, counts = machine.through(2e-3, sides=("base",))
    assert len(machine.ran) == 3
    assert done.lengths is not None and len(per_operation(counts["base"], done.lengths)) == 2


def test_sides_that_differ_are_run_once_more_and_no_oftener() -> None:
    machine = Machine(1e5, jitter=4e4, head=1.01, seed=1)
    machine.through(2e-5)
    longest = max(run.iterations for run in machine.ran)
    assert sum(run.iterations == longest for run in machine.ran) == 2 * RULE.apart


def test_where_processes_jitter_every_long_run_gets_a_short_one_of_its_own() -> None:
    """One short run for all would bend them alike: they would agree with each other, and be wrong."""
    machine = Machine(1e5, jitter=2e6, seed=3)
    machine.through(2e-5)
    longest = max(run.iterations for run in machine.ran)
    shortest = min(run.iterations for run in machine.ran)
    for side in ("base", "head"):
        long = [run for run in machine.ran if run.side == side and run.iterations == longest]
        short = [run for run in machine.ran if run.side == side and run.iterations == shortest]
        assert len(short) >= len(long)


def test_hopeless_jitter_costs_eight_processes() -> None:
    machine = Machine(1e5, jitter=5e6, seed=3)
    machine.through(2e-5)
    assert len(machine.ran) == 8


def test_each_long_run_has_another_short_run_taken_off_as_far_as_there_are_some() -> None:
    side = {2: [10, 20], 12: [110, 120, 130]}
    assert per_operation(side, Lengths(2, 12)) == (10.0, 10.0, 12.0)
    assert per_operation({2: [10]}, Lengths(2, 12)) == ()


@pytest.mark.parametrize(
    ("base", "head", "short_runs", "says"),
    [
        ((100.0, 100.02), (100.01, 100.03), 1, True),
        ((100.0, 100.02), (100.5, 100.52), 1, False),
        ((100.0, 100.02, 100.01), (100.5, 100.52, 100.51), 1, True),
        ((100.0, 100.1, 100.05), (100.35, 100.45, 100.3), 3, False),
        ((100.0, 107.0), (102.0, 96.0), 2, True),
        ((100.0, 100.0), (0.0, 0.0), 1, False),
        ((0.0, 0.0), (0.0, 1.0), 1, False),
        ((100.0, 101.0) * 4, (104.0, 106.0) * 4, 7, True),
    ],
    ids=[
        "equal and steady",
        "apart, but two values each may be chance",
        "apart, three each",
        "apart or not, that is not clear",
        "jitters beyond all hope, and nothing suspicious",
        "gone, but two values each",
        "no work at the base",
        "as many as there may be",
    ],
)
def test_when_it_is_enough(
    base: tuple[float, ...], head: tuple[float, ...], short_runs: int, says: bool
) -> None:
    assert lengths.enough([base, head], short_runs, RULE) is says


@pytest.mark.parametrize(
    ("sides", "says"),
    [
        ([(85.0, 85.1, 103.0, 103.2)], True),
        ([(85.0, 85.1, 103.0, 103.2, 85.05, 103.1, 85.2)], True),
        ([(85.0, 103.0), (103.1, 85.1)], True),
        ([(85.0, 85.1), (103.0, 103.2)], False),
        ([(85.0, 85.1, 85.2, 103.2)], False),
        ([(100.0, 100.01, 100.1, 100.11)], False),
        ([(85.0, 90.0, 95.0, 100.0, 105.0)], False),
        ([(85.0, 103.0)], False),
        ([()], False),
    ],
    ids=[
        "two levels",
        "seven values",
        "both sides on both",
        "a side on each is a change",
        "an outlier",
        "too near to matter",
        "a spread",
        "too few",
        "none",
    ],
)
def test_two_levels_are_told_from_jitter(sides: list[tuple[float, ...]], says: bool) -> None:
    assert lengths.is_bimodal(sides, 0.003) is says


def test_the_deviation_is_of_all_sides_each_about_its_own_middle() -> None:
    assert lengths.deviation([(99.0, 101.0), (198.0, 202.0)]) == pytest.approx(0.01 * math.sqrt(2))
    assert lengths.deviation([(1.0,), (0.0, 0.0)]) == 0.0


def test_a_long_run_that_was_not_tried_yet_is_asked_for_by_its_iterations() -> None:
    assert choose(1e-5, 50, {50: [8_600_000]}) == 1500
