"""What noise leaves to be seen: the smallest change, the rounds it would take, and doubts about the rounds. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Final

from perf.regression.looks import LOOKS, MOST_ROUNDS_NAMED
from perf.regression.statistics import NORMAL, Shift, flip_p, has_logarithm, middle, shifted
from perf.regression.verdicts import signed
from perf.units import format_fraction

# Standard errors beyond what half of all runs show: .84 for four of five, were the error known. It is estimated from
# few rounds: with this the simulated share is .63 to .9, whatever the noise.
_MARGIN: Final = 1.0
_HALVINGS: Final = 20

_FEWEST_FOR_LEVELS: Final = 10
_LEAST_GROUP: Final = 0.2
_LEVELS_EXPLAIN: Final = 0.94
_DRIFT_DEVIATIONS: Final = NORMAL.inv_cdf(0.9995)
_LEAST_DRIFT: Final = 0.03


def smallest_shift(differences: tuple[float, ...], level: float, least: float) -> float | None:
    """The upward shift that rounds as many and as noisy would show in four runs of five; None if they can show none.

    These rounds, moved to no change and then up until their p comes down to `level`, give the shift that half of all
    runs would show; more take some standard errors more. The estimate must come to `least` too.
    """
    if not differences or 0.5 ** len(differences) > level:
        return None
    centre = middle(differences)
    residuals = [each - centre for each in differences]
    hidden, shown = 0.0, 2.0 * max(map(abs, residuals))
    for _ in range(_HALVINGS):
        tried = (hidden + shown) / 2.0
        if flip_p([each + tried for each in residuals]) <= level:
            shown = tried
        else:
            hidden = tried
    return max(shown, least) + _MARGIN * (shifted(differences).log_error or 0.0)


def rounds_for(found: Shift, distance: float, level: float) -> float:
    """About how many rounds, all in all, would tell apart what lies so far off, the error falling with their root."""
    if found.log_error is None or distance <= 0.0:
        return math.inf
    wanted = NORMAL.inv_cdf(1.0 - level) * found.log_error / distance
    return max(found.rounds * wanted**2, -math.log2(level))


def rounds_left(needed: float, rounds: int) -> int | None:
    """How many of the rounds needed are still to come; None where one would not wait for them."""
    left = needed - rounds
    return max(1, math.ceil(left)) if left <= MOST_ROUNDS_NAMED else None


# -- doubts -------------------------------------------------------------------------------------------------------


def doubts(base: Sequence[float], head: Sequence[float]) -> tuple[str, ...]:
    """What to know about a row's rounds before one believes in them; () for nothing. Values pair by pair, in order."""
    pairs = [
        (math.log(b), math.log(h))
        for b, h in zip(base, head, strict=False)
        if has_logarithm(b) and has_logarithm(h)
    ]
    if len(pairs) < LOOKS[0]:
        return (f"{len(pairs)} rounds of use: no verdict is possible under {LOOKS[0]}",)
    sides = {"base": [b for b, _ in pairs], "head": [h for _, h in pairs]}
    told = [
        f"the {name}'s values lie on two levels, {format_fraction(levels)} apart: its processes differ by chance"
        for name, values in sides.items()
        if (levels := levels_apart(values)) is not None
    ]
    moved = [drifts(values) for values in sides.values()]
    if None not in moved:
        together = drifts([(b + h) / 2.0 for b, h in pairs])
        if together is not None:
            told.append(f"the machine changed during the run: both sides moved by {signed(together)}")
    apart = drifts([h - b for b, h in pairs])
    if apart is not None:
        told.append(f"the change itself moved by {signed(apart)} during the run")
    return tuple(told)


def levels_apart(logarithms: Sequence[float]) -> float | None:
    """How far apart the two levels are that the values lie on, a fraction of the lower; None where there is one.

    The best cut into two groups, neither under a fifth, must take _LEVELS_EXPLAIN of the variance away: of ten normal
    values one sample in a thousand does that. Under ten values nothing can be said.
    """
    ordered, count = sorted(logarithms), len(logarithms)
    if count < _FEWEST_FOR_LEVELS or ordered[0] == ordered[-1]:
        return None
    least = math.ceil(count * _LEAST_GROUP)
    cuts = [(ordered[:cut], ordered[cut:]) for cut in range(least, count - least + 1)]
    low, high = min(cuts, key=lambda cut: sum(_squares(group) for group in cut))
    if _squares(low) + _squares(high) > (1.0 - _LEVELS_EXPLAIN) * _squares(ordered):
        return None
    return math.expm1(statistics.fmean(high) - statistics.fmean(low))


def drifts(logarithms: Sequence[float]) -> float | None:
    """What the values moved by from the first third to the last, a fraction; None where it may be chance or is little.

    By the signs of all differences between an earlier and a later value: M. G. Kendall, "A new measure of rank
    correlation", Biometrika 30, 1938, with the normal approximation and p .001.
    """
    count = len(logarithms)
    signs = sum(
        (later > earlier) - (later < earlier)
        for place, earlier in enumerate(logarithms)
        for later in logarithms[place + 1 :]
    )
    deviation = math.sqrt(count * (count - 1) * (2 * count + 5) / 18.0)
    third = count // 3
    moved = math.expm1(statistics.median(logarithms[-third:]) - statistics.median(logarithms[:third]))
    if abs(signs) <= _DRIFT_DEVIATIONS * deviation or abs(moved) < _LEAST_DRIFT:
        return None
    return moved


def _squares(values: Sequence[float]) -> float:
    """The sum of squares about the mean."""
    mean = statistics.fmean(values)
    return math.fsum((value - mean) ** 2 for value in values)
