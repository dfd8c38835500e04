"""What the sections of the Markdown report share."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Final

from perf.model import Outcome, Problem, RunRecord
from perf.report.escape import cell, code, fence, prose
from perf.report.figures import problem_table
from perf.report.tables import pipe
from perf.report.words import count, joined, marked, outcomes_of
from perf.units import format_seconds

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


def problems(found: Sequence[Problem], most: int = sys.maxsize) -> Blocks:
    """What failed, as a table of at most so many rows; what was left out on purpose stands in the summary."""
    counting = [each for each in found if each.counts]
    if not counting:
        return []
    more = f", the first {most:,}" if len(counting) > most else ""
    shown = pipe(problem_table(counting[:most]).without_empty_columns())
    return [f"❌ {count(len(counting), 'problem')}{more}:", shown]


def folded(heading: str, block: str) -> Blocks:
    """Shown on request; `heading` is plain and trusted."""
    return [f"<details>\n<summary>{heading}</summary>", block, "</details>"]


_PARTS: Final = {"cpu_model": "CPU", "memory_gib": "memory in GiB", "go_version": "Go"}


def conditions(record: RunRecord) -> Blocks:
    """What was measured, on what and with which seed, and the command that repeats it."""
    fingerprint = record.fingerprint
    commit = record.target_sha or "no commit: not a git repository"
    state = " (with changes that are not committed)" if record.target_dirty else ""
    subject = f" {cell(record.target_subject)}" if record.target_subject else ""
    known = {
        "target": f"{code(record.target)} at {code(commit)}{subject}{state}",
        "machine": f"{code(record.machine)}: "
        + joined(
            f"{_PARTS.get(name, name.replace('_', ' '))} {cell(str(value))}"
            for name, value in fingerprint.items()
        ),
        "effort": f"{cell(record.effort)}, {format_seconds(record.seconds)} in all, from {cell(record.started)}",
        "versions": joined(f"{cell(name)} {cell(version)}" for name, version in record.versions.items()),
        "seed of the order": str(record.seed),
        "raw results": code(f".perf/runs/{record.id}/"),
    }
    lines = "\n".join(f"- {name}: {text}" for name, text in known.items() if text)
    return [lines, "To repeat it:", fence(shlex.join(record.command), "sh")] if record.command else [lines]
