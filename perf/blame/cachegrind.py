"""Cachegrind's output file: instructions by file, function and line. Pure.

The format: "events:" names the columns, "fl=" a file, "fn=" a function in it, "LINE COUNT…" a cost of both; "fi=" and
"fe=" change the file inside a function, where another was inlined (the valgrind manual, chapter 5, "Cachegrind file
format").
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from perf.blame.costs import Spot, summed

_INSTRUCTIONS = "Ir"


def parse(text: str) -> dict[Spot, float]:
    """Instructions by place; raises ValueError when this is no whole cachegrind file, or one without instructions."""
    return summed(_records(text.splitlines()))


def _records(lines: list[str]) -> Iterator[tuple[Spot, float]]:
    column, file, function, whole = -1, "", "", False
    for number, line in enumerate(lines, start=1):
        if line[:1].isdigit():
            fields = line.split()
            try:
                yield Spot(function, file, int(fields[0])), float(fields[column + 1])
            except (IndexError, ValueError) as error:
                raise ValueError(f"line {number} is not as cachegrind writes it: {line[:80]!r}") from error
        elif line.startswith("fn="):
            function = line[3:]
        elif line.startswith(("fl=", "fi=", "fe=")):
            # Go's compiler writes relative names and "." as their directory.
            file = posixpath.normpath(line[3:])
        elif line.startswith("events:"):
            events = line.removeprefix("events:").split()
            column = events.index(_INSTRUCTIONS) if _INSTRUCTIONS in events else -1
        elif line.startswith("summary:"):
            whole = True
    if column < 0 or not whole:
        raise ValueError("no whole cachegrind file with instructions")
