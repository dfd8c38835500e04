"""junit.xml: a test case for each benchmark and metric. Only what was judged and did not get worse passes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree

from perf.model import Comparison, Outcome, Problem, RegressionResult, RunRecord, Status, Verdict
from perf.report.escape import one_line, several_lines, xml_text
from perf.report.regression_figures import (
    blame_of,
    commit,
    figures_of,
    place,
    share,
    why,
    worst_first,
)

# JUnit knows no "unknown"; what is skipped was not passed, and says why.
_ENDINGS: Final = {
    Verdict.REGRESSION: "failure",
    Verdict.IMPROVEMENT: "",
    Verdict.UNCHANGED: "",
    Verdict.UNKNOWN: "skipped",
    Verdict.MORE_WORK: "skipped",
    Verdict.BENCHMARK_CHANGED: "skipped",
}


@dataclass(frozen=True, slots=True)
class _Case:
    """`ending` is the element that says how it ended: "failure", "error", "skipped", or "" for passed."""

    package: str
    name: str
    ending: str = ""
    kind: str = ""
    message: str = ""
    text: str = ""
    position: str = ""


def junit(record: RunRecord, outcome: Outcome) -> str:
    """The regression as a JUnit report of one suite."""
    cases = list(_cases(outcome))
    totals = {
        "tests": str(len(cases)),
        **{
            name: str(sum(each.ending == ending for each in cases))
            for name, ending in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
        },
        "time": f"{outcome.seconds:.3f}",
    }
    root = ElementTree.Element("testsuites", {"name": "freightliner-perf", **totals})
    name = {"name": _visible(f"regression {record.target}"), "timestamp": _visible(record.started)}
    suite = ElementTree.SubElement(root, "testsuite", {**name, **totals})
    properties = ElementTree.SubElement(suite, "properties")
    for key, value in _properties(record, outcome).items():
        ElementTree.SubElement(properties, "property", {"name": key, "value": _visible(value)})
    for case in cases:
        _add(suite, case)
    if notes := list(_notes(outcome)):
        ElementTree.SubElement(suite, "system-out").text = xml_text("\n".join(map(one_line, notes)))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def _cases(outcome: Outcome) -> Iterator[_Case]:
    result = outcome.result
    compared = isinstance(result, RegressionResult) and bool(result.comparisons or result.proven)
    if isinstance(result, RegressionResult):
        yield from (_case(result, each) for each in worst_first(result.comparisons))
        yield from (_Case(each, "identical test binaries on both sides") for each in result.proven)
        yield from map(_of_problem, result.problems)
    if outcome.error or not compared:
        # A suite without a failing case would pass for one in which all is well.
        failed = outcome.status in (Status.FAILED, Status.INTERRUPTED)
        failed = failed or (bool(outcome.error) and outcome.status is not Status.LEFT_OUT)
        ending = "error" if failed else "skipped"
        yield _Case("regression", "comparison", ending, outcome.status, outcome.summary, outcome.error)


def _case(result: RegressionResult, row: Comparison) -> _Case:
    told = why(row) if row.verdict is Verdict.UNKNOWN else row.reason
    message = f"{row.verdict}: {figures_of(row)}" + (f"; {told}" if told else "")
    return _Case(
        row.package,
        f"{row.name} {row.unit}",
        _ENDINGS[row.verdict],
        row.verdict,
        message,
        _grown(result, row) if row.verdict is Verdict.REGRESSION else "",
        row.position,
    )


def _grown(result: RegressionResult, row: Comparison) -> str:
    blame = blame_of(result, row)
    if blame is None:
        return ""
    lines = [
        " ".join(
            part
            for part in (
                share(each),
                each.function,
                each.position,
                *(f"touched by {commit(touch)}" for touch in each.touched_by),
            )
            if part
        )
        for each in blame.functions
    ]
    return "\n".join(filter(None, [f"what grew, in {blame.unit}:", *lines, blame.note, blame.command]))


def _of_problem(problem: Problem) -> _Case:
    ending = "error" if problem.counts else "skipped"
    return _Case(
        problem.package, problem.name or "package", ending, problem.kind, problem.text, "", problem.position
    )


def _add(suite: ElementTree.Element, case: _Case) -> None:
    attributes = {"classname": _visible(case.package or "regression"), "name": _visible(case.name)}
    if (where := place(case.position)) is not None:
        attributes |= {"file": _visible(where.path), "line": str(where.line)}
    element = ElementTree.SubElement(suite, "testcase", attributes)
    if case.ending:
        how = {"message": _visible(case.message), "type": _visible(case.kind)}
        ElementTree.SubElement(element, case.ending, how).text = xml_text(several_lines(case.text)) or None


def _properties(record: RunRecord, outcome: Outcome) -> dict[str, str]:
    known = {"run": record.id, "machine": record.machine, "status": outcome.status}
    if isinstance(result := outcome.result, RegressionResult):
        known |= {
            "base": result.base.sha,
            "head": result.head.sha,
            "against": result.against,
            "counter": result.counter,
            "seed": str(result.seed),
        }
    return {name: value for name, value in known.items() if value}


def _notes(outcome: Outcome) -> Iterator[str]:
    yield from (f"warning: {each}" for each in outcome.warnings)
    if isinstance(result := outcome.result, RegressionResult):
        yield from (f"only in base: {each}" for each in result.only_base)
        yield from (f"only in head: {each}" for each in result.only_head)


def _visible(text: str) -> str:
    return xml_text(one_line(text))
