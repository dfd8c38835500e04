"""Which benchmarks both sides have, and what a failure costs: the survey, with the binaries stood in for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perf.benchmarks.binaries import TestBinary
from perf.benchmarks.format import Result, Value
from perf.benchmarks.run import ProcessRun
from perf.context import Context, Options
from perf.model import Problem, ProblemKind
from perf.regression import survey as room
from perf.regression.comparisons import Benchmark
from perf.regression.journal import Journal
from perf.regression.matched import Couple
from perf.regression.survey import Survey, calibrate, sort_out
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
    return Survey(dict.fromkeys(names, 7), dict.fromkeys(names, 0.25), problems, 2.0, complete)


def test_what_both_sides_have_is_measured_with_the_bases_iterations() -> None:
    found = sort_out(COUPLE, survey("BenchmarkA/x"), Survey({"BenchmarkA/x": 1}, {}, (), 1.0, True))
    assert [(each.benchmark.name, each.iterations, each.seconds_per_op) for each in found.subjects] == [
        ("BenchmarkA/x", 7, 0.25)
    ]


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


Fake = Callable[..., ProcessRun]


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[Fake], list[dict[str, object]]]:
    """`stand_in(fake)`: run_binary is `fake(binary, bench=…, skip=…)`; the calls come back."""

    def install(fake: Fake) -> list[dict[str, object]]:
        calls: list[dict[str, object]] = []

        def run_binary(_context: Context, binary: TestBinary, raw: Path, **given: object) -> ProcessRun:
            calls.append({"binary": binary, "raw": raw, **given})
            return fake(binary, **given)

        monkeypatch.setattr(room, "run_binary", run_binary)
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
    found = calibrate(context, Journal(tmp_path / "samples.jsonl"), COUPLE, tmp_path)
    assert [each.benchmark.name for each in found.subjects] == ["BenchmarkB"]
    assert [benchmark.name for benchmark, _ in found.unmeasurable] == ["BenchmarkA"]
    assert found.problems == (PANIC,)
    assert [call["skip"] for call in calls] == [(), (), ("^BenchmarkA$",)]


def test_a_process_that_ends_badly_without_a_name_is_not_run_again_and_again(
    context: Context, stand_in: Callable[[Fake], list[dict[str, object]]], tmp_path: Path
) -> None:
    died = Problem("./work", "", ProblemKind.FAILED, "exit 3")
    calls = stand_in(lambda binary, **_: ProcessRun((), (died,), KO))
    assert calibrate(context, Journal(tmp_path / "samples.jsonl"), COUPLE, tmp_path).subjects == ()
    assert len(calls) == 2


def test_a_run_that_goes_on_does_not_survey_again(
    context: Context, stand_in: Callable[[Fake], list[dict[str, object]]], tmp_path: Path
) -> None:
    calls = stand_in(lambda binary, **_: ProcessRun((result("BenchmarkA"),), (SKIP,), OK))
    before = calibrate(context, Journal(tmp_path / "1"), COUPLE, tmp_path)
    after = calibrate(context, Journal(tmp_path / "2", tmp_path / "1"), COUPLE, tmp_path)
    assert len(calls) == 2
    assert after == before
