"""The door to git, through GitPython; every revision a person typed is verified before git sees it elsewhere."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import git

from perf.errors import Lacking, Undecided, UsageError
from perf.system import files

# A question of git's for a name and a password would wait, unseen, for an answer.
_NO_QUESTIONS: Final = {"GIT_TERMINAL_PROMPT": "0"}
# Up to the last "@" before the path; a password may hold a "/", a port may not.
_USER: Final = re.compile(r"(?<=://)(?:[^/@\s]*:(?!\d+(?:/|\s|$))[^\s]*@|[^/\s]*@)")
_QUERY: Final = re.compile(r"(?<=://)([^?\s]*)\?[^\s']*")
_HUNK: Final = re.compile(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit; `sha` is the full hash."""

    sha: str
    subject: str
    author: str
    date: str


@dataclass(frozen=True, slots=True)
class Checkout:
    """A repository on disk; `subdirectory` is where the target lies in it ("." at its root)."""

    root: Path
    subdirectory: str


def find_checkout(directory: Path) -> Checkout:
    """The repository that holds `directory`; raises UsageError when there is none."""
    try:
        with git.Repo(directory, search_parent_directories=True) as repo:
            root = Path(repo.working_tree_dir or directory).resolve()
    except (git.InvalidGitRepositoryError, git.NoSuchPathError) as error:
        raise UsageError(
            f"{directory} is not in a git repository",
            cause="a download without history, or a path outside the checkout",
            next_command="git clone the target and give that path: --target PATH",
        ) from error
    return Checkout(root, directory.resolve().relative_to(root).as_posix())


def resolve(checkout: Checkout, revision: str) -> Commit:
    """The commit that `revision` names; raises UsageError. Options in disguise (`--upload-pack=x`) are refused."""
    if not revision.strip() or revision.startswith("-"):
        raise UsageError(
            f"{revision!r} is no revision",
            cause="an empty variable, or an option in the place of a name",
            next_command="name a branch, a tag or a commit, or leave the revision out",
        )
    with git.Repo(checkout.root) as repo:
        try:
            sha = repo.git.rev_parse("--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        except (git.GitCommandError, ValueError) as error:
            how = "--unshallow --tags" if is_shallow(checkout) else "--all --tags"
            raise UsageError(
                f"unknown revision {revision!r} in {checkout.root}",
                cause="a misspelt name, or a commit that was not fetched",
                next_command=f"git -C {shlex.quote(str(checkout.root))} fetch {how}",
            ) from error
        return _commit(repo, sha.splitlines()[-1])


def head(checkout: Checkout) -> Commit:
    """The commit checked out; raises Undecided in a repository without commits."""
    with git.Repo(checkout.root) as repo:
        if not repo.head.is_valid():
            raise Undecided(f"{checkout.root} has no commit yet", next_command="commit first")
        return _commit(repo, repo.head.commit.hexsha)


def has_commits(checkout: Checkout) -> bool:
    with git.Repo(checkout.root) as repo:
        return bool(repo.head.is_valid())


def is_dirty(checkout: Checkout) -> bool:
    """Whether tracked files below the target's directory differ from the commit."""
    with git.Repo(checkout.root) as repo:
        return bool(
            repo.git.status("--porcelain", "--untracked-files=no", "--", checkout.subdirectory).strip()
        )


def is_shallow(checkout: Checkout) -> bool:
    with git.Repo(checkout.root) as repo:
        return str(repo.git.rev_parse("--is-shallow-repository")).strip() == "true"


def ancestors(checkout: Checkout, sha: str, limit: int) -> tuple[str, ...]:
    """`sha` and its first-parent ancestors, newest first, at most `limit`."""
    with git.Repo(checkout.root) as repo:
        listed = repo.git.rev_list("--first-parent", f"--max-count={limit}", "--end-of-options", sha, "--")
        return tuple(listed.split())


def default_base(checkout: Checkout) -> Commit:
    """The merge base of HEAD with the default branch; on the default branch itself its first parent.

    Raises Lacking in a shallow clone that hides it, Undecided where there is no earlier commit.
    """
    here = head(checkout)
    with git.Repo(checkout.root) as repo:
        branch = _default_branch(repo)
        bases = [base.hexsha for base in repo.merge_base(here.sha, branch)] if branch else [here.sha]
        if bases == [here.sha]:
            bases = [parent.hexsha for parent in repo.commit(here.sha).parents[:1]]
        if bases and _is_here(repo, bases[0]):
            return _commit(repo, bases[0])
    if is_shallow(checkout):
        raise too_shallow(checkout, "the base commit is not here")
    raise Undecided(
        f"{here.sha[:12]} has no earlier commit to compare with",
        cause="it is the first commit, or its history does not meet the default branch",
        next_command="name one: --base REV",
    )


def too_shallow(checkout: Checkout, lacks: str) -> Lacking:
    """What a shallow clone lacks, and how to get it."""
    return Lacking(
        f"{checkout.root} is a shallow clone: {lacks}",
        cause="it was cloned with --depth, as CI checkouts are by default",
        next_command=f"git -C {shlex.quote(str(checkout.root))} fetch --unshallow (in GitHub Actions: fetch-depth: 0)",
    )


def changed_lines(checkout: Checkout, base: str, head: str | None) -> dict[str, tuple[tuple[int, int], ...]]:
    """Go files (and go.mod) that differ between two commits, with the first and last changed lines at the head.

    `head` None is the working tree, files that git does not know yet included. Lines taken away between 7 and 8 are
    the empty range (8, 7): it meets those that hold both. Paths are relative to the repository's root. Raises
    Undecided where a commit is not here.
    """
    options = (
        "--unified=0",
        "--no-color",
        "--no-ext-diff",
        "--find-renames",
        "--src-prefix=a/",
        "--dst-prefix=b/",
    )
    sides = [base] if head is None else [base, head]
    with git.Repo(checkout.root) as repo:
        try:
            shown = repo.git(c="core.quotePath=false").diff(
                *options, "--end-of-options", *sides, "--", "*.go", "*go.mod"
            )
        except git.GitCommandError as error:
            raise Undecided(
                f"git diff cannot tell what changed since {base[:12]}: {_git_words(error)}"
            ) from error
        new = repo.git.ls_files("--others", "--exclude-standard", "-z", "--", "*.go") if head is None else ""
    return {path: ((1, sys.maxsize),) for path in str(new).split("\0") if path} | _hunks(shown)


def commits_touching(
    checkout: Checkout, base: str, head: str, path: str, lines: tuple[int, int], timeout_seconds: float
) -> tuple[Commit, ...]:
    """Commits of base..head that changed these lines (as the head has them) of a file, newest first.

    Raises Undecided where git cannot tell, or not in time.
    """
    with git.Repo(checkout.root) as repo:
        try:
            listed = repo.git.log(
                *(f"-L{lines[0]},{lines[1]}:{path}", "--no-patch", "--format=%H", f"{base}..{head}"),
                kill_after_timeout=timeout_seconds,
            )
        except git.GitCommandError as error:
            raise Undecided(f"git log -L cannot tell who touched {path}: {_git_words(error)}") from error
        return tuple(_commit(repo, sha) for sha in listed.split())


def text_at(checkout: Checkout, sha: str, path: str) -> str | None:
    """A file as a commit has it; None where it has none of that path."""
    with git.Repo(checkout.root) as repo:
        try:
            return str(repo.git.show("--end-of-options", f"{sha}:{path}"))
        except git.GitCommandError:
            return None


@contextmanager
def worktree(checkout: Checkout, sha: str, place: Path) -> Iterator[Path]:
    """The target's directory at `sha` in a worktree of its own; removed on any end. The checkout is never touched."""
    with files.exclusive(place.parent / ".worktrees.lock"):
        _remove_worktree(checkout, place)
        try:
            with git.Repo(checkout.root) as repo:
                repo.git.worktree("add", "--detach", "--force", str(place), sha)
        except git.GitCommandError as error:
            if "Read-only file system" not in str(error) and "Permission denied" not in str(error):
                raise _not_checked_out(sha, place, error) from error
            # A worktree is noted in the repository, which may not be written: a clone that borrows its objects is not.
            _borrow(checkout, sha, place)
    try:
        yield place / checkout.subdirectory
    finally:
        with files.exclusive(place.parent / ".worktrees.lock"):
            _remove_worktree(checkout, place)


def clone(url: str, place: Path) -> None:
    """Clone `url` whole; raises Lacking when it cannot be reached, UsageError when git would not take it as a URL."""
    if url.startswith("-"):
        raise _no_url(url)
    with files.build_once(place) as directory:
        if directory is None:
            return
        try:
            git.Repo.clone_from(url, directory / "checkout", env=_NO_QUESTIONS).close()
        except git.UnsafeProtocolError as error:
            raise _no_url(url) from error
        except git.GitCommandError as error:
            raise Lacking(
                f"cannot clone {redacted(url)}",
                cause=redacted(_git_words(error)),
                next_command="check the address and the network, or give a local path: --target PATH",
            ) from error


def fetch(place: Path) -> bool:
    """Fetch and check out the newest of the default branch; False without a network (what stands is used)."""
    with git.Repo(place) as repo:
        try:
            with repo.git.custom_environment(**_NO_QUESTIONS):
                repo.remotes.origin.fetch(prune=True)
        except git.GitCommandError:
            return False
        if branch := _default_branch(repo):
            repo.git.checkout("--detach", "--force", branch)
        return True


def redacted(url: str) -> str:
    """The text with the URLs in it rid of credentials: of user and password, and of what follows a "?"."""
    return _QUERY.sub(r"\1?…", _USER.sub("", url))


def _no_url(url: str) -> UsageError:
    return UsageError(
        f"{redacted(url)!r} is not a git URL",
        cause="only https, http, ssh, git and file are taken",
        next_command="for example --target https://github.com/OWNER/NAME, or a local path",
    )


def _commit(repo: git.Repo, sha: str) -> Commit:
    commit = repo.commit(sha)
    subject = str(commit.summary)
    return Commit(commit.hexsha, subject, str(commit.author.name), commit.committed_datetime.isoformat())


def _is_here(repo: git.Repo, sha: str) -> bool:
    """In a shallow clone a commit names parents that were not fetched."""
    try:
        repo.git.cat_file("-e", sha)
    except git.GitCommandError:
        return False
    return True


def _default_branch(repo: git.Repo) -> str | None:
    """origin/HEAD, else main or master, of the remote first; None when there is no such branch."""
    names = ["refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master"]
    names += ["refs/heads/main", "refs/heads/master"]
    known = {reference.path for reference in repo.references}
    return next((name for name in names if name in known), None)


def _borrow(checkout: Checkout, sha: str, place: Path) -> None:
    try:
        with git.Repo.clone_from(str(checkout.root), place, shared=True, no_checkout=True) as repo:
            repo.git.checkout("--detach", sha)
    except git.GitCommandError as error:
        raise _not_checked_out(sha, place, error) from error


def _not_checked_out(sha: str, place: Path, error: git.GitCommandError) -> Lacking:
    full = "No space left" in str(error) or "unable to write file" in str(error)
    return Lacking(
        f"{sha[:12]} cannot be checked out into {place}: {_git_words(error)}",
        cause="the disk is full" if full else "the repository is damaged, or not all of it is here",
        next_command="free some space, or set TMPDIR to a larger disk" if full else "git fsck",
    )


def _remove_worktree(checkout: Checkout, place: Path) -> None:
    with git.Repo(checkout.root) as repo:
        if place.exists():
            files.remove_tree(place)
        repo.git.worktree("prune")


def _hunks(patch: str) -> dict[str, tuple[tuple[int, int], ...]]:
    changed: dict[str, list[tuple[int, int]]] = {}
    path = ""
    for line in patch.splitlines():
        if line.startswith("+++ "):
            path = line.removeprefix("+++ ").removeprefix("b/").rstrip("\t")
        elif hunk := _HUNK.match(line):
            first, count = int(hunk[1]), int(hunk[2] or 1)
            changed.setdefault(path, []).append((first, first + count - 1) if count else (first + 1, first))
    return {path: tuple(pairs) for path, pairs in changed.items()}


def _git_words(error: git.GitCommandError) -> str:
    lines = str(error.stderr).replace("stderr:", "").strip(" '\n").splitlines()
    telling = next((line for line in lines if line.startswith("fatal:")), lines[-1] if lines else "")
    return telling.removeprefix("fatal:").strip() or f"git ended with {error.status}"
