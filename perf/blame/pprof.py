"""`go tool pprof -top -lines`: how it is asked, and how its text is read. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from perf.blame.costs import Spot, summed

# "  420ms 50.00% 204.76%  3620ms 430.95%  slices.Index[go.shape.[]int] slices/slices.go:98 (inline)"
_ROW: Final = re.compile(
    r"\s*(?P<flat>-?[\d.]+(?:e[+-]?\d+)?)(?P<unit>[A-Za-z]*)\s+\S+%\s+\S+%\s+\S+\s+\S+%\s+(?P<name>\S.*)"
)
_PLACE: Final = re.compile(
    r"(?P<function>.*?)(?:\s+(?P<file>\S+):(?P<line>\d+))?(?:\s+\((?:partial-)?inline\))?"
)
_HEADER: Final = re.compile(r"\s*flat\s+flat%")


def module_pattern(module: str) -> str:
    """A regular expression for the functions of a module. Go writes dots in a package's last part as %2e."""
    start, slash, last = module.rpartition("/")
    return f"^{re.escape(start + slash)}{re.escape(last).replace(chr(92) + '.', '(%2e|[.])')}[./_]"


def top(sample: str, unit: str, profiles: Sequence[Path], show: str = "") -> list[str]:
    """What to ask `go tool` for: own costs by line, every line, several profiles summed; `unit` "" is as they are.

    With `show`, functions that do not match count as their nearest caller that does.
    """
    return [
        "pprof",
        "-top",
        "-lines",
        "-trim=false",
        "-nodefraction=0",
        "-nodecount=1000000",
        f"-sample_index={sample}",
        *([f"-unit={unit}"] if unit else []),
        *([f"-show={show}"] if show else []),
        *map(str, profiles),
    ]


def parse(text: str) -> dict[Spot, float]:
    """Own costs by place, in the unit asked for; raises ValueError when this is no such table."""
    lines = text.splitlines()
    header = next((number for number, line in enumerate(lines) if _HEADER.match(line)), None)
    if header is None:
        raise ValueError("no table of go tool pprof")
    return {spot: cost for spot, cost in summed(_rows(lines[header + 1 :])).items() if cost}


def _rows(lines: Sequence[str]) -> Iterator[tuple[Spot, float]]:
    for line in lines:
        row = _ROW.fullmatch(line)
        if row is None:
            raise ValueError(f"not as go tool pprof writes it: {line[:120]!r}")
        place = _PLACE.fullmatch(row["name"])
        assert place is not None, "every part of it may be missing"
        yield Spot(place["function"], place["file"] or "", int(place["line"] or 0)), float(row["flat"])
