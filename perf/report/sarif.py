"""sarif.json: SARIF 2.1.0 for code scanning. Only confirmed regressions are results; what could not be judged is a
note about the run, since a code host makes an alert of every result, whatever its kind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from perf.model import Comparison, Outcome, RegressionResult, RunRecord, Status, Verdict
from perf.report.escape import one_line, several_lines
from perf.report.regression_figures import (
    Place,
    blame_of,
    figures_of,
    of_verdict,
    places_of,
    share,
    why,
)
from perf.report.regression_json import finite, middle

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST_RESULTS: Final = 5000
"""GitHub takes more, and shows as many."""

_FUNCTIONS_NAMED: Final = 3

Json = dict[str, object]


def sarif(record: RunRecord, outcome: Outcome) -> str:
    """The regression as a SARIF log of one run."""
    result = outcome.result
    rows: list[Comparison] = []
    if isinstance(result, RegressionResult):
        rows = of_verdict(result.comparisons, Verdict.REGRESSION)[:MOST_RESULTS]
    units = list(dict.fromkeys(each.unit for each in rows))
    run: Json = {
        "tool": {
            "driver": {
                "name": "freightliner-perf",
                "version": record.versions.get("perf", "unknown"),
                "rules": [_rule(unit) for unit in units],
            }
        },
        # Apart for each target, so that the results of one do not replace another's.
        "automationDetails": {"id": f"regression/{one_line(record.target)}/"},
        "invocations": [_invocation(record, outcome)],
        "columnKind": "utf16CodeUnits",
        "results": [_result(result, each, units) for each in rows]
        if isinstance(result, RegressionResult)
        else [],
    }
    log = {"version": "2.1.0", "$schema": SCHEMA, "runs": [run]}
    return json.dumps(log, allow_nan=False, ensure_ascii=False, indent=1) + "\n"


def _rule(unit: str) -> Json:
    name = one_line(unit)
    return {
        "id": _rule_id(unit),
        "shortDescription": {"text": _message(f"{name} got worse")},
        "fullDescription": {
            "text": _message(
                f"A benchmark's {name} is worse than at the base commit. The change was measured again in fresh "
                "processes before it was reported."
            )
        },
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["performance"]},
    }


def _rule_id(unit: str) -> str:
    return f"regression/{one_line(unit)}"


def _result(result: RegressionResult, row: Comparison, units: Sequence[str]) -> Json:
    places = places_of(result, row)
    found: Json = {
        "ruleId": _rule_id(row.unit),
        "ruleIndex": units.index(row.unit),
        "kind": "fail",
        "level": "error",
        "message": {"text": _message(_told(result, row))},
        "locations": [_location(row, places[0] if places else None)],
        # Code hosts match alerts by this key, else by the line's text: that is one for all metrics of a benchmark.
        "partialFingerprints": {"primaryLocationLineHash": fingerprint(row)},
        "properties": {
            "package": row.package,
            "benchmark": row.name,
            "metric": row.unit,
            "base": middle(row.base),
            "head": middle(row.head),
            "change": finite(row.change),
        },
    }
    if len(places) > 1:
        found["relatedLocations"] = [
            {
                "id": number,
                "message": {"text": _message(one_line(what))},
                "physicalLocation": _physical(where),
            }
            for number, (where, what) in enumerate(places[1:], start=1)
        ]
    return found


def fingerprint(row: Comparison) -> str:
    """The same for a benchmark's metric in every run, wherever its lines move."""
    key = "\0".join((row.package, row.name, row.unit)).encode("utf-8", "surrogatepass")
    return f"{hashlib.sha256(key).hexdigest()[:16]}:1"


def _told(result: RegressionResult, row: Comparison) -> str:
    first = f"{row.name}: {row.unit} {figures_of(row)} against {result.base.sha[:12]} ({row.package})."
    blame = blame_of(result, row)
    lines = [
        f"{share(each)} of what grew: {each.function}"
        for each in (blame.functions if blame else [])[:_FUNCTIONS_NAMED]
    ]
    return "\n".join(map(one_line, (first, *lines)))


def _location(row: Comparison, found: tuple[Place, str] | None) -> Json:
    name = one_line(f"{row.package}.{row.name}")
    location: Json = {
        "logicalLocations": [{"name": one_line(row.name), "fullyQualifiedName": name, "kind": "function"}]
    }
    return location if found is None else {"physicalLocation": _physical(found[0]), **location}


def _physical(place: Place) -> Json:
    uri = quote(place.path, safe="/", errors="replace")
    return {
        "artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": place.line},
    }


def _invocation(record: RunRecord, outcome: Outcome) -> Json:
    notes: list[Json] = []
    if isinstance(result := outcome.result, RegressionResult):
        unknown = of_verdict(result.comparisons, Verdict.UNKNOWN)
        notes += [_notification("note", _could_not_judge(each)) for each in unknown[:MOST_RESULTS]]
        notes += [
            _notification("warning", f"{each.package} {each.name} {each.kind}: {each.text}")
            for each in result.problems
            if each.counts
        ]
    notes += [_notification("warning", each) for each in outcome.warnings]
    if outcome.error:
        notes.append(_notification("error", outcome.error))
    judged = isinstance(result, RegressionResult) and not outcome.error
    invocation: Json = {
        "executionSuccessful": judged and outcome.status is not Status.INTERRUPTED,
        "exitCode": int(outcome.exit_code),
        "toolExecutionNotifications": notes,
    }
    if started := _utc(record.started):
        invocation["startTimeUtc"] = started
    return invocation


def _could_not_judge(row: Comparison) -> str:
    told = why(row)
    return f"unknown: {row.package} {row.name} {row.unit}{f': {told}' if told else ''}"


def _notification(level: str, text: str) -> Json:
    return {"level": level, "message": {"text": _message(several_lines(text) or "no words")}}


def _message(text: str) -> str:
    """Braces stand for arguments in SARIF's messages, and doubled for themselves."""
    return text.replace("{", "{{").replace("}", "}}")


def _utc(started: str) -> str:
    """The date and time of the run as SARIF writes them; "" where the record has none."""
    try:
        moment = datetime.fromisoformat(started)
    except ValueError:
        return ""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment.tzinfo else ""
