"""One process of a test binary, however badly it behaves. Real Go throughout."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from perf.benchmarks.binaries import TestBinary
from perf.benchmarks.run import ProcessRun, function, judge, run_binary
from perf.errors import Lacking, UsageError
from perf.model import Problem, ProblemKind
from perf.suite import LeaveOut, Target
from perf.system.processes import Ended
from tests.benchmarks import modules
from tests.conftest import ContextFor

pytestmark = pytest.mark.go

Run = Callable[..., ProcessRun]


@pytest.fixture(scope="session")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = modules.write_module(
        tmp_path_factory.mktemp("odd"), {"odd/odd_test.go": modules.ODD, "idle/idle_test.go": modules.IDLE}
    )
    for package in ("odd", "idle"):
        subprocess.run(
            ["go", "test", "-c", "-trimpath", "-o", f"{package}.test", f"./{package}"], cwd=root, check=True
        )
    return root


@pytest.fixture
def run(context_for: ContextFor, module: Path, tmp_path: Path) -> Run:
    """`run("Before|Panics")`: a process of package odd with these benchmarks; the raw output is in raw.txt."""

    def start(
        bench: str, *, package: str = "odd", declared: Target | None = None, **more: object
    ) -> ProcessRun:
        binary = TestBinary(f"./{package}", module / package, module / f"{package}.test", "0" * 64, None)
        given = {"benchtime": "1x", "cpu": 2, "timeout_seconds": 60.0, **more}
        return run_binary(
            context_for(module, declared),
            binary,
            tmp_path / "raw.txt",
            bench=bench,
            **given,  # type: ignore[arg-type]
        )

    return start


def only(given: ProcessRun) -> Problem:
    (problem,) = given.problems
    return problem


def names(given: ProcessRun) -> list[str]:
    return [each.benchmark for each in given.results]


def test_a_good_process_gives_results_without_problems_and_keeps_its_output(run: Run, tmp_path: Path) -> None:
    given = run("Before|ZLast")
    assert names(given) == ["BenchmarkBefore", "BenchmarkZLast"]
    assert {value.unit for value in given.results[0].values} == {"sec/op", "B/op", "allocs/op"}
    assert given.problems == ()
    assert given.killed_by is None
    assert given.ended.ok
    assert (tmp_path / "raw.txt").read_text().endswith("PASS\n")


def test_a_panic_is_a_problem_with_its_place_and_the_results_before_it_stand(run: Run) -> None:
    given = run("Before|Panics$|ZLast")
    assert names(given) == ["BenchmarkBefore"]
    problem = only(given)
    assert (problem.kind, problem.name) == (ProblemKind.PANICKED, "BenchmarkPanics")
    assert problem.position == modules.odd_line('nothing["x"]')
    assert "assignment to entry in nil map" in problem.text
    assert given.killed_by == "BenchmarkPanics"


def test_a_panic_in_a_goroutine_is_laid_to_the_benchmark_that_started_it(run: Run) -> None:
    given = run("Before|PanicsElsewhere")
    assert names(given) == ["BenchmarkBefore"]
    assert (only(given).kind, given.killed_by) == (ProblemKind.PANICKED, "BenchmarkPanicsElsewhere")


@pytest.mark.parametrize(
    ("bench", "position"),
    [
        ("Hangs$", modules.odd_line("func BenchmarkHangs(")),
        ("HangsInside", modules.odd_line("\t\ttime.Sleep(time.Hour)")),
    ],
)
def test_a_hang_is_stopped_and_its_goroutines_name_the_benchmark(run: Run, bench: str, position: str) -> None:
    given = run(f"Before|{bench}|ZLast", timeout_seconds=2.0)
    assert names(given)[0] == "BenchmarkBefore"
    assert "BenchmarkZLast" not in names(given)
    problem = only(given)
    assert (problem.kind, problem.position) == (ProblemKind.TIMED_OUT, position)
    assert given.killed_by == problem.name == f"Benchmark{bench.strip('$')}"
    assert given.ended.timed_out


def test_a_failed_benchmark_does_not_take_the_others_along(run: Run) -> None:
    given = run("Before|Fails|ZLast")
    assert names(given) == ["BenchmarkBefore", "BenchmarkZLast"]
    problem = only(given)
    assert (problem.kind, problem.name) == (ProblemKind.FAILED, "BenchmarkFails")
    assert "no luck" in problem.text
    assert problem.position == modules.odd_line("b.Fatal")
    assert given.killed_by is None


def test_a_skipped_benchmark_tells_its_reason_when_asked(run: Run) -> None:
    problem = only(run("Before|Skips", verbose=True))
    assert (problem.kind, problem.name) == (ProblemKind.SKIPPED, "BenchmarkSkips")
    assert "not on this machine" in problem.text
    assert problem.position == modules.odd_line("b.Skip")
    assert not problem.counts


def test_an_exit_with_code_zero_inside_a_benchmark_is_not_believed(run: Run) -> None:
    given = run("Before|ExitsWell|ZLast")
    assert names(given) == ["BenchmarkBefore"]
    assert "os.Exit(0)" in only(given).text
    assert given.killed_by == "BenchmarkExitsWell"


def test_an_exit_without_a_word_is_a_failure_and_verbose_output_names_it(run: Run) -> None:
    silent = run("Before|ExitsBadly|ZLast")
    assert (only(silent).kind, only(silent).name, silent.killed_by) == (ProblemKind.FAILED, "", "")
    assert "exit 3" in only(silent).text
    verbose = run("Before|ExitsBadly|ZLast", verbose=True)
    assert verbose.killed_by == "BenchmarkExitsBadly"


def test_a_test_main_that_runs_nothing_and_exits_with_zero_is_a_failure(run: Run) -> None:
    problem = only(run(".", package="idle"))
    assert problem.kind is ProblemKind.FAILED
    assert "TestMain" in problem.text


def test_garbage_is_a_problem_with_the_line_of_the_raw_file(run: Run) -> None:
    given = run("Before|Garbles|ZLast", benchtime="5ms")
    assert names(given) == ["BenchmarkBefore", "BenchmarkZLast"]
    problem = only(given)
    assert problem.kind is ProblemKind.GARBLED
    assert problem.position.rpartition(":")[0].endswith("raw.txt")


def test_log_lines_around_the_numbers_do_no_harm(run: Run) -> None:
    given = run("Before|Logs|ZLast")
    assert names(given) == ["BenchmarkBefore", "BenchmarkLogs", "BenchmarkZLast"]
    assert given.problems == ()


def test_what_is_left_out_in_perf_toml_or_skipped_by_the_caller_does_not_run(run: Run) -> None:
    declared = Target(leave_out=(LeaveOut(package="./odd", benchmark="^BenchmarkPanics$", reason="panics"),))
    given = run("Before|Panics$|ZLast", declared=declared, skip=["^BenchmarkBefore$"])
    assert names(given) == ["BenchmarkZLast"]
    assert given.problems == ()


def test_a_process_runs_in_its_package_and_sees_nothing_of_the_callers_environment(
    run: Run, module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    assert run("TellsEnvironment", declared=Target(environment={"WANTED": "yes"})).problems == ()
    said = (tmp_path / "raw.txt").read_text()
    assert f"directory: {module / 'odd'} " in said
    assert "WANTED=yes" in said
    assert "hunter2" not in said


def test_a_pattern_that_go_does_not_take_is_wrong_use(run: Run) -> None:
    with pytest.raises(UsageError, match="missing closing"):
        run("Before(")


def test_a_go_without_the_skip_flag_says_so(context_for: ContextFor, module: Path, tmp_path: Path) -> None:
    context = context_for(module)
    old = replace(context, go=replace(context.go, version="go1.19.4"))
    binary = TestBinary("./odd", module / "odd", module / "odd.test", "0" * 64, None)
    with pytest.raises(Lacking, match=r"go1\.19\.4 cannot leave out"):
        run_binary(
            old, binary, tmp_path / "raw", bench=".", benchtime="1x", cpu=1, timeout_seconds=9, skip=["X"]
        )


@pytest.mark.parametrize(
    ("text", "returncode", "words"),
    [
        ("PASS\n", 0, ""),
        ("half a line, then PASS\n", 0, ""),
        ("", 0, "exit 0 before"),
        ("", -9, "signal 9"),
        ("PASS\n", 7, "exit 7 after its benchmarks had passed"),
        ("Benchmark", 1, "exit 1 and no word"),
    ],
)
def test_an_end_is_believed_only_with_gos_closing_word(text: str, returncode: int, words: str) -> None:
    given = judge("./p", "raw", text, Ended(returncode, 1.0, 1.0, False), 2, 60.0)
    assert [words in problem.text for problem in given.problems] == ([True] if words else [])


HEADER = "goos: linux\ngoarch: amd64\npkg: example.test/m/p\ncpu: A CPU\n"
RESULT = "BenchmarkA-2   \t       1\t       483.0 ns/op\n"


@pytest.mark.parametrize(
    ("text", "returncode", "words"),
    [
        (f"{HEADER}{RESULT}2026/11/23 22:48:59 no luck\n", 1, "ended with exit 1; the last it said: no luck"),
        (f"{HEADER}BenchmarkA\n2026/11/23 22:48:59.123456 no luck\n", 1, "the last it said: no luck"),
        (
            f"{HEADER}BenchmarkA-2   \t2026/11/23 22:48:59 no luck\n",
            1,
            "the last it said: no luck",
        ),
        (f"{HEADER}{RESULT}a\nb\n\nc\n \nd\n", 2, "ended with exit 2; the last it said: b; c; d"),
        (f"{HEADER}{RESULT}{'x' * 999}\n", 2, f"the last it said: {'x' * 200}…"),
        (f"{HEADER}a log\n{RESULT}", 3, "ended with exit 3 and no word of why: a call of os.Exit?"),
        (HEADER, 3, "ended with exit 3 and no word of why: a call of os.Exit?"),
        (
            f"{HEADER}no Docker here\n",
            0,
            "ended with exit 0 before its benchmarks did; the last it said: no Docker here",
        ),
        (
            f"{HEADER}free(): invalid pointer\n",
            -6,
            "was killed by signal 6; the last it said: free(): invalid pointer",
        ),
        (f"{HEADER}{RESULT}PASS\nleaked\n", 1, "after its benchmarks had passed; the last it said: leaked"),
    ],
)
def test_what_a_process_said_last_is_told_of_its_end(text: str, returncode: int, words: str) -> None:
    given = judge("./p", "raw", text, Ended(returncode, 1.0, 1.0, False), 2, 60.0)
    assert [problem.text for problem in given.problems if problem.kind is ProblemKind.FAILED][-1].endswith(
        words
    )


@pytest.mark.parametrize("time", ["", "12345 ns/op\t       "])
def test_what_go_prints_while_a_panic_unwinds_is_neither_a_result_nor_blamed_on_the_next_benchmark(
    time: str,
) -> None:
    """Seen on a busy machine: the main goroutine goes on for a moment before the panic ends the process."""
    text = f"""BenchmarkBefore-2 \t 10\t 5.0 ns/op\t 0 B/op
BenchmarkDies-2   \t       1\t       {time}0 B/op\t       0 allocs/op
BenchmarkNext-2   \tpanic: no

goroutine 10 [running]:
example.test/p.BenchmarkDies(0x31)
\texample.test/p/p_test.go:41 +0x15
testing.(*B).runN(0x31, 0x1)
\ttesting/benchmark.go:219 +0x190
"""
    given = judge("./p", "raw", text, Ended(2, 1.0, 1.0, False), 2, 60.0)
    assert names(given) == ["BenchmarkBefore"]
    assert (only(given).name, only(given).position) == ("BenchmarkDies", "p/p_test.go:41")
    assert given.killed_by == "BenchmarkDies"


def test_a_hang_whose_goroutines_do_not_name_it_is_told_without_a_name() -> None:
    given = judge("./p", "raw", "BenchmarkX-2  \t", Ended(-15, 1.0, 1.0, True), 2, 60.0)
    assert (only(given).kind, only(given).name, given.killed_by) == (ProblemKind.TIMED_OUT, "", "")


def test_the_function_of_a_sub_benchmark() -> None:
    assert function("BenchmarkCopy/size=4/x") == "BenchmarkCopy"
