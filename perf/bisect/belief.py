"""How likely each commit is the first bad one, given noisy values of some of them. Pure.

Every value is one of two levels, before and from the culprit on, plus noise, plus what the machine drifts. Levels,
noise and drift are unknown and integrated out, so that no threshold is chosen:

- Drift is a random walk from one value to the next, its strength weighed on a grid. The cosine transform turns values,
  and the step of a supposed culprit, into independent ones of known variance and takes the first level out: it is
  diagonal for the differences of neighbours (G. Strang, "The discrete cosine transform", SIAM Review 41, 1999).
- The noise is weighed on a grid too, evenly on the log scale. Given both, the rest is done on paper.
- The step, in units of the noise, has a mixture of normal priors. All of them vanish at zero, so evidence for "no step
  at all" grows as fast as that for a step (V. E. Johnson and D. Rossell, "On the use of non-local prior densities in
  Bayesian hypothesis tests", J. R. Statist. Soc. B 72, 2010). Only a step in the asked direction counts.
- What lies far outside of what the likeliest culprit explains is drawn in first (P. J. Huber, "Robust Statistics",
  1981, section 7.8: modified residuals), and a single value never tells more than 20 to 1: it may be an accident.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from perf.bisect.line import Bools, Floats, Line, Numbers
from perf.regression.statistics import MAD_TO_DEVIATION

# Of the noise of one value: how far the machine drifts from one value to the next.
_DRIFTS: Final = np.array([0.0, 0.03, 0.1, 0.3])
_DRIFT_PRIOR: Final = np.array([0.85, 0.06, 0.05, 0.04])
# Of the noise of one value: how large a step may be, each with a quarter of it as standard deviation.
# Small ones are likelier: else few values that fell apart by accident would pass for a large one.
_HEIGHTS: Final = 0.4 * 1.6 ** np.arange(7)
_SPREADS: Final = _HEIGHTS / 4.0
_HEIGHT_PRIOR: Final = _HEIGHTS**-0.5 / (_HEIGHTS**-0.5).sum()
_NO_STEP: Final = 0.2
_NOISES: Final = 10
# Of the noise of one value: how far from what is foreseen it may lie, and from where on it tells nothing.
_CLIP: Final = 2.5
_MOST_OUTSIDE: Final = 6.0
_FAR_OUT: Final = 3.0
_FEWEST_TO_CLEAN: Final = 8
_SURE: Final = 0.99
_ACCIDENT: Final = math.log(20.0)


@dataclass(frozen=True, slots=True)
class Value:
    """What was measured at a place, in the order it was measured: the logarithm of a cost."""

    place: int
    log_value: float


@dataclass(frozen=True, slots=True)
class Belief:
    """`culprits[k]` is how likely place k + 1 is the culprit, `none` that there is no step; together they are one.

    `step` is the likeliest culprit's step on the log scale with its standard error, `noise` the standard deviation of a
    single value, `drift` that of the machine from one value to the next. `places` and `logs` are the values as they
    were weighed: the sign turned where the bad level is the lower one, what is far out drawn in.
    """

    culprits: Floats
    none: float
    step: float
    step_error: float
    noise: float
    drift: float
    places: Numbers
    logs: Floats


def believe(line: Line, prior: Floats, values: Sequence[Value], *, downwards: bool = False) -> Belief:
    """Weigh every culprit by the values. `prior` has a weight for each of 1 … size: 0 for what cannot be it.

    `downwards`: the bad level is the lower one. With fewer than three values, or all equal, nothing is learnt.
    """
    prior = prior / prior.sum()
    logs = np.array([each.log_value for each in values], float)
    where = np.array([each.place for each in values], np.intp)
    if len(logs) < 3 or np.ptp(logs) == 0.0:
        return Belief(prior * (1.0 - _NO_STEP), _NO_STEP, 0.0, math.inf, 0.0, 0.0, where, logs)
    places, row = np.unique(where, return_inverse=True)
    first, kind = line.told_apart_by(places)
    weights = np.bincount(kind, prior, len(first)).astype(np.float64)
    bad = line.made_bad_by(places)[:, first - 1]
    view = _View(
        row, bad, weights, _cosines((row[:, None] == np.arange(len(places))).astype(np.float64)) @ bad
    )
    logs = _fenced(-logs if downwards else logs)
    found = _weigh(view, logs)
    if len(logs) >= _FEWEST_TO_CLEAN:
        logs = _drawn_in(view, logs, found)
        found = _weigh(view, logs)
    share = np.divide(_held_back(view, found), weights, out=np.zeros_like(weights), where=weights > 0.0)
    step = -found.step if downwards else found.step
    culprits, drift = prior * share[kind], found.drift * found.noise
    return Belief(culprits, found.none, step, found.step_error, found.noise, drift, where, logs)


@dataclass(frozen=True, slots=True)
class _View:
    """What is measured: the row of each value in `bad`, which tells whether a kind of culprit makes it bad.

    `steps` are the waves of a step of one by each kind.
    """

    row: NDArray[np.intp]
    bad: Bools
    weights: Floats
    steps: Floats


@dataclass(frozen=True, slots=True)
class _Weighed:
    """`kinds` and `none` are chances; the rest is what the likeliest kind comes to."""

    kinds: Floats
    none: float
    best: int
    step: float
    step_error: float
    noise: float
    drift: float


def _weigh(view: _View, logs: Floats) -> _Weighed:
    df = len(logs) - 1
    y, x, calm = _cosines(logs[:, None])[:, 0], view.steps, _calm(len(logs))
    yy, xy, xx = calm @ y**2, (calm * y) @ x, calm @ x**2
    fitted = np.divide(xy, xx, out=np.zeros_like(xy), where=xx > 1e-9)
    left = np.maximum(yy[:, None] - fitted * xy, 0.0)
    # Every noise that a culprit worth a thought would have. The axes are drift, noise, height, kind.
    least = np.maximum(np.sqrt(left.min(axis=1) / df), np.abs(fitted).max() / _HEIGHTS[-1])
    width = 1.0 / math.sqrt(2.0 * df)
    noises = least[:, None] * np.exp(np.linspace(-4.0, 4.0 + 21.0 / math.sqrt(df), _NOISES) * width)
    flat = (
        (0.5 * np.log(calm).sum(axis=1) + np.log(_DRIFT_PRIOR))[:, None]
        - df * np.log(noises)
        - 0.5 * yy[:, None] / noises**2
    )
    precision = xx[:, None, None, :] + _SPREADS[:, None] ** -2
    pull = xy[:, None, None, :] / noises[:, :, None, None] + (_HEIGHTS / _SPREADS**2)[:, None]
    gain = (
        _above_zero(pull / np.sqrt(precision))
        - 0.5 * (((_HEIGHTS / _SPREADS) ** 2)[:, None] + np.log(precision))
        + np.log(_HEIGHT_PRIOR / _SPREADS)[:, None]
    )
    with np.errstate(divide="ignore"):
        log_weights = np.log(view.weights * (1.0 - _NO_STEP))
    by_drift = _log_sum(flat[:, :, None, None] + gain, (1, 2)) + log_weights
    none = _log_sum(flat, (0, 1)) + math.log(_NO_STEP)
    kinds = _log_sum(by_drift, (0,))
    total = np.logaddexp(none, _log_sum(kinds, (0,)))
    best = int(np.argmax(kinds))
    at = int(np.argmax(by_drift[:, best]))
    noise = math.sqrt(left[at, best] / max(1, df - 1))
    error = noise / math.sqrt(xx[at, best]) if xx[at, best] > 1e-9 else math.inf
    return _Weighed(
        np.exp(kinds - total),
        float(np.exp(none - total)),
        best,
        float(fitted[at, best]),
        error,
        noise,
        float(_DRIFTS[at]),
    )


def _above_zero(z: Floats) -> Floats:
    """The logarithm of exp(z²/2) times the chance that a normal variable of mean z is above zero.

    Where that chance is small by the bound of Z. W. Birnbaum, Ann. Math. Statist. 13, 1942; else it is nearly one.
    """
    logs = 0.5 * z**2
    below = z < 0.0
    off = -z[below]
    logs[below] = 0.5 * math.log(8.0 / math.pi) - np.log(3.0 * off + np.sqrt(off**2 + 8.0))
    return logs


def _log_sum(logs: Floats, axes: tuple[int, ...]) -> Floats:
    most = logs.max(axis=axes, keepdims=True)
    most = np.where(np.isfinite(most), most, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(logs - most).sum(axis=axes)) + np.squeeze(most, axis=axes))


def _cosines(columns: Floats) -> Floats:
    """The orthonormal cosine transform of each column but for the first wave, the mean: N. Ahmed, T. Natarajan and
    K. R. Rao, IEEE Trans. Computers C-23, 1974, by the Fourier transform of the column and its mirror image."""
    count = len(columns)
    waves = np.fft.rfft(np.concatenate([columns, columns[::-1]]), axis=0)[1:count]
    turn = np.exp(-0.5j * np.pi * np.arange(1, count) / count) * math.sqrt(0.5 / count)
    return np.asarray((waves * turn[:, None]).real)


def _calm(count: int) -> Floats:
    """What each wave but the mean is worth, of 1, under each drift (rows): slow waves may be the machine's."""
    rough = 2.0 - 2.0 * np.cos(np.pi * np.arange(1, count) / count)
    return np.asarray(rough / (rough + _DRIFTS[:, None] ** 2))


def _fenced(logs: Floats) -> Floats:
    """What is far out by the fences of J. W. Tukey ("Exploratory Data Analysis", 1977), drawn in to them."""
    if len(logs) < _FEWEST_TO_CLEAN:
        return logs
    low, high = np.quantile(logs, [0.25, 0.75])
    room = _FAR_OUT * (high - low)
    return np.clip(logs, low - room, high + room) if room > 0.0 else logs


def _drawn_in(view: _View, logs: Floats, found: _Weighed) -> Floats:
    """The values, those beyond a few deviations of where they may lie drawn in to there.

    Where it is not sure on which side of the culprit a place lies, a value may lie at either level; one that is far
    outside of both tells nothing of the side.
    """
    flat = logs - found.step * view.bad[view.row, found.best]
    level, left = _wandering(flat, found.drift)
    off = np.abs(flat - level)
    deviation = MAD_TO_DEVIATION * float(np.median(off)) / math.sqrt(left * (1.0 - 2.0 / len(logs)))
    if deviation == 0.0:
        return logs
    chance_bad = (view.bad @ (found.kinds / found.kinds.sum()))[view.row]
    levels = np.stack([level + found.step * (chance_bad > sure) for sure in (_SURE, 1.0 - _SURE)])
    low, high = levels.min(axis=0), levels.max(axis=0)
    outside = np.maximum(low - logs, logs - high) / deviation
    near = np.clip(logs, low - _CLIP * deviation, high + _CLIP * deviation)
    return np.where(outside > _MOST_OUTSIDE, 0.5 * (low + high), near)


def _wandering(flat: Floats, drift: float) -> tuple[Floats, float]:
    """Where the level was at each value, given the drift, and the share of the noise that is left about it."""
    count = len(flat)
    rough = 2.0 - 2.0 * np.cos(np.pi * np.arange(count + 1) / count)
    kept = np.divide(drift**2, rough + drift**2, out=np.ones(count + 1), where=rough + drift**2 > 0.0)
    waves = np.fft.rfft(np.concatenate([flat, flat[::-1]]))
    return np.fft.irfft(waves * kept, 2 * count)[:count], float(1.0 - kept[:count].mean())


def _held_back(view: _View, found: _Weighed) -> Floats:
    """The chances of the kinds, none further below the likeliest one than the number of values between them allows."""
    counts = np.bincount(view.row, minlength=len(view.bad))
    between = counts @ (view.bad != view.bad[:, [found.best]])
    odds = view.weights / view.weights[found.best] * np.exp(-_ACCIDENT * between)
    kinds = np.maximum(found.kinds, odds * found.kinds[found.best])
    return np.asarray(kinds * (1.0 - found.none) / kinds.sum())
