"""The two sides of every row, judged by the tables of perf.regression.verdicts over the whole board. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from perf.model import Verdict
from perf.regression.one_look import OneLook, judge
from perf.regression.statistics import (
    Estimate,
    has_logarithm,
    holm,
    log_ratios,
    paired,
    unpaired,
)
from perf.regression.verdicts import MIN_ROUNDS, TOLERANCES, Counted, signed
from perf.units import format_fraction, format_quantity

MOST_ITERATIONS_RATIO: Final = 1.1
# What a benchmark may allocate once and not each time; more than that is not taken for it. (Observed: 36 kB.)
MOST_ALLOCATED_ONCE: Final = {"allocs/op": 1e4, "B/op": 2.0**24}

# What files alone can say: nothing is counted there, and nothing is built.
VERDICTS: Final = (Verdict.REGRESSION, Verdict.IMPROVEMENT, Verdict.UNCHANGED, Verdict.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a verdict is held to, as fractions: the false alarms allowed on a board, the least effect that matters, and
    the standard deviation (of the log) by which two runs of equal code are taken to differ."""

    alpha: float = 0.01
    least_effect: float = 0.03
    between_runs: float = 0.0
    paired: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """One metric on one side: its values, and the iterations of all lines, in the order of the lines."""

    values: tuple[float, ...]
    iterations: tuple[int, ...]

    @property
    def whole(self) -> bool:
        """Whether every line gave the metric, so that a value's place is its round."""
        return len(self.values) == len(self.iterations)


@dataclass(frozen=True, slots=True)
class Question:
    """One row before its verdict. `doubt` says why no verdict can stand; `exact` that the metric has no noise."""

    unit: str
    base: Side
    head: Side
    higher_is_better: bool = False
    exact: bool = False
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict with its reason; `estimate` and the p adjusted for the board where the metric is judged by a test."""

    verdict: Verdict
    reason: str
    estimate: Estimate | None = None
    adjusted_p: float | None = None


def judge_board(questions: Sequence[Question], limits: Limits) -> tuple[Answer, ...]:
    """An answer each, corrected for one another: every row that could raise an alarm by its p counts."""
    estimates = [_estimate(each, limits) for each in questions]
    tested = [
        index
        for index, (each, found) in enumerate(zip(questions, estimates, strict=True))
        if found is not None and found.rounds >= MIN_ROUNDS and not each.doubt
    ]
    p_values = [found.p for index in tested if (found := estimates[index]) is not None]
    adjusted = dict(zip(tested, holm(p_values), strict=True))
    return tuple(
        _answer(each, estimates[index], adjusted.get(index), max(1, len(tested)), limits)
        for index, each in enumerate(questions)
    )


def _estimate(question: Question, limits: Limits) -> Estimate | None:
    """By a test where the metric has noise; counted and exact metrics have none to estimate."""
    base, head = question.base.values, question.head.values
    if question.unit in TOLERANCES or _is_exact(question):
        return None
    if not limits.paired:
        return unpaired(base, head, limits.between_runs)
    return None if _unpairable(question) else paired(log_ratios(zip(base, head, strict=True)))


def _answer(
    question: Question, found: Estimate | None, adjusted_p: float | None, rows: int, limits: Limits
) -> Answer:
    if question.doubt:
        return Answer(Verdict.UNKNOWN, question.doubt, found)
    if _is_exact(question):
        return _exact(question, limits.least_effect)
    if question.unit in TOLERANCES:
        return _counted(question)
    if limits.paired and (why := _unpairable(question)):
        return Answer(Verdict.UNKNOWN, why)
    base, head = question.base.values, question.head.values
    facts = OneLook(
        unit=question.unit,
        pairs=min(len(base), len(head)),
        usable=_usable(base, head, limits.paired),
        equal=len({*base, *head}) == 1,
        estimate=found,
        adjusted_p=1.0 if adjusted_p is None else adjusted_p,
        rows=rows,
        alarm_p=limits.alpha,
        least_effect=limits.least_effect,
        higher_is_better=question.higher_is_better,
    )
    judged = judge(facts)
    reason = "sure on the whole board" if judged.alarm else judged.reason
    if limits.between_runs and adjusted_p is not None and judged.verdict is Verdict.UNKNOWN:
        reason = (
            f"two runs may differ by {format_fraction(limits.between_runs)} by themselves: more of these lines cannot "
            "tell; measure both sides in turn and say --paired"
        )
    return Answer(judged.verdict, reason, found, adjusted_p)


def _usable(base: Sequence[float], head: Sequence[float], in_pairs: bool) -> int:
    """How many rounds have a ratio."""
    if in_pairs:
        return sum(has_logarithm(one) and has_logarithm(other) for one, other in zip(base, head, strict=True))
    return min(sum(map(has_logarithm, side)) for side in (base, head))


def _unpairable(question: Question) -> str:
    """Why the values can't be paired by their places; "" when they can. A guess would pair strangers."""
    base, head = question.base, question.head
    if len(base.values) != len(head.values):
        return f"{len(base.values)} values against {len(head.values)}: which belong together cannot be told"
    if not (base.whole and head.whole):
        return "some lines lack the metric: which values belong together cannot be told"
    return ""


# -- counted ------------------------------------------------------------------------------------------------------


def _counted(question: Question) -> Answer:
    judged = judge(Counted(question.unit, question.base.values, question.head.values))
    if judged.alarm and (why := _allocated_once(question)):
        return Answer(Verdict.UNKNOWN, f"{judged.reason}; {why}")
    return Answer(judged.verdict, judged.reason)


def _allocated_once(question: Question) -> str:
    """Why the change may be none of the code: what is allocated once weighs more where there were fewer iterations.

    A count per operation is each + once / N. From both sides with one `each` and one `once`, `once` follows; if it is
    neither negative, nor more than the whole, nor beyond MOST_ALLOCATED_ONCE, the iterations alone may explain it.
    """
    base_n, head_n = (statistics.median(side.iterations) for side in (question.base, question.head))
    base, head = (statistics.median(side.values) for side in (question.base, question.head))
    if max(base_n, head_n) <= MOST_ITERATIONS_RATIO * min(base_n, head_n):
        return ""
    once = (head - base) / (1.0 / head_n - 1.0 / base_n)
    if 0.0 < once <= min(base * base_n, head * head_n, MOST_ALLOCATED_ONCE[question.unit]):
        size = format_quantity(once, question.unit.removesuffix("/op"))
        return (
            f"{size} allocated once would explain it, over {base_n:,.0f} and {head_n:,.0f} iterations: "
            "run both sides with the same -benchtime=Nx"
        )
    return ""


# -- exact --------------------------------------------------------------------------------------------------------


def _is_exact(question: Question) -> bool:
    """Declared so (`Unit x assume=exact`), and so it is: one value a side. One that varies is judged by a test."""
    return question.exact and all(len(set(side.values)) == 1 for side in (question.base, question.head))


def _exact(question: Question, least_effect: float) -> Answer:
    base, head = question.base.values[0], question.head.values[0]
    if base == head:
        return Answer(Verdict.UNCHANGED, "exactly equal")
    change = ratio_change(base, head)
    if change is not None and abs(change) < least_effect:
        return Answer(
            Verdict.UNCHANGED, f"exactly {signed(change)}, less than {format_fraction(least_effect)}"
        )
    said = "an exact metric" if change is None else f"exactly {signed(change)}"
    worse = (head > base) != question.higher_is_better
    return Answer(Verdict.REGRESSION if worse else Verdict.IMPROVEMENT, said)


def ratio_change(base: float, head: float) -> float | None:
    """head / base − 1; None from zero or less, where a share means nothing."""
    if base == head:
        return 0.0
    return head / base - 1.0 if base > 0.0 and math.isfinite(head) else None


def geometric_mean(values: Sequence[float]) -> float:
    """Of positive values."""
    return math.exp(math.fsum(map(math.log, values)) / len(values))
