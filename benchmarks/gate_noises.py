"""Log ratios of pairs of equal programs, round by round, with standard deviation 1, for gate_simulated.py."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable
from typing import Final

from perf.regression.looks import LOOKS
from perf.regression.schedule import base_first

Noise = Callable[[random.Random, int], list[float]]


def normal(source: random.Random, rounds: int) -> list[float]:
    return [source.gauss(0.0, 1.0) for _ in range(rounds)]


def heavy_tailed(source: random.Random, rounds: int) -> list[float]:
    """Student's t with three degrees of freedom."""
    return [
        source.gauss(0.0, 1.0) / math.sqrt(source.gammavariate(1.5, 2.0) / 3.0) / math.sqrt(3.0)
        for _ in range(rounds)
    ]


def spiky(source: random.Random, rounds: int) -> list[float]:
    """In one pair of ten a burst on either side, of 2 to 8 times the noise between bursts."""
    variance = 1.0 + 0.1 * (8.0**3 - 2.0**3) / (3.0 * 6.0)

    def one() -> float:
        burst = source.choice((-1.0, 1.0)) * source.uniform(2.0, 8.0) if source.random() < 0.1 else 0.0
        return (source.gauss(0.0, 1.0) + burst) / math.sqrt(variance)

    return [one() for _ in range(rounds)]


def drifting(source: random.Random, rounds: int) -> list[float]:
    """A machine that gets steadily slower or faster and wanders; its noise doubles, or halves, until the 30th round."""
    level, trend, walk = 0.0, source.gauss(0.0, 0.1), 0.5
    grows, seed = source.random() < 0.5, source.getrandbits(32)
    ratios = []
    for number in range(rounds):
        noise = _growing(number if grows else LOOKS[-1] - 1 - number)
        sides = []
        for _ in range(2):
            level += trend + source.gauss(0.0, walk)
            sides.append(level + source.gauss(0.0, noise))
        first = base_first("drifting", number, seed, "first")
        ratios.append(sides[1] - sides[0] if first else sides[0] - sides[1])
    mean_variance = statistics.fmean(_growing(number) ** 2 for number in range(LOOKS[-1]))
    return [each / math.sqrt(0.1**2 + walk**2 + 2.0 * mean_variance) for each in ratios]


def _growing(number: int) -> float:
    return 0.5 * (1.0 + number / (LOOKS[-1] - 1))


def bimodal(source: random.Random, rounds: int) -> list[float]:
    """Every process is in one of two modes, by the toss of a coin: nine tenths of the variance."""

    def mode() -> int:
        return source.random() < 0.5

    return [
        (mode() - mode()) * math.sqrt(0.9 / 0.5) + source.gauss(0.0, math.sqrt(0.1)) for _ in range(rounds)
    ]


def bursts(source: random.Random, rounds: int) -> list[float]:
    """Not scaled: where a pair's noise is 4 % between bursts, one process of twenty takes half as long again."""

    def burst() -> float:
        return math.log(1.5) / 0.04 if source.random() < 0.05 else 0.0

    return [source.gauss(0.0, 1.0) + burst() - burst() for _ in range(rounds)]


def two_points(source: random.Random, rounds: int) -> list[float]:
    """A pair goes one way or the other by about the same, by the toss of a coin."""
    return [
        source.choice((-1.0, 1.0)) * math.sqrt(0.95) + source.gauss(0.0, math.sqrt(0.05))
        for _ in range(rounds)
    ]


NOISES: Final[dict[str, Noise]] = {
    "normal": normal,
    "heavy-tailed (t3)": heavy_tailed,
    "spiky": spiky,
    "drifting": drifting,
    "bimodal": bimodal,
}
HARSHER: Final[dict[str, Noise]] = {"bursts of +50 %": bursts, "two points": two_points}
