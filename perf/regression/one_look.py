"""Values of files and of stored runs, which cannot be measured again: one test, one table. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from perf.model import Verdict
from perf.regression.looks import MOST_ROUNDS_NAMED
from perf.regression.statistics import Estimate, more_rounds
from perf.regression.verdicts import COUNTED, PAIRED, Counted, Facts, Judgement, Rule, first_rule, signed
from perf.units import format_fraction


@dataclass(frozen=True, slots=True)
class OneLook:
    """A timed metric of files or stored runs. `adjusted_p` is corrected over all `rows`, `alarm_p` is its limit."""

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

    @property
    def interval(self) -> str:
        assert self.estimate is not None
        return f"{signed(self.estimate.low)} … {signed(self.estimate.high)}"


def _undecided(facts: OneLook) -> str:
    assert facts.estimate is not None
    more = more_rounds(facts.estimate, facts.least_effect, facts.alarm_p / facts.rows)
    rounds = "1 more round" if more == 1.0 else f"{more:.0f} more rounds"
    needs = f"needs about {rounds}" if more <= MOST_ROUNDS_NAMED else "too noisy here to tell"
    return f"{needs} (95 %: {facts.interval})"


ONE_LOOK: Final[tuple[Rule[OneLook], ...]] = (
    *PAIRED,
    Rule(
        "worse by the least effect or more, with an adjusted p within the level",
        lambda f: f.certain and f.worse,
        Verdict.REGRESSION,
        lambda f: f.interval,
        alarm=True,
    ),
    Rule(
        "better by the least effect or more, with an adjusted p within the level",
        lambda f: f.certain,
        Verdict.IMPROVEMENT,
        lambda f: f.interval,
        alarm=True,
    ),
    Rule(
        "the 95 % interval lies within ± the least effect",
        lambda f: f.within,
        Verdict.UNCHANGED,
        lambda f: f"within ± {format_fraction(f.least_effect)} (95 %: {f.interval})",
    ),
    Rule("none of these", lambda f: True, Verdict.UNKNOWN, _undecided),
)


def judge(facts: OneLook | Counted) -> Judgement:
    """Of values that cannot be measured again: what would be an alarm is the verdict, and is marked as one."""
    if isinstance(facts, OneLook):
        rule, judged = _first(ONE_LOOK, facts)
        return replace(judged, verdict=rule, estimate=facts.estimate)
    rule, judged = _first(COUNTED, facts)
    return replace(judged, verdict=rule)


def _first(table: Sequence[Rule[Facts]], facts: Facts) -> tuple[Verdict, Judgement]:
    rule = first_rule(table, facts)
    return rule.verdict, rule.judge(facts)
