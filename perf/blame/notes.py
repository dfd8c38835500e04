"""What a blame's table does not say: what shrank, what grew in code of others, what is not explained. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from perf.blame.costs import EXPLAINS, Profiled
from perf.blame.growth import Difference, Growth
from perf.model import GrownFunction
from perf.units import format_quantity

# Part of all growth from which something is told.
_WORTH_TELLING: Final = 0.2
_MOST_NAMED: Final = 3


def note(
    profiled: Profiled,
    difference: Difference,
    every: Difference | None,
    explained: float | None,
    functions: Sequence[GrownFunction],
    requirements_changed: bool,
    problems: Sequence[str],
) -> str:
    """One line for people; "" when the table says it all."""
    said = [profiled.note] if profiled.note else []
    idle = [each.function for each in functions if each.share == 0.0]
    if idle:
        said.append(
            f"{', '.join(idle)}: touched, and run here; no growth of its own shows, what it calls may have grown"
        )
    if not functions:
        said.append("no function of the target grew beyond what this profile can tell")
    elif not any(each.touched_by for each in functions):
        said.append("no commit in between changed a line of these functions; perhaps what they use")
    if requirements_changed and any(not each.position for each in functions):
        said.append("go.mod changed in between: code of other modules may be another version")
    if every is not None:
        said += _elsewhere(profiled, difference, every)
    said += _moved(profiled, difference)
    if explained is not None and explained < EXPLAINS:
        said.append(
            f"the profiles show {max(explained, 0.0):.0%} of the growth that was measured{_why(profiled)}"
        )
    return "; ".join((*said, *dict.fromkeys(problems)))


def _elsewhere(profiled: Profiled, difference: Difference, every: Difference) -> list[str]:
    """Which functions of other modules the growth lies in, and what no function of the target called."""
    foreign = [each for each in every.grown if not each.path and each.grown >= _WORTH_TELLING * every.total]
    said = []
    if foreign:
        named = ", ".join(
            f"{each.function} ({each.grown / every.total:.0%})" for each in foreign[:_MOST_NAMED]
        )
        said.append(f"it is spent in {named}, which they call")
    beside = every.net - difference.net
    if beside >= _WORTH_TELLING * every.total > 0:
        amount = _amount(beside, profiled)
        said.append(
            f"{amount} more where no function of the target calls (garbage collection, the scheduler)"
        )
    return said


def _moved(profiled: Profiled, difference: Difference) -> list[str]:
    shrunk = [each for each in difference.shrunk if -each.grown >= _WORTH_TELLING * difference.total]
    if not shrunk:
        return []
    named = ", ".join(_shrunk(profiled, each) for each in shrunk[:_MOST_NAMED])
    return [f"{named}: part of what grew may be the same work, renamed, moved or inlined"]


def _shrunk(profiled: Profiled, each: Growth) -> str:
    gone = ", gone" if each.head <= 0 else ""
    return f"{each.function} shrank by {_amount(-each.grown, profiled)}{gone}"


def _why(profiled: Profiled) -> str:
    """Go allocates what is below 16 bytes in common blocks, and records the blocks."""
    return (
        " (of small allocations that share a block one is recorded)" if profiled.unit == "allocs/op" else ""
    )


def _amount(value: float, profiled: Profiled) -> str:
    return format_quantity(value, profiled.unit.removeprefix("cpu-"))
