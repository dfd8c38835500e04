"""The one error family: what happened, the likely cause, what to type next, and an exit code with a meaning."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class ExitCode(IntEnum):
    """What the process says to its caller."""

    FINE = 0
    FAILED = 1
    USAGE = 2
    LACKING = 3
    UNKNOWN = 4
    INTERRUPTED = 130


MEANINGS: Final[dict[ExitCode, str]] = {
    ExitCode.FINE: "fine",
    ExitCode.FAILED: "a regression, a missed objective, or a run that failed",
    ExitCode.USAGE: "wrong use or configuration",
    ExitCode.LACKING: "the environment lacks something",
    ExitCode.UNKNOWN: "unknown, could not be judged",
    ExitCode.INTERRUPTED: "interrupted",
}


class PerfError(Exception):
    """An error a person can act on; `cause` and `next_command` may be empty where nothing honest can be said."""

    exit_code = ExitCode.FAILED

    def __init__(self, what: str, *, cause: str = "", next_command: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.cause = cause
        self.next_command = next_command

    def __str__(self) -> str:
        lines = [self.what]
        if self.cause:
            lines.append(f"  likely cause: {self.cause}")
        if self.next_command:
            lines.append(f"  next: {self.next_command}")
        return "\n".join(lines)


class RunFailed(PerfError):
    """What was measured failed: nothing arrived, a benchmark panicked, a registry died."""

    exit_code = ExitCode.FAILED


class UsageError(PerfError):
    """Wrong arguments or configuration; nothing was run."""

    exit_code = ExitCode.USAGE


class Lacking(PerfError):
    """The environment lacks something: a toolchain, disk, a port, the network."""

    exit_code = ExitCode.LACKING


class Undecided(PerfError):
    """The question is sound but could not be judged here: no base, a base that does not build."""

    exit_code = ExitCode.UNKNOWN


class Interrupted(PerfError):
    """Ctrl-C or SIGTERM: raised in the main thread so that every `with` block cleans up."""

    exit_code = ExitCode.INTERRUPTED
