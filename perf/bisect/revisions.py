"""The range: its ends as a person named them, its commits, and how they hang together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perf.baseline import store
from perf.bisect.line import Line
from perf.bisect.model import Commit
from perf.context import Context
from perf.errors import Undecided, UsageError
from perf.system import git, ranges
from perf.system.git import Checkout
from perf.system.ranges import Listed

_MOST_ANCESTORS = 1000


@dataclass(frozen=True, slots=True)
class Range:
    """`commits` by their places: the good end first, the bad end last, each after its parents."""

    checkout: Checkout
    commits: tuple[Commit, ...]
    line: Line


def find_range(context: Context, good: str | None, bad: str, *, all_parents: bool) -> Range:
    """Resolve the ends and list what lies between.

    Without `good` the newest ancestor that has a stored baseline. Raises UsageError for ends that are no range,
    Undecided where no ancestor has a baseline.
    """
    checkout = context.target.checkout
    if checkout is None:
        raise UsageError(
            f"{context.target.directory} is not in a git repository: there is no history to search",
            cause="a download without history",
            next_command="git clone the target and give that path: --repo PATH",
        )
    last = git.resolve(checkout, bad)
    first = (
        git.resolve(checkout, good)
        if good is not None
        else git.resolve(checkout, _measured(context, last.sha))
    )
    if first.sha == last.sha:
        raise UsageError(
            f"both ends are {first.sha[:12]}: there is nothing between them",
            cause="--good and --bad name the same commit",
            next_command="name an older commit: --good REV",
        )
    listed = ranges.between(checkout, first.sha, last.sha, all_parents=all_parents)
    commits = tuple(Commit(each.sha, each.author, each.date, each.subject, each.parents) for each in listed)
    return Range(checkout, commits, line_of(listed) if all_parents else Line(len(listed) - 1))


def line_of(listed: Sequence[Listed]) -> Line:
    """The commits with their parents by places; a plain line where history is one. Pure."""
    place = {each.sha: number for number, each in enumerate(listed)}
    parents = tuple(
        tuple(place[sha] for sha in each.parents if sha in place) if number else ()
        for number, each in enumerate(listed)
    )
    size = len(listed) - 1
    straight = all(of == ((number - 1,) if number else ()) for number, of in enumerate(parents))
    return Line(size) if straight else Line(size, parents)


def _measured(context: Context, bad: str) -> str:
    """The newest ancestor that a baseline is stored of; a red run never stores one."""
    assert context.target.checkout is not None
    older = git.ancestors(context.target.checkout, bad, _MOST_ANCESTORS)[1:]
    path = store.nearest(context, older)
    if path is None:
        raise Undecided(
            "no ancestor has a stored baseline, so there is no good end to begin at",
            cause="--good was left out, and none of the last commits was measured",
            next_command="name one that was fast: --good REV",
        )
    return store.load(path).sha
