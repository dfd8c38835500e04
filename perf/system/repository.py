"""Opening a repository: one way for all of git's doors, with what git refuses told in its words."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import git

from perf.errors import Lacking


class _Git(git.Git):
    """GitPython's own expands "$x" in its working directory, and works in ours where that then is none."""

    def __init__(self, working_dir: str | os.PathLike[str] | None = None) -> None:
        super().__init__(None if working_dir is None else Path(working_dir))


class _Repo(git.Repo):
    GitCommandWrapperType = _Git


@contextmanager
def open_repository(directory: Path, *, parents: bool = False) -> Iterator[git.Repo]:
    """The repository in `directory`, or, with `parents`, the nearest above. The path is taken literally.

    Raises as git.Repo does. A refusal of git's that the block does not expect is Lacking, in git's words.
    """
    with _Repo(directory.absolute(), search_parent_directories=parents, expand_vars=False) as repo:
        try:
            yield repo
        except git.GitCommandError as error:
            place = shlex.quote(str(repo.working_dir))
            cause, command = "the repository is damaged, or not all of it is here", f"git -C {place} fsck"
            if "dubious ownership" in str(error):
                cause = "it belongs to another user"
                command = f"git config --global --add safe.directory {place}"
            raise Lacking(
                f"git does not read {repo.working_dir}: {git_words(error)}",
                cause=cause,
                next_command=command,
            ) from error


def unreadable(directory: Path) -> Path | None:
    """What of the nearest .git this user may not read; None where there is none such."""
    places = (parent / ".git" for parent in (directory, *directory.parents))
    place = next((each for each in places if os.path.lexists(each)), None)
    if place is None or place.is_file():
        return place if place and not os.access(place, os.R_OK) else None
    if not os.access(place, os.R_OK | os.X_OK):
        return place
    parts = {"HEAD": os.R_OK, "objects": os.R_OK | os.X_OK, "refs": os.R_OK | os.X_OK}
    denied = (place / name for name, mode in parts.items() if not os.access(place / name, mode))
    return next((each for each in denied if os.path.lexists(each)), None)


def git_words(error: git.GitCommandError) -> str:
    """The line of git's that says why it failed."""
    lines = str(error.stderr).replace("stderr:", "").strip(" '\n").splitlines()
    telling = next((line for line in lines if line.startswith("fatal:")), lines[-1] if lines else "")
    return telling.removeprefix("fatal:").strip() or f"git ended with {error.status}"
