"""Which commits between the sides touched a function, and what is not committed yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from perf.blame.growth import Growth
from perf.blame.source import declarations
from perf.model import Touch
from perf.system import git
from perf.system.git import Checkout

UNCOMMITTED: Final = Touch("", "uncommitted changes", "")
_GIT_TIMEOUT_SECONDS: Final = 10.0

Lines = tuple[int, int]
Changed = Mapping[str, tuple[Lines, ...]]


@dataclass(frozen=True, slots=True)
class Change:
    """The commits between the sides. `dirty`: the head is the checkout as it stands, with what no commit has."""

    checkout: Checkout
    base: str
    head: str
    dirty: bool


@dataclass(frozen=True, slots=True)
class Touches:
    """What differs between the sides, as lines of the head; `uncommitted` is the part that no commit has."""

    change: Change
    changed: Changed
    uncommitted: Changed

    def position(self, growth: Growth) -> str:
        """file:line in the repository; "" outside the module. What did not grow lies where it was touched first."""
        if not growth.path:
            return ""
        path, (start, end) = self._path(growth), _lines(growth)
        changed = [
            max(first, start) for first, last in self.changed.get(path, ()) if first <= end and last >= start
        ]
        return f"{path}:{min(changed) if changed and growth.grown <= 0 else growth.line}"

    def touched(self, growth: Growth) -> bool:
        return bool(growth.path) and _meet(self.changed.get(self._path(growth), ()), _lines(growth))

    def commits(self, growth: Growth) -> tuple[Touch, ...]:
        """Who touched it, newest first; raises Undecided where git cannot tell."""
        path, lines = self._path(growth), _lines(growth)
        if not self.touched(growth):
            return ()
        found = (UNCOMMITTED,) if _meet(self.uncommitted.get(path, ()), lines) else ()
        if self.change.dirty:
            committed = self._committed_lines(path, growth)
            if committed is None:
                return found
            lines = committed
        commits = git.commits_touching(
            self.change.checkout, self.change.base, self.change.head, path, lines, _GIT_TIMEOUT_SECONDS
        )
        return (*found, *(Touch(each.sha, each.subject, each.author) for each in commits))

    def requirements_changed(self) -> bool:
        """Whether the module requires other versions: then code of others may have grown."""
        return (PurePosixPath(self.change.checkout.subdirectory) / "go.mod").as_posix() in self.changed

    def _path(self, growth: Growth) -> str:
        return (PurePosixPath(self.change.checkout.subdirectory) / growth.path).as_posix()

    def _committed_lines(self, path: str, growth: Growth) -> Lines | None:
        """Where the last commit has the function; None when it has none of that name."""
        text = git.text_at(self.change.checkout, self.change.head, path)
        if growth.declared is None or text is None:
            return None
        name = growth.declared.name
        return next(((each.start, each.end) for each in declarations(text) if each.name == name), None)


def find_touches(change: Change) -> Touches:
    """What differs; asks git."""
    if not change.dirty:
        return Touches(change, git.changed_lines(change.checkout, change.base, change.head), {})
    return Touches(
        change,
        git.changed_lines(change.checkout, change.base, None),
        git.changed_lines(change.checkout, change.head, None),
    )


def _lines(growth: Growth) -> Lines:
    return (growth.declared.start, growth.declared.end) if growth.declared else (growth.line, growth.line)


def _meet(ranges: tuple[Lines, ...], lines: Lines) -> bool:
    return any(first <= lines[1] and last >= lines[0] for first, last in ranges)
