"""What other programs read of a regression: files beside outcome.json, by name. Pure: the caller writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from perf.model import Outcome, RunRecord
from perf.report import github, job_summary, junit, regression_json, sarif
from perf.report.escape import encodable
from perf.report.words import joined, outcomes_of

_WRITERS: Final[dict[str, Callable[[RunRecord, Outcome], str]]] = {
    "summary.md": job_summary.summary,
    "comment.md": job_summary.comment,
    "junit.xml": junit.junit,
    "sarif.json": sarif.sarif,
    "regression.json": regression_json.regression_json,
}

NAMES: Final = tuple(_WRITERS)


def exports(record: RunRecord) -> dict[str, str]:
    """File name → text of every export; none where the run has no regression. Each text can be written as UTF-8."""
    outcome = _regression(record)
    if outcome is None:
        return {}
    return {name: encodable(write(record, outcome)) for name, write in _WRITERS.items()}


def where(directory: str) -> str:
    """One line that says where they lie."""
    *names, last = NAMES
    return f"for CI: {joined(names)} and {last} in {directory}"


def github_commands(record: RunRecord) -> tuple[str, ...]:
    """Lines on standard output that GitHub Actions shows as annotations; none where the run has no regression."""
    outcome = _regression(record)
    return () if outcome is None else github.commands(record, outcome)


def step_summary(record: RunRecord, already_bytes: int) -> str:
    """What to append to GitHub's step summary, in which so many bytes stand; "" where the run has no regression."""
    outcome = _regression(record)
    if outcome is None:
        return ""
    apart = "\n" if already_bytes else ""
    room = job_summary.SUMMARY_BYTES - already_bytes - len(apart)
    text = encodable(job_summary.summary(record, outcome, room))
    return f"{apart}{text}" if text else ""


def _regression(record: RunRecord) -> Outcome | None:
    found = outcomes_of(record, "regression")
    return found[-1] if found else None
