"""What a run has measured, a line each as it comes: so that an interrupted run loses nothing and can go on."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from perf.model import Problem, ProblemKind
from perf.system import files

FILE_NAME = "samples.jsonl"

T = TypeVar("T")


class Journal:
    """Values by key, kept in a file at once. A key is noted once; what is noted is never measured again.

    A line that is not whole (the process was killed while it wrote), or no pair of a key and a value, is as if it had
    not been written.
    """

    def __init__(self, path: Path, earlier: Path | None = None) -> None:
        """Begin the file `path`, with all that the run whose journal is `earlier` has measured."""
        self._path = path
        self._lock = threading.Lock()
        self._known: dict[str, object] = read(earlier) if earlier is not None else {}
        files.make_directory(path.parent)
        files.write_atomically(path, "".join(_line(key, value) for key, value in self._known.items()))

    def recall(self, key: str) -> object | None:
        """What was noted under this key, as JSON gives it; None when nothing was."""
        return self._known.get(key)

    def note(self, key: str, value: object) -> None:
        """Keep a value that JSON can hold. Raises Lacking when the disk refuses."""
        with self._lock:
            self._known[key] = value
            with files.disk_errors(self._path), self._path.open("a", encoding="utf-8") as file:
                file.write(_line(key, value))


def made(known: object | None, make: Callable[[Mapping[str, Any]], T]) -> T | None:
    """What `make` makes of a recalled value; None, as if it had not been noted, where fields are missing or odd."""
    if not isinstance(known, dict):
        return None
    try:
        return make(known)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def problem_of(known: Mapping[str, Any]) -> Problem:
    """A problem from the values that JSON gives."""
    return Problem(**{**known, "kind": ProblemKind(known["kind"])})


def _line(key: str, value: object) -> str:
    return json.dumps([key, value]) + "\n"


def read(path: Path) -> dict[str, object]:
    """What a journal's file holds, in the order it was noted."""
    lines = path.read_text("utf-8", "replace").splitlines()
    return dict(pair for line in lines if (pair := _pair(line)) is not None)


def _pair(line: str) -> tuple[str, object] | None:
    try:
        noted = json.loads(line)
    except (ValueError, RecursionError):
        return None
    match noted:
        case [str(key), value]:
            return key, value
        case _:
            return None
