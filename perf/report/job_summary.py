"""summary.md for a GitHub job, comment.md for a pull request: the verdict first, and never longer than GitHub takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from perf.errors import MEANINGS
from perf.model import Outcome, RegressionResult, RunRecord
from perf.report.escape import cell, encodable, fence, shorten
from perf.report.regression_figures import headline
from perf.report.regression_section import regression_blocks
from perf.report.sections import Blocks, conditions, folded
from perf.report.words import count

MARKER: Final = "<!-- freightliner-perf -->"
"""The first line of every comment, by which the next run finds the one to update."""

SUMMARY_BYTES: Final = 2**20
COMMENT_BYTES: Final = 65_536
"""GitHub counts a comment's characters; bytes are never fewer."""

_ERROR_LINES: Final = 60
_ERROR_CELLS: Final = 300
_ROW_BYTES: Final = 100
"""No row is shorter, so more of them need not be tried."""


def summary(record: RunRecord, outcome: Outcome, room_bytes: int = SUMMARY_BYTES) -> str:
    """The regression as a job summary of at most `room_bytes`."""

    def blocks(most: int) -> Blocks:
        return [*_head(record, outcome), *_body(outcome, most), *_rest(record, outcome, most)]

    return _within(room_bytes, _longest(outcome), blocks)


def comment(record: RunRecord, outcome: Outcome) -> str:
    """The regression as a comment of a pull request: as the summary, but unchanged rows are only counted."""

    def blocks(most: int) -> Blocks:
        body = _body(outcome, most, unchanged_rows=False)
        return [MARKER, *_head(record, outcome), *body, *_rest(record, outcome, most)]

    return _within(COMMENT_BYTES, _longest(outcome), blocks)


def _head(record: RunRecord, outcome: Outcome) -> Blocks:
    blocks = [f"### {cell(headline(outcome))}"]
    if record.exit_code != outcome.exit_code:
        blocks.append(
            f"This is the regression only; the whole run ended with exit {int(record.exit_code)}: "
            f"{MEANINGS[record.exit_code]}."
        )
    return blocks


def _body(outcome: Outcome, most: int, *, unchanged_rows: bool = True) -> Blocks:
    blocks = []
    if isinstance(outcome.result, RegressionResult):
        blocks = regression_blocks(outcome, most, unchanged_rows=unchanged_rows)
    lines = outcome.error.splitlines()
    if lines:
        shown = [shorten(line, _ERROR_CELLS) for line in lines[:_ERROR_LINES]]
        more = [f"… and {len(lines) - _ERROR_LINES:,} lines more"] if len(lines) > _ERROR_LINES else []
        blocks.append(fence("\n".join([*shown, *more])))
    return blocks


def _rest(record: RunRecord, outcome: Outcome, most: int) -> Blocks:
    warnings = [f"- warning: {cell(text)}" for text in outcome.warnings[:most]]
    if (more := len(outcome.warnings) - most) > 0:
        warnings.append(f"- and {count(more, 'warning')} more, in outcome.json")
    blocks = ["\n".join(warnings)] if warnings else []
    return [*blocks, *folded("How it was measured", "\n\n".join(conditions(record)))]


def _longest(outcome: Outcome) -> int:
    """How many items the longest list has that could be cut."""
    lists: list[int] = [len(outcome.warnings)]
    if isinstance(result := outcome.result, RegressionResult):
        lists += [len(result.comparisons), len(result.blames), len(result.problems), len(result.proven)]
        lists += [
            len(result.only_base),
            len(result.only_head),
            *(len(each.functions) for each in result.blames),
        ]
    return max(lists)


def _within(room_bytes: int, longest: int, blocks: Callable[[int], Blocks]) -> str:
    """The longest that fits: with ever fewer rows, and at last only as many of its blocks as there is room for."""
    most = min(longest, max(room_bytes, 0) // _ROW_BYTES)
    while True:
        text = _text(blocks(most))
        size = _bytes(text)
        if size <= room_bytes:
            return text
        if not most:
            break
        most = min(most * 3 // 4, most * max(room_bytes, 0) // size)
    kept = blocks(0)
    remainder = "… the rest is in `summary.md` and `regression.json` of the run."
    while kept and _bytes(_text([*kept, remainder])) > room_bytes:
        kept.pop()
    text = _text([*_closed(kept), remainder])
    return text if _bytes(text) <= room_bytes else ""


def _closed(blocks: Blocks) -> Blocks:
    """Without a fold that was opened and not closed."""
    opened = [index for index, block in enumerate(blocks) if block.startswith("<details>")]
    return blocks[: opened[-1]] if opened and "</details>" not in blocks[opened[-1] :] else blocks


def _text(blocks: Blocks) -> str:
    return "\n\n".join(block for block in blocks if block) + "\n"


def _bytes(text: str) -> int:
    return len(encodable(text).encode("utf-8"))
