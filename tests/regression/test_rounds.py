"""Rounds of pairs: who gets them, what a failure costs, and that what was measured is never measured again."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from perf.benchmarks.binaries import TestBinary
from perf.benchmarks.format import Result, Value
from perf.benchmarks.run import ProcessRun
from perf.context import Context, Options
from perf.model import Problem, ProblemKind
from perf.regression import process
from perf.regression.comparisons import Benchmark, Pair
from perf.regression.journal import Journal
from perf.regression.rounds import ALTERNATIONS, MOST_FAILED_ROUNDS, Standing, best, time_rounds
from perf.regression.survey import Subject
from perf.system import clock
from perf.system.processes import Ended

BASE = TestBinary("./work", Path("base"), Path("base/work.test"), "b", None)
HEAD = TestBinary("./work", Path("head"), Path("head/work.test"), "h", None)
SUBJECTS = tuple(
    Subject(Benchmark("./work", name), BASE, HEAD, 10, 0.001, 30.0) for name in ("BenchmarkA", "BenchmarkB")
)
A, B = (subject.benchmark for subject in SUBJECTS)
PANIC = Problem("./work", "BenchmarkA", ProblemKind.PANICKED, "boom", "work_test.go:3")
LOOKS = (6, 8)
Fake = Callable[[TestBinary, str, int], ProcessRun]


def gave(name: str, seconds: float, cpu_seconds: float = 0.1) -> ProcessRun:
    result = Result(name, name, None, 10, (Value(seconds, "sec/op", seconds, "s/op"),), (), "x", 1)
    return ProcessRun((result,), (), Ended(0, 0.1, cpu_seconds, False))


class Runs:
    """Stands in for the processes; counts them."""

    def __init__(self, fake: Fake) -> None:
        self.fake = fake
        self.order: list[tuple[str, str]] = []
        self.raw: set[Path] = set()

    def __call__(
        self, _context: Context, binary: TestBinary, raw: Path, *, bench: str, **given: object
    ) -> ProcessRun:
        name = bench.strip("^$")
        self.order.append((name, binary.digest))
        self.raw.add(raw)
        return self.fake(binary, name, len(self.order))


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[Fake], Runs]:
    def install(fake: Fake) -> Runs:
        runs = Runs(fake)
        monkeypatch.setattr(process, "run_binary", runs)
        return runs

    return install


@pytest.fixture
def context(context_for: Callable[..., Context], tmp_path: Path) -> Context:
    return context_for(tmp_path, options=Options(seed=3))


def never(_benchmark: Benchmark, _pairs: object) -> Standing:
    return Standing(decided=False)


def test_a_round_is_both_sides_in_turn_each_in_a_process_and_a_file_of_its_own(
    context: Context, stand_in: Callable[[Fake], Runs], tmp_path: Path
) -> None:
    runs = stand_in(lambda binary, name, _: gave(name, 2.0 if binary is HEAD else 1.0))
    timing = time_rounds(context, Journal(tmp_path / "j"), SUBJECTS[:1], "first", (6,), math.inf, never, {})
    sides = [digest for _, digest in runs.order]
    assert len(sides) == len(runs.raw) == 6 * 2 * ALTERNATIONS
    assert all({x, y} == {"b", "h"} for x, y in zip(sides[::2], sides[1::2], strict=True))
    assert timing.pairs[A] == (Pair({"sec/op": 1.0}, {"sec/op": 2.0}),) * 6
    assert (timing.rounds, timing.out_of_time) == (6, False)


def test_the_best_of_the_alternations_counts_the_least_time_and_the_highest_rate() -> None:
    found = best([{"sec/op": 3.0, "B/s": 5.0}, {"sec/op": 1.0, "B/s": 9.0}, {"sec/op": 2.0}])
    assert found == {"sec/op": 1.0, "B/s": 9.0}


def test_cpu_per_operation_is_without_what_starting_takes(
    context: Context, stand_in: Callable[[Fake], Runs], tmp_path: Path
) -> None:
    stand_in(lambda binary, name, _: gave(name, 1.0, 0.5 if binary is HEAD else 0.3))
    starts = {A: 0.1}
    timing = time_rounds(context, Journal(tmp_path / "j"), SUBJECTS, "first", (6,), math.inf, never, starts)
    pair = timing.pairs[A][0]
    assert pair.base["cpu-sec/op"] == pytest.approx(0.2 / 8)
    assert pair.head["cpu-sec/op"] == pytest.approx(0.4 / 8)
    assert "cpu-sec/op" not in timing.pairs[B][0].base


def test_what_is_decided_gets_no_more_rounds(
    context: Context, stand_in: Callable[[Fake], Runs], tmp_path: Path
) -> None:
    stand_in(lambda binary, name, _: gave(name, 1.0))
    timing = time_rounds(
        context,
        Journal(tmp_path / "j"),
        SUBJECTS,
        "first",
        LOOKS,
        math.inf,
        lambda benchmark, _: Standing(decided=benchmark == A, more_rounds=2),
        {},
    )
    assert (len(timing.pairs[A]), len(timing.pairs[B])) == (6, 8)
    assert not timing.out_of_time


def test_a_round_of_which_a_side_failed_is_dropped_and_a_benchmark_that_keeps_failing_is_given_up(
    context: Context, stand_in: Callable[[Fake], Runs], tmp_path: Path
) -> None:
    def fake(binary: TestBinary, name: str, _: int) -> ProcessRun:
        if name == "BenchmarkA" and binary is HEAD:
            return ProcessRun((), (PANIC,), Ended(2, 0.1, 0.1, False))
        return gave(name, 1.0)

    stand_in(fake)
    timing = time_rounds(context, Journal(tmp_path / "j"), SUBJECTS, "first", (6,), math.inf, never, {})
    assert (len(timing.pairs[A]), len(timing.pairs[B])) == (0, 6)
    assert timing.dropped == {A: MOST_FAILED_ROUNDS}
    assert timing.problems == (PANIC,)


def test_a_process_that_gives_no_numbers_and_says_nothing_is_a_failure(
    context: Context, stand_in: Callable[[Fake], Runs], tmp_path: Path
) -> None:
    stand_in(lambda binary, name, _: ProcessRun((), (), Ended(0, 0.1, 0.1, False)))
    timing = time_rounds(context, Journal(tmp_path / "j"), SUBJECTS[:1], "first", (6,), math.inf, never, {})
    assert [problem.text for problem in timing.problems] == ["it gave no numbers"]


def test_when_the_time_ends_what_was_measured_stands_and_the_rest_is_told(
    context: Context, stand_in: Callable[[Fake], Runs], tmp_path: Path
) -> None:
    runs = stand_in(lambda binary, name, _: gave(name, 1.0))
    timing = time_rounds(context, Journal(tmp_path / "j"), SUBJECTS, "first", LOOKS, 0.0, never, {})
    assert (runs.order, timing.rounds, timing.out_of_time) == ([], 0, True)


def test_a_run_that_goes_on_measures_only_what_the_earlier_one_has_not(
    context: Context, stand_in: Callable[[Fake], Runs], tmp_path: Path
) -> None:
    class Interruption(Exception):
        pass

    def stops(binary: TestBinary, name: str, number: int) -> ProcessRun:
        if number == 20:
            raise Interruption
        return gave(name, float(number))

    runs = stand_in(stops)
    with pytest.raises(Interruption):
        time_rounds(context, Journal(tmp_path / "1"), SUBJECTS, "first", (6,), math.inf, never, {})
    whole = 2 * 6 * 2 * ALTERNATIONS
    again = stand_in(lambda binary, name, number: gave(name, float(number)))
    journal = Journal(tmp_path / "2", tmp_path / "1")
    timing = time_rounds(context, journal, SUBJECTS, "first", (6,), math.inf, never, {})
    assert len(runs.order) - 1 + len(again.order) == whole
    assert {len(pairs) for pairs in timing.pairs.values()} == {6}


def test_the_confirming_rounds_are_fresh_ones(
    context: Context, stand_in: Callable[[Fake], Runs], tmp_path: Path
) -> None:
    runs = stand_in(lambda binary, name, _: gave(name, 1.0))
    journal = Journal(tmp_path / "j")
    for phase in ("first", "fresh"):
        time_rounds(context, journal, SUBJECTS, phase, (6,), math.inf, never, {})
    assert len(runs.order) == 2 * 2 * 6 * 2 * ALTERNATIONS


def test_what_the_rounds_left_would_hardly_decide_is_given_up(
    context: Context, stand_in: Callable[[Fake], Runs], tmp_path: Path
) -> None:
    stand_in(lambda binary, name, _: gave(name, 1.0))
    looks = (6, 12, 30)
    needs = {A: Standing(decided=False, more_rounds=200), B: Standing(decided=False, more_rounds=18)}
    timing = time_rounds(
        context,
        Journal(tmp_path / "j"),
        SUBJECTS,
        "first",
        looks,
        math.inf,
        lambda benchmark, _: needs[benchmark],
        {},
    )
    assert (len(timing.pairs[A]), len(timing.pairs[B])) == (12, 30)
    assert not timing.out_of_time


def test_rounds_that_ran_before_are_taken_whatever_time_is_left(
    stand_in: Callable[[Fake], Runs], context: Context, tmp_path: Path
) -> None:
    """One second is too short for six new rounds of ten; of those that the journal has it needs none."""
    slow = tuple(replace(each, seconds_per_op=1.0) for each in SUBJECTS)
    stand_in(lambda _binary, name, _number: gave(name, 1.0))
    time_rounds(context, Journal(tmp_path / "first"), slow, "first", (6,), math.inf, never, {})
    again = Journal(tmp_path / "second", tmp_path / "first")
    runs = stand_in(lambda _binary, name, _number: gave(name, 1.0))
    deadline = clock.monotonic_seconds() + 1.0
    timing = time_rounds(context, again, slow, "first", (6,), deadline, never, {})
    assert {benchmark: len(pairs) for benchmark, pairs in timing.pairs.items()} == {A: 6, B: 6}
    assert runs.order == []


def test_a_metric_that_is_no_number_takes_nothing_from_the_others(
    stand_in: Callable[[Fake], Runs], context: Context, tmp_path: Path
) -> None:
    garbled = Problem("./work", "BenchmarkA", ProblemKind.GARBLED, "NaN widgets is not a finite number")
    stand_in(lambda _binary, name, _number: replace(gave(name, 1.0), problems=(garbled,)))
    journal = Journal(tmp_path / "journal")
    measured = process.measure_once(context, journal, SUBJECTS[0], "base", 10, "native/0")
    assert measured.values == {"sec/op": 1.0}
    assert measured.problem is None


def test_names_that_are_the_same_as_a_file_name_have_files_of_their_own(
    stand_in: Callable[[Fake], Runs], context: Context, tmp_path: Path
) -> None:
    runs = stand_in(lambda _binary, name, _number: gave(name, 1.0))
    journal = Journal(tmp_path / "journal")
    for name in ("BenchmarkA/a.b", "BenchmarkA/a-b"):
        alike = replace(SUBJECTS[0], benchmark=Benchmark("./work", name))
        process.measure_once(context, journal, alike, "base", 10, "native/0")
    assert len(runs.raw) == 2


def test_a_line_of_the_journal_that_lacks_a_field_is_measured_again(
    stand_in: Callable[[Fake], Runs], context: Context, tmp_path: Path
) -> None:
    runs = stand_in(lambda _binary, name, _number: gave(name, 1.0))
    journal = Journal(tmp_path / "journal")
    journal.note("native/0/base/./work BenchmarkA", {"values": {"sec/op": 9.0}})
    assert process.measure_once(context, journal, SUBJECTS[0], "base", 10, "native/0").values == {
        "sec/op": 1.0
    }
    assert len(runs.order) == 1
