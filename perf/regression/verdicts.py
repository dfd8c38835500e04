"""From numbers to a verdict, by two tables: one for what is timed, one for what is counted. Pure.

Each table is read from the top; the first row that applies gives the verdict. `alarm` marks a change that is not
believed yet: it is measured again on fresh rounds, and only what repeats is a regression or an improvement.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from perf.model import Verdict
from perf.regression.statistics import Estimate, more_rounds
from perf.units import format_fraction, format_quantity

MIN_ROUNDS: Final = 6
STEADY_ROUNDS: Final = 5
MOST_ROUNDS_NAMED: Final = 500

# Counted with the same iteration count on both sides these repeat, but for what a process allocates on its own.
# (share of the base, absolute): what is smaller than either is no change. Go allocates at least 8 bytes a time.
TOLERANCES: Final = {"allocs/op": (0.01, 1.0), "B/op": (0.01, 8.0)}


@dataclass(frozen=True, slots=True)
class Timed:
    """What the table for timed metrics looks at; `adjusted_p` is corrected over all `rows`, `alarm_p` its limit."""

    unit: str
    pairs: int
    usable: int
    equal: bool
    estimate: Estimate | None
    adjusted_p: float
    rows: int
    alarm_p: float
    least_effect: float
    higher_is_better: bool

    @property
    def certain(self) -> bool:
        """Whether a change is sure and large enough to matter."""
        found = self.estimate
        return (
            found is not None and self.adjusted_p <= self.alarm_p and abs(found.change) >= self.least_effect
        )

    @property
    def within(self) -> bool:
        """Whether the whole interval lies within ± the least effect."""
        found = self.estimate
        return found is not None and found.low >= -self.least_effect and found.high <= self.least_effect

    @property
    def worse(self) -> bool:
        assert self.estimate is not None
        return (self.estimate.log_change > 0.0) != self.higher_is_better


@dataclass(frozen=True, slots=True)
class Counted:
    """What the table for counted metrics looks at: every value of both sides."""

    unit: str
    base: tuple[float, ...]
    head: tuple[float, ...]

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
    def tolerated(self) -> bool:
        return abs(self.difference) < self.tolerance

    @property
    def apart(self) -> bool:
        """Whether no value of one side reaches into the other's range."""
        return min(self.head) > max(self.base) or max(self.head) < min(self.base)

    @property
    def jitters(self) -> bool:
        """Whether a side differs from itself by more than is tolerated between the sides."""
        return any(max(side) - min(side) >= self.tolerance for side in (self.base, self.head))

    @property
    def needed(self) -> int:
        """Rounds under which chance alone keeps two equal sides apart too often."""
        return MIN_ROUNDS if self.jitters else STEADY_ROUNDS

    @property
    def ranges(self) -> str:
        return f"base {_range(self.base, self.unit)}, head {_range(self.head, self.unit)}"


Facts = TypeVar("Facts")


@dataclass(frozen=True, slots=True)
class Rule(Generic[Facts]):
    """One row: when it applies, what it says, and why."""

    applies: Callable[[Facts], bool]
    verdict: Verdict
    reason: Callable[[Facts], str]
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, its reason, and whether fresh rounds must bear it out first."""

    verdict: Verdict
    reason: str
    alarm: bool = False


def _interval(facts: Timed) -> str:
    assert facts.estimate is not None
    return f"{signed(facts.estimate.low)} … {signed(facts.estimate.high)}"


def _undecided(facts: Timed) -> str:
    assert facts.estimate is not None
    more = more_rounds(facts.estimate, facts.least_effect, facts.alarm_p / facts.rows)
    rounds = "1 more round" if more == 1.0 else f"{more:.0f} more rounds"
    needs = f"needs about {rounds}" if more <= MOST_ROUNDS_NAMED else "too noisy here to tell"
    return f"{needs} (95 %: {_interval(facts)})"


TIMED: Final[tuple[Rule[Timed], ...]] = (
    Rule(lambda f: f.pairs == 0, Verdict.UNKNOWN, lambda f: "no round gave a value on both sides"),
    Rule(
        lambda f: f.pairs < MIN_ROUNDS,
        Verdict.UNKNOWN,
        lambda f: f"needs ≥ {MIN_ROUNDS} rounds, has {f.pairs}",
    ),
    Rule(lambda f: f.equal, Verdict.UNCHANGED, lambda f: "every value is equal"),
    Rule(
        lambda f: f.usable < MIN_ROUNDS,
        Verdict.UNKNOWN,
        lambda f: f"{f.pairs - f.usable} of {f.pairs} rounds gave zero or no number, which has no ratio",
    ),
    Rule(lambda f: f.certain and f.worse, Verdict.REGRESSION, _interval, alarm=True),
    Rule(lambda f: f.certain, Verdict.IMPROVEMENT, _interval, alarm=True),
    Rule(
        lambda f: f.within,
        Verdict.UNCHANGED,
        lambda f: f"within ± {format_fraction(f.least_effect)} (95 %: {_interval(f)})",
    ),
    Rule(lambda f: True, Verdict.UNKNOWN, _undecided),
)

COUNTED: Final[tuple[Rule[Counted], ...]] = (
    Rule(lambda f: f.rounds == 0, Verdict.UNKNOWN, lambda f: "no round gave a value on both sides"),
    Rule(
        lambda f: not all(map(math.isfinite, f.base + f.head)),
        Verdict.UNKNOWN,
        lambda f: "not a number in some round",
    ),
    Rule(lambda f: f.tolerated and not f.jitters, Verdict.UNCHANGED, lambda f: "counted the same"),
    Rule(
        lambda f: f.rounds < f.needed,
        Verdict.UNKNOWN,
        lambda f: f"needs ≥ {f.needed} rounds, has {f.rounds} ({f.ranges})",
    ),
    Rule(lambda f: f.tolerated, Verdict.UNCHANGED, lambda f: f"within tolerance, but jitters: {f.ranges}"),
    Rule(lambda f: f.apart and f.difference > 0.0, Verdict.REGRESSION, lambda f: f.ranges, alarm=True),
    Rule(lambda f: f.apart, Verdict.IMPROVEMENT, lambda f: f.ranges, alarm=True),
    Rule(lambda f: True, Verdict.UNKNOWN, lambda f: f"jitters by more than it changes: {f.ranges}"),
)


def judge(facts: Timed | Counted) -> Judgement:
    """The first row that applies."""
    return _first(TIMED, facts) if isinstance(facts, Timed) else _first(COUNTED, facts)


def confirm(first: Judgement, fresh: Judgement | None) -> Judgement:
    """What an alarm comes to once fresh rounds were judged by themselves; None when there were none."""
    if fresh is None:
        return Judgement(
            Verdict.UNKNOWN, f"{first.verdict} ({first.reason}) not confirmed: no time for fresh rounds"
        )
    if fresh.alarm and fresh.verdict is first.verdict:
        return Judgement(first.verdict, f"confirmed on fresh rounds: {fresh.reason}")
    return Judgement(
        Verdict.UNKNOWN, f"not confirmed: {first.verdict} at first ({first.reason}), then {fresh.reason}"
    )


def _first(table: Sequence[Rule[Facts]], facts: Facts) -> Judgement:
    rule = next(rule for rule in table if rule.applies(facts))
    return Judgement(rule.verdict, rule.reason(facts), rule.alarm)


def _range(values: Sequence[float], unit: str) -> str:
    low, high = format_quantity(min(values), unit), format_quantity(max(values), unit)
    return low if low == high else f"{low} to {high}"


def signed(fraction: float) -> str:
    """A change for people: "+3.2 %", "−12 %", "+1,350 %"."""
    size = abs(fraction)
    return f"{'−' if fraction < 0.0 else '+'}{f'{size:,.0%}'[:-1] + ' %' if size >= 10.0 else format_fraction(size)}"
