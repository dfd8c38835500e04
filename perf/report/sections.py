"""What the sections of the Markdown report share."""

from __future__ import annotations

from collections.abc import Callable

from perf.model import Outcome, RunRecord
from perf.report.escape import fence, prose
from perf.report.words import marked, outcomes_of

Blocks = list[str]


def part(record: RunRecord, scenario: str, heading: str, body: Callable[[Outcome], Blocks]) -> Blocks:
    """A scenario's part of a section; one that was not run says so."""
    found = outcomes_of(record, scenario)
    if not found:
        return [f"### {heading}", "Nothing measured: not part of this run."]
    blocks = []
    for outcome in found:
        blocks += [f"### {heading}", *body(outcome)]
        if outcome.error and outcome.result is not None:
            blocks.append(fence(outcome.error))
    return blocks


def nothing_measured(outcome: Outcome) -> str:
    """Why a scenario has no figures."""
    words = f"Nothing measured ({marked(outcome.status)}): {prose(outcome.summary)}"
    return f"{words}\n\n{fence(outcome.error)}" if outcome.error else words


def folded(heading: str, block: str) -> Blocks:
    """Shown on request; `heading` is plain and trusted."""
    return [f"<details>\n<summary>{heading}</summary>", block, "</details>"]
