"""The regression as tables, places and phrases; every rendering and export is made from these."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Final

from perf.model import Blame, Comparison, GrownFunction, Outcome, RegressionResult, Status, Touch, Verdict
from perf.report.figures import centre, quantity
from perf.report.tables import ABSENT, Column, Kind, Table, table
from perf.report.words import change, count, joined, marked, took

WORST_FIRST: Final = (
    Verdict.REGRESSION,
    Verdict.UNKNOWN,
    Verdict.BENCHMARK_CHANGED,
    Verdict.MORE_WORK,
    Verdict.IMPROVEMENT,
    Verdict.UNCHANGED,
)
_COUNTED: Final = {Verdict.REGRESSION, Verdict.IMPROVEMENT}
_ADJECTIVES: Final = {
    Verdict.MORE_WORK: "with more work",
    Verdict.BENCHMARK_CHANGED: "of a changed benchmark",
}
_POSITION: Final = re.compile(r"(?P<path>.+?):(?P<line>\d{1,9})(?::\d+)?")

SENSE: Final = "could see"
NEEDS: Final = "more rounds"

_NOTE: Final = (
    "base and head are medians; a time's change is {estimate} with its interval, "
    "so it need not be the medians' ratio."
)
_OF_PAIRS: Final = "that of its pairs (Hodges–Lehmann estimate of log ratios)"
_OF_STORED: Final = "that between the trimmed means of both sides' logarithms"
NOTE_OF_UNKNOWN: Final = (
    f'"{SENSE}": the smallest change that rounds this many and this noisy find in four runs of five; '
    f'"{NEEDS}": about how many more would decide.'
)


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file; `path` is relative to the repository."""

    path: str
    line: int


def worst_first(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """By verdict, regressions first; within each the largest change first. What came from nothing is the largest."""
    return sorted(comparisons, key=lambda each: (WORST_FIRST.index(each.verdict), -_size(each)))


def _size(comparison: Comparison) -> float:
    if comparison.change is not None:
        return abs(comparison.change)
    return math.inf if comparison.verdict is Verdict.REGRESSION else 0.0


def of_verdict(comparisons: Iterable[Comparison], *verdicts: Verdict) -> list[Comparison]:
    return worst_first(each for each in comparisons if each.verdict in verdicts)


def tally(comparisons: Iterable[Comparison]) -> str:
    """ "2 regressions, 1 unknown, 40 unchanged"; "" of none."""
    counts = Counter(each.verdict for each in comparisons)
    return joined(
        count(counts[verdict], verdict)
        if verdict in _COUNTED
        else f"{counts[verdict]:,} {_ADJECTIVES.get(verdict, verdict)}"
        for verdict in WORST_FIRST
        if counts[verdict]
    )


def by_metric(comparisons: Iterable[Comparison]) -> str:
    """ "14 instructions/op, 12 sec/op", the commonest first."""
    return joined(
        f"{number:,} {unit}" for unit, number in Counter(each.unit for each in comparisons).most_common()
    )


def headline(outcome: Outcome) -> str:
    """The verdict of the regression in one line, with its mark."""
    result = outcome.result
    mark = marked(outcome.status).partition(" ")[0]
    if not isinstance(result, RegressionResult):
        return f"{mark} {outcome.status}: {outcome.summary}"
    told = tally(result.comparisons)
    if outcome.status is Status.FAILED:
        return f"{mark} {told or outcome.summary}"
    if outcome.status is Status.PASSED:
        return f"{mark} no regression: {told or 'identical test binaries, nothing to measure'}"
    status = "cannot tell" if outcome.status is Status.UNKNOWN else outcome.status
    return f"{mark} {status}: {told or outcome.summary}"


def change_of(comparison: Comparison) -> str:
    """The change with its sign; "from 0" where the base had none."""
    if comparison.change is None and comparison.base and comparison.head:
        return "from 0" if median(comparison.base) == 0.0 != median(comparison.head) else ABSENT
    return change(comparison.change, comparison.unit)


def note_of(result: RegressionResult) -> str:
    """What the figures of decided rows are: with a stored base there are no pairs."""
    return _NOTE.format(estimate=_OF_STORED if result.against == "stored" else _OF_PAIRS)


def counted_by(result: RegressionResult) -> str:
    """ "instructions counted by valgrind 3.19.0 in 5.2 s"; "" where none were counted."""
    # Counts that were kept from an earlier run take no time; neither does counting that never began.
    seconds = took(result.counting_seconds or 0.0)
    within = "" if seconds == took(0.0) else f" in {seconds}"
    told = within or any(each.unit.startswith("instructions") for each in result.comparisons)
    return f"instructions counted by {result.counter}{within}" if result.counter and told else ""


def figures_of(comparison: Comparison) -> str:
    """ "1.85 M → 2.95 M (+59.46 %)" in the comparison's unit."""
    sides = f"{centre(comparison.base, comparison.unit)} → {centre(comparison.head, comparison.unit)}"
    moved = change_of(comparison)
    return sides if moved == ABSENT else f"{sides} ({moved})"


def _would_take(comparison: Comparison) -> list[str]:
    """What a row could have seen, and what would decide it, as far as known."""
    words = []
    if comparison.smallest_seen is not None:
        words.append(f"could have seen {_smallest(comparison)}")
    if comparison.more_rounds is not None:
        words.append(f"needs about {count(comparison.more_rounds, 'more round')}")
    return words


def why(comparison: Comparison) -> str:
    """The reason and, as far as it does not say so itself, what it would take."""
    taken = [each for each in _would_take(comparison) if each not in comparison.reason]
    return joined([comparison.reason, *taken] if comparison.reason else taken)


def comparison_table(comparisons: Iterable[Comparison]) -> Table:
    """Everything known of each row; a renderer picks, and drops the columns in which nothing stands."""
    return table(
        (
            Column("verdict", Kind.WORD),
            Column("benchmark", Kind.NAME),
            Column("metric", Kind.TEXT),
            Column("base"),
            Column("head"),
            Column("change"),
            Column("interval"),
            Column(SENSE),
            Column(NEEDS),
            Column("values"),
            Column("package", Kind.NAME),
            Column("why", Kind.TEXT),
        ),
        [
            (
                marked(each.verdict),
                each.name,
                each.unit,
                centre(each.base, each.unit),
                centre(each.head, each.unit),
                change_of(each),
                _interval(each),
                _smallest(each) if each.verdict is Verdict.UNKNOWN else ABSENT,
                ABSENT if each.more_rounds is None else f"{each.more_rounds:,}",
                _values(each),
                each.package,
                each.reason or ABSENT,
            )
            for each in comparisons
        ],
    )


def explained(comparisons: Iterable[Comparison]) -> bool:
    """Whether a row says what it would take, so that `NOTE_OF_UNKNOWN` is wanted."""
    return any(each.verdict is Verdict.UNKNOWN and _would_take(each) for each in comparisons)


def _interval(comparison: Comparison) -> str:
    if comparison.low is None or comparison.high is None:
        return ABSENT
    return f"{change(comparison.low, comparison.unit)} … {change(comparison.high, comparison.unit)}"


def _smallest(comparison: Comparison) -> str:
    if comparison.smallest_seen is None:
        return ABSENT
    return f"± {change(abs(comparison.smallest_seen), comparison.unit).removeprefix('+')}"


def _values(comparison: Comparison) -> str:
    """How many values a side; both where they differ."""
    sides = {len(comparison.base), len(comparison.head)}
    return str(sides.pop()) if len(sides) == 1 else f"{len(comparison.base)}, {len(comparison.head)}"


# -- blame --------------------------------------------------------------------------------------------------------


def blame_table(blame: Blame) -> Table:
    """The functions that grew, the one that grew most first."""
    return table(
        (
            Column("function", Kind.NAME),
            Column("where", Kind.NAME),
            Column("base"),
            Column("head"),
            Column("share"),
            Column("touched by", Kind.TEXT),
        ),
        [
            (
                each.function,
                each.position,
                quantity(each.base, blame.unit),
                quantity(each.head, blame.unit),
                share(each),
                "; ".join(map(commit, each.touched_by)) or ABSENT,
            )
            for each in blame.functions
        ],
    )


def share(function: GrownFunction) -> str:
    """Its part of all that grew: "62 %"; none where it was touched and may call what grew."""
    return f"{function.share * 100:.0f} %" if function.share >= 0.005 else ABSENT


def commit(touch: Touch) -> str:
    author = f" ({touch.author})" if touch.author else ""
    return f"{touch.sha[:12]} {touch.subject}{author}"


def blame_of(result: RegressionResult, comparison: Comparison) -> Blame | None:
    """What grew in that row; else in another metric of the same benchmark."""
    same = [
        each for each in result.blames if (each.package, each.name) == (comparison.package, comparison.name)
    ]
    return next((each for each in same if each.unit == comparison.unit), same[0] if same else None)


# -- places -------------------------------------------------------------------------------------------------------


def place(position: str) -> Place | None:
    """file:line as a place of the repository; None for none, and for what lies outside of it."""
    found = _POSITION.fullmatch(position.strip())
    if found is None:
        return None
    path, line = found["path"].removeprefix("./"), int(found["line"])
    outside = path.startswith("/") or "\\" in path or ".." in path.split("/")
    return None if outside or not path or line < 1 else Place(path, line)


def places_of(result: RegressionResult, comparison: Comparison) -> list[tuple[Place, str]]:
    """Where a regression shows, the most telling first: functions that grew and were touched, others that grew, the
    benchmark. Each with what stands there."""
    blame = blame_of(result, comparison)
    functions = sorted(blame.functions if blame else (), key=lambda each: not each.touched_by)
    positions = [(each.position, each.function) for each in functions]
    positions.append((comparison.position, comparison.name))
    found = [(where, what) for position, what in positions if (where := place(position)) is not None]
    return [each for index, each in enumerate(found) if each[0] not in {one for one, _ in found[:index]}]
