"""GitHub workflow commands: a mark on the line where a regression shows, in the log and in the changed files."""

from __future__ import annotations

from typing import Final

from perf.model import Comparison, Outcome, RegressionResult, RunRecord, Status, Verdict
from perf.report.escape import command_data, command_property, one_line, several_lines, shorten
from perf.report.regression_figures import (
    Place,
    blame_of,
    change_of,
    figures_of,
    headline,
    of_verdict,
    places_of,
    share,
)
from perf.report.words import count, joined

MOST_ERRORS: Final = 10
"""GitHub shows ten of each kind a step."""

_LONGEST_TITLE: Final = 200
_FUNCTIONS_NAMED: Final = 3


def commands(record: RunRecord, outcome: Outcome) -> tuple[str, ...]:
    """An error for each benchmark that got worse, worst first; then one warning for what they leave unsaid."""
    result = outcome.result
    if not isinstance(result, RegressionResult):
        return _without_result(outcome)
    benchmarks: dict[tuple[str, str], list[Comparison]] = {}
    for each in of_verdict(result.comparisons, Verdict.REGRESSION):
        benchmarks.setdefault((each.package, each.name), []).append(each)
    lines = [_error(result, worse) for worse in list(benchmarks.values())[:MOST_ERRORS]]
    unsaid = []
    if (more := len(benchmarks) - MOST_ERRORS) > 0:
        unsaid.append(f"{count(more, 'benchmark')} more got worse")
    if unknown := of_verdict(result.comparisons, Verdict.UNKNOWN):
        unsaid.append(f"{count(len(unknown), 'row')} could not be judged")
    if problems := sum(problem.counts for problem in result.problems):
        unsaid.append(f"{count(problems, 'problem')} kept benchmarks from giving a number")
    if unsaid or (not lines and outcome.status is not Status.PASSED):
        what = joined(unsaid) or outcome.summary
        lines.append(
            _command("warning", None, f"regression of {record.target}", f"{what}; see the job summary")
        )
    return tuple(lines)


def _without_result(outcome: Outcome) -> tuple[str, ...]:
    """What ended before it compared anything: the compiler's words, or what is lacking."""
    if outcome.status is Status.PASSED:
        return ()
    level = "error" if outcome.status is Status.FAILED else "warning"
    return (_command(level, None, headline(outcome), outcome.error or outcome.summary),)


def _error(result: RegressionResult, worse: list[Comparison]) -> str:
    first = worse[0]
    places = places_of(result, first)
    changes = joined(f"{each.unit} {change_of(each)}" for each in worse)
    message = [f"{first.package} {first.name}", *(f"{each.unit}: {figures_of(each)}" for each in worse)]
    blame = blame_of(result, first)
    message += [
        f"{share(each)} of what grew: {each.function}{f' ({each.position})' if each.position else ''}"
        for each in (blame.functions if blame else [])[:_FUNCTIONS_NAMED]
    ]
    return _command("error", places[0][0] if places else None, f"{first.name}: {changes}", "\n".join(message))


def _command(level: str, place: Place | None, title: str, message: str) -> str:
    properties = {"title": shorten(one_line(title), _LONGEST_TITLE)}
    if place is not None:
        properties = {"file": place.path, "line": str(place.line), **properties}
    written = _joined(properties)
    return f"::{level} {written}::{command_data(several_lines(message))}"


def _joined(properties: dict[str, str]) -> str:
    return ",".join(f"{name}={command_property(value)}" for name, value in properties.items())
