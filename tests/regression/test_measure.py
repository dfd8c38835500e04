"""What is measured, in what rounds, and what a failure costs: the measuring, with the binaries stood in for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perf.benchmarks.binaries import TestBinary
from perf.benchmarks.format import Result, Value
from perf.benchmarks.run import ProcessRun
from perf.context import Context, Options
from perf.model import Problem, ProblemKind
from perf.regression import measure
from perf.regression.comparisons import Benchmark
from perf.regression.measure import Subject, Survey, calibrate, exact_pattern, sort_out
from perf.regression.schedule import schedule
from perf.regression.sides import Couple
from perf.system.processes import Ended

BASE = TestBinary("./work", Path("base"), Path("base/work.test"), "b", None)
HEAD = TestBinary("./work", Path("head"), Path("head/work.test"), "h", None)
COUPLE = Couple("./work", BASE, HEAD)
PANIC = Problem("./work", "BenchmarkA", ProblemKind.PANICKED, "boom\ngoroutine 1", "work_test.go:3")
SKIP = Problem("./work", "BenchmarkA", ProblemKind.SKIPPED, "needs a network")
OK, KO = Ended(0, 0.5, 0.1, False), Ended(2, 0.5, 0.1, False)


def result(name: str, seconds: float = 1.0, iterations: int = 10) -> Result:
    return Result(name, name, None, iterations, (Value(seconds, "sec/op", seconds, "s/op"),), (), "x", 1)


def survey(*names: str, problems: tuple[Problem, ...] = (), complete: bool = True) -> Survey:
    return Survey(dict.fromkeys(names, 7), problems, 2.0, complete)


def test_what_both_sides_have_is_measured_with_the_bases_iterations() -> None:
    found = sort_out(COUPLE, survey("BenchmarkA/x"), Survey({"BenchmarkA/x": 1}, (), 1.0, True))
    assert [(each.benchmark.name, each.iterations) for each in found.subjects] == [("BenchmarkA/x", 7)]


def test_benchmarks_of_one_side_are_listed_and_need_no_verdict() -> None:
    found = sort_out(COUPLE, survey("BenchmarkOld"), survey("BenchmarkNew"))
    assert [each.name for each in found.only_base] == ["BenchmarkOld"]
    assert [each.name for each in found.only_head] == ["BenchmarkNew"]
    assert found.unmeasurable == ()


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (survey(problems=(PANIC,), complete=False), "not measured at the head: panicked: boom"),
        (survey(problems=(SKIP,)), "not measured at the head: skipped: needs a network"),
        (
            survey(problems=(Problem("./work", "", ProblemKind.FAILED, "exit 3"),), complete=False),
            "not measured at the head: the process ended before it: failed",
        ),
    ],
)
def test_a_benchmark_that_fails_on_one_side_is_unknown_and_not_gone(head: Survey, reason: str) -> None:
    found = sort_out(COUPLE, survey("BenchmarkA/x"), head)
    assert found.only_base == ()
    assert found.unmeasurable == ((Benchmark("./work", "BenchmarkA/x"), reason),)


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("BenchmarkA", "^BenchmarkA$"),
        ("BenchmarkA/Level_-1-2", r"^BenchmarkA$/^Level_\-1\-2$"),
        ("BenchmarkA/a.b/[x]|y", r"^BenchmarkA$/^a\.b$/^\[x\]\|y$"),
    ],
)
def test_the_pattern_chooses_exactly_one_benchmark(name: str, pattern: str) -> None:
    assert exact_pattern(name) == pattern


Fake = Callable[..., ProcessRun]


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[Fake], list[dict[str, object]]]:
    """`stand_in(fake)`: run_binary is `fake(binary, bench=…, skip=…)`; the calls come back."""

    def install(fake: Fake) -> list[dict[str, object]]:
        calls: list[dict[str, object]] = []

        def run_binary(_context: Context, binary: TestBinary, raw: Path, **given: object) -> ProcessRun:
            calls.append({"binary": binary, "raw": raw, **given})
            return fake(binary, **given)

        monkeypatch.setattr(measure, "run_binary", run_binary)
        return calls

    return install


@pytest.fixture
def context(context_for: Callable[..., Context], tmp_path: Path) -> Context:
    return context_for(tmp_path, options=Options())


def test_a_benchmark_that_takes_the_process_with_it_is_set_aside_and_the_others_are_calibrated(
    context: Context, stand_in: Callable[[Fake], list[dict[str, object]]], tmp_path: Path
) -> None:
    def fake(binary: TestBinary, *, skip: tuple[str, ...], **_: object) -> ProcessRun:
        if binary is HEAD and not skip:
            return ProcessRun((), (PANIC,), KO)
        names = ["BenchmarkB"] if skip else ["BenchmarkA", "BenchmarkB"]
        return ProcessRun(tuple(map(result, names)), (), OK)

    calls = stand_in(fake)
    found = calibrate(context, COUPLE, tmp_path)
    assert [each.benchmark.name for each in found.subjects] == ["BenchmarkB"]
    assert [benchmark.name for benchmark, _ in found.unmeasurable] == ["BenchmarkA"]
    assert found.problems == (PANIC,)
    assert [call["skip"] for call in calls] == [(), (), ("^BenchmarkA$",)]


def test_a_process_that_ends_badly_without_a_name_is_not_run_again_and_again(
    context: Context, stand_in: Callable[[Fake], list[dict[str, object]]], tmp_path: Path
) -> None:
    died = Problem("./work", "", ProblemKind.FAILED, "exit 3")
    calls = stand_in(lambda binary, **_: ProcessRun((), (died,), KO))
    assert calibrate(context, COUPLE, tmp_path).subjects == ()
    assert len(calls) == 2


SUBJECTS = tuple(
    Subject(Benchmark("./work", name), BASE, HEAD, 7, 30.0) for name in ("BenchmarkA", "BenchmarkB")
)
PLANNED = schedule([each.benchmark for each in SUBJECTS], 6, seed=1)


def named(bench: object) -> str:
    return str(bench).strip("^$")


def test_every_pair_runs_both_sides_back_to_back_with_the_same_fixed_iterations(
    context: Context, stand_in: Callable[[Fake], list[dict[str, object]]], tmp_path: Path
) -> None:
    calls = stand_in(
        lambda binary, *, bench, **_: ProcessRun(
            (result(named(bench), 2.0 if binary is HEAD else 1.0),), (), OK
        )
    )
    measured = measure.measure(context, SUBJECTS, PLANNED, tmp_path, "pairs", None)
    assert {call["benchtime"] for call in calls} == {"7x"}
    assert all(a["bench"] == b["bench"] for a, b in zip(calls[::2], calls[1::2], strict=True))
    assert all(
        {a["binary"], b["binary"]} == {BASE, HEAD} for a, b in zip(calls[::2], calls[1::2], strict=True)
    )
    assert len({call["raw"] for call in calls}) == len(calls)
    (pair, *_) = measured.pairs[SUBJECTS[0].benchmark]
    assert (pair.base, pair.head) == ({"sec/op": 1.0}, {"sec/op": 2.0})
    assert (measured.rounds, measured.out_of_time, measured.dropped) == (6, False, {})


def test_a_pair_of_which_one_side_failed_is_dropped_and_counted(
    context: Context, stand_in: Callable[[Fake], list[dict[str, object]]], tmp_path: Path
) -> None:
    seen: list[str] = []

    def fake(binary: TestBinary, *, bench: str, **_: object) -> ProcessRun:
        if binary is HEAD and named(bench) == "BenchmarkA" and not seen:
            seen.append(bench)
            return ProcessRun((), (PANIC,), KO)
        return ProcessRun((result(named(bench)),), (), OK)

    stand_in(fake)
    measured = measure.measure(context, SUBJECTS, PLANNED, tmp_path, "pairs", None)
    assert [len(measured.pairs[each.benchmark]) for each in SUBJECTS] == [5, 6]
    assert measured.dropped == {SUBJECTS[0].benchmark: 1}
    assert measured.problems == (PANIC,)


def test_a_benchmark_that_keeps_failing_is_given_up_while_others_go_on(
    context: Context, stand_in: Callable[[Fake], list[dict[str, object]]], tmp_path: Path
) -> None:
    def fake(binary: TestBinary, *, bench: str, **_: object) -> ProcessRun:
        if named(bench) == "BenchmarkA":
            return ProcessRun((), (PANIC,), KO)
        return ProcessRun((result(named(bench)),), (), OK)

    calls = stand_in(fake)
    measured = measure.measure(context, SUBJECTS, PLANNED, tmp_path, "pairs", None)
    assert sum(named(call["bench"]) == "BenchmarkA" for call in calls) == measure.MOST_FAILED_PAIRS
    assert len(measured.pairs[SUBJECTS[1].benchmark]) == 6


def test_the_budget_ends_the_rounds_and_says_so(
    context: Context, stand_in: Callable[[Fake], list[dict[str, object]]], tmp_path: Path
) -> None:
    calls = stand_in(lambda binary, *, bench, **_: ProcessRun((result(named(bench)),), (), OK))
    measured = measure.measure(context, SUBJECTS, PLANNED, tmp_path, "pairs", 0.0)
    assert (calls, measured.rounds, measured.out_of_time) == ([], 0, True)
