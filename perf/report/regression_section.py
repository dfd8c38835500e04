"""The Markdown of the regression: worst first, what did not change folded, what grew, what to type next."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from perf.model import Blame, Comparison, Culprit, Outcome, RegressionResult, Side, Verdict
from perf.report.escape import cell, code, fence, one_line
from perf.report.regression_figures import (
    NEEDS,
    NOTE_OF_UNKNOWN,
    SENSE,
    blame_table,
    by_metric,
    commit,
    comparison_table,
    counted_by,
    explained,
    note_of,
    of_verdict,
    worst_first,
)
from perf.report.sections import Blocks, folded, nothing_measured, problems
from perf.report.tables import pipe
from perf.report.words import count, joined, marked

ALL: Final = sys.maxsize
MOST_BLAMES: Final = 50

# The most telling columns first: a wide table is shown through a narrow window.
_DECIDED: Final = ("verdict", "benchmark", "metric", "change", "base", "head", "interval", "why", "package")
_UNKNOWN: Final = ("verdict", "benchmark", "metric", "change", SENSE, NEEDS, "interval", "why", "package")


def regression_blocks(outcome: Outcome, most: int = ALL, *, unchanged_rows: bool = True) -> Blocks:
    """`most` limits the rows of each table and the names of each list; what is left out is counted."""
    result = outcome.result
    if not isinstance(result, RegressionResult):
        return [nothing_measured(outcome)]
    blocks = [_sides(result)]
    aside = (Verdict.UNCHANGED, Verdict.UNKNOWN)
    if decided := [each for each in worst_first(result.comparisons) if each.verdict not in aside]:
        blocks += [*_rows(decided, most, _DECIDED), note_of(result)]
    if unknown := of_verdict(result.comparisons, Verdict.UNKNOWN):
        blocks += [*_rows(unknown, most, _UNKNOWN), NOTE_OF_UNKNOWN if explained(unknown) else ""]
    if result.resume:
        blocks += ["The time ended before all was decided. To go on:", fence(one_line(result.resume), "sh")]
    blocks += _which_commit(result.culprits)
    blocks += what_grew(result.blames, most)
    blocks += _unchanged(of_verdict(result.comparisons, Verdict.UNCHANGED), most if unchanged_rows else 0)
    if result.proven:
        blocks.append(
            f"Identical test binaries on both sides, so unchanged without measuring ({len(result.proven)}): "
            f"{_names(result.proven, most)}."
        )
    for only, where in ((result.only_base, "base"), (result.only_head, "head")):
        if only:
            blocks.append(f"Only in {where}, so not compared: {_names(only, most)}.")
    return [*blocks, *problems(result.problems, most)]


def _which_commit(culprits: Sequence[Culprit]) -> Blocks:
    blocks: Blocks = []
    for each in culprits:
        blocks.append(
            f"#### Which commit did it: {code(each.name)}, {cell(each.unit)} ({code(each.package)})"
        )
        blocks += ["\n".join(f"- {cell(commit(touch))}" for touch in each.commits)] if each.commits else []
        blocks += [cell(each.summary), *([fence(one_line(each.command), "sh")] if each.command else [])]
    return blocks


def what_grew(blames: Sequence[Blame], most: int = ALL) -> Blocks:
    """A table a blame: the functions that cost more, with the commits in between that touched them."""
    blocks: Blocks = []
    shown_blames = min(most, MOST_BLAMES)
    for blame in blames[:shown_blames]:
        blocks.append(f"#### What grew in {code(blame.name)}, {cell(blame.unit)} ({code(blame.package)})")
        shown = blame_table(blame)
        if shown.rows:
            blocks += [
                pipe(shown.first(most).without_empty_columns()),
                *_more(len(shown.rows) - most, "function"),
            ]
        blocks += [cell(blame.note)] if blame.note else []
        if blame.files:
            blocks.append(f"Profiles, beside this run's record: {_names(blame.files, most)}.")
        blocks += [fence(one_line(blame.command), "sh")] if blame.command else []
    return [*blocks, *_more(len(blames) - shown_blames, "explained regression")]


def _sides(result: RegressionResult) -> str:
    dirty = " with changes that are not committed" if result.dirty else ""
    against = f" ({cell(result.against)})" if result.against != "base" else ""
    compared = (
        f"at most {count(result.rounds, 'round')} a benchmark" if result.comparisons else "nothing compared"
    )
    counter = f", {cell(counted)}" if (counted := counted_by(result)) else ""
    return (
        f"Head {_side(result.head)}{dirty} against base {_side(result.base)}{against}: {compared}{counter}, "
        f"seed {result.seed}."
    )


def _side(side: Side) -> str:
    return f"{code(side.sha[:12])} {cell(side.subject)}".rstrip()


def _rows(comparisons: Sequence[Comparison], most: int, titles: Sequence[str]) -> Blocks:
    shown = comparison_table(comparisons[:most]).with_columns(dict.fromkeys(titles, 0))
    return [pipe(shown.without_empty_columns()), *_more(len(comparisons) - most, "row")]


def _unchanged(unchanged: Sequence[Comparison], most: int) -> Blocks:
    if not unchanged:
        return []
    heading = f"{len(unchanged):,} {marked(Verdict.UNCHANGED)}: {cell(by_metric(unchanged))}"
    return folded(heading, "\n\n".join(_rows(unchanged, most, _DECIDED))) if most else [f"{heading}."]


def _names(names: Sequence[str], most: int) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return f"{joined(map(code, islice(names, most)))}{more}".strip()


def _more(number: int, noun: str) -> Iterable[str]:
    return [f"… and {count(number, noun)} more, in regression.json."] if number > 0 else []
