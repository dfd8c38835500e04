"""Short runs: what nature a benchmark is of, and what both sides give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perf.benchmarks.binaries import TestBinary
from perf.context import Context
from perf.model import Problem, ProblemKind
from perf.regression import native
from perf.regression.comparisons import Benchmark
from perf.regression.journal import Journal
from perf.regression.native import Native, Nature, nature_of, start_of, together
from perf.regression.process import Measurement
from perf.regression.survey import Subject


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


SUBJECT = Subject(
    Benchmark("./work", "BenchmarkA"),
    TestBinary("./work", Path("base"), Path("base/work.test"), "b", None),
    TestBinary("./work", Path("head"), Path("head/work.test"), "h", None),
    10,
    0.001,
    30.0,
)


@pytest.mark.parametrize(("fails_alone", "pairs"), [(False, 3), (True, 0)])
def test_a_benchmark_that_fails_beside_itself_is_run_alone(
    monkeypatch: pytest.MonkeyPatch,
    context_for: Callable[..., Context],
    tmp_path: Path,
    fails_alone: bool,
    pairs: int,
) -> None:
    """It may listen on a port of its own choice: two processes of it at a time are one too many."""
    keys: list[str] = []

    def measure(*given: object, **_: object) -> Measurement:
        key = str(given[5])
        keys.append(key)
        return FAILED if fails_alone or not key.startswith("native-alone") else ran()

    monkeypatch.setattr(native, "measure_once", measure)
    context = context_for(tmp_path)
    found = native.run_native(context, Journal(tmp_path / "j"), [SUBJECT], "native", range(3))
    assert len(found[SUBJECT.benchmark].pairs) == pairs
    assert keys.count("native-alone/0") == (1 if fails_alone else 2)
