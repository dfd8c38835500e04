"""A search as `git bisect log` would tell it: `git bisect replay FILE` brings git to the same answer. Pure.

Git knows one bad commit at a time, so the culprit is the last that is marked bad. Where a good commit is no ancestor of
it, git asks for a test of where the two meet; all parents of the culprit being marked good, that is settled, but for a
good end beside a line of first parents, which is left unmarked. What was measured is marked; what only follows from it
(a commit of both branches whose tips are bad, a parent between a good one and the culprit) says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from perf.bisect.model import BisectResult, Ending, Level, State
from perf.report.bisect_figures import (
    ancestors,
    has_values,
    in_a_line,
    made_bad,
    metric_name,
    middle,
    moved,
    parents,
    subject,
    suspects,
    value,
)
from perf.report.escape import encodable, one_line
from perf.report.words import count


def render(result: BisectResult) -> str:
    """What `git bisect replay` takes. Where no commit is the answer, git is told what is known and no more."""
    return encodable("\n".join(_lines(result)) + "\n")


def _lines(result: BisectResult) -> Iterator[str]:
    yield f"# {one_line(result.package)} {one_line(result.benchmark)}, {metric_name(result.metric)}"
    yield f"# {in_a_line(result)}"
    yield f"git bisect start{_options(result)}"
    if culprits := suspects(result):
        yield from _found(result, culprits)
    elif result.ending is Ending.UNDECIDED:
        yield from _undecided(result)
    else:
        yield from _steps(result)
        yield "# so there is no first commit to name, and none is marked"


def _options(result: BisectResult) -> str:
    """A merge's inside is left out as it was; where no commit is a merge, any git will do."""
    line = all(len(each.commit.parents) == 1 for each in result.levels[1:])
    return "" if result.all_parents or line else " '--first-parent'"


def _words(result: BisectResult) -> tuple[str, str]:
    """Git's words for before and after; what got cheaper is not bad."""
    return ("old", "new") if result.improvement else ("good", "bad")


# -- found --------------------------------------------------------------------------------------------------------


def _found(result: BisectResult, culprits: Sequence[int]) -> Iterator[str]:
    good, bad = _words(result)
    top = culprits[-1]
    before = ancestors(result)[top]
    after = made_bad(result, culprits)
    last = result.levels[-1].place
    yield from _marked(result, bad, result.levels[last])
    yield from _good_end(result, before)
    marked = {result.levels[0].commit.sha} if before & 1 else set()
    for each in result.levels[1:last]:
        if has_values(each) and each.place not in after:
            marked.add(each.commit.sha)
            yield from _marked(result, good, each)
        elif each.place != top and (each.state is State.SKIPPED or each.place in culprits):
            yield from _marked(result, "skip", each)
    for each in reversed(result.levels[1:last]):
        if has_values(each) and each.place in after and each.place not in culprits:
            yield from _marked(result, bad, each)
    yield from _parents(result, culprits, good, marked)
    if top != last:
        yield from _marked(result, bad, result.levels[top])
    if len(culprits) == 1:
        yield f"# first {bad} commit: [{result.levels[top].commit.sha}] {subject(result.levels[top].commit)}"
        return
    yield "# only skipped commits left to test"
    for place in culprits:
        yield (
            f"# possible first {bad} commit: [{result.levels[place].commit.sha}] "
            f"{subject(result.levels[place].commit)}"
        )


def _good_end(result: BisectResult, before: int) -> Iterator[str]:
    good, _ = _words(result)
    first = result.levels[0]
    if before & 1:
        yield from _marked(result, good, first)
    else:
        yield f"# {good} too: [{first.commit.sha}] {subject(first.commit)}, not on the line that leads to the culprit"


def _parents(result: BisectResult, culprits: Sequence[int], good: str, marked: set[str]) -> Iterator[str]:
    """What lies just before the culprits, where it has no values of its own."""
    own = {result.levels[place].commit.sha for place in culprits}
    place_of = {each.commit.sha: each.place for each in result.levels}
    for place in culprits:
        for sha in parents(result, place):
            if sha in own or sha in marked:
                continue
            marked.add(sha)
            known = place_of.get(sha)
            told = "already in the good end" if known is None else subject(result.levels[known].commit)
            yield f"# {good}: [{sha}] {told}"
            yield "#   not measured itself: it follows from the others"
            yield f"git bisect {good} {sha}"


# -- not found ----------------------------------------------------------------------------------------------------


def _undecided(result: BisectResult) -> Iterator[str]:
    """Places of which it is as sure as was asked for; `git bisect` goes on between them."""
    good, bad = _words(result)
    reached = ancestors(result)
    chances = [each.chance for each in result.levels]
    total = sum(chances)
    is_bad = {
        each.place: sum(share for place, share in enumerate(chances) if reached[each.place] >> place & 1)
        for each in result.levels
        if has_values(each)
    }
    last = result.levels[-1].place
    top = last
    yield from _marked(result, bad, result.levels[last])
    yield from _marked(result, good, result.levels[0])
    for each in reversed(result.levels[1:last]):
        below = reached[top] >> each.place & 1 and reached[each.place] & 1
        if below and is_bad.get(each.place, 0.0) >= result.confidence:
            top = each.place
            yield from _marked(result, bad, each)
    for each in result.levels[1:last]:
        if not reached[top] >> each.place & 1 or each.place == top:
            continue
        if each.state is State.SKIPPED:
            yield from _marked(result, "skip", each)
        elif each.place in is_bad and total - is_bad[each.place] >= result.confidence:
            yield from _marked(result, good, each)
    yield "# not determined: these are the places that are sure"


def _steps(result: BisectResult) -> Iterator[str]:
    for step in result.steps:
        commit = result.levels[step.places[-1]].commit
        several = f" or one of {len(step.places) - 1:,} before it" if step.places[1:] else ""
        yield f"# step: [{commit.sha}] {subject(commit)}{several}: {moved(step.change, result.metric.unit)}"


# -- marks --------------------------------------------------------------------------------------------------------


def _marked(result: BisectResult, word: str, level: Level) -> Iterator[str]:
    yield f"# {word}: [{level.commit.sha}] {subject(level.commit)}"
    if told := _why(result, level, word):
        yield f"#   {told}"
    yield f"git bisect {word} {level.commit.sha}"


def _why(result: BisectResult, level: Level, word: str) -> str:
    if level.state is State.SKIPPED:
        reason = f"cannot be measured: {one_line(level.reason) or 'no reason given'}"
        return reason if word == "skip" else f"{reason}; it follows from the others"
    if word == "skip":
        return "not told apart from the next"
    if not has_values(level):
        return (
            ""
            if level.place in (0, result.levels[-1].place)
            else "not measured itself: it follows from the others"
        )
    of = (
        f", of {result.levels[level.same_as].commit.sha[:12]}: the same binary"
        if level.same_as is not None
        else ""
    )
    return f"{value(middle(level.values), result.metric.unit)}, {count(len(level.values), 'value')}{of}"
