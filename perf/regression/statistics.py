"""How large a change is and how sure that is. Pure, standard library only.

One round gives one difference d = log(head / base). Ratios and not differences, since noise on a shared machine
multiplies; robust, since a neighbour's burst is no news about the code. The gate's rounds are judged by sign flips,
which hold for noise of any shape; values of files and of stored runs by Student's t on trimmed means.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

TRIMMED_SHARE: Final = 0.1
CONFIDENCE: Final = 0.95
NORMAL: Final = statistics.NormalDist()
# The median of the sizes of normal deviations, times this, is their standard deviation.
MAD_TO_DEVIATION: Final = 1.4826
# The standard normal that holds 95 % between minus and plus it.
_Z: Final = NORMAL.inv_cdf((1.0 + CONFIDENCE) / 2.0)

# A difference weighs by its size up to so many medians of all sizes: up to one where some are beyond FAR medians.
_WEIGHED_UP_TO: Final = 2.5
_WEIGHED_UP_TO_WITH_BURSTS: Final = 1.0
_FAR: Final = 4.0
# Weights are whole numbers up to this: their sums can then be counted instead of drawn.
_FINEST: Final = 63
_HALVINGS: Final = 20

# From here on Student's t is the normal for every purpose here.
MOST_DF: Final = 200


class Found(Protocol):
    """A change and the interval it lies in, as fractions of the base; an end is None where too few rounds have none."""

    @property
    def rounds(self) -> int: ...

    @property
    def log_change(self) -> float: ...

    @property
    def change(self) -> float: ...

    @property
    def low(self) -> float | None: ...

    @property
    def high(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Shift:
    """The change that pairs show, with the 95 % interval of all shifts that their signs do not speak against.

    The logarithms are those of ratios; an end is None where under six rounds can exclude nothing.
    """

    rounds: int
    log_change: float
    log_low: float | None
    log_high: float | None

    @property
    def change(self) -> float:
        return _fraction(self.log_change)

    @property
    def low(self) -> float | None:
        return None if self.log_low is None else _fraction(self.log_low)

    @property
    def high(self) -> float | None:
        return None if self.log_high is None else _fraction(self.log_high)

    @property
    def log_error(self) -> float | None:
        """The standard error that a normal with this interval has; None where an end is."""
        if self.log_low is None or self.log_high is None:
            return None
        return (self.log_high - self.log_low) / (2.0 * _Z)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A change with its 95 % interval, as fractions of the base (+.05 is 5 % more), and the two-sided p of "no change".

    `log_change` and `log_error` are the mean log ratio and its standard error, `df` the degrees of freedom of its t.
    """

    rounds: int
    log_change: float
    log_error: float
    df: int

    @property
    def change(self) -> float:
        return _fraction(self.log_change)

    @property
    def low(self) -> float:
        return _fraction(self.log_change - t_quantile(CONFIDENCE, self.df) * self.log_error)

    @property
    def high(self) -> float:
        return _fraction(self.log_change + t_quantile(CONFIDENCE, self.df) * self.log_error)

    @property
    def p(self) -> float:
        if self.log_error == 0.0:
            return 0.0 if self.log_change else 1.0
        return two_sided_p(self.log_change / self.log_error, self.df)


def log_ratios(pairs: Iterable[tuple[float, float]]) -> tuple[float, ...]:
    """log(head / base) of each (base, head) that has one: a zero, negative, infinite or NaN value has none."""
    return tuple(
        math.log(head) - math.log(base) for base, head in pairs if has_logarithm(base) and has_logarithm(head)
    )


def has_logarithm(value: float) -> bool:
    """Whether a measured value is of use on a ratio scale."""
    return math.isfinite(value) and value > 0.0


def middle(differences: Sequence[float]) -> float:
    """The middle of a sample: the median of the means of every two, each with itself too.

    J. L. Hodges and E. L. Lehmann, "Estimates of location based on rank tests", Ann. Math. Statist. 34, 1963. Where the
    noise is normal it is about as good as the mean (standard error × 1.02), with bursts and heavy tails far better.
    """
    ordered = sorted(differences)
    means = [(low + high) / 2.0 for place, low in enumerate(ordered) for high in ordered[place:]]
    return statistics.median(means)


def flip_p(differences: Sequence[float]) -> float:
    """How often signs by the toss of a coin would show as large a shift upwards: the p of "not shifted upwards".

    Two programs that are equal give each difference and its opposite equally often, whatever the noise is like and
    whether or not it changes during the run, as long as the order in a pair is random. So this p holds exactly,
    for any number of rounds; the least that n rounds can give is 2^-n. (R. A. Fisher, The Design of Experiments, 1935,
    section 21.) The statistic is the sum of weights of differences above zero. A weight is the size up to a bound, so
    that a burst counts no more than any large difference; it depends on sizes only, which the toss leaves alone. All
    2^n sums are counted at once: the product of 1 + x^weight over the differences is one long integer, whose digits
    say how many of the sums each value has.
    """
    sizes = [abs(each) for each in differences]
    median = statistics.median(sizes)
    bound = median * (_WEIGHED_UP_TO_WITH_BURSTS if max(sizes) > _FAR * median else _WEIGHED_UP_TO)
    if bound == 0.0:
        bound = max(sizes)
    if bound == 0.0:
        return 1.0
    weights = [round(min(size / bound, 1.0) * _FINEST) for size in sizes]
    digit = len(sizes) + 1
    sums = 1
    for weight in weights:
        sums += sums << (weight * digit)
    seen = sum(weight for weight, each in zip(weights, differences, strict=True) if each > 0.0)
    # The sum of an integer's digits is its remainder by the greatest digit, if it is less than that.
    as_large = (sums >> (seen * digit)) % ((1 << digit) - 1)
    return as_large / (1 << len(sizes))


@lru_cache(maxsize=1024)
def shifted(differences: tuple[float, ...]) -> Shift:
    """The change of log ratios of pairs, at least one, with its interval by sign flips."""
    centre = middle(differences)
    upwards = _lowest(differences, centre)
    downwards = _lowest([-each for each in differences], -centre)
    return Shift(len(differences), centre, upwards, None if downwards is None else -downwards)


def _lowest(differences: Sequence[float], centre: float) -> float | None:
    """The shift under `centre` from which on the signs about it do not speak against it, by bisection."""
    beyond = (1.0 - CONFIDENCE) / 2.0
    if 0.5 ** len(differences) > beyond:
        return None
    excluded, possible = min(*differences, centre), centre
    for _ in range(_HALVINGS):
        tried = (excluded + possible) / 2.0
        if flip_p([each - tried for each in differences]) <= beyond:
            excluded = tried
        else:
            possible = tried
    return excluded


def paired(differences: Sequence[float]) -> Estimate | None:
    """The change that log ratios of pairs show; None under two of them.

    Trimmed mean, its error from the winsorised sum of squares: se² = SSD_w / (h·(h − 1)), h = n − 2g values kept,
    h − 1 degrees of freedom (Tukey and McLaughlin, Sankhya A 25, 1963; Yuen, Biometrika 61, 1974).
    """
    if len(differences) < 2:
        return None
    mean, error, df = _trimmed(differences)
    return Estimate(len(differences), mean, error, df)


def unpaired(base: Sequence[float], head: Sequence[float], between_runs: float) -> Estimate | None:
    """The change between two runs that were not interleaved; None under two values on a side.

    `between_runs` is the standard deviation, on the log scale, that two runs of equal code differ by; samples of
    within a run cannot show it. Degrees of freedom after Welch and Satterthwaite (Biometrics Bulletin 2, 1946): a
    variance that is given has infinitely many, so the more of the error it is, the nearer the t comes to the normal.
    """
    base, head = ([math.log(value) for value in side if has_logarithm(value)] for side in (base, head))
    if min(len(base), len(head)) < 2:
        return None
    base_mean, base_error, base_df = _trimmed(base)
    head_mean, head_error, head_df = _trimmed(head)
    error = math.sqrt(base_error**2 + head_error**2 + between_runs**2)
    estimated = base_error**4 / base_df + head_error**4 / head_df
    df = min(MOST_DF, int(error**4 / estimated)) if estimated else MOST_DF
    return Estimate(min(len(base), len(head)), head_mean - base_mean, error, df)


def _trimmed(values: Sequence[float]) -> tuple[float, float, int]:
    """Trimmed mean, its standard error, and the degrees of freedom."""
    ordered = sorted(values)
    cut = int(len(ordered) * TRIMMED_SHARE)
    kept = ordered[cut : len(ordered) - cut]
    winsorised = [kept[0]] * cut + kept + [kept[-1]] * cut
    # Equal values must give exactly no variance: their mean by division may differ from them in the last bit.
    mean = kept[0] if kept[0] == kept[-1] else math.fsum(kept) / len(kept)
    centre = statistics.fmean(winsorised) if kept[0] != kept[-1] else mean
    squares = math.fsum((value - centre) ** 2 for value in winsorised)
    return mean, math.sqrt(squares / (len(kept) * (len(kept) - 1))), len(kept) - 1


def two_sided_p(t: float, df: int) -> float:
    """The share of Student's t with `df` degrees of freedom that lies beyond ±t.

    The finite trigonometric series of Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 (odd df) and
    26.7.4 (even df).
    """
    angle = math.atan(abs(t) / math.sqrt(df))
    sine, cosine = math.sin(angle), math.cos(angle)
    term = cosine if df % 2 else 1.0
    total = 0.0 if df == 1 else term
    for k in range(3 if df % 2 else 2, df - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    inside = 2.0 / math.pi * (angle + sine * total) if df % 2 else sine * total
    return min(1.0, max(0.0, 1.0 - inside))


@lru_cache(maxsize=4096)
def t_quantile(confidence: float, df: int) -> float:
    """The t that ±t holds `confidence` of Student's t with `df` degrees of freedom: by bisection of `two_sided_p`."""
    beyond = 1.0 - confidence
    low, high = 0.0, 1.0
    while two_sided_p(high, df) > beyond:
        low, high = high, high * 2.0
    for _ in range(80):
        middle = (low + high) / 2.0
        if two_sided_p(middle, df) > beyond:
            low = middle
        else:
            high = middle
    return high


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Each p adjusted for all of them together: a row is sure at level a when its adjusted p is at most a.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6, 1979: the chance of one
    false alarm or more among all rows stays under a, however the rows depend on each other.
    """
    adjusted = [1.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return tuple(adjusted)


def more_rounds(found: Estimate, least_effect: float, alarm_p: float) -> float:
    """About how many more rounds would decide, if the change and the noise stay as they look now; inf for never.

    The error falls with the root of the rounds. A change below the least effect is decided when the interval fits
    inside ± the least effect, a larger one when its p comes down to `alarm_p`.
    """
    distance = abs(found.log_change)
    room = math.log1p(least_effect) - distance
    if room > 0.0:
        wanted = t_quantile(CONFIDENCE, found.df) * found.log_error / room
    else:
        wanted = t_quantile(1.0 - alarm_p, found.df) * found.log_error / distance
    return max(1.0, math.ceil(found.rounds * (wanted**2 - 1.0)))


def _fraction(log_change: float) -> float:
    return math.expm1(min(log_change, 700.0))
