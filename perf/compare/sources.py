"""The door to inputs: arguments and files in, sources out; what can't be one is told with its likely cause."""

from __future__ import annotations

import codecs
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from perf.compare.samples import Source, collect
from perf.errors import UsageError

STDIN: Final = "-"
_LOOKED_AT: Final = 8192
_MAKE: Final = "go test -run='^$' -bench=. -count=10 ./... > FILE"


@dataclass(frozen=True, slots=True)
class Input:
    """One argument: `path` is STDIN or a file's."""

    label: str
    path: str


def inputs(arguments: Sequence[str]) -> tuple[Input, ...]:
    """Parse PATH and LABEL=PATH. Several inputs may share a label, and then are one column; equal paths may not.

    Raises UsageError when nothing is named, or standard input twice.
    """
    if not arguments:
        raise UsageError(
            "no file is named", next_command="python -m perf compare OLD NEW, or - for standard input"
        )
    found: list[Input] = []
    times: dict[str, int] = {}
    for argument in arguments:
        label, equals, path = argument.partition("=")
        if equals and label and path and not Path(argument).exists():
            found.append(Input(label, path))
            continue
        times[argument] = times.get(argument, 0) + 1
        name = "standard input" if argument == STDIN else argument
        found.append(Input(name if times[argument] == 1 else f"{name} #{times[argument]}", argument))
    if sum(each.path == STDIN for each in found) > 1:
        raise UsageError("standard input is named twice", cause="it can be read only once")
    return tuple(found)


def read_all(wanted: Sequence[Input], stdin: BinaryIO) -> tuple[Source, ...]:
    """Read every input; raises UsageError for one that can't be read or holds no benchmark line."""
    return tuple(_read(each, stdin) for each in wanted)


def _read(wanted: Input, stdin: BinaryIO) -> Source:
    if wanted.path == STDIN:
        return _collect(wanted, io.BufferedReader(_Raw(stdin), _LOOKED_AT))
    try:
        with open(wanted.path, "rb") as file:
            return _collect(wanted, file)
    except OSError as error:
        raise UsageError(
            f"cannot read {wanted.path}: {error.strerror}",
            cause="a directory, not a file" if isinstance(error, IsADirectoryError) else "",
            next_command=_MAKE if isinstance(error, FileNotFoundError) else "",
        ) from error


def _collect(wanted: Input, file: io.BufferedReader) -> Source:
    start = file.peek(_LOOKED_AT)[:_LOOKED_AT]
    name = "standard input" if wanted.path == STDIN else wanted.path
    if not start:
        raise UsageError(
            f"{name} is empty", cause="the command that should have written it failed", next_command=_MAKE
        )
    encoding = _encoding(start)
    if encoding is None:
        raise UsageError(
            f"{name} is not text",
            cause="a profile, an archive or a test binary; Go's benchmark output is text",
            next_command=_MAKE,
        )
    if start.lstrip().startswith(b'{"') and b'"Action"' in start:
        raise UsageError(
            f"{name} is the output of go test -json",
            cause="benchmark lines are parted over several events there",
            next_command=f"jq -j 'select(.Action == \"output\").Output' {name} > FILE, a package at a time",
        )
    # Lines end at "\n" alone, and odd bytes stay apart from one another.
    with io.TextIOWrapper(file, encoding, "backslashreplace", newline="\n") as text:
        source = collect(text, wanted.label)
    if not source.samples:
        raise UsageError(f"{name} holds no benchmark line", cause=_what_is_there(source), next_command=_MAKE)
    return source


def _encoding(start: bytes) -> str | None:
    """PowerShell's `>` writes UTF-16; elsewhere a zero byte is no text."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return None if b"\0" in start else "utf-8-sig"


def _what_is_there(source: Source) -> str:
    if source.failures:
        return f"it failed: {source.failures[0].message}"
    if source.problems:
        return f"line {source.problems[0].line}: {source.problems[0].message}"
    if source.skips:
        return "every benchmark skipped itself"
    return "go test was run without -bench, or no benchmark matched it"


class _Raw(io.RawIOBase):
    """A binary stream behind a buffer of its own: closing that leaves the stream open."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        found = self._stream.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)
