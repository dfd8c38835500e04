"""From numbers to a verdict by tables; here the one for what is allocated. Pure.

Each table is read from the top; the first row that applies gives the verdict. An `alarm` is not believed yet: it is
measured again, and only what repeats is red or green. timed.py and confirmed.py have the tables of time, worked.py that
of instructions, one_look.py that of values which cannot be measured again.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Generic, Protocol, TypeVar

from perf.model import Verdict
from perf.regression.statistics import Found
from perf.units import format_fraction, format_quantity

MIN_ROUNDS: Final = 6
STEADY_ROUNDS: Final = 5

# Counted with the same iteration count on both sides these repeat, but for what a process allocates on its own.
# (share of the base, absolute): what is smaller than either is no change. Go allocates at least 8 bytes a time.
TOLERANCES: Final = {"allocs/op": (0.0, 1.0), "B/op": (0.01, 8.0)}
# What jitters counts as the same only where a change of so much could not hide in it.
LEAST_EFFECT: Final = 0.03

Facts = TypeVar("Facts", contravariant=True)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and its reason. An `alarm` must be borne out by fresh values: `suspected` says what of.

    `decided`: more rounds would change nothing. `more_rounds`: about how many would decide what is not.
    `smallest_seen`: the smallest change for the worse, a fraction, that such rounds would show in four runs of five.
    """

    verdict: Verdict
    reason: str
    alarm: bool = False
    decided: bool = False
    suspected: Verdict | None = None
    estimate: Found | None = None
    more_rounds: int | None = None
    smallest_seen: float | None = None


@dataclass(frozen=True, slots=True)
class Rule(Generic[Facts]):
    """One row: when it applies (in words and as a function), what it says, and why."""

    when: str
    applies: Callable[[Facts], bool]
    verdict: Verdict
    reason: Callable[[Facts], str]
    alarm: bool = False
    decided: bool = False

    def judge(self, facts: Facts) -> Judgement:
        """An alarm is no verdict yet."""
        reason = self.reason(facts)
        if self.alarm:
            return Judgement(
                Verdict.UNKNOWN, reason, alarm=True, decided=self.decided, suspected=self.verdict
            )
        return Judgement(self.verdict, reason, decided=self.decided)


def first_rule(table: Sequence[Rule[Facts]], facts: Facts) -> Rule[Facts]:
    """The first row that applies; the last row of every table always does."""
    return next(rule for rule in table if rule.applies(facts))


# -- pairs ----------------------------------------------------------------------------------------


class Pairs(Protocol):
    """Pairs of values: how many there are, how many have a ratio, and whether every value is the same."""

    @property
    def pairs(self) -> int: ...
    @property
    def usable(self) -> int: ...
    @property
    def equal(self) -> bool: ...


# The first rows of every table that judges pairs.
PAIRED: Final[tuple[Rule[Pairs], ...]] = (
    Rule(
        "no round gave a value on both sides",
        lambda f: f.pairs == 0,
        Verdict.UNKNOWN,
        lambda f: "no round gave a value on both sides",
    ),
    Rule(
        f"fewer than {MIN_ROUNDS} rounds",
        lambda f: f.pairs < MIN_ROUNDS,
        Verdict.UNKNOWN,
        lambda f: f"needs ≥ {MIN_ROUNDS} rounds, has {f.pairs}",
    ),
    Rule(
        "every value of both sides is equal",
        lambda f: f.equal,
        Verdict.UNCHANGED,
        lambda f: "every value is equal",
        decided=True,
    ),
    Rule(
        f"fewer than {MIN_ROUNDS} rounds without a zero, a negative value, a NaN or an infinity",
        lambda f: f.usable < MIN_ROUNDS,
        Verdict.UNKNOWN,
        lambda f: (
            f"{f.pairs - f.usable} of {f.pairs} rounds gave zero, a negative or no number, which has no ratio"
        ),
    ),
)


# -- counted -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counted:
    """What the table for counted metrics looks at: every value of both sides; the fresh ones once there are some."""

    unit: str
    base: tuple[float, ...]
    head: tuple[float, ...]
    fresh_base: tuple[float, ...] = ()
    fresh_head: tuple[float, ...] = ()

    @property
    def rounds(self) -> int:
        return min(len(self.base), len(self.head))

    @property
    def difference(self) -> float:
        return statistics.median(self.head) - statistics.median(self.base)

    @property
    def tolerance(self) -> float:
        share, absolute = TOLERANCES[self.unit]
        return max(absolute, share * abs(statistics.median(self.base)))

    @property
    def jitter(self) -> float:
        """The most that a side differs from itself."""
        return max(max(side) - min(side) for side in (self.base, self.head))

    @property
    def same(self) -> bool:
        """Within the tolerance; or all within less than anybody minds, whichever values one picks."""
        spread = max(*self.base, *self.head) - min(*self.base, *self.head)
        least = LEAST_EFFECT * abs(statistics.median(self.base))
        return abs(self.difference) < self.tolerance or (self.jitters and not self.apart and spread <= least)

    @property
    def apart(self) -> bool:
        """Whether every value of one side lies beyond the other's range, by more than either side jitters."""
        gap = max(min(self.head) - max(self.base), min(self.base) - max(self.head))
        return gap > self.jitter

    @property
    def jitters(self) -> bool:
        """Whether a side differs from itself by what would be a change between the sides."""
        return self.jitter >= self.tolerance

    @property
    def needed(self) -> int:
        """Rounds under which chance alone keeps two equal sides apart too often."""
        return MIN_ROUNDS if self.jitters else STEADY_ROUNDS

    @property
    def ranges(self) -> str:
        return f"base {_range(self.base, self.unit)}, head {_range(self.head, self.unit)}"


COUNTED: Final[tuple[Rule[Counted], ...]] = (
    Rule(
        "no round gave a value on both sides",
        lambda f: f.rounds == 0,
        Verdict.UNKNOWN,
        lambda f: "no round gave a value on both sides",
    ),
    Rule(
        "a value is no number, or below zero",
        lambda f: not all(math.isfinite(each) and each >= 0.0 for each in f.base + f.head),
        Verdict.UNKNOWN,
        lambda f: "in some round it is no number, or below zero",
    ),
    Rule(
        "the medians differ by less than the tolerance (allocs/op: one; B/op: 1 % or 8 bytes, whichever is more), "
        "or all values lie within 3 %",
        lambda f: f.same,
        Verdict.UNCHANGED,
        lambda f: f"within tolerance, but jitters: {f.ranges}" if f.jitters else "counted the same",
    ),
    Rule(
        f"fewer than {STEADY_ROUNDS} rounds; {MIN_ROUNDS} where a side jitters by the tolerance or more",
        lambda f: f.rounds < f.needed,
        Verdict.UNKNOWN,
        lambda f: f"needs ≥ {f.needed} rounds, has {f.rounds} ({f.ranges})",
    ),
    Rule(
        "the head's values all lie above the base's, by more than either side jitters",
        lambda f: f.apart and f.difference > 0.0,
        Verdict.REGRESSION,
        lambda f: f.ranges,
        alarm=True,
    ),
    Rule(
        "the head's values all lie below, by more than either side jitters",
        lambda f: f.apart,
        Verdict.IMPROVEMENT,
        lambda f: f.ranges,
        alarm=True,
    ),
    Rule(
        "none of these",
        lambda f: True,
        Verdict.UNKNOWN,
        lambda f: f"jitters by more than it changes: {f.ranges}",
    ),
)


def judge_counted(facts: Counted) -> Judgement:
    """An alarm until there are fresh values; with them, the verdict if they raise the same alarm by themselves."""
    first = first_rule(COUNTED, facts).judge(facts)
    if not first.alarm:
        return first
    if not facts.fresh_base and not facts.fresh_head:
        return unconfirmed(first)
    fresh = Counted(facts.unit, facts.fresh_base, facts.fresh_head)
    return _confirmed(first, first_rule(COUNTED, fresh).judge(fresh))


# -- confirmation -------------------------------------------------------------------------------------------------


def unconfirmed(first: Judgement) -> Judgement:
    """What no fresh value has borne out."""
    reason = f"{first.suspected} ({first.reason}) not confirmed: not counted again"
    return replace(first, verdict=Verdict.UNKNOWN, reason=reason)


def _confirmed(first: Judgement, fresh: Judgement) -> Judgement:
    """What an alarm comes to once fresh values were judged by themselves."""
    if first.suspected is not None and fresh.suspected is first.suspected:
        return Judgement(first.suspected, f"confirmed on fresh rounds: {fresh.reason}", decided=True)
    return Judgement(
        Verdict.UNKNOWN,
        f"not confirmed: {first.suspected} at first ({first.reason}), then {fresh.reason}",
        decided=True,
    )


# -- words --------------------------------------------------------------------------------------------------------


def _range(values: Sequence[float], unit: str) -> str:
    low, high = format_quantity(min(values), unit), format_quantity(max(values), unit)
    return low if low == high else f"{low} to {high}"


def interval(found: Found) -> str:
    """For people: "95 %: +1 % … +5.2 %"."""
    if found.low is None or found.high is None:
        return "too few rounds for an interval"
    return f"95 %: {signed(found.low)} … {signed(found.high)}"


def signed(fraction: float) -> str:
    """A change for people: "+3.2 %", "−12 %", "+1,350 %"; "+0 %" where it is less than arithmetic can tell."""
    size = abs(fraction)
    if size < 1e-9:
        return "+0 %"
    return f"{'−' if fraction < 0.0 else '+'}{f'{size:,.0%}'[:-1] + ' %' if size >= 10.0 else format_fraction(size)}"
