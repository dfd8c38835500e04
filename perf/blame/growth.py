"""Which functions grew: the costs of both sides put together by function, largest growth first. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from perf.blame.costs import Costs
from perf.blame.source import Declaration, Source, local_name, package_of, plain_name

# Sampling: how many standard deviations of both counts a growth must reach.
_DEVIATIONS: Final = 2.0


@dataclass(slots=True)
class Function:
    """One side's function. `path` is its file in the module, "" outside; `lines` are costs of lines in that file."""

    path: str = ""
    declared: Declaration | None = None
    cost: float = 0.0
    lines: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Growth:
    """A function that grew (or shrank), per operation. `path` and `line` are where, "" and 0 outside the module."""

    function: str
    base: float
    head: float
    path: str = ""
    line: int = 0
    declared: Declaration | None = None

    @property
    def grown(self) -> float:
        return self.head - self.base


@dataclass(frozen=True, slots=True)
class Difference:
    """What grew and what shrank, most first; `total` is all that grew, `net` what is left when both are added up.

    `ran` are the other functions that the head runs, the costliest first.
    """

    grown: tuple[Growth, ...]
    shrunk: tuple[Growth, ...]
    ran: tuple[Growth, ...]
    total: float
    net: float


def by_function(costs: Costs, source: Source) -> dict[str, Function]:
    """Costs by function. In the module the source has the last word: what a line is declared in is its function.

    So a function counts as itself where the compiler inlined it, and closures count as the function around them.
    Outside the module the binary's own names stand.
    """
    functions: dict[str, Function] = {}
    for spot, cost in costs.items():
        name, path = plain_name(spot.function), source.path(spot.file)
        declared = source.around(path, spot.line) if path else None
        if declared and not _is(local_name(name), declared.name):
            name = f"{_package(name, spot.file)}.{declared.name}"
        elif declared:
            name = f"{package_of(name)}.{declared.name}"
        function = functions.setdefault(name, Function())
        function.cost += cost
        if path:
            function.path, function.declared = path, declared or function.declared
            function.lines[spot.line] = function.lines.get(spot.line, 0.0) + cost
    return functions


def compare(base: Costs, head: Costs, sources: tuple[Source, Source], quantum: float = 0.0) -> Difference:
    """Compare costs per operation; `sources` are the base's and the head's.

    `quantum` is what one sample of a sampled profile is worth per operation: what sampling alone may show is no
    growth (counts as Poisson has them). 0 for what was counted.
    """
    before, after = by_function(base, sources[0]), by_function(head, sources[1])
    changes = [
        _growth(name, before.get(name, Function()), after.get(name, Function()), sources)
        for name in dict.fromkeys((*before, *after))
    ]
    real = [each for each in changes if abs(each.grown) > _chance(each, quantum)]
    total = sum(each.grown for each in real if each.grown > 0)
    real.sort(key=lambda each: each.grown)
    grown = tuple(each for each in reversed(real) if each.grown > 0)
    ran = [each for each in changes if each.head > 0 and each not in grown]
    return Difference(
        grown=grown,
        shrunk=tuple(each for each in real if each.grown < 0),
        ran=tuple(sorted(ran, key=lambda each: -each.head)),
        total=total,
        net=sum(each.grown for each in changes),
    )


def _growth(name: str, base: Function, head: Function, sources: tuple[Source, Source]) -> Growth:
    line = _grown_line(base, head, sources)
    return Growth(name, base.cost, head.cost, head.path, line, head.declared)


def _grown_line(base: Function, head: Function, sources: tuple[Source, Source]) -> int:
    """The line of the head that grew most, else that of the declaration; 0 outside the module.

    Lines move, so they are compared by what is written on them.
    """
    if not head.path:
        return 0
    before = _by_text(base, sources[0])
    after = _by_text(head, sources[1])
    texts = _texts(head, sources[1])
    most = max(head.lines, key=lambda line: after[texts[line]] - before[texts[line]])
    if after[texts[most]] > before[texts[most]]:
        return most
    return head.declared.start if head.declared else most


def _by_text(function: Function, source: Source) -> Mapping[str, float]:
    texts = _texts(function, source)
    costs: defaultdict[str, float] = defaultdict(float)
    for line, cost in function.lines.items():
        costs[texts[line]] += cost
    return costs


def _texts(function: Function, source: Source) -> dict[int, str]:
    lines = (source.read(function.path) or "").splitlines()
    return {line: lines[line - 1].strip() if 0 < line <= len(lines) else "" for line in function.lines}


def _chance(each: Growth, quantum: float) -> float:
    return _DEVIATIONS * math.sqrt((abs(each.base) + abs(each.head)) * quantum)


def _is(local: str, declared: str) -> bool:
    return local == declared or local.startswith(f"{declared}.")


def _package(name: str, file: str) -> str:
    """The package of an inlined function: its caller's where both lie in one directory (package p and p_test)."""
    directory = file.rpartition("/")[0]
    caller = package_of(name)
    return caller if caller.removesuffix("_test") == directory and file.endswith("_test.go") else directory
