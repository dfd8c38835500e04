"""Short runs: what nature a benchmark is of, and what both sides give."""

from __future__ import annotations

import pytest

from perf.model import Problem, ProblemKind
from perf.regression.native import Native, Nature, nature_of, start_of, together
from perf.regression.process import Measurement


def ran(demand: float | None = 1.0, **values: float) -> Measurement:
    return Measurement(values or {"allocs/op": 1.0}, 0.05, demand, None)


FAILED = Measurement({}, 0.0, None, Problem("./work", "BenchmarkA", ProblemKind.PANICKED, "boom"))


@pytest.mark.parametrize(
    ("cores", "nature"),
    [
        ([1.0, 1.08, 0.97], Nature.CPU_BOUND),
        ([1.24, 1.21, 1.19], Nature.CPU_BOUND),
        ([0.02, 0.01, 0.3], Nature.WAITS),
        ([1.9, 2.0, 1.8], Nature.CONCURRENT),
        ([1.0, 2.4, 1.02], Nature.CPU_BOUND),
        ([None, 1.0, None], Nature.CPU_BOUND),
        ([None, None], Nature.UNKNOWN),
    ],
)
def test_the_cores_a_benchmark_asks_for_tell_its_nature(cores: list[float | None], nature: Nature) -> None:
    assert nature_of(cores) is nature


def test_a_head_that_begins_to_wait_is_not_taken_for_the_base_it_was() -> None:
    assert Native((ran(1.0), ran(1.1), ran(0.9)), (ran(0.1), ran(0.2), ran(0.1))).nature is Nature.WAITS


@pytest.mark.parametrize(
    ("base", "head", "start"),
    [
        ([0.010, 0.012, 0.011], [0.009, 0.011, 0.007], 0.007),
        ([0.010, 0.012, 0.011], [0.015, 0.014, 0.013], None),
        ([0.015, 0.014, 0.013], [0.010, 0.012, 0.011], None),
    ],
)
def test_what_starting_takes_is_one_figure_for_both_sides_or_none(
    base: list[float], head: list[float], start: float | None
) -> None:
    assert start_of(base, head) == start


def test_a_process_that_failed_leaves_its_pair_out() -> None:
    native = Native((ran(), FAILED, ran()), (ran(), ran(), FAILED))
    assert len(native.pairs) == 1
    assert [problem.text for problem in native.problems] == ["boom"]


def test_more_runs_come_behind_the_first_ones() -> None:
    joined = together(Native((ran(x=1.0),), (ran(x=2.0),)), Native((ran(x=3.0),), (ran(x=4.0),)))
    assert [(pair.base["x"], pair.head["x"]) for pair in joined.pairs] == [(1.0, 2.0), (3.0, 4.0)]
