"""Fresh rounds after an alarm: only what they say too is red or green. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from perf.model import Verdict
from perf.regression.looks import spend
from perf.regression.statistics import flip_p, middle, shifted
from perf.regression.timed import Timed, judge_timed, proven_less
from perf.regression.verdicts import Judgement, Rule, first_rule, interval, signed


@dataclass(frozen=True, slots=True)
class Again:
    """Fresh rounds up to a look, after the alarm of the first ones. `first` and `fresh` are signed so that up is as it
    said; `least` is the least effect on that scale; `over` where no fresh look is left."""

    alarm: Judgement
    first: tuple[float, ...]
    fresh: tuple[float, ...]
    least: float
    over: bool
    at_look: bool = False
    spends: float = 0.0

    @property
    def confirmed(self) -> bool:
        """Fresh rounds alone must show the change; that it matters, all rounds together.

        The first ones were picked for being large, so together they say a little too much; but to ask for the least
        effect of the fresh ones alone would lose half of what is as large as that.
        """
        return middle((*self.first, *self.fresh)) >= self.least and flip_p(self.fresh) <= self.spends

    @property
    def refuted(self) -> bool:
        return self.at_look and proven_less(self.fresh, self.least)


def _not_confirmed(again: Again) -> str:
    return f"not confirmed: {again.alarm.suspected} at first ({again.alarm.reason}), then {_fresh(again)}"


def _fresh(again: Again) -> str:
    upwards = again.alarm.estimate is not None and again.alarm.estimate.log_change > 0.0
    found = shifted(again.fresh if upwards else tuple(-each for each in again.fresh))
    return f"{signed(found.change)} over {found.rounds} fresh rounds ({interval(found)})"


CONFIRMED: Final[tuple[Rule[Again], ...]] = (
    Rule(
        "no fresh round gave a value on both sides",
        lambda f: not f.fresh,
        Verdict.UNKNOWN,
        lambda f: f"{f.alarm.suspected} ({f.alarm.reason}) not confirmed: no time for fresh rounds",
    ),
    Rule(
        "fresh rounds alone are worse with a p that this look may spend, and all rounds together by the least effect",
        lambda f: f.confirmed and f.alarm.suspected is Verdict.REGRESSION,
        Verdict.REGRESSION,
        lambda f: f"confirmed: {_fresh(f)}",
        decided=True,
    ),
    Rule(
        "the same for the better",
        lambda f: f.confirmed,
        Verdict.IMPROVEMENT,
        lambda f: f"confirmed: {_fresh(f)}",
        decided=True,
    ),
    Rule(
        "fresh rounds prove (95 %) a change below the least effect",
        lambda f: f.refuted,
        Verdict.UNKNOWN,
        _not_confirmed,
        decided=True,
    ),
    Rule("no fresh look is left", lambda f: f.over, Verdict.UNKNOWN, _not_confirmed, decided=True),
    Rule("none of these", lambda f: True, Verdict.UNKNOWN, lambda f: f"{_not_confirmed(f)} so far"),
)


def confirm_timed(first: Timed, fresh: Timed) -> Judgement:
    """What the alarm of the first rounds comes to after these fresh ones, walked at their own looks.

    What was no alarm stays what it was. The estimate is that of all rounds.
    """
    alarm = judge_timed(first)
    if not alarm.alarm:
        return alarm
    worse = alarm.suspected is Verdict.REGRESSION
    before, after = (
        tuple(each if worse else -each for each in timed.worse(timed.ratios)) for timed in (first, fresh)
    )
    least = (first.worse_by if worse else first.better_by)(first.least_effect)
    for look, spends in zip(fresh.looks, spend(fresh.level, fresh.looks), strict=True):
        if look > len(after):
            break
        again = Again(alarm, before, after[:look], least, look == fresh.looks[-1], True, spends)
        rule = first_rule(CONFIRMED, again)
        if rule.decided:
            return _settled(rule, again, first)
    again = Again(alarm, before, after, least, over=False)
    return _settled(first_rule(CONFIRMED, again), again, first)


def _settled(rule: Rule[Again], again: Again, first: Timed) -> Judgement:
    upwards = (again.alarm.suspected is Verdict.REGRESSION) != first.higher_is_better
    together = (*again.first, *again.fresh)
    estimate = shifted(together if upwards else tuple(-each for each in together))
    return replace(rule.judge(again), estimate=estimate, smallest_seen=again.alarm.smallest_seen)
