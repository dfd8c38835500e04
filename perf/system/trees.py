"""The files of a commit in a directory of their own: nothing is noted in the repository, no checkout is touched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import git

from perf.errors import Lacking
from perf.system import files
from perf.system.git import NO_QUESTIONS, Checkout
from perf.system.repository import open_repository

# What a user set for the checkout's own index must not reach this one, nor make git write beside it; there is even a
# hook for an index that was written.
_SETTINGS: Final = (
    "core.sparseCheckout=false",
    "core.splitIndex=false",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.hooksPath=/dev/null",
)


def fill(checkout: Checkout, sha: str, place: Path) -> None:
    """Have the files of commit `sha` in the directory `place`; of what another commit left there, equal files stay.

    Edited files are restored; files that neither commit knows stay as they are. The index lies beside `place`. Unlike
    a worktree of git's own this leaves no trace in the repository, whatever ends this process, and runs none of its
    hooks. Raises Lacking when git cannot.
    """
    index = _index(place)
    if not place.is_dir():
        index.unlink(missing_ok=True)
    files.make_directory(place)
    with open_repository(checkout.root) as repo:
        # All three by name: a caller's, as a hook of git's has them, would point into the checkout.
        own = NO_QUESTIONS | {
            "GIT_DIR": str(repo.git_dir),
            "GIT_WORK_TREE": str(place),
            "GIT_INDEX_FILE": str(index),
        }
        try:
            with repo.git.custom_environment(**own):
                repo.git(c=_SETTINGS).read_tree("--reset", "-u", "--no-recurse-submodules", sha)
        except git.GitCommandError as error:
            said = str(error.stderr).replace("stderr:", "").strip(" '\n") or f"git ended with {error.status}"
            full = "No space left" in said or "unable to write file" in said
            raise Lacking(
                f"{sha[:12]} cannot be checked out into {place}: {said.splitlines()[-1]}",
                cause="the disk is full" if full else "the repository is damaged, or not all of it is here",
                next_command="free some space, or set TMPDIR to a larger disk" if full else "git fsck",
            ) from error


@contextmanager
def exported(checkout: Checkout, sha: str, place: Path) -> Iterator[Path]:
    """The target's directory as `sha` has it, below `place`, which is removed at the end. Raises as `fill` does."""
    try:
        files.remove_tree(place)
        fill(checkout, sha, place)
        yield place / checkout.subdirectory
    finally:
        files.remove_tree(place)
        _index(place).unlink(missing_ok=True)


def _index(place: Path) -> Path:
    return place.with_name(f"{place.name}.index")
