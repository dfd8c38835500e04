"""The door to the terminal: what it waits for, on standard error; a live line for a person, plain lines for a log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from rich.console import Console
from rich.progress import Progress as Live
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

from perf.system import clock
from perf.units import format_seconds

LOG_INTERVAL_SECONDS = 10.0


class Progress:
    """Steps and counts. In a terminal one live line with the time gone by; elsewhere a line when a step ends."""

    def __init__(self, file: IO[str] | None = None, *, quiet: bool = False) -> None:
        self._console = Console(file=file, stderr=file is None, quiet=quiet, highlight=False, soft_wrap=True)
        self._said_at = clock.monotonic_seconds()

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Say what is being waited for, and how long it took when that was over two seconds."""
        started = clock.monotonic_seconds()
        if self._console.is_terminal:
            columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            with Live(*columns, console=self._console, transient=True) as live:
                live.add_task(self._escaped(what), total=None)
                yield
        else:
            self.note(what)
            yield
        seconds = clock.monotonic_seconds() - started
        if self._console.is_terminal or seconds > 2.0:
            self.note(f"{what}: {format_seconds(seconds)}")

    def count(self, what: str, done: int, total: int) -> None:
        """Say how far a loop is; in a log at most every ten seconds and at its end."""
        self.status(f"{what} {done}/{total}", last=done == total)

    def status(self, what: str, *, last: bool = False) -> None:
        """How things stand, on the live line that the next status takes; in a log at most every ten seconds."""
        now = clock.monotonic_seconds()
        if self._console.is_terminal:
            # Blanks behind it: the line before may have been longer.
            self._console.print(
                f"  {self._escaped(what):<{self._console.width - 3}}", end="\n" if last else "\r"
            )
        elif now - self._said_at >= LOG_INTERVAL_SECONDS:
            self._said_at = now
            self.note(f"  {what}")

    def note(self, what: str) -> None:
        """One line."""
        self._console.print(self._escaped(what))

    @staticmethod
    def _escaped(text: str) -> str:
        return text.replace("[", r"\[")
