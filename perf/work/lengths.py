"""How many iterations a counted process runs, and how many processes are enough. Pure.

Instructions an operation = (count of a long run - count of a short one) / (difference of their iterations): start-up
and set-up cancel. Go runs one iteration first and sets up again for more than one, so both runs have two or more.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from perf.regression.statistics import t_quantile
from perf.units import format_seconds

# Instructions that a long run has more than a short one: a process jitters by about 40,000 of its own.
TARGET: Final = 150e6
# How far the difference may be from that before another length is tried, and how many are.
FITS: Final = (0.6 * TARGET, 4.0 * TARGET)
MOST_LENGTHS: Final = 5
MOST_GROWTH: Final = 1000.0

SHORT: Final = 10e6
FEWEST_ITERATIONS: Final = 2
MOST_ITERATIONS: Final = 1_000_000_000
# Seen: 3 to 15 a nanosecond; 50 where valgrind runs plain code in the place of a processor's own hash instructions.
INSTRUCTIONS_PER_NS: Final = 20.0
LEAST_INSTRUCTIONS_PER_NS: Final = 3.0
# A long run takes at most so long natively: one that waits would take minutes for the same instructions.
MOST_NATIVE_SECONDS: Final = 0.5
# valgrind counts about .5e9 a second, and the longest process has four operations of this.
MOST_OPERATION: Final = 3e9
# What a Go process counts that does nothing, and what it may differ by.
START: Final = 3.5e6
NOISE: Final = 0.3e6

# Equal: what differs, and so many standard errors, is within the resolution.
EQUAL_ERRORS: Final = 2.0
SUSPICIOUS_ERRORS: Final = 2.0
# A deviation of less than this part of the resolution: one short run a side is as good as many.
STEADY: Final = 1.0 / 3.0
# A gap between two groups of values, as a multiple of the wider group, that makes them two levels.
_GAP: Final = 4.0
_FEWEST_IN_GROUP: Final = 2

Side = Literal["base", "head"]
SIDES: Final[tuple[Side, Side]] = ("base", "head")
# Counts of each side's processes by their iterations, in the order of their numbers.
Counts = Mapping[Side, Mapping[int, Sequence[int]]]


@dataclass(frozen=True, slots=True)
class Rule:
    """When long runs are enough; `resolution` is the least change that must be told, a fraction.

    `fewest` a side in any case. `apart` where the sides differ: a benchmark that jumps between two levels may show
    each side another one, by chance; `apart_confidence` is how sure the difference must be: the first counts only raise
    an alarm, and fresh ones confirm it. `most` where it jitters.
    """

    resolution: float
    fewest: int = 2
    apart: int = 3
    most: int = 7
    apart_confidence: float = 0.996


@dataclass(frozen=True, slots=True)
class Lengths:
    """Iterations of the short and of the long runs, the same on both sides."""

    short: int
    long: int


@dataclass(frozen=True, slots=True)
class Run:
    """One process: the `number`-th of its side and length, from 0."""

    side: Side
    iterations: int
    number: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to run next. Nothing: it is counted, or cannot be and `why` says so."""

    runs: tuple[Run, ...] = ()
    lengths: Lengths | None = None
    why: str = ""


def wanted(seconds_per_op: float, counts: Counts, rule: Rule, hint: Lengths | None = None) -> Wanted:
    """The processes that are needed still. Lengths are chosen on the base; `hint` are those it was counted with before.

    `seconds_per_op` is the native time, which need not be near; `counts` has a "head" unless the base is counted alone.
    """
    if hint is None and (told := too_long(seconds_per_op)):
        return Wanted(why=told)
    short = hint.short if hint else first_short(seconds_per_op)
    if missing := _missing(counts, short, 1):
        return Wanted(missing)
    lengths = hint or choose(seconds_per_op, short, counts["base"])
    if isinstance(lengths, str):
        return Wanted(why=lengths)
    if isinstance(lengths, int):
        return Wanted((Run("base", lengths, 0),))
    return Wanted(_more(counts, lengths, rule), lengths)


def _more(counts: Counts, lengths: Lengths, rule: Rule) -> tuple[Run, ...]:
    """Runs that are needed once the lengths are known: long ones, and as many short ones where those jitter.

    One short run is taken off all long ones of its side: what it jitters bends them all alike, and nothing would show.
    """
    runs = min(len(side.get(lengths.long, ())) for side in counts.values())
    if runs < rule.fewest:
        return _missing(counts, lengths.long, rule.fewest)
    values = [per_operation(side, lengths) for side in counts.values()]
    steady = deviation(values) <= STEADY * rule.resolution
    short = min(len(side[lengths.short]) for side in counts.values())
    if (steady or short >= min(runs, rule.most)) and enough(values, short, rule):
        return ()
    if not steady and short < runs:
        return _missing(counts, lengths.short, runs)
    return (
        *_missing(counts, lengths.short, short if steady else runs + 1),
        *_missing(counts, lengths.long, runs + 1),
    )


def _missing(counts: Counts, iterations: int, needed: int) -> tuple[Run, ...]:
    return tuple(
        Run(side, iterations, number)
        for side, known in counts.items()
        for number in range(len(known.get(iterations, ())), needed)
    )


def too_long(seconds_per_op: float) -> str:
    """Why a benchmark is not even tried; "" when it is."""
    if not MOST_OPERATION < seconds_per_op * 1e9 * LEAST_INSTRUCTIONS_PER_NS < math.inf:
        return ""
    return f"an operation of {format_seconds(seconds_per_op)} is too long to count"


def first_short(seconds_per_op: float) -> int:
    """Iterations of the short run from the native time: about 10 M instructions of operations, cautiously guessed."""
    if not 0.0 < seconds_per_op < math.inf:
        return FEWEST_ITERATIONS
    return rounded(SHORT / (INSTRUCTIONS_PER_NS * seconds_per_op * 1e9))


def choose(seconds_per_op: float, short: int, base: Mapping[int, Sequence[int]]) -> Lengths | int | str:
    """The lengths; or the iterations of a long run to be tried first; or why there are none.

    The short run says how much an operation can be at most; each long run that is too short says it better.
    """
    first = base[short][0]
    operation = max(first - START, first / 4.0) / (short + 1)
    if operation > MOST_OPERATION:
        return f"an operation of about {operation / 1e9:.1f} G instructions is too long to count"
    most = short + most_iterations(seconds_per_op)
    long = max(short + 1, rounded(min(short + TARGET / operation, most)))
    for _ in range(MOST_LENGTHS):
        if long not in base:
            return long
        difference = base[long][0] - first
        if fit(base, Lengths(short, long)):
            return Lengths(short, long)
        growth = min(TARGET / max(difference, NOISE), MOST_GROWTH)
        better = max(short + 1, rounded(min(short + (long - short) * growth, most)))
        if better == long:
            break
        long = better
    if difference > NOISE:
        return Lengths(short, long)
    return "its instructions do not grow with its iterations: it does not do its work b.N times, or it only waits"


def fit(side: Mapping[int, Sequence[int]], lengths: Lengths) -> bool:
    """Whether a side's long run is longer than its short one by about what it should; one operation may be more."""
    if not (side.get(lengths.short) and side.get(lengths.long)):
        return False
    low, high = FITS
    difference = side[lengths.long][0] - side[lengths.short][0]
    return low <= difference <= high or (lengths.long == lengths.short + 1 and difference > high)


def most_iterations(seconds_per_op: float) -> int:
    """So many that natively they take no longer than half a second."""
    if not 0.0 < seconds_per_op < math.inf:
        return MOST_ITERATIONS
    return max(1, int(min(MOST_NATIVE_SECONDS / seconds_per_op, MOST_ITERATIONS)))


def rounded(iterations: float) -> int:
    """Down to two digits, so that guesses from times that differ a little choose the same."""
    whole = int(max(FEWEST_ITERATIONS, min(iterations, MOST_ITERATIONS)))
    step = int(10 ** max(0, len(str(whole)) - 2))
    return whole // step * step


def per_operation(side: Mapping[int, Sequence[int]], lengths: Lengths) -> tuple[float, ...]:
    """Instructions an operation, one for each long run; short ones taken off in turn: theirs jitter too."""
    short = side[lengths.short]
    return tuple(
        (count - short[number % len(short)]) / (lengths.long - lengths.short)
        for number, count in enumerate(side.get(lengths.long, ()))
    )


def enough(sides: Sequence[Sequence[float]], short_runs: int, rule: Rule) -> bool:
    """Whether more runs would tell nothing new: the sides are equal, or apart, or jitter too much to tell.

    `sides` are the values of long runs, `short_runs` how many short ones a side were taken off them.
    """
    runs = min(map(len, sides))
    if runs >= rule.most:
        return True
    noise, change = deviation(sides), _change(sides)
    error = noise * math.sqrt(len(sides) * (1.0 / runs + 1.0 / short_runs))
    if change + EQUAL_ERRORS * error <= rule.resolution:
        return True
    surely = t_quantile(rule.apart_confidence, len(sides) * (runs - 1)) * error
    if runs >= rule.apart and change >= max(rule.resolution, surely):
        return True
    least_error = noise * math.sqrt(len(sides) * 2.0 / rule.most)
    return EQUAL_ERRORS * least_error > rule.resolution and change <= SUSPICIOUS_ERRORS * error


def _change(sides: Sequence[Sequence[float]]) -> float:
    """How far the head's median is from the base's, a fraction; 0 with one side."""
    base, *head = map(statistics.median, sides)
    if not head:
        return 0.0
    return abs(head[0] / base - 1.0) if base > 0.0 else math.inf


def deviation(sides: Sequence[Sequence[float]]) -> float:
    """The standard deviation of a run, as a fraction of its side's median, of all sides together."""
    squares, freedom = 0.0, 0
    for values in sides:
        middle = statistics.median(values)
        if len(values) > 1 and middle > 0.0:
            squares += statistics.variance([value / middle for value in values]) * (len(values) - 1)
            freedom += len(values) - 1
    return math.sqrt(squares / freedom) if freedom else 0.0


def is_bimodal(sides: Sequence[Sequence[float]], resolution: float) -> bool:
    """Whether the values lie on two levels, further apart than the resolution, of which a side has met both.

    Each level must have been met twice: a single one is an outlier.
    """
    ordered = sorted(value for side in sides for value in side)
    for cut in range(_FEWEST_IN_GROUP, len(ordered) - _FEWEST_IN_GROUP + 1):
        low, high = ordered[:cut], ordered[cut:]
        gap = high[0] - low[-1]
        wide = max(low[-1] - low[0], high[-1] - high[0])
        if gap > resolution * low[0] and gap > _GAP * wide:
            return any(min(side) <= low[-1] and max(side) >= high[0] for side in sides if side)
    return False
