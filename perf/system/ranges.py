"""What git knows of a range of commits; beside perf.system.git, the door to one."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from perf.errors import UsageError
from perf.system.git import Checkout, is_shallow, too_shallow
from perf.system.repository import open_repository

_FIELDS: Final = ("%H", "%P", "%an <%ae>", "%aI", "%s")
_MARK: Final = "\x01commit\x01"


@dataclass(frozen=True, slots=True)
class Listed:
    """A commit of a range with the full hashes of all its parents; `date` is the author's, ISO 8601."""

    sha: str
    parents: tuple[str, ...]
    author: str
    date: str
    subject: str


@dataclass(frozen=True, slots=True)
class Touched:
    """The paths that a commit changed since its first parent, from the repository's root; renames are both paths."""

    parent: str
    paths: tuple[str, ...]


def between(checkout: Checkout, good: str, bad: str, *, all_parents: bool) -> tuple[Listed, ...]:
    """The good commit, then those that bad has and good has not, each after its parents; bad is the last.

    Along first parents unless `all_parents`. Both are full hashes. Raises UsageError where good is no ancestor of bad,
    Lacking where a shallow clone hides what lies between.
    """
    with open_repository(checkout.root) as repo:
        if not repo.is_ancestor(repo.commit(good), repo.commit(bad)):
            if is_shallow(checkout):
                raise too_shallow(checkout, f"{good[:12]} and {bad[:12]} do not meet in it")
            what = f"{good[:12]} is not an ancestor of {bad[:12]}"
            if repo.is_ancestor(repo.commit(bad), repo.commit(good)):
                raise UsageError(
                    what,
                    cause="the two ends are swapped: the good end is the older one",
                    next_command=f"--good {bad[:12]} --bad {good[:12]}; where it got faster, with --improvement",
                )
            merge_base = shlex.join(("git", "-C", str(checkout.root), "merge-base", good[:12], bad[:12]))
            raise UsageError(
                what,
                cause="they lie on different branches",
                next_command=f"{merge_base} names a commit that both have: give it as --good",
            )
        how = ["--topo-order"] if all_parents else ["--topo-order", "--first-parent"]
        shown = [f"--format={'%x00'.join(_FIELDS)}", "--no-color", "--no-show-signature"]
        told = repo.git.log("--reverse", *how, *shown, f"{good}..{bad}", "--")
        first = repo.git.log("--no-walk", *shown, "--end-of-options", good, "--")
    lines = [line for text in (first, told) for line in str(text).split("\n") if "\0" in line]
    listed = tuple(_listed(line) for line in lines)
    if any(not each.parents for each in listed[1:]) and is_shallow(checkout):
        raise too_shallow(checkout, f"it ends within {good[:12]}..{bad[:12]}")
    return listed


def touched(checkout: Checkout, good: str, bad: str, *, all_parents: bool) -> Mapping[str, Touched]:
    """What each commit of good..bad changed, by its hash; as `between` lists them, the good one apart."""
    how = [] if all_parents else ["--first-parent"]
    with open_repository(checkout.root) as repo:
        told = repo.git.log(
            *how,
            "--diff-merges=first-parent",
            *("--name-only", "-z", "--no-renames", "--no-color", "--no-show-signature"),
            f"--format={_MARK}%H %P%x00",
            f"{good}..{bad}",
            "--",
        )
    found = {}
    for part in str(told).split(_MARK)[1:]:
        hashes, *paths = part.split("\0")
        sha, *parents = hashes.split()
        named = tuple(name for path in paths if (name := path.removeprefix("\n")))
        found[sha] = Touched(parents[0] if parents else "", named)
    return found


def _listed(line: str) -> Listed:
    sha, parents, author, date, subject = line.split("\0", 4)
    return Listed(sha, tuple(parents.split()), _printable(author), date, _printable(subject))


def _printable(text: str) -> str:
    """What people wrote, for a terminal and for UTF-8: neither bytes of another encoding nor control characters."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
