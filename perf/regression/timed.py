"""One benchmark and one unit that is timed: its first rounds looked at in turn, judged by a table. Pure.

What seems changed is an alarm and no verdict yet: see confirmed.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from perf.model import Verdict
from perf.regression.looks import LOOKS, spend
from perf.regression.noise import rounds_for, rounds_left, smallest_shift
from perf.regression.statistics import CONFIDENCE, Shift, flip_p, log_ratios, middle, shifted
from perf.regression.verdicts import PAIRED, Judgement, Rule, first_rule, interval, signed
from perf.units import format_fraction


@dataclass(frozen=True, slots=True)
class Timed:
    """One benchmark, one timed unit: values of both sides, pair by pair in the order measured; some may be of no use.

    Fractions: a change below `least_effect` is never red; "unchanged" is what is proven worse by less than
    `unchanged_within`. `level` is the chance of a false alarm, in each direction, that all looks together may spend.
    """

    unit: str
    base: tuple[float, ...]
    head: tuple[float, ...]
    higher_is_better: bool
    least_effect: float
    unchanged_within: float
    level: float
    looks: tuple[int, ...] = LOOKS

    @property
    def pairs(self) -> int:
        return min(len(self.base), len(self.head))

    @property
    def ratios(self) -> tuple[float, ...]:
        """The log ratios of the pairs that have one."""
        return log_ratios(zip(self.base, self.head, strict=False))

    def worse(self, ratios: Sequence[float]) -> list[float]:
        """How much worse the head is, on the log scale; better is negative."""
        return [-each for each in ratios] if self.higher_is_better else list(ratios)

    def worse_by(self, fraction: float) -> float:
        """What a change for the worse of that fraction is on the log scale: 3 % of a rate are lost, of a time added."""
        return _shrunk(fraction) if self.higher_is_better else math.log1p(fraction)

    def better_by(self, fraction: float) -> float:
        return math.log1p(fraction) if self.higher_is_better else _shrunk(fraction)


def _shrunk(fraction: float) -> float:
    """How far down less by a fraction is on the log scale; nothing shrinks by the whole."""
    return -math.log1p(-fraction) if fraction < 1.0 else math.inf


@dataclass(frozen=True, slots=True)
class Look:
    """Rounds up to a look; or, not `at_look`, all that there are, of which nothing is concluded.

    `spends` is what the look may spend of the level; `centre` the middle of the log ratios, 0 of none.
    """

    timed: Timed
    pairs: int
    ratios: tuple[float, ...]
    centre: float
    at_look: bool = False
    spends: float = 0.0

    @property
    def usable(self) -> int:
        return len(self.ratios)

    @property
    def equal(self) -> bool:
        values = {*self.timed.base[: self.pairs], *self.timed.head[: self.pairs]}
        return len(values) == 1 and all(map(math.isfinite, values))

    @property
    def surely_worse(self) -> bool:
        """By the least effect or more, and more than chance may show."""
        timed = self.timed
        (centre,) = timed.worse([self.centre])
        return (
            centre >= timed.worse_by(timed.least_effect) and flip_p(timed.worse(self.ratios)) <= self.spends
        )

    @property
    def surely_better(self) -> bool:
        timed = self.timed
        (centre,) = timed.worse([self.centre])
        if -centre < timed.better_by(timed.least_effect):
            return False
        return flip_p([-each for each in timed.worse(self.ratios)]) <= self.spends

    @property
    def unchanged(self) -> bool:
        """Proven worse by less than `unchanged_within`, with the estimate itself inside of it both ways."""
        timed = self.timed
        (centre,) = timed.worse([self.centre])
        most = timed.worse_by(timed.unchanged_within)
        inside = -timed.better_by(timed.unchanged_within) < centre < most
        return self.at_look and inside and proven_less(timed.worse(self.ratios), most)

    @property
    def shift(self) -> Shift:
        return shifted(self.ratios)

    @property
    def more_rounds(self) -> int | None:
        """About how many more would decide, with the change and the noise as they look now; None for too many."""
        timed, found = self.timed, self.shift
        (worse,) = timed.worse([found.log_change])
        most = timed.worse_by(timed.unchanged_within)
        needed = [math.inf]
        if worse >= timed.worse_by(timed.least_effect) or -worse >= timed.better_by(timed.least_effect):
            needed.append(rounds_for(found, abs(worse), timed.level))
        if -timed.better_by(timed.unchanged_within) < worse < most:
            # What seems to lie beside the bound lies rather an error away from it, but no further than no change does.
            distance = max(most - worse, min(found.log_error or 0.0, most))
            needed.append(rounds_for(found, distance, 1.0 - CONFIDENCE))
        return rounds_left(min(needed), found.rounds)

    @property
    def smallest_seen(self) -> float | None:
        """The smallest change for the worse that so many rounds with this noise would show in four runs of five."""
        timed = self.timed
        looks = zip(timed.looks, spend(timed.level, timed.looks), strict=True)
        spent = [spends for look, spends in looks if look <= len(self.ratios) and spends]
        level = spent[-1] if spent else 0.0
        smallest = smallest_shift(self.ratios, level, timed.worse_by(timed.least_effect))
        if smallest is None:
            return None
        return -math.expm1(-smallest) if timed.higher_is_better else math.expm1(min(smallest, 700.0))


def proven_less(shifts: Sequence[float], bound: float) -> bool:
    """Whether a shift upwards by `bound` or more is excluded at 95 %; an infinite one always is."""
    return bound == math.inf or flip_p([bound - each for each in shifts]) <= 1.0 - CONFIDENCE


def _found(look: Look) -> str:
    found = look.shift
    return f"{signed(found.change)} over {found.rounds} rounds ({interval(found)})"


def _needs(look: Look) -> str:
    more = look.more_rounds
    if more is None:
        return f"too noisy here to tell ({interval(look.shift)})"
    return f"needs about {more} more round{'' if more == 1 else 's'} ({interval(look.shift)})"


TIMED: Final[tuple[Rule[Look], ...]] = (
    *PAIRED,
    Rule(
        "worse by the least effect or more, with a p that this look may spend",
        lambda f: f.surely_worse,
        Verdict.REGRESSION,
        _found,
        alarm=True,
        decided=True,
    ),
    Rule(
        "better by the least effect or more, with a p that this look may spend",
        lambda f: f.surely_better,
        Verdict.IMPROVEMENT,
        _found,
        alarm=True,
        decided=True,
    ),
    Rule(
        "proven (95 %) to be worse by less than the least effect, and itself within ± the least effect; where the work "
        "is the same, the least wait takes its place",
        lambda f: f.unchanged,
        Verdict.UNCHANGED,
        lambda f: f"slower by less than {format_fraction(f.timed.unchanged_within)}: {_found(f)}",
        decided=True,
    ),
    Rule("none of these", lambda f: True, Verdict.UNKNOWN, _needs),
)


def decide(timed: Timed) -> tuple[Rule[Look], Look]:
    """The first look that decides, with the rule that does; else all rounds so far."""
    ratios = timed.ratios
    for look, spends in zip(timed.looks, spend(timed.level, timed.looks), strict=True):
        if look > len(ratios):
            break
        seen = Look(timed, look, ratios[:look], middle(ratios[:look]), at_look=True, spends=spends)
        rule = first_rule(TIMED, seen)
        if rule.decided:
            return rule, seen
    seen = Look(timed, timed.pairs, ratios, middle(ratios) if ratios else 0.0)
    return first_rule(TIMED, seen), seen


def judge_timed(timed: Timed) -> Judgement:
    """The verdict of the first look that decides, else what all rounds so far say. An alarm is no verdict yet.

    Asked again with more rounds, a decision stays what it was.
    """
    rule, seen = decide(timed)
    judged = rule.judge(seen)
    if not seen.ratios:
        return judged
    return replace(
        judged,
        estimate=seen.shift,
        more_rounds=None if rule.decided else seen.more_rounds,
        smallest_seen=seen.smallest_seen,
    )
