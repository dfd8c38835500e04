"""An execution trace as `go tool trace -d=parsed` prints it: how long goroutines waited, and where. Pure.

Block profiles know of locks and channels; a trace also of time.Sleep and of the network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from perf.blame.costs import Spot, summed

_CHANGE: Final = re.compile(
    r"StateTransition Time=(?P<time>\d+) (?:Resource=\S+ )?GoID=(?P<goroutine>\d+) "
    r'(?P<old>\w+)->(?P<new>\w+) Reason="(?P<why>[^"]*)"'
)
_FRAME: Final = re.compile(r"\t(?P<function>\S.*) @ 0x[0-9a-f]+")
_PLACE: Final = re.compile(r"\t\t(?P<file>.+):(?P<line>\d+)")
# The testing package waits for the goroutine that runs the benchmark; what that one does is told by itself.
_TESTING: Final = frozenset({"testing.(*B).run1", "testing.(*B).doBench"})
_SLEEP: Final = "sleep"
_NANOSECOND: Final = 1e-9

Frames = list[tuple[str, str, int]]


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds waited, by the function of the module that waits or called what does; all goroutines added up.

    `slept` is what no other goroutine could end. `every` holds it too, and what waits for others: for their locks,
    messages and answers.
    """

    slept: dict[Spot, float]
    every: dict[Spot, float]


def parse(lines: Iterable[str], module: re.Pattern[str]) -> Waits:
    """Raises ValueError when this is no such text."""
    waits = list(_waits(lines, module))
    slept = summed((spot, seconds) for why, spot, seconds in waits if why == _SLEEP)
    return Waits(slept, summed((spot, seconds) for _, spot, seconds in waits))


def _waits(lines: Iterable[str], module: re.Pattern[str]) -> Iterator[tuple[str, Spot, float]]:
    """Why, where and how long."""
    waiting: dict[str, tuple[str, Spot, int]] = {}
    begun: re.Match[str] | None = None
    frames: Frames = []
    changes = 0
    for line in lines:
        if line.startswith("\t"):
            if begun:
                _read_frame(line, frames)
            continue
        if begun and (frames or line.startswith("M=")):
            # The first list of frames is the goroutine's own.
            if (spot := _nearest(frames, module)) is not None:
                waiting[begun["goroutine"]] = begun["why"], spot, int(begun["time"])
            begun = None
        if "StateTransition" not in line or (change := _CHANGE.search(line)) is None:
            continue
        changes += 1
        if change["new"] == "Waiting" and change["old"] == "Running":
            begun, frames = change, []
        elif change["old"] == "Waiting" and (known := waiting.pop(change["goroutine"], None)):
            why, spot, since = known
            yield why, spot, (int(change["time"]) - since) * _NANOSECOND
    if not changes:
        raise ValueError("no goroutine changes its state in what go tool trace printed")


def _read_frame(line: str, frames: Frames) -> None:
    if frame := _FRAME.match(line):
        frames.append((frame["function"], "", 0))
    elif (place := _PLACE.match(line)) and frames:
        frames[-1] = frames[-1][0], place["file"], int(place["line"])


def _nearest(frames: Frames, module: re.Pattern[str]) -> Spot | None:
    """The innermost frame of the module; None where there is none, or where the testing package waits."""
    if any(function in _TESTING for function, _, _ in frames):
        return None
    return next((Spot(*frame) for frame in frames if module.match(frame[0])), None)
