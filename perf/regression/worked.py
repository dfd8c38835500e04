"""Instructions per operation: whether the work changed, and the verdict with what time says. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from perf.model import Verdict
from perf.regression.statistics import t_quantile
from perf.regression.verdicts import Judgement, Rule, first_rule, unconfirmed
from perf.units import format_quantity

INSTRUCTIONS: Final = "instructions/op"
# The chance that jitter alone parts two equal sides in one direction: of the first counts, which cost little to count
# again, and of the fresh ones.
FIRST_LEVEL: Final = 0.02
FRESH_LEVEL: Final = 0.002


class Work(StrEnum):
    """What the counts of both sides say. JITTERY: nothing, since a change of the least effect could hide in them."""

    SAME = "same"
    MORE = "more"
    LESS = "less"
    JITTERY = "jittery"
    UNMEASURED = "not counted"


class Time(StrEnum):
    """What all time rows of a benchmark say together."""

    NOT_MEASURED = "not measured"
    NO_WORSE = "no worse"
    WORSE = "worse"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Worked:
    """What the table for instructions looks at: a value for each long run, the fresh ones once there are some."""

    base: tuple[float, ...]
    head: tuple[float, ...]
    least_work: float
    least_effect: float
    fresh_base: tuple[float, ...] = ()
    fresh_head: tuple[float, ...] = ()
    time: Time = Time.NOT_MEASURED

    @property
    def first(self) -> Work:
        return compare_work(self.base, self.head, self.least_work, self.least_effect)

    @property
    def fresh(self) -> Work:
        sides = self.fresh_base, self.fresh_head
        return compare_work(*sides, self.least_work, self.least_effect, FRESH_LEVEL)

    @property
    def shown(self) -> str:
        return _counts(self.base, self.head)

    @property
    def shown_again(self) -> str:
        return _counts(self.fresh_base, self.fresh_head)


def compare_work(
    base: Sequence[float],
    head: Sequence[float],
    least_work: float,
    least_effect: float,
    level: float = FIRST_LEVEL,
) -> Work:
    """Whether a side surely executes more instructions an operation. Two values a side are the least that can say.

    More or less: by `least_work` at least, every value beyond all of the other side, and the means further apart than
    jitter explains (Student's t on the pooled deviation). Same: no change of `least_effect` could hide in the jitter.
    """
    sides = [tuple(base), tuple(head)]
    if min(map(len, sides)) < 2 or not all(0.0 < value < math.inf for side in sides for value in side):
        return Work.UNMEASURED
    change = statistics.median(head) / statistics.median(base) - 1.0
    means = [statistics.fmean(side) for side in sides]
    df = len(sides[0]) + len(sides[1]) - 2
    squares = sum(
        (value / mean - 1.0) ** 2 for side, mean in zip(sides, means, strict=True) for value in side
    )
    error = math.sqrt(squares / df * sum(1.0 / len(side) for side in sides))
    beyond = min(head) > max(base) or max(head) < min(base)
    surely = abs(means[1] / means[0] - 1.0) > t_quantile(1.0 - 2.0 * level, df) * error
    if beyond and surely and abs(change) >= least_work:
        return Work.MORE if change > 0.0 else Work.LESS
    hidden = abs(change) + t_quantile(0.9, df) * error
    return Work.SAME if hidden < least_effect else Work.JITTERY


WORKED: Final[tuple[Rule[Worked], ...]] = (
    Rule(
        "a side has fewer than two counts, or one that is no positive number",
        lambda f: f.first is Work.UNMEASURED,
        Verdict.UNKNOWN,
        lambda f: "not counted twice on both sides",
    ),
    Rule(
        "no surely different work, and no change of the least effect could hide in the jitter",
        lambda f: f.first is Work.SAME,
        Verdict.UNCHANGED,
        lambda f: f"the same work: {f.shown}",
    ),
    Rule(
        "no surely different work, but a change of the least effect could hide in the jitter (no row: time decides)",
        lambda f: f.first is Work.JITTERY,
        Verdict.UNKNOWN,
        lambda f: f"instructions jitter too much to tell: {f.shown}",
    ),
    Rule(
        "surely more work, not counted afresh yet",
        lambda f: f.first is Work.MORE and not f.fresh_head,
        Verdict.REGRESSION,
        lambda f: f.shown,
        alarm=True,
    ),
    Rule(
        "surely less work, not counted afresh yet",
        lambda f: f.first is Work.LESS and not f.fresh_head,
        Verdict.IMPROVEMENT,
        lambda f: f.shown,
        alarm=True,
    ),
    Rule(
        "fresh counts say that it is the same work",
        lambda f: f.fresh is Work.SAME,
        Verdict.UNCHANGED,
        lambda f: f"the same work on fresh counts: {f.shown_again} ({f.first} at first: {f.shown})",
    ),
    Rule(
        "fresh counts do not say what the first ones did",
        lambda f: f.first is not f.fresh,
        Verdict.UNKNOWN,
        lambda f: f"not confirmed: {f.first} work at first ({f.shown}), then {f.shown_again}",
    ),
    Rule(
        "less work, confirmed",
        lambda f: f.first is Work.LESS,
        Verdict.IMPROVEMENT,
        lambda f: f"{f.shown}, confirmed on fresh counts",
    ),
    Rule(
        "more work, confirmed, and every time row of the benchmark is unchanged or better",
        lambda f: f.time is Time.NO_WORSE,
        Verdict.MORE_WORK,
        lambda f: f"{f.shown}, confirmed on fresh counts; its time is no worse",
    ),
    Rule(
        "more work, confirmed",
        lambda f: True,
        Verdict.REGRESSION,
        lambda f: f"{f.shown}, confirmed on fresh counts",
    ),
)


def judge_worked(facts: Worked) -> Judgement:
    """An alarm until there are fresh counts."""
    judged = first_rule(WORKED, facts).judge(facts)
    return unconfirmed(judged) if judged.alarm else judged


def _counts(base: Sequence[float], head: Sequence[float]) -> str:
    before, after = statistics.median(base), statistics.median(head)
    return f"{format_quantity(before, INSTRUCTIONS)} → {format_quantity(after, INSTRUCTIONS)}"
