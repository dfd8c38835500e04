"""Which commits are searched: from the ends that were named, or from what was measured before."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from perf.baseline import store
from perf.bisect.line import Line
from perf.bisect.revisions import find_range, line_of
from perf.context import Context
from perf.errors import Undecided, UsageError
from perf.system.ranges import Listed
from tests.baseline import samples
from tests.bisect.histories import git

Repository = Callable[..., Path]
ContextFor = Callable[..., Context]
THREE = ({"a": "1"}, {"a": "2"}, {"a": "3"})


def listed(*commits: tuple[str, str]) -> list[Listed]:
    """Commits as "name", "names of parents"."""
    return [Listed(sha, tuple(parents), "", "", "") for sha, parents in commits]


@pytest.mark.parametrize(
    ("commits", "line"),
    [
        ([("g", "x"), ("a", "g"), ("b", "a")], Line(2)),
        ([("g", ""), ("a", "g"), ("b", "g"), ("m", "ab")], Line(3, ((), (0,), (0,), (1, 2)))),
        (
            [("g", ""), ("a", "g"), ("b", "g"), ("c", "g"), ("m", "abc")],
            Line(4, ((), (0,), (0,), (0,), (1, 2, 3))),
        ),
        # From before the good end: no parent in the range, and so made bad by itself alone.
        ([("g", "x"), ("b", "x"), ("m", "gb")], Line(2, ((), (), (0, 1)))),
    ],
    ids=["straight", "a merge", "an octopus", "a branch from before"],
)
def test_commits_hang_together_as_their_parents_say(commits: list[tuple[str, str]], line: Line) -> None:
    assert line_of(listed(*commits)) == line


def test_the_ends_are_the_first_and_the_last_place(
    git_repository: Repository, context_for: ContextFor
) -> None:
    context = context_for(git_repository(*THREE))
    found = find_range(context, "HEAD~2", "HEAD", all_parents=False)
    assert [each.subject for each in found.commits] == ["commit 0", "commit 1", "commit 2"]
    assert found.line == Line(2)
    assert found.commits[1].author == "Test <test@example.invalid>"
    assert find_range(context, "HEAD~2", "HEAD", all_parents=True).line == Line(2)


def test_the_inside_of_a_merge_is_asked_for(git_repository: Repository, context_for: ContextFor) -> None:
    root = git_repository(*THREE)
    git(root, "checkout", "-b", "side", "HEAD~1")
    git(root, "commit", "--allow-empty", "-m", "beside")
    git(root, "checkout", "main")
    git(root, "merge", "--no-ff", "-m", "merge", "side")
    context = context_for(root)
    assert find_range(context, "HEAD~2", "HEAD", all_parents=False).line == Line(2)
    inside = find_range(context, "HEAD~2", "HEAD", all_parents=True)
    assert inside.line.parents[-1] in ((1, 2), (2, 1))


def test_equal_ends_are_refused(git_repository: Repository, context_for: ContextFor) -> None:
    with pytest.raises(UsageError, match="there is nothing between them"):
        find_range(context_for(git_repository(*THREE)), "main", "HEAD", all_parents=False)


def test_without_a_repository_there_is_no_history(context_for: ContextFor, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(UsageError, match="is not in a git repository"):
        find_range(context_for(tmp_path / "plain"), None, "HEAD", all_parents=False)


def test_without_a_good_end_it_is_the_newest_ancestor_that_was_measured(
    git_repository: Repository, context_for: ContextFor
) -> None:
    root = git_repository(*THREE, {"a": "4"})
    context = context_for(root)
    with pytest.raises(Undecided, match="no ancestor has a stored baseline"):
        find_range(context, None, "HEAD", all_parents=False)
    for revision in ("HEAD", "HEAD~1", "HEAD~2"):
        sha = git(root, "rev-parse", revision)
        baseline = replace(samples.baseline(target=root.name), sha=sha)
        store.save(store.path_for(context, sha, dirty=revision == "HEAD~1"), baseline)
    found = find_range(context, None, "HEAD", all_parents=False)
    assert [each.subject for each in found.commits] == ["commit 1", "commit 2", "commit 3"]


def test_from_a_shallow_clone_what_is_there_is_searched(
    git_repository: Repository, context_for: ContextFor, tmp_path: Path
) -> None:
    root = git_repository(*THREE)
    subprocess.run(
        ["git", "clone", "--quiet", "--depth=2", root.as_uri(), str(tmp_path / "shallow")], check=True
    )
    context = context_for(tmp_path / "shallow")
    assert find_range(context, "HEAD~1", "HEAD", all_parents=False).line == Line(1)
    with pytest.raises(UsageError, match="unknown revision") as caught:
        find_range(context, "HEAD~2", "HEAD", all_parents=False)
    assert "fetch --unshallow" in caught.value.next_command
