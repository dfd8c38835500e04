"""What git knows of many commits and files at once; beside perf.system.git, the door to one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import git

from perf.system.git import Checkout
from perf.system.repository import open_repository


def subjects(checkout: Checkout, shas: Iterable[str]) -> dict[str, str]:
    """The first line of each commit's message by its full hash; without those that this repository does not have."""
    asked = sorted(set(shas))
    if not asked:
        return {}
    # A process reads from a file that has a descriptor; the names are too many for its arguments.
    with open_repository(checkout.root) as repo, tempfile.TemporaryFile() as names:
        names.write("".join(f"{sha}\n" for sha in asked).encode())
        names.seek(0)
        told = repo.git.log(
            "--no-walk=unsorted",
            "--ignore-missing",
            "--no-show-signature",
            "--format=%H%x00%s",
            "--stdin",
            istream=names,
        )
    return dict(line.split("\0", 1) for line in told.split("\n") if "\0" in line)


def tracked(directory: Path) -> frozenset[Path]:
    """The files below `directory` that git tracks; none outside a repository."""
    try:
        with open_repository(directory, parents=True) as repo:
            root = Path(repo.working_tree_dir or directory)
            listed = repo.git.ls_files("-z", "--full-name", "--", str(directory.resolve()))
            return frozenset(root / name for name in listed.split("\0") if name)
    except (git.InvalidGitRepositoryError, git.NoSuchPathError):
        return frozenset()
