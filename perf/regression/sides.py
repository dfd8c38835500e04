"""The two sides: which commits, in which directories, and their test binaries. The checkout is never touched."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from perf.benchmarks.binaries import TestBinary, build_binaries
from perf.context import Context
from perf.errors import RunFailed, Undecided, UsageError
from perf.model import Problem, ProblemKind
from perf.system import git
from perf.system.git import Checkout, Commit
from perf.system.go import BuildFailed


@dataclass(frozen=True, slots=True)
class Head:
    """What is checked out. `dirty`: it is taken as it stands, with changes that no commit has."""

    checkout: Checkout
    commit: Commit
    dirty: bool

    @property
    def name(self) -> str:
        return f"{self.commit.sha[:12]}{' + uncommitted changes' if self.dirty else ''}"


@dataclass(frozen=True, slots=True)
class Couple:
    """One package on both sides."""

    package: str
    base: TestBinary
    head: TestBinary


@dataclass(frozen=True, slots=True)
class Matched:
    """Packages sorted by what can be done with them. `proven` have equal binaries and equal test data."""

    differing: tuple[Couple, ...]
    proven: tuple[str, ...]
    only_base: tuple[str, ...]
    only_head: tuple[str, ...]
    problems: tuple[Problem, ...]


def find_head(context: Context) -> Head:
    """What is checked out; raises UsageError outside a repository, Undecided in one without commits."""
    checkout = context.target.checkout
    if checkout is None:
        raise no_repository(context)
    return Head(checkout, git.head(checkout), git.is_dirty(checkout))


def no_repository(context: Context) -> UsageError:
    return UsageError(
        f"{context.target.directory} is not in a git repository: there is no commit to compare with",
        cause="a download without history",
        next_command="git clone the target and give that path: --target PATH",
    )


def find_base(context: Context, head: Head) -> Commit:
    """The commit of --base, else the merge base, else the first parent; raises as those of git do."""
    asked = context.options.base
    return git.default_base(head.checkout) if asked is None else git.resolve(head.checkout, asked)


@contextmanager
def built(context: Context, base: Commit, head: Head) -> Iterator[Matched]:
    """Both sides checked out and built; the worktrees stand as long as the block, for benchmarks read files in them.

    Raises Undecided when nothing of the base can be built, RunFailed or BuildFailed when the head does not build.
    """
    # In the run's scratch, which is removed even when this process is killed. Names of equal length: a path's length
    # must not make one side allocate more.
    place = context.processes.scratch / "worktrees"
    with ExitStack() as stack:
        base_directory = stack.enter_context(git.worktree(head.checkout, base.sha, place / "base"))
        head_directory = (
            context.target.directory
            if head.dirty
            else stack.enter_context(git.worktree(head.checkout, head.commit.sha, place / "head"))
        )
        yield match(_build_base(context, base, base_directory), build_binaries(context, head_directory))


def _build_base(context: Context, base: Commit, directory: Path) -> tuple[TestBinary, ...]:
    try:
        return build_binaries(context, directory)
    except (BuildFailed, UsageError) as error:
        raise Undecided(
            f"the base {base.sha[:12]} cannot be built, so there is nothing to compare with:\n{error.what}",
            cause=error.cause,
            next_command="name another base: --base REV",
        ) from error


def match(base: Sequence[TestBinary], head: Sequence[TestBinary]) -> Matched:
    """Sort packages; raises RunFailed when the head breaks what the base builds, Undecided when all the base is."""
    before = {each.package: each for each in base}
    after = {each.package: each for each in head}
    broken = [
        each
        for each in head
        if _broken(each) and (all(map(_broken, head)) or not _broken(before.get(each.package)))
    ]
    if broken:
        raise RunFailed(
            f"the head does not build:\n{_compilers_words(broken)}",
            cause="the change does not compile",
            next_command=f"in the target's directory: go vet {shlex.join(each.package for each in broken)}",
        )
    if base and all(map(_broken, base)):
        raise Undecided(
            f"the base does not build, so there is nothing to compare with:\n{_compilers_words(base)}",
            cause="the base commit does not compile with this Go",
            next_command="name another base: --base REV",
        )
    both = [Couple(name, before[name], after[name]) for name in before if name in after]
    runnable = [couple for couple in both if couple.base.path and couple.head.path]
    proven = tuple(couple.package for couple in runnable if _identical(couple))
    return Matched(
        differing=tuple(couple for couple in runnable if couple.package not in proven),
        proven=proven,
        only_base=tuple(name for name in before if name not in after),
        only_head=tuple(name for name in after if name not in before),
        problems=tuple(
            problem for couple in both if (problem := couple.base.problem or couple.head.problem) is not None
        ),
    )


def _broken(binary: TestBinary | None) -> bool:
    return binary is not None and binary.problem is not None and binary.problem.kind is ProblemKind.NOT_BUILT


def _compilers_words(binaries: Sequence[TestBinary]) -> str:
    return "\n".join(f"{each.package}: {each.problem.text}" for each in binaries if each.problem)


def _identical(couple: Couple) -> bool:
    return couple.base.digest == couple.head.digest and data_digest(couple.base.directory) == data_digest(
        couple.head.directory
    )


def data_digest(package: Path) -> str:
    """What a package's benchmarks may read besides their binary: its testdata directory, names and contents."""
    whole = hashlib.sha256()
    root = package / "testdata"
    for path in sorted(root.rglob("*")):
        if path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            whole.update(f"{path.relative_to(root).as_posix()}\0{content}\n".encode())
    return whole.hexdigest()
