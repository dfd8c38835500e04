"""Instructions of one commit alone: which benchmarks are counted, and what becomes of those that cannot be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from perf.benchmarks.binaries import TestBinary
from perf.context import Context
from perf.model import Problem, ProblemKind, Series
from perf.system.counters import Counter
from perf.work import commit
from perf.work.counting import Counted, OneSide

BUILT = TestBinary("./a", Path("a"), Path("a/a.test"), "digest", None)
BROKEN = TestBinary("./b", Path("b"), None, "", Problem("./b", "", ProblemKind.NOT_BUILT, "no"))


def times(package: str, name: str, unit: str = "sec/op") -> Series:
    return Series(package, name, unit, (2e-6, 1e-6), (10, 10))


def test_what_runs_is_counted_and_what_cannot_be_counted_is_left_out(
    context_for: Callable[..., Context], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[OneSide[commit.Benchmark]] = []

    def count(*given: object, **_: object) -> dict[commit.Benchmark, Counted]:
        wanted = given[3]
        assert isinstance(wanted, Sequence)
        asked.extend(wanted)
        dies = Counted(reason="it dies under valgrind")
        fine = Counted((100.0, 101.0), (), 5000, 0.01)
        return {each.benchmark: dies if each.benchmark.name == "BenchmarkDies" else fine for each in wanted}

    monkeypatch.setattr(commit, "build_binaries", lambda *_: (BUILT, BROKEN))
    monkeypatch.setattr(commit, "count", count)
    context = context_for(tmp_path)
    series = [
        times("./a", "BenchmarkFine"),
        times("./a", "BenchmarkFine", "B/op"),
        times("./a", "BenchmarkDies"),
        times("./b", "BenchmarkNotBuilt"),
    ]
    counter = Counter("cachegrind", "valgrind 3.19.0", ("valgrind",))
    found = commit.count_checkout(context, counter, series, context.suite.gate, tmp_path / "raw")
    assert found == (Series("./a", "BenchmarkFine", "instructions/op", (100.0, 101.0), (5000, 5000)),)
    assert [(each.benchmark.name, each.seconds_per_op) for each in asked] == [
        ("BenchmarkFine", 1e-6),
        ("BenchmarkDies", 1e-6),
    ]


def test_a_journal_that_keeps_nothing_recalls_nothing() -> None:
    nothing = commit.Nothing()
    nothing.note("a", 1)
    assert nothing.recall("a") is None
