"""Which benchmark runs when, and which side first: random, balanced, and the same again from the same seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Slot(Generic[Key]):
    """One pair of one round: both sides of `benchmark` back to back."""

    benchmark: Key
    base_first: bool


def schedule(
    benchmarks: Sequence[Key], rounds: int, seed: int, phase: str = "first"
) -> tuple[tuple[Slot[Key], ...], ...]:
    """Rounds of slots. Each benchmark once a round, in random order; of every two rounds each side is first in one.

    A fixed order biases: what runs second finds warm caches, or a machine that the first has heated. `phase` gives the
    confirming rounds an order of their own from the same seed.
    """
    source = random.Random(f"{seed}/{phase}")
    orders = {benchmark: _balanced(rounds, source) for benchmark in benchmarks}
    planned = []
    for number in range(rounds):
        shuffled = source.sample(benchmarks, len(benchmarks))
        planned.append(tuple(Slot(benchmark, orders[benchmark][number]) for benchmark in shuffled))
    return tuple(planned)


def _balanced(rounds: int, source: random.Random) -> list[bool]:
    orders: list[bool] = []
    while len(orders) < rounds:
        first = source.random() < 0.5
        orders += [first, not first]
    return orders[:rounds]
