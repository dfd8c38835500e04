"""How a test binary ended, read from its output: what was hung, what killed it, what it never said. Pure."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

# Where Go's own dump of its goroutines begins, once it was asked for with SIGQUIT.
DUMP: Final = "SIGQUIT: quit"

_CREATED: Final = re.compile(
    r"^created by \S*\.(Benchmark(?![a-z])\w*)\S* in goroutine.*\n\s+(\S+\.go):(\d+)", re.MULTILINE
)
_FRAME: Final = re.compile(r"^\S*\.(Benchmark(?![a-z])\w*)(?:\.\S*)?\(.*\n\s+(\S+\.go):(\d+)", re.MULTILINE)
_BARE_NAME: Final = re.compile(r"^(Benchmark(?![a-z])\S*)\s*$")
# Lines that the testing package prints itself.
_OF_GO: Final = re.compile(
    r"(goos|goarch|pkg|cpu): |Benchmark(?![a-z])\S*(\s|$)|--- |=== |FAIL|testing: |exit status "
)
# A name that waits for its numbers, and what the benchmark said on its line instead.
_STARTED: Final = re.compile(r"Benchmark(?![a-z])\S* *\t(?! *\d+\t)(.*)$")
_LOG_TIME: Final = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(\.\d+)? ")
_SAID_LINES: Final = 3
_SAID_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class Place:
    """A benchmark function and a line of it ("pkg/copy/copy_test.go:12"), "" where not known."""

    name: str = ""
    position: str = ""


def split_dump(text: str) -> tuple[str, str]:
    """The benchmarks' own output, and the goroutines that a hung process was made to tell."""
    said, mark, dump = text.partition(DUMP)
    return said, mark + dump


def benchmark_in(stacks: str, package: str) -> Place:
    """The benchmark that runs in these goroutine stacks: the innermost, not one that waits for its sub-benchmark.

    Failing that the one that started a goroutine which is there: it panicked, or keeps it waiting.
    """
    running = [
        block
        for block in stacks.split("\n\n")
        if "testing.(*B).runN(" in block and "testing.(*B).Run(" not in block
    ]
    candidates = (*(_FRAME.search(block) for block in running), _CREATED.search(stacks))
    found = next((each for each in candidates if each), None)
    if found is None:
        return Place()
    return Place(found[1], in_package(package, f"{os.path.basename(found[2])}:{found[3]}"))


def started_last(lines: Iterable[str]) -> str:
    """In verbose output (-test.v) a benchmark's name stands alone when it starts; the last of them, or ""."""
    names = [match[1] for line in lines if (match := _BARE_NAME.match(line))]
    return names[-1] if names else ""


def without_a_word(lines: Sequence[str], returncode: int) -> str:
    """What is wrong with an end that shows neither Go's closing PASS or FAIL nor a panic; "" when nothing is.

    What a benchmark printed last may stand before PASS on its line. With the last lines that are not Go's own: a
    log.Fatal says there why.
    """
    passed = any(line.endswith("PASS") for line in lines)
    said = "; ".join(_said_last(lines))
    if returncode < 0:
        ended, why = f"was killed by signal {-returncode}", ""
    elif passed and returncode > 0:
        ended, why = f"ended with exit {returncode} after its benchmarks had passed", ""
    elif passed or "FAIL" in lines:
        return ""
    elif returncode > 0:
        ended, why = f"ended with exit {returncode}", " and no word of why: a call of os.Exit?"
    else:
        ended, why = "ended with exit 0 before its benchmarks did", ": a TestMain that does not run them?"
    return f"{ended}; the last it said: {said}" if said else f"{ended}{why}"


def _said_last(lines: Sequence[str]) -> list[str]:
    """The last lines with words since Go's own last line, in their order, without the time that Go's log puts first."""
    said: list[str] = []
    for line in reversed(lines):
        started = _STARTED.match(line)
        own = started[1] if started else line
        if words := "" if _OF_GO.match(own) or own.endswith("PASS") else _LOG_TIME.sub("", own).strip():
            said.append(words if len(words) <= _SAID_LENGTH else f"{words[:_SAID_LENGTH]}…")
        if len(said) == _SAID_LINES or started or (line.strip() and not words):
            break
    return said[::-1]


def in_package(package: str, position: str) -> str:
    """A file:line of a package, relative to the module's root."""
    return os.path.normpath(os.path.join(package, position)) if position else ""
