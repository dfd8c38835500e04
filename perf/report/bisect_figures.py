"""What a bisect's answer comes to in words and places; every rendering of it is made from these."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Final

from perf.bisect.model import BisectResult, Change, Commit, Ending, Level, Metric, State
from perf.report import words
from perf.report.escape import one_line, shorten
from perf.report.figures import quantity
from perf.report.tables import ABSENT

LONGEST_SUBJECT: Final = 200
SHORT: Final = 12
_NAMES: Final = {
    Metric.INSTRUCTIONS: "instructions per op",
    Metric.ALLOCS: "allocations per op",
    Metric.BYTES: "bytes allocated per op",
    Metric.CPU: "CPU time per op",
    Metric.WALL: "time per op",
}
_SURE: Final = 0.9995
_UNLIKELY: Final = 0.001
_TELLING: Final = 0.01
"""Of counts that need not be the same from run to run."""


def metric_name(metric: Metric) -> str:
    """As people say it: "CPU time per op"."""
    return _NAMES[metric]


def chance(share: float) -> str:
    """ "97.3 %"; never "100 %" and never "0 %", since no measurement says so."""
    if share >= _SURE:
        return "over 99.9 %"
    return "under 0.1 %" if share < _UNLIKELY else f"{share * 100:.1f} %"


def subject(commit: Commit) -> str:
    return shorten(one_line(commit.subject), LONGEST_SUBJECT)


def value(number: float, unit: str) -> str:
    return quantity(number, unit) if math.isfinite(number) else ABSENT


def moved(change: Change, unit: str) -> str:
    """ "+10.2 % (95 %: +9.1 % … +11.3 %)"; without an interval where it was counted, "from 0" from nothing."""
    if not math.isfinite(change.fraction):
        return "from 0"
    by = signed(change.fraction, unit)
    if change.low is None or change.high is None or not math.isfinite(change.low + change.high):
        return by
    return f"{by} (95 %: {signed(change.low, unit)} … {signed(change.high, unit)})"


def signed(fraction: float, unit: str) -> str:
    """A change with its sign; what rounds to nothing has none."""
    return words.change(round(fraction, 4 if unit.startswith("instructions") else 3), unit)


def sides(change: Change, unit: str) -> str:
    """ "1.05 ms → 1.16 ms"; counts with all digits where rounded they read the same."""
    before, after = value(change.before, unit), value(change.after, unit)
    if before == after and change.before != change.after and "sec" not in unit:
        before, after = f"{change.before:,.10g}", f"{change.after:,.10g}"
    return f"{before} → {after}"


def measured(result: BisectResult) -> list[Level]:
    """Places with values, in their order."""
    return [each for each in result.levels if has_values(each)]


def has_values(level: Level) -> bool:
    return any(map(math.isfinite, level.values))


def middle(values: Iterable[float]) -> float:
    """The median of those that are numbers."""
    return statistics.median(each for each in values if math.isfinite(each))


def likeliest(result: BisectResult, most: int) -> list[Level]:
    """Places by their chance to be the culprit, the likeliest first; none that have none."""
    able = [each for each in result.levels if each.chance > 0.0]
    return sorted(able, key=lambda each: (-each.chance, each.place))[:most]


def suspects(result: BisectResult) -> tuple[int, ...]:
    """The answer's places: the culprits, or those of the only step that a scan saw."""
    if result.ending is Ending.SCANNED and len(result.steps) == 1:
        return result.steps[0].places
    return result.culprits


def kinds(levels: Sequence[Level], unit: str) -> str:
    """ "9 commits: 2 measured (1.05 ms to 1.06 ms), 7 not looked at"; "7 commits: not looked at"."""
    parts = []
    for state, kind in _KINDS.items():
        if of_kind := [each for each in levels if each.state is state]:
            told = _range(of_kind, unit) if state is State.MEASURED else _reason(of_kind)
            parts.append((f"{len(of_kind):,} ", f"{kind} ({told})" if told else kind))
    number = words.count(len(levels), "commit")
    if len(parts) == 1:
        return f"{number}: {parts[0][1]}"
    return f"{number}: {words.joined(f'{how_many}{what}' for how_many, what in parts)}"


def _range(levels: Iterable[Level], unit: str) -> str:
    middles = [middle(each.values) for each in levels if has_values(each)]
    if not middles:
        return ""
    low, high = value(min(middles), unit), value(max(middles), unit)
    return low if low == high else f"{low} to {high}"


def _reason(levels: Iterable[Level]) -> str:
    """The reason that all of them have."""
    reasons = {one_line(each.reason) for each in levels}
    return shorten(reasons.pop(), _LONGEST_REASON) if len(reasons) == 1 else ""


_KINDS: Final = {
    State.MEASURED: "measured",
    State.SKIPPED: "unmeasurable",
    State.SAME: "same binary",
    State.BUILT: "built only",
    State.UNTOUCHED: "not looked at",
}
_LONGEST_REASON: Final = 80


def in_a_line(result: BisectResult) -> str:
    """The answer: "culprit: 3a5a18693a5a copy: digest each layer twice"."""
    match result.ending:
        case Ending.FOUND | Ending.BENCHMARK_CHANGED if result.culprits:
            what = "culprit" if result.ending is Ending.FOUND else "the benchmark itself changed"
            if (number := len(result.culprits)) > 1:
                return f"{what}: one of {words.count(number, 'commit')} that cannot be told apart"
            commit = result.levels[result.culprits[0]].commit
            return f"{what}: {commit.sha[:SHORT]} {subject(commit)}"
        case Ending.SCANNED:
            return f"{words.count(len(result.steps), 'step') if result.steps else 'no step'} along the range"
        case Ending.NO_SHIFT if other_way(result):
            asked = "lower" if result.improvement else "higher"
            return f"{metric_name(result.metric)} is not {asked} at the bad end"
        case Ending.NO_SHIFT:
            return f"the ends do not differ in {metric_name(result.metric)}"
        case _:
            return str(result.ending)


def other_way(result: BisectResult) -> bool:
    """Whether the ends differ against the direction that was asked for, beyond doubt."""
    change, sign = result.change, -1.0 if result.improvement else 1.0
    if change is not None and change.low is not None and change.high is not None:
        return max(sign * change.low, sign * change.high) < 0.0
    if change is None or not (result.metric is Metric.ALLOCS or abs(change.fraction) >= _TELLING):
        return False
    good, bad = (result.levels[place].values for place in (0, -1))
    if not result.metric.repeats or not good or not bad:
        return False
    return max(bad) < min(good) if sign > 0.0 else min(bad) > max(good)


# -- history ------------------------------------------------------------------------------------------------------


def parents(result: BisectResult, place: int) -> tuple[str, ...]:
    """Hashes of the parents that the search followed; that of the place before where they are not known."""
    known = result.levels[place].commit.parents
    if known:
        return known if result.all_parents else known[:1]
    return (result.levels[place - 1].commit.sha,) if place else ()


def ancestors(result: BisectResult) -> Sequence[int]:
    """For each place the places that are it or its ancestors, as bits."""
    place_of = {each.commit.sha: each.place for each in result.levels}
    reached: list[int] = []
    for each in result.levels:
        bits = 1 << each.place
        for sha in parents(result, each.place):
            parent = place_of.get(sha)
            if parent is not None and parent < each.place:
                bits |= reached[parent]
        reached.append(bits)
    return reached


def made_bad(result: BisectResult, culprits: Iterable[int]) -> frozenset[int]:
    """Places that are one of `culprits` or come after one."""
    wanted = sum(1 << each for each in set(culprits))
    return frozenset(place for place, reached in enumerate(ancestors(result)) if reached & wanted)
