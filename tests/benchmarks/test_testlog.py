"""What ran and how it ended, from the text of `go test`."""

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.benchmarks.testlog import TestCase, TestLog, parse_testlog

TESTDATA = Path(__file__).parent / "testdata"
FIXTURES = ["make", "quiet", "quiet_pass", "cached", "no_tests", "binary_pass", "binary_no_tests"]


def log(text: str) -> TestLog:
    return parse_testlog(text.split("\n"))


def fixture(name: str) -> TestLog:
    with (TESTDATA / f"gotest_{name}.txt").open(encoding="utf-8") as lines:
        return parse_testlog(lines)


def statuses(found: TestLog) -> dict[str, str]:
    return {case.name: case.status for case in found.cases}


def lines_of(found: TestLog) -> str:
    parts = [*found.cases, *found.packages, *found.problems]
    lines = [{"record": type(part).__name__, **dataclasses.asdict(part)} for part in parts]
    return "".join(json.dumps(line) + "\n" for line in [*lines, {"no_tests": found.no_tests}])


@pytest.mark.parametrize("name", FIXTURES)
def test_real_go_output_gives_its_golden(name: str) -> None:
    assert lines_of(fixture(name)) == (TESTDATA / f"gotest_{name}.golden").read_text(encoding="utf-8")


def test_with_and_without_v_the_same_tests_failed() -> None:
    def failed(name: str) -> set[tuple[str | None, str]]:
        return {(case.package, case.name) for case in fixture(name).cases if case.status == "failed"}

    assert failed("make") == failed("quiet") and len(failed("make")) == 7


def test_a_pattern_that_matches_no_test_is_seen_though_go_says_ok() -> None:
    found = fixture("no_tests")
    assert found.no_tests and found.cases == () and found.problems == ()
    assert [each.status for each in found.packages] == ["no tests to run", "no tests to run", "no test files"]


@pytest.mark.parametrize(
    ("text", "no_tests"),
    [
        ("", True),
        ("make: nothing to be done", True),
        ("FAIL\ta [build failed]", True),
        ("ok  \ta\t(cached)\t[no tests to run]", True),
        ("testing: warning: no tests to run\nPASS\nok  \ta\t0.1s [no tests to run]\nok  \tb\t0.1s", False),
        ("ok  \ta\t0.01s\tcoverage: 5.0% of statements", False),
        ("PASS", False),
        ("=== RUN   TestA", False),
    ],
)
def test_no_tests_is_true_only_where_nothing_shows_that_one_ran(text: str, no_tests: bool) -> None:
    assert log(text).no_tests is no_tests


def test_parallel_output_goes_to_the_test_that_printed_it() -> None:
    one, two = (case for case in fixture("make").cases if case.package == "example.com/suite/parallel")
    assert (one.name, one.status, one.seconds) == ("TestOne", "failed", 0.02)
    assert one.output == "    p_test.go:3: one a\n    p_test.go:3: one b"
    assert two.output == "    p_test.go:4: two a\n    p_test.go:4: two b"


def test_nested_subtests_keep_their_own_output_without_v() -> None:
    text = (
        "--- FAIL: TestA (0.10s)\n    --- FAIL: TestA/b (0.02s)\n        --- FAIL: TestA/b/c (0.01s)\n"
        "            x_test.go:1: in c\n        x_test.go:2: in b\n    x_test.go:3: in a\n"
        "nobody's\nFAIL\nFAIL\tp\t0.1s\n"
    )
    assert [(case.name, case.output.strip()) for case in log(text).cases] == [
        ("TestA", "x_test.go:3: in a"),
        ("TestA/b", "x_test.go:2: in b"),
        ("TestA/b/c", "x_test.go:1: in c"),
    ]


def test_a_report_behind_unterminated_output_is_found_only_for_a_test_that_runs() -> None:
    text = (
        "=== RUN   TestA\nno news of --- PASS: TestB (0.00s)\ndots...--- FAIL: TestA (0.50s)\nFAIL\tp\t1.0s"
    )
    (case,) = log(text).cases
    assert case == TestCase("p", "TestA", "failed", 0.5, "no news of --- PASS: TestB (0.00s)\ndots...")


def test_a_test_run_twice_is_two_cases() -> None:
    run = "=== RUN   TestA\n--- PASS: TestA (0.00s)\n"
    failures = "--- FAIL: TestB (0.00s)\n    x_test.go:1: no\n" * 2
    found = log(f"{run}{failures}{run}FAIL\tp\t0.1s\n")
    assert [(case.name, case.status) for case in found.cases] == [
        ("TestA", "passed"),
        ("TestB", "failed"),
        ("TestB", "failed"),
        ("TestA", "passed"),
    ]
    assert {case.package for case in found.cases} == {"p"}


def test_a_test_that_never_ended_failed_and_is_a_problem() -> None:
    found = log("=== RUN   TestA\n=== PAUSE TestA\nout of any test\n=== CONT  TestA\nworking\n")
    assert found.cases == (TestCase(None, "TestA", "failed", None, "working"),)
    assert [(each.line, each.message) for each in found.problems] == [(1, "TestA never ended")]


def test_a_timeout_names_the_running_test_without_v() -> None:
    found = fixture("quiet")
    (hung,) = (case for case in found.cases if case.name == "TestHang")
    assert (hung.status, hung.seconds, hung.package) == ("failed", None, "example.com/suite/hangs")
    assert "timed out" in {each.message for each in found.problems}


def test_a_death_is_told_once_and_belongs_to_the_test_that_ran() -> None:
    found = log(
        "=== RUN   TestA\n=== PAUSE TestA\nfatal error: stack\npanic: again\nsignal: killed\nFAIL\tp\t1s\n"
    )
    assert [each.message for each in found.problems] == ["the process died", "TestA never ended"]
    assert found.cases[0].output.startswith("fatal error: stack")


def test_a_death_outside_any_test_is_still_a_problem() -> None:
    found = log("signal: killed\nmore\nFAIL\tp\t1.0s\n")
    assert found.cases == () and [each.line for each in found.problems] == [1]


def test_a_package_that_does_not_build_takes_no_tests_of_others() -> None:
    text = "# b\nb.go:1:1: undefined: x\n\t...\nnot the compiler\n=== RUN   TestA\nFAIL\tb [build failed]\n"
    found = log(f"{text}--- PASS: TestA (0.00s)\nok  \ta\t0.10s\n")
    assert [(case.package, case.name, case.status) for case in found.cases] == [("a", "TestA", "passed")]
    assert [(each.line, each.message) for each in found.problems] == [
        (2, "does not compile"),
        (3, "does not compile"),
        (6, "b does not build"),
    ]
    assert [(each.name, each.status) for each in found.packages] == [("b", "build failed"), ("a", "passed")]


def test_a_cached_result_is_told_apart_from_a_run() -> None:
    (package,) = fixture("cached").packages
    assert package.cached and package.status == "passed" and package.seconds is None


def test_windows_line_ends_change_nothing() -> None:
    text = (TESTDATA / "gotest_make.txt").read_text(encoding="utf-8")
    assert log(text.replace("\n", "\r\n")) == log(text)


def test_output_is_bounded() -> None:
    text = "=== RUN   TestA\n" + "x\n" * 1000 + "--- FAIL: TestA (0.00s)\n"
    assert log(text).cases[0].output.count("x") == 200


fragments = st.sampled_from(
    [
        "=== RUN   TestA",
        "=== NAME  TestA",
        "=== CONT  ",
        "--- PASS: TestA (0.00s)",
        "--- FAIL: TestA/b (1.00s)",
        "    ",
        "panic: ",
        "FAIL",
        "FAIL\tp\t1.0s",
        "ok  \tp\t1.0s",
        "?   \tp\t[no test files]",
        "# p",
        "\t\tT (1s)",
        "\n",
    ]
)


@given(st.lists(fragments | st.text(max_size=5), max_size=30).map("".join))
def test_no_text_raises_and_every_case_has_an_end(text: str) -> None:
    found = log(text)
    assert all(case.seconds is not None or case.status == "failed" for case in found.cases)
    assert all(1 <= each.line <= text.count("\n") + 1 for each in found.problems)
    assert not (found.no_tests and found.cases)
