"""What a profile says: the cost of every place in the code, callees apart. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class Spot:
    """A line of a function, as the binary names them ("skiff/pkg/copy.New", "skiff/pkg/copy/copier.go", 31).

    A library that is inlined may lie in another file than its function; line 0 is not known.
    """

    function: str
    file: str
    line: int


Costs = Mapping[Spot, float]

# A profile explains a regression that shows at least this part of the growth that was measured.
EXPLAINS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Profiled:
    """Costs per operation of both sides, in `unit`. `quantum` is what a sample is worth, 0 for what was counted.

    `folded`: it has stacks, by which a function of another module counts as the function of the target's that called
    it; `every`, where known, holds both sides' costs of every function by itself. `command` shows the difference again.
    """

    unit: str
    base: Costs
    head: Costs
    files: tuple[Path, ...]
    command: str
    quantum: float = 0.0
    folded: bool = False
    every: tuple[Costs, Costs] | None = None
    note: str = ""


def per_operation(long: Costs, short: Costs, operations: int) -> dict[Spot, float]:
    """What one more operation costs at each place: start-up and set-up, which both runs have, cancel."""
    spots = dict.fromkeys((*long, *short))
    differences = {spot: long.get(spot, 0.0) - short.get(spot, 0.0) for spot in spots}
    return {spot: difference / operations for spot, difference in differences.items() if difference}


def summed(pairs: Iterable[tuple[Spot, float]]) -> dict[Spot, float]:
    """One cost for each place."""
    costs: dict[Spot, float] = {}
    for spot, cost in pairs:
        costs[spot] = costs.get(spot, 0.0) + cost
    return costs
