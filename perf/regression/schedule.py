"""Which benchmark runs when, and which side first: random, balanced, and the same again from the same seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Slot(Generic[Key]):
    """One pair: round `round` (from 0) of a benchmark, both sides back to back."""

    benchmark: Key
    round: int
    base_first: bool


def schedule(wanted: Mapping[Key, range], seed: int, phase: str = "first") -> tuple[Slot[Key], ...]:
    """The rounds that each benchmark is to be given, in turns of random order, each benchmark once in a turn.

    A fixed order biases: what runs second finds warm caches, or a machine that the first has heated. `phase` gives the
    confirming rounds an order of their own from the same seed.
    """
    turns = max(map(len, wanted.values()), default=0)
    planned: list[Slot[Key]] = []
    for turn in range(turns):
        due = [(each, rounds[turn]) for each, rounds in wanted.items() if turn < len(rounds)]
        source = random.Random(f"{seed}/{phase}/{sorted(map(repr, due))}")
        shuffled = source.sample(due, len(due))
        planned += [Slot(each, number, base_first(each, number, seed, phase)) for each, number in shuffled]
    return tuple(planned)


def base_first(benchmark: Hashable, number: int, seed: int, phase: str) -> bool:
    """Whether the base comes first in this round: random, and of rounds 2k and 2k + 1 in exactly one.

    It depends on nothing else, so that a round is the same whatever was run between: a run that goes on repeats it.
    """
    even = random.Random(f"{seed}/{phase}/{benchmark!r}/{number // 2}").random() < 0.5
    return even == (number % 2 == 0)
