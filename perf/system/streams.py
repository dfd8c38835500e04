"""The door to the three standard streams: whoever reads them may be gone, and the run goes on as it would."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# Nobody reads any more (`perf … | head -1`), or the terminal is gone: nobody misses what is printed then.
_NO_READER: Final = frozenset({errno.EPIPE, errno.EIO, errno.EBADF})


class _Output(io.FileIO):
    """A descriptor to print to. What nobody can read counts as printed; so does all of it on a `deaf` one.

    Another error, such as a full disk, is raised once: the flush when Python ends has nobody left to tell.
    """

    def __init__(self, descriptor: int, *, deaf: bool) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._deaf = deaf

    def write(self, content: ReadableBuffer, /) -> int:
        try:
            return super().write(content)
        except OSError as error:
            if not self._deaf and error.errno not in _NO_READER:
                self._deaf = True
                raise
            return memoryview(content).nbytes


def make_ready(environment: MutableMapping[str, str]) -> None:
    """Let no stream fail a run: a closed one leads nowhere, a reader that left is not minded, nor that standard error
    cannot be written. A full disk under standard output is still an error, once.

    COLUMNS=0, which some that have no terminal set, is no width: it is taken out of `environment`.
    """
    _open_closed()
    sys.stdout = _tolerant(sys.stdout, deaf=False)
    sys.stderr = _tolerant(sys.stderr, deaf=True)
    if not environment.get("COLUMNS", "unset").strip("0"):
        del environment["COLUMNS"]


def _open_closed() -> None:
    """Lead what is closed (`>&-`) nowhere: else the next file that is opened takes its number, and what is printed."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)  # The lowest number that is free, which is this one.
            os.set_inheritable(nowhere, True)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as the process
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _tolerant(stream: TextIO, *, deaf: bool) -> TextIO:
    """The same stream over such an output. A stand-in for one, which has no descriptor, stays what it is.

    A terminal that knows no "✅" gets a "?" for it.
    """
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.reconfigure(errors="replace")
    if type(stream) is not io.TextIOWrapper or isinstance(getattr(stream.buffer, "raw", None), _Output):
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Output(stream.fileno(), deaf=deaf)),
        encoding=stream.encoding,
        errors="replace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
