"""The door to git, through GitPython; every revision a person typed is verified before git sees it elsewhere."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import git

from perf.errors import Lacking, Undecided, UsageError
from perf.system import files
from perf.system.repository import git_words, open_repository, unreadable

# A question of git's for a name and a password would wait, unseen, for an answer.
NO_QUESTIONS: Final = {"GIT_TERMINAL_PROMPT": "0"}
# Up to the last "@" before the path; a password may hold a "/", a port may not.
_USER: Final = re.compile(r"(?<=://)(?:[^/@\s]*:(?!\d+(?:/|\s|$))[^\s]*@|[^/\s]*@)")
_QUERY: Final = re.compile(r"(?<=://)([^?\s]*)\?[^\s']*")
_SHA: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
# The caller's configuration (safe.directory, credentials) is of no one repository; git itself keeps it for submodules.
_CONFIGURATION: Final = frozenset({"GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"})
# What Go builds from. A target with one that git does not know is another program than its commit.
_SOURCES: Final = ("go.mod", "go.sum", "go.work")
_SOURCE_SUFFIXES: Final = frozenset({".go", ".s", ".S", ".c", ".h", ".cc", ".cpp", ".syso"})
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


def leave_callers_repository() -> None:
    """Take what git tells a hook of its repository (GIT_DIR, GIT_INDEX_FILE …) out of this process's environment.

    Ours would else write into the index of the commit that the hook is part of. Once, before any other git is run.
    Without a git there is none to mislead: what needs one says so.
    """
    if not any(name.startswith("GIT_") for name in os.environ) or shutil.which("git") is None:
        return
    for name in {*str(git.Git().rev_parse("--local-env-vars")).split()} - _CONFIGURATION:
        os.environ.pop(name, None)


def find_checkout(directory: Path) -> Checkout:
    """The repository that holds `directory`; raises UsageError when there is none, or none that may be read."""
    directory = directory.resolve()
    if unreadable(directory) is not None:
        raise no_repository(directory)
    try:
        with open_repository(directory, parents=True) as repo:
            root = Path(repo.working_tree_dir or directory).resolve()
    except (git.InvalidGitRepositoryError, git.NoSuchPathError) as error:
        raise no_repository(directory) from error
    return Checkout(root, directory.relative_to(root).as_posix())


def no_repository(directory: Path) -> UsageError:
    """Why `find_checkout` finds none that holds `directory`."""
    if (forbidden := unreadable(directory)) is not None:
        return UsageError(
            f"{directory} is in a git repository that may not be read: {forbidden}: permission denied",
            cause="it belongs to another user, or its modes were changed",
            next_command=f"ls -ld {shlex.quote(str(forbidden))} tells whose it is; let this user read it",
        )
    return UsageError(
        f"{directory} is not in a git repository",
        cause="a download without history, or a path outside the checkout",
        next_command="git clone the target and give that path: --target PATH",
    )


def resolve(checkout: Checkout, revision: str) -> Commit:
    """The commit that `revision` names; raises UsageError. Options in disguise (`--upload-pack=x`) are refused."""
    if not revision.strip() or revision.startswith(("-", "^")):
        raise UsageError(
            f"{revision!r} is no revision",
            cause="an empty variable, or an option or an exclusion (^REV) in the place of a name",
            next_command="name a branch, a tag or a commit, or leave the revision out",
        )
    with open_repository(checkout.root) as repo:
        if sha := _object(repo, f"{revision}^{{commit}}"):
            return _commit(repo, sha)
        # ":/text" reaches to the end of the name: what is asked for beside it would be part of the text.
        named = _object(repo, revision)
        if named and (held := _object(repo, f"{named}^{{}}")):
            if (kind := repo.git.cat_file("-t", held)) == "commit":
                return _commit(repo, held)
            raise UsageError(
                f"{revision!r} is no commit in {checkout.root}: it is a {kind}",
                cause="a path after the revision, or a tag of something else",
                next_command="name a branch, a tag or a commit",
            )
    how = "--unshallow --tags" if is_shallow(checkout) else "--all --tags"
    raise UsageError(
        f"unknown revision {revision!r} in {checkout.root}",
        cause="a misspelt name, or a commit that was not fetched",
        next_command=f"git -C {shlex.quote(str(checkout.root))} fetch {how}",
    )


def head(checkout: Checkout) -> Commit:
    """The commit checked out; raises Undecided in a repository without commits."""
    with open_repository(checkout.root) as repo:
        try:
            return _commit(repo, repo.git.rev_parse("--verify", "--quiet", "HEAD^{commit}"))
        except git.GitCommandError as error:
            if error.status != 1:
                raise
            raise Undecided(f"{checkout.root} has no commit yet", next_command="commit first") from error


def has_commits(checkout: Checkout) -> bool:
    with open_repository(checkout.root) as repo:
        return _object(repo, "HEAD^{commit}") is not None


def is_dirty(checkout: Checkout) -> bool:
    """Whether the target's directory is another program than the commit.

    Tracked files below it differ, or Go would build from files that git does not know yet (ignored ones apart).
    """
    with open_repository(checkout.root) as repo:
        # The index is read and not renewed: one that another git holds, or a hook that tells of it, is left alone.
        asked = repo.git(no_optional_locks=True, literal_pathspecs=True)
        if asked.status("--porcelain", "--untracked-files=no", "--", checkout.subdirectory).strip():
            return True
        asked = repo.git(no_optional_locks=True, literal_pathspecs=True)
        new = asked.ls_files("--others", "--exclude-standard", "-z", "--", checkout.subdirectory)
    return any(_is_source(PurePosixPath(path)) for path in str(new).split("\0") if path)


def is_shallow(checkout: Checkout) -> bool:
    with open_repository(checkout.root) as repo:
        return str(repo.git.rev_parse("--is-shallow-repository")).strip() == "true"


def ancestors(checkout: Checkout, sha: str, limit: int) -> tuple[str, ...]:
    """`sha` and its first-parent ancestors, newest first, at most `limit`."""
    with open_repository(checkout.root) as repo:
        listed = repo.git.rev_list("--first-parent", f"--max-count={limit}", "--end-of-options", sha, "--")
        return tuple(listed.split())


def default_base(checkout: Checkout) -> Commit:
    """The merge base of HEAD with the default branch; on the default branch itself its first parent.

    Raises Lacking in a shallow clone that hides it, Undecided where there is no earlier commit.
    """
    here = head(checkout)
    with open_repository(checkout.root) as repo:
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
    with open_repository(checkout.root) as repo:
        try:
            shown = repo.git(c="core.quotePath=false").diff(
                *options, "--end-of-options", *sides, "--", "*.go", "*go.mod"
            )
        except git.GitCommandError as error:
            raise Undecided(
                f"git diff cannot tell what changed since {base[:12]}: {git_words(error)}"
            ) from error
        new = repo.git.ls_files("--others", "--exclude-standard", "-z", "--", "*.go") if head is None else ""
    return {path: ((1, sys.maxsize),) for path in str(new).split("\0") if path} | _hunks(shown)


def commits_touching(
    checkout: Checkout, base: str, head: str, path: str, lines: tuple[int, int], timeout_seconds: float
) -> tuple[Commit, ...]:
    """Commits of base..head that changed these lines (as the head has them) of a file, newest first.

    Raises Undecided where git cannot tell, or not in time.
    """
    with open_repository(checkout.root) as repo:
        try:
            listed = repo.git.log(
                *(f"-L{lines[0]},{lines[1]}:{path}", "--no-patch", "--format=%H", f"{base}..{head}"),
                kill_after_timeout=timeout_seconds,
            )
        except git.GitCommandError as error:
            raise Undecided(f"git log -L cannot tell who touched {path}: {git_words(error)}") from error
        return tuple(_commit(repo, sha) for sha in listed.split())


def text_at(checkout: Checkout, sha: str, path: str) -> str | None:
    """A file as a commit has it; None where it has none of that path."""
    with open_repository(checkout.root) as repo:
        try:
            return str(repo.git.show("--end-of-options", f"{sha}:{path}"))
        except git.GitCommandError:
            return None


def clone(url: str, place: Path) -> None:
    """Clone `url` whole; raises Lacking when it cannot be reached, UsageError when git would not take it as a URL."""
    if url.startswith("-"):
        raise _no_url(url)
    with files.build_once(place) as directory:
        if directory is None:
            return
        try:
            git.Git.check_unsafe_protocols(url)
            caller = git.Git()
            with caller.custom_environment(**NO_QUESTIONS):
                # As a process it ends with us; its words are read while it runs.
                process = caller.clone("--", url, str(directory / "checkout"), as_process=True)
                process.wait(stderr=process.communicate()[1])
        except git.UnsafeProtocolError as error:
            raise _no_url(url) from error
        except git.GitCommandError as error:
            raise Lacking(
                f"cannot clone {redacted(url)}",
                cause=redacted(git_words(error)),
                next_command="check the address and the network, or give a local path: --target PATH",
            ) from error


def fetch(place: Path) -> bool:
    """Fetch and check out the newest of the default branch; False without a network (what stands is used)."""
    with open_repository(place) as repo:
        try:
            with repo.git.custom_environment(**NO_QUESTIONS):
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


def _object(repo: git.Repo, name: str) -> str | None:
    """The hash that a name stands for; None for what names no object, or several."""
    try:
        told = str(repo.git.rev_parse("--verify", "--quiet", "--end-of-options", name)).splitlines()
    except (git.GitCommandError, ValueError):
        return None
    return told[-1] if told and _SHA.fullmatch(told[-1]) else None


def _is_source(path: PurePosixPath) -> bool:
    return path.name in _SOURCES or path.suffix in _SOURCE_SUFFIXES


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
