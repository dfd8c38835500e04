"""The Go benchmark format: goldens of real Go output, each trap by itself, and properties."""

import dataclasses
import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from perf.benchmarks.format import (
    Failure,
    Record,
    Result,
    Skip,
    SyntaxProblem,
    Unit,
    Value,
    format_result,
    higher_is_better,
    split_procs,
    tidy,
)
from perf.benchmarks.reader import parse, results

TESTDATA = Path(__file__).parent / "testdata"
FIXTURES = [
    *("normal", "cpu1", "verbose", "logging", "logging_verbose"),
    *("panic", "killed", "fail", "skip", "packages", "hang_asked_to_quit"),
]
NUMBERS = "     100\t       123 ns/op"


def records(text: str, procs: int | None = None) -> list[Record]:
    return list(parse(text.split("\n"), "f", procs))


def only(text: str, procs: int | None = None) -> Record:
    (record,) = records(text, procs)
    return record


def only_result(text: str, procs: int | None = None) -> Result:
    record = only(text, procs)
    assert isinstance(record, Result)
    return record


def lines_of(found: list[Record]) -> str:
    return "".join(
        json.dumps({"record": type(each).__name__, **dataclasses.asdict(each)}, ensure_ascii=False) + "\n"
        for each in found
    )


@pytest.mark.parametrize("name", FIXTURES)
def test_real_go_output_gives_the_records_of_its_golden(name: str) -> None:
    with (TESTDATA / f"{name}.txt").open(encoding="utf-8") as lines:
        found = list(parse(lines, f"{name}.txt", procs=1 if name == "cpu1" else 2))
    assert lines_of(found) == (TESTDATA / f"{name}.golden").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FIXTURES)
def test_windows_line_ends_change_nothing(name: str) -> None:
    text = (TESTDATA / f"{name}.txt").read_text(encoding="utf-8")
    assert records(text.replace("\n", "\r\n"), 2) == records(text, 2)


# Results


def test_a_result_carries_values_in_base_units_and_the_configuration_in_force() -> None:
    text = "pkg: a/b\ncpu: Some CPU @ 2GHz\nBenchmarkX-2 100 123 ns/op 12.5 MB/s 7 B/op\npkg:\nBenchmarkY-2 1 1 ns/op"
    first, second = results(records(text, 2))
    assert first.name == "BenchmarkX-2" and first.benchmark == "BenchmarkX" and first.procs == 2
    assert first.iterations == 100 and first.line == 3 and first.file == "f"
    assert first.values == (
        Value(1.23e-07, "sec/op", 123, "ns/op"),
        Value(12.5e6, "B/s", 12.5, "MB/s"),
        Value(7, "B/op", 7, "B/op"),
    )
    assert first.value("B/s") == 12.5e6 and first.value("none") is None
    assert first.setting("pkg") == "a/b" and first.setting("cpu") == "Some CPU @ 2GHz"
    assert second.setting("pkg") is None and second.setting("cpu") == "Some CPU @ 2GHz"


@pytest.mark.parametrize(
    ("name", "procs", "expected"),
    [
        ("BenchmarkX-2", 2, ("BenchmarkX", 2)),
        ("BenchmarkX/Level_-1-2", 2, ("BenchmarkX/Level_-1", 2)),
        ("BenchmarkX/Level_-1", 1, ("BenchmarkX/Level_-1", None)),
        ("BenchmarkX/Level_-1", 2, ("BenchmarkX/Level_-1", None)),
        ("BenchmarkX-4", 2, ("BenchmarkX-4", None)),
        ("BenchmarkX-16", None, ("BenchmarkX", 16)),
        ("BenchmarkX/Level_-1", None, ("BenchmarkX/Level_", 1)),  # benchstat's mistake, kept when unknown
        ("BenchmarkX-", None, ("BenchmarkX-", None)),
        ("BenchmarkX-²", None, ("BenchmarkX-²", None)),
        ("BenchmarkX", None, ("BenchmarkX", None)),
    ],
)
def test_the_gomaxprocs_suffix_is_stripped_only_where_it_is_one(
    name: str, procs: int | None, expected: tuple[str, int | None]
) -> None:
    assert split_procs(name, procs) == expected


@pytest.mark.parametrize(
    ("printed", "value", "unit"),
    [
        ("1e+06 ns/op", 1e-3, "sec/op"),
        ("0.0000001 ns/op", 1e-16, "sec/op"),
        ("3 µs/op", 3e-6, "sec/op"),
        ("3 μs/op", 3e-6, "sec/op"),
        ("3 us/op", 3e-6, "sec/op"),
        ("250 p99-ms", 0.25, "p99-sec"),
        ("2 MB", 2e6, "B"),
        ("2 op/ns", 2, "op/ns"),
        ("2 MB*MB/s", 2e12, "B*B/s"),
        ("2 ns*x/MB*ns", 2e-18, "sec*x/MB*sec"),
        ("5 items", 5, "items"),
        ("7 x=%/ü|€", 7, "x=%/ü|€"),
        ("-3 delta", -3, "delta"),
    ],
)
def test_units_are_scaled_to_their_base_and_others_left_alone(printed: str, value: float, unit: str) -> None:
    (found,) = only_result(f"BenchmarkX 1 {printed}").values
    assert found.value == pytest.approx(value, rel=1e-12) and found.unit == unit


def test_an_absurdly_long_unit_is_left_alone() -> None:
    unit = "*".join(["MB"] * 60)
    assert tidy(unit) == (unit, 1, 1)


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("BenchmarkX 100", "no measurements"),
        ("BenchmarkX 100 12", "no unit"),
        ("BenchmarkX 100 12 ns/op 3", "no unit"),
        ("BenchmarkX 100 abc ns/op", "not a number"),
        ("BenchmarkX 100 ١٢x ns/op", "not a number"),
        ("BenchmarkX 1.5 12 ns/op", "iteration count '1.5'"),
        ("BenchmarkX 0 12 ns/op", "did not run to its end: 0"),
        ("BenchmarkX -5 12 ns/op", "did not run to its end: -5"),
        ("BenchmarkX 100 NaN ns/op", "not a finite number"),
        ("BenchmarkX 100 +Inf ns/op", "not a finite number"),
        ("BenchmarkX 100 1e999 ns/op", "not a finite number"),
        ("BenchmarkX 100 1e308 MB/s", "not a finite number"),
        ("BenchmarkX 100 1_000 ns/op", "not a finite number"),
        ("BenchmarkX 100 ١٢ ns/op", "not a finite number"),
        (NUMBERS, "without the name"),
    ],
)
def test_a_bad_line_is_a_problem_with_its_position(line: str, part: str) -> None:
    problem = only(f"\n{line}\n")
    assert isinstance(problem, SyntaxProblem)
    assert part in problem.message and problem.line == 2 and problem.file == "f" and problem.text == line


def test_a_bad_value_does_not_take_the_good_ones_with_it() -> None:
    problem, result = records("BenchmarkX 10 12 ns/op NaN jobs/sec 3 allocs/op")
    assert isinstance(problem, SyntaxProblem) and "NaN jobs/sec" in problem.message
    assert isinstance(result, Result) and [value.unit for value in result.values] == ["sec/op", "allocs/op"]


def test_a_unit_given_twice_counts_once_and_is_a_problem() -> None:
    problem, result = records("BenchmarkX 10 12 ns/op 99 sec/op")
    assert isinstance(problem, SyntaxProblem) and "sec/op more than once" in problem.message
    assert isinstance(result, Result) and result.value("sec/op") == 12e-9


def test_a_last_line_without_its_end_is_cut_off() -> None:
    result, problem = parse(["BenchmarkX-2 1 2 ns/op\n", "BenchmarkY-2 1 2 ns/o"], "f")
    assert isinstance(result, Result) and isinstance(problem, SyntaxProblem)
    assert problem.line == 2 and "cut off" in problem.message


@pytest.mark.parametrize(
    "line",
    [
        "Benchmarking done in 5 s",
        "BenchmarkRunner started",
        "BenchmarkRunner 3 layers copied",
        "PASS",
        "ok  \texample.com/a\t1.2s",
        "?   \texample.com/a\t[no test files]",
        "testing: warning: no tests to run",
        "coverage: 5.0% of statements",
        "go: downloading example.com/x v1.0.0",
        "Unit tests passed",
        "Unit=3",
        "--- BENCH: BenchmarkX-2\n    x_test.go:1: inner      100\t 5.0 ns/op\n\t... [output truncated]",
        "       5\t12 ms",
    ],
)
def test_a_line_that_only_looks_like_something_says_nothing(line: str) -> None:
    result = only_result(f"{line}\nBenchmarkX-2 \t{NUMBERS}\n")
    assert result.configuration == () and result.value("sec/op") == 1.23e-07


# Name and numbers apart


@pytest.mark.parametrize(
    "between",
    [
        "\n",
        "some log text\n2026/01/01 more\n",
        "....",
        "log\nunterminated 42",
        "status: ok\npkg: not/a/package\nUnit x better=higher\n",
        "PASS\nFAIL\nexit status 1\n",
        "panic: recovered\n\ngoroutine 5 [running]:\nmain.x()\n\tx_test.go:3\n",
        "3 2 layers\n",
        "BenchmarkRunner took 3\nBenchmarkRunner 3 4 ms\nBenchmarkRunner\t5\nBenchmarkRunner\n",
        "    indented\n\ttabbed\n",
        "\r10 %\r20 %\r",
        "copied 5\t10 MB\n",
        "# comment\nx.go:1:1: no\n",
        "\n" * 100,
        "a log line\n" * 10_100,
    ],
)
def test_log_lines_between_a_name_and_its_numbers_change_nothing(between: str) -> None:
    text = f"pkg: p\nBenchmarkX-2   \t{between}{NUMBERS}\nBenchmarkY-2   \t{NUMBERS}\nPASS\n"
    first, second = records(text, procs=2)
    assert isinstance(first, Result) and isinstance(second, Result)
    assert (first.name, first.line, first.iterations, first.value("sec/op")) == (
        "BenchmarkX-2",
        2,
        100,
        1.23e-07,
    )
    assert second.name == "BenchmarkY-2" and first.configuration == second.configuration == (("pkg", "p"),)


@pytest.mark.parametrize(
    "text",
    [
        f"unterminatedBenchmarkX-2   \t{NUMBERS}",
        f"unterminatedBenchmarkX-2   \t.....{NUMBERS}",
        f"Benchmarking BenchmarkX-2   \tlog\n{NUMBERS}",
        f"BenchmarkRunner 3BenchmarkX-2   \tlog\nBenchmarkRunner 4{NUMBERS}",
        f"key: valueBenchmarkX-2   \tlog\nkey: value\n{NUMBERS}",
        f"BenchmarkX-2\n{NUMBERS}",
    ],
)
def test_a_name_behind_log_output_is_found(text: str) -> None:
    result = only_result(text, 2)
    assert result.name == "BenchmarkX-2" and result.value("sec/op") == 1.23e-07 and result.configuration == ()


def test_a_verbose_announcement_waits_for_nothing() -> None:
    assert records("BenchmarkParent\nkey: value\nunterminatedBenchmarkQ-2   \tlog\n", 2) == []


def test_a_name_that_never_gets_its_numbers_is_a_problem_at_its_line() -> None:
    result, problem = records("BenchmarkX-2 \t 10\t 5 ns/op\nBenchmarkY-2 \tlog\nlog\nok  \ta\t1.0s\n")
    assert isinstance(result, Result) and isinstance(problem, SyntaxProblem)
    assert problem.line == 2 and "BenchmarkY-2 was started and never printed its numbers" in problem.message


def test_numbers_that_two_names_wait_for_are_given_to_neither() -> None:
    problem = only(f"BenchmarkX-2 \tlog\nBenchmarkY-2 \tlog\n{NUMBERS}\n")
    assert isinstance(problem, SyntaxProblem)
    assert "BenchmarkX-2 (line 1), BenchmarkY-2 (line 2)" in problem.message


def test_digits_of_the_log_glued_to_a_long_iteration_count_are_a_problem() -> None:
    problem = only("BenchmarkX-2 \ttook 4210000000\t 5 ns/op\n")
    assert isinstance(problem, SyntaxProblem) and "runs into log output" in problem.message


def test_a_new_process_ends_the_wait_of_the_one_before() -> None:
    text = f"goos: linux\nBenchmarkX-2 \tlog\ngoos: linux\nBenchmarkY-2 \tlog\n{NUMBERS}\n"
    problem, result = records(text)
    assert isinstance(problem, SyntaxProblem) and problem.line == 2
    assert isinstance(result, Result) and result.name == "BenchmarkY-2" and result.line == 4


# Failures and skips


def test_a_failure_glued_to_its_name_has_its_reason_and_place() -> None:
    failure = only("BenchmarkX-2 \tlog\nlog--- FAIL: BenchmarkX-2\n    x_test.go:12: boom\n        more\n")
    assert failure == Failure(
        "benchmark", "BenchmarkX-2", None, "x_test.go:12: boom", ("x_test.go:12: boom", "more"), "x_test.go:12", "f", 2
    )  # fmt: skip


def test_a_failure_of_another_name_does_not_end_the_wait() -> None:
    failure, result = records(f"BenchmarkX-2 \t--- FAIL: BenchmarkX\n    why\n{NUMBERS}\n")
    assert isinstance(failure, Failure) and failure.name == "BenchmarkX"
    assert isinstance(result, Result) and result.name == "BenchmarkX-2"


def test_a_skip_has_its_reason_whether_it_stands_before_or_behind() -> None:
    before = only("BenchmarkX\n    x_test.go:3: no key\n--- SKIP: BenchmarkX\n")
    behind = only("--- SKIP: BenchmarkX\n    x_test.go:3: no key\n")
    assert isinstance(before, Skip) and isinstance(behind, Skip)
    assert before.reason == behind.reason == ("x_test.go:3: no key",) and before.location == "x_test.go:3"
    assert (before.line, behind.line) == (3, 1)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("panic: boom", "panic"),
        ("panic: test timed out after 1s", "timeout"),
        ("*** Test killed with quit: ran too long (1m1s).", "timeout"),
        ("fatal error: all goroutines are asleep - deadlock!", "panic"),
        ("SIGQUIT: quit", "signal"),
        ("signal: killed", "signal"),
    ],
)
def test_the_death_of_a_process_names_the_benchmark_that_ran(text: str, kind: str) -> None:
    found = records(f"BenchmarkX-2 \t{text}\n\tx_test.go:5\nexit status 2\nFAIL\texample.com/a\t1.0s\nFAIL\n")
    death, package = found
    assert isinstance(death, Failure) and isinstance(package, Failure)
    assert (death.kind, death.name, death.message, death.location) == (
        kind,
        "BenchmarkX-2",
        text,
        "x_test.go:5",
    )
    assert package.kind == "package" and package.package == "example.com/a" and package.line == 4
    assert package.message == "exit status 2"


def test_a_bare_test_binary_that_fails_ends_in_a_failure() -> None:
    failure = only("goos: linux\nFAIL\n")
    assert isinstance(failure, Failure) and (failure.kind, failure.message, failure.line) == (
        "exit",
        "FAIL",
        2,
    )


def test_of_two_processes_the_first_death_is_kept_and_a_logged_panic_is_not() -> None:
    text = "panic: boom\n\ngoroutine 1 [running]:\ngoos: linux\npanic: only a word\ngoos: linux\n"
    failure = only(text)
    assert isinstance(failure, Failure) and failure.message == "panic: boom" and failure.line == 1


def test_a_process_that_passed_has_not_died() -> None:
    assert records("panic: only a word\nok  \texample.com/a\t1.0s\n") == []


def test_a_package_that_fails_without_a_word_is_a_failure() -> None:
    failure = only("FAIL\texample.com/a\t0.1s")
    assert isinstance(failure, Failure) and failure.message == "FAIL"


def test_a_package_that_does_not_build_has_the_compilers_lines() -> None:
    text = "# a [a.test]\n./x_test.go:3:1: undefined: y\nnot the compiler\n"
    text += "FAIL\ta [build failed]\nFAIL\tb [setup failed]\n"
    first, second = records(text)
    assert isinstance(first, Failure) and isinstance(second, Failure)
    assert (first.kind, first.package, first.message) == ("build", "a", "build failed")
    assert first.output == ("./x_test.go:3:1: undefined: y",) and second.output == ()


# Units


def test_unit_metadata_is_read_once_and_contradictions_are_problems() -> None:
    text = "Unit ns/op better=lower assume=exact\nUnit ns/op better=lower\nUnit ns/op better=higher =x y\n"
    better, assume_, contradiction, no_key, no_value = records(text)
    assert better == Unit("sec/op", "ns/op", "better", "lower", "f", 1)
    assert isinstance(assume_, Unit) and (assume_.key, assume_.value) == ("assume", "exact")
    for problem, part in ((contradiction, "already lower"), (no_key, "'=x'"), (no_value, "'y'")):
        assert isinstance(problem, SyntaxProblem) and part in problem.message and problem.line == 3


def test_rates_are_better_higher_unless_the_metadata_says_otherwise() -> None:
    assert [unit for unit in ("B/s", "jobs/sec", "sec/op", "B/op", "s") if higher_is_better(unit)] == [
        "B/s",
        "jobs/sec",
    ]
    metadata = [
        Unit("hits", "hits", "better", "higher", "f", 1),
        Unit("B/s", "MB/s", "better", "lower", "f", 2),
    ]
    assert higher_is_better("hits", metadata) and not higher_is_better("MB/s", metadata)
    assert not higher_is_better("misses", metadata)


# Properties

words = st.text(st.characters(exclude_categories=("Z", "C")), min_size=1, max_size=12)
names = words.map(lambda word: "Benchmark" + word).filter(lambda name: not name[9].islower())
finite = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e290, max_value=1e290)
settings = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True).filter(
        lambda key: key not in ("testing", "coverage", "panic", "signal", "goos")
    ),
    words,
    max_size=3,
)
made = st.builds(
    lambda name, count, values, configured: (
        "".join(f"{k}: {v}\n" for k, v in configured.items())
        + f"{name}\t{count}"
        + "".join(f"\t{value!r} {unit}" for unit, value in values.items())
        + "\n"
    ),
    names,
    st.integers(1, 10**12),
    st.dictionaries(words, finite, min_size=1, max_size=4),
    settings,
)


@given(st.lists(made, min_size=1, max_size=4).map("".join))
def test_what_is_written_reads_back_equal(text: str) -> None:
    read = list(results(records(text)))
    assume(read)
    written, since = "", ()
    for result in read:
        written += format_result(result, since)
        since = result.configuration
    again = list(results(records(written)))
    assert [dataclasses.replace(result, line=0) for result in again] == [
        dataclasses.replace(result, line=0) for result in read
    ]


def test_a_setting_that_ended_is_written_as_ended() -> None:
    result = only_result("BenchmarkX 1 2.5 ns/op")
    assert format_result(result, since=(("pkg", "a"),)) == "pkg:\nBenchmarkX\t       1\t2.5 ns/op\n"


fragments = st.sampled_from(
    [
        "Benchmark",
        "BenchmarkX-2",
        " \t",
        "\t",
        "     100",
        "\t 5 ns/op",
        "NaN",
        "--- FAIL: ",
        "--- SKIP: ",
        "panic: ",
        "goos: linux",
        "Unit ",
        "a=b",
        "FAIL\t",
        "ok  \t",
        "# ",
        "exit status 1",
        "    ",
        "key: ",
        "999999999999999999999999",
        "\n",
        "\r",
    ]
)


@given(st.lists(fragments | st.text(max_size=5), max_size=30).map("".join), st.sampled_from([None, 1, 2]))
@example("Benchmark", None)
@example("Benchmark 1" + "0" * 5000, None)
@example(f"BenchmarkX-2 \t{'9' * 5000}\t 5 ns/op", 2)
def test_no_text_raises_and_every_position_is_a_line_of_it(text: str, procs: int | None) -> None:
    lines = text.split("\n")
    for keep_ends in (False, True):
        given_lines = re.findall(r"[^\n]*\n|[^\n]+", text) if keep_ends else lines
        for record in parse(given_lines, "f", procs):
            assert record.file == "f" and 1 <= record.line <= len(lines)
            if isinstance(record, Result):
                assert record.name in lines[record.line - 1]
                assert record.iterations > 0 and all(math.isfinite(value.value) for value in record.values)
            elif isinstance(record, SyntaxProblem):
                assert record.message


log_lines = st.lists(
    st.text(st.characters(exclude_characters="\n", exclude_categories=("Cs",)), max_size=30)
    | st.sampled_from(
        ["panic: x", "PASS", "status: ok", "goroutine 1 [running]:", "exit status 2", "    --- x"]
    ),
    max_size=6,
)


@given(
    log_lines,
    log_lines,
    st.booleans(),
    st.sampled_from(["BenchmarkX-2", "BenchmarkA/b=1_-1-2", "BenchmarkÜ-2"]),
)
def test_no_log_between_name_and_numbers_changes_the_values_or_the_line(
    before: list[str], between: list[str], unterminated: bool, name: str
) -> None:
    assume(not any("Benchmark" in line or re.search(r"\t.*\d \S+\s*$", line) for line in before + between))
    assume(not (unterminated and between and between[-1][-1:].isdigit()))
    log = "\n".join(between) + ("" if unterminated else "\n")
    text = "\n".join([*before, f"{name}   \t{log}{NUMBERS}\t  7 B/op", "PASS"])
    (result,) = results(records(text, procs=2))
    assert (result.name, result.line, result.iterations) == (name, len(before) + 1, 100)
    assert [(value.value, value.unit) for value in result.values] == [(1.23e-07, "sec/op"), (7, "B/op")]
