"""The search: builds places, measures them where it tells most, until one commit is left or the time ends."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from perf.bisect import belief as beliefs
from perf.bisect.belief import Belief, Value
from perf.bisect.builds import Builds
from perf.bisect.choice import Answer, answer, next_place
from perf.bisect.exact import Ends, ends_of, possible
from perf.bisect.line import GOOD, Line
from perf.bisect.model import Change, Ending, Metric, counted_change
from perf.bisect.probe import Gauge, read
from perf.regression.process import Measurement
from perf.regression.verdicts import TOLERANCES
from perf.system import clock
from perf.units import format_seconds

# A place is built together with those that may be asked for next.
_BUILT_AHEAD: Final = (0.25, 0.75)
# What is timed may fail because the machine is busy; a count fails the same way again.
_MOST_FAILURES: Final = 2
_Z: Final = 1.96
# So many values of a place tell its level; levels so many standard errors apart are two.
_VALUES_OF_A_LEVEL: Final = 4
_APART: Final = 4.0


@dataclass(frozen=True, slots=True)
class Seeds:
    """Processes of both ends that ran before, at one iteration count: whether it is the bad end's, and what it gave."""

    iterations: int
    runs: tuple[tuple[bool, Measurement], ...]


@dataclass(slots=True)
class Search:
    """A search on its way. `values` are in base units by the place they were measured at, in their order."""

    line: Line
    builds: Builds
    gauge: Gauge
    metric: Metric
    improvement: bool
    confidence: float
    seed: int
    deadline_seconds: float
    values: dict[int, list[float]] = field(default_factory=dict)
    order: list[Value] = field(default_factory=list)
    same_as: dict[int, int] = field(default_factory=dict)
    measurements: int = 0
    notes: list[str] = field(default_factory=list)
    measurable: NDArray[np.bool_] = field(init=False)
    prior: NDArray[np.float64] = field(init=False)
    _first: dict[str, int] = field(default_factory=dict)
    _failures: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.measurable = np.ones(self.line.size + 1, np.bool_)
        self.prior = np.ones(self.line.size)

    @property
    def out_of_time(self) -> bool:
        return clock.monotonic_seconds() >= self.deadline_seconds

    def begin_with(self, seeds: Seeds) -> None:
        """Take in what is known of the ends."""
        for bad, measured in seeds.runs:
            value = None if measured.problem is not None else read(self.gauge, self.metric, measured)
            if value is not None and value > 0.0:
                self._note(self.line.bad if bad else GOOD, value)

    def ready(self, place: int, chances: NDArray[np.float64]) -> bool:
        """Whether the place has a binary. A new one is built with what may be next; what they tell is taken in."""
        if place not in self.same_as and self.measurable[place]:
            reached = np.cumsum(chances)
            ahead = [int(np.searchsorted(reached, share * reached[-1])) + 1 for share in _BUILT_AHEAD]
            self.builds.ensure([place, *(ahead if not self.line.parents else ())])
            self.take_in()
        return bool(self.measurable[place])

    def take_in(self) -> None:
        """Places without a binary cannot be measured; those with the same are one, and nothing between them did it.

        Where one of them is an end, they are that end.
        """
        ends = (GOOD, self.line.bad)
        for place, built in sorted(
            self.builds.known().items(), key=lambda each: (each[0] not in ends, each[0])
        ):
            if built.binary is None:
                self.measurable[place] = False
            elif place not in self.same_as:
                first = self._first.setdefault(built.digest, place)
                self.same_as[place] = first
                if first != place:
                    rows = self.line.made_bad_by([first, place])
                    self.prior[rows[0] != rows[1]] = 0.0

    def measure(self, place: int) -> float | None:
        """A value more of a place; None where the process failed, which a second failure makes final."""
        place = self.same_as[place]
        binary = self.builds.at(place).binary
        if binary is None:
            return None
        found = self.gauge.value(
            self.metric, binary, len(self.values.get(place, ())) + self._failures.get(place, 0)
        )
        self.measurements += 1
        if isinstance(found, str) or (not self.metric.repeats and found <= 0.0):
            self._failures[place] = self._failures.get(place, 0) + 1
            if self.metric.repeats or self._failures[place] >= _MOST_FAILURES:
                self.builds.give_up(binary.digest, found if isinstance(found, str) else "used no time")
                self.take_in()
            return None
        self._note(place, found)
        return found

    def _note(self, place: int, value: float) -> None:
        self.values.setdefault(place, []).append(value)
        if not self.metric.repeats:
            self.order.append(Value(place, math.log(value)))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended, and the culprits that are left with the chance of each."""

    ending: Ending
    answer: Answer
    chances: NDArray[np.float64]
    change: Change | None


# -- counted ------------------------------------------------------------------------------------------------------


def search_counted(search: Search, least_work: float) -> Outcome:
    """Plain binary search between two levels, each counted twice."""
    line = search.line
    counts = {place: [search.measure(place) for _ in range(2)] for place in (GOOD, line.bad)}
    known = {place: [each for each in found if each is not None] for place, found in counts.items()}
    nothing = np.zeros(line.size)
    if not all(known.values()):
        return Outcome(Ending.UNDECIDED, Answer((), 0.0), nothing, None)
    good = statistics.median(known[GOOD])
    ends = ends_of(known[GOOD], known[line.bad], tolerance_of(search.metric, good, least_work))
    change = counted_change(ends.good, ends.bad)
    if not ends.differ or (ends.bad < ends.good) != search.improvement:
        return Outcome(Ending.NO_SHIFT, Answer((), 0.0), nothing, change)
    values: dict[int, float] = {}
    while True:
        left = possible(line, ends, values) & (search.prior > 0.0)
        chances = left / max(1, left.sum())
        found = answer(line, chances, search.measurable)
        if found.chance >= 1.0 - 1e-9:
            _tell_of_steps(search, ends, values, found)
            return Outcome(Ending.FOUND, found, chances, _own_change(line, ends, values, found))
        if search.out_of_time or not left.any():
            return Outcome(Ending.UNDECIDED, found, chances, change)
        place = _middle(line, chances, search.measurable)
        if not search.ready(place, chances):
            continue
        seen = search.values.get(search.same_as[place])
        if (value := statistics.median(seen) if seen else search.measure(place)) is not None:
            values[place] = value
        search.gauge.context.progress.count("commits that may be it", int(left.sum()), line.size)


def tolerance_of(metric: Metric, good: float, least_work: float) -> float:
    """What two counts of the same program may differ by."""
    if metric is Metric.INSTRUCTIONS:
        return 3.0 * least_work * good
    share, absolute = TOLERANCES[metric.unit]
    return max(share * good, absolute - 0.5)


def _middle(line: Line, chances: NDArray[np.float64], measurable: NDArray[np.bool_]) -> int:
    bad = line.chance_bad(chances)
    return int(np.argmax(np.where(measurable, bad * (1.0 - bad), -1.0)))


def _own_change(line: Line, ends: Ends, values: Mapping[int, float], found: Answer) -> Change:
    """From the nearest counted place before the culprit to it: the ends may differ by what others did, too."""
    levels = {**values, GOOD: ends.good, line.bad: ends.bad}
    before = line.before(found.places[0])
    while before not in levels:
        before = line.before(before)
    return counted_change(levels[before], levels.get(found.places[-1], ends.bad))


def _tell_of_steps(search: Search, ends: Ends, values: Mapping[int, float], found: Answer) -> None:
    others = [place for place, value in values.items() if ends.is_neither(value)]
    if others:
        named = ", ".join(str(place) for place in sorted(others))
        search.notes.append(
            f"at {named} the value is neither end's: more than one commit changed it, and this is the one that passes "
            "the middle; --scan shows all steps"
        )


# -- timed --------------------------------------------------------------------------------------------------------


def search_timed(search: Search) -> Outcome:
    """Measure where it tells most, until one answer is as likely as was asked for."""
    line, progress = search.line, search.gauge.context.progress
    started = clock.monotonic_seconds()
    while True:
        found = beliefs.believe(line, search.prior, search.order, downwards=search.improvement)
        best = answer(line, found.culprits, search.measurable)
        change = _timed_change(search, found)
        if best.chance >= search.confidence and best.places:
            check_levels(search, best)
            return Outcome(Ending.FOUND, best, found.culprits, change)
        if found.none >= search.confidence:
            return Outcome(Ending.NO_SHIFT, best, found.culprits, change)
        if search.out_of_time or not search.prior.any() or not search.measurable[[GOOD, line.bad]].all():
            return Outcome(Ending.UNDECIDED, best, found.culprits, change)
        rng = random.Random(f"{search.seed}/{len(search.order)}/{search.measurable.sum()}")
        counts = {place: len(search.values.get(first, ())) for place, first in search.same_as.items()}
        place = next_place(line, found, counts, search.measurable, rng)
        if not search.ready(place, found.culprits):
            continue
        search.measure(place)
        left = max(0.0, search.deadline_seconds - clock.monotonic_seconds())
        progress.status(
            f"{search.measurements} values in {format_seconds(clock.monotonic_seconds() - started)}, likeliest "
            f"{best.chance:.0%}, {format_seconds(left)} left"
        )


def _timed_change(search: Search, found: Belief) -> Change | None:
    if not math.isfinite(found.step_error):
        return None
    before = search.values.get(search.same_as.get(GOOD, GOOD), [])
    level = statistics.median(before) if before else math.nan
    low, high = (found.step + sign * _Z * found.step_error for sign in (-1.0, 1.0))
    return Change(
        math.expm1(found.step), math.expm1(low), math.expm1(high), level, level * math.exp(found.step)
    )


def check_levels(search: Search, found: Answer) -> None:
    """Whether each end lies on the level beside the culprit; else another commit changed it too, which is noted.

    A sharp step is found with a value or two of each place: those places get as many as this takes.
    """
    line, ends = search.line, (GOOD, search.line.bad)
    places = sorted(search.values)
    rows = line.made_bad_by(places)[:, found.places[-1] - 1]
    for end, side, where in zip(ends, (False, True), ("before", "after"), strict=True):
        others = [
            place for place, bad in zip(places, rows, strict=True) if bool(bad) is side and place not in ends
        ]
        if not others:
            continue
        near = min(others, key=lambda place: abs(place - found.places[-1]))
        for place in (end, near):
            for _ in range(_VALUES_OF_A_LEVEL - len(search.values.get(search.same_as[place], ()))):
                search.measure(place)
        one, other = (
            [math.log(each) for each in search.values[search.same_as[each]]] for each in (end, near)
        )
        apart = statistics.fmean(one) - statistics.fmean(other)
        error = _noise(search) * math.sqrt(1.0 / len(one) + 1.0 / len(other))
        if abs(apart) > _APART * error > 0.0:
            search.notes.append(
                f"the {'good' if end == GOOD else 'bad'} end lies {math.expm1(apart):+.1%} off the level {where} the "
                "culprit: another commit changed it too. Search that part by itself, or all by --scan"
            )


def _noise(search: Search) -> float:
    """The deviation of a value from the others of its place, on the log scale: whatever the levels are."""
    sides = [[math.log(each) for each in values] for values in search.values.values() if len(values) > 1]
    squares = sum((each - statistics.fmean(side)) ** 2 for side in sides for each in side)
    return math.sqrt(squares / max(1, sum(len(side) - 1 for side in sides)))
