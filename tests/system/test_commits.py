"""What git knows of many commits and files at once."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from perf.system import commits, git

Repository = Callable[..., Path]


def test_the_subjects_of_the_commits_that_are_here(git_repository: Repository) -> None:
    """A hash that is in no history here, or of a file, has none."""
    root = git_repository({"a": "1"}, {"a": "2"})
    checkout = git.find_checkout(root)
    head, parent = git.ancestors(checkout, "HEAD", 2)
    blob = subprocess.run(
        ["git", "rev-parse", "HEAD:a"], cwd=root, check=True, capture_output=True, text=True
    ).stdout.strip()
    asked = (head, parent, "f" * 40, blob, head)
    assert commits.subjects(checkout, asked) == {head: "commit 1", parent: "commit 0"}


def test_no_question_is_no_answer_and_not_the_head(git_repository: Repository) -> None:
    checkout = git.find_checkout(git_repository({"a": "1"}))
    assert commits.subjects(checkout, ()) == {}
    assert commits.subjects(checkout, ("f" * 40,)) == {}


def test_tracked_files_are_those_that_git_has_below_a_directory(git_repository: Repository) -> None:
    root = git_repository({"in/odd name\n.json": "1", "out.json": "1"})
    (root / "in" / "new.json").write_text("2")
    assert commits.tracked(root / "in") == {root / "in" / "odd name\n.json"}


def test_outside_a_repository_nothing_is_tracked(tmp_path: Path) -> None:
    assert commits.tracked(tmp_path) == frozenset()
    assert commits.tracked(tmp_path / "absent") == frozenset()
