"""The two sides: which commits, in which directories, and their test binaries.

The checkout is never touched, nor is anything noted in its repository.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from perf.benchmarks.binaries import (
    BenchmarkPackage,
    TestBinary,
    build_packages,
    find_packages,
    may_choose,
)
from perf.context import Context
from perf.errors import Lacking, Undecided, UsageError
from perf.model import ProblemKind
from perf.regression.held import OwnFiles, compare_test_files, only_comments
from perf.regression.matched import Couple, Matched, match
from perf.system import git, trees
from perf.system.git import Checkout, Commit
from perf.system.go import BuildFailed, Replaced, check_version, list_packages


@dataclass(frozen=True, slots=True)
class Head:
    """What is checked out. `dirty`: it is taken as it stands, with changes that no commit has."""

    checkout: Checkout
    commit: Commit
    dirty: bool

    @property
    def name(self) -> str:
        return f"{self.commit.sha[:12]}{' + uncommitted changes' if self.dirty else ''}"


def find_head(context: Context) -> Head:
    """What is checked out; raises UsageError outside a repository, Undecided in one without commits."""
    checkout = context.target.checkout
    if checkout is None:
        raise no_repository(context)
    return Head(checkout, git.head(checkout), git.is_dirty(checkout))


def no_repository(context: Context) -> UsageError:
    error = git.no_repository(context.target.directory)
    return UsageError(
        f"{error.what}: there is no commit to compare with",
        cause=error.cause,
        next_command=error.next_command,
    )


def find_base(context: Context, head: Head) -> Commit:
    """The commit of --base, else the merge base, else the first parent; raises as those of git do."""
    asked = context.options.base
    return git.default_base(head.checkout) if asked is None else git.resolve(head.checkout, asked)


@contextmanager
def built(context: Context, base: Commit, head: Head) -> Iterator[Matched]:
    """Both sides exported and built; the directories stand as long as the block, for benchmarks read files in them.

    Both have the test files of the base where those compile with the head: a benchmark that was edited is not compared
    with what it was before. Files that differ in comments alone do not make a program another one.
    Raises Undecided when nothing of the base can be built, RunFailed or BuildFailed when the head does not build.
    """
    # In the run's scratch, which is removed even when this process is killed. Names of equal length: a path's length
    # must not make one side allocate more.
    place = context.processes.scratch / "worktrees"
    with ExitStack() as stack:
        base_directory = stack.enter_context(trees.exported(head.checkout, base.sha, place / "base"))
        head_directory = (
            context.target.directory
            if head.dirty
            else stack.enter_context(trees.exported(head.checkout, head.commit.sha, place / "head"))
        )
        yield _build(context, base, base_directory, head_directory)


def _build(context: Context, base: Commit, base_directory: Path, head_directory: Path) -> Matched:
    with _undecided_by(base, base_directory):
        _check_version(context, base_directory)
        before = find_packages(context, base_directory)
    after = find_packages(context, head_directory)
    # Built on both sides where one side's benchmarks may be chosen: the other may have lost them.
    chosen = {each.package for each in (*before, *after) if may_choose(context.options.bench, each.names)}
    before, after = (tuple(each for each in side if each.package in chosen) for side in (before, after))
    with _undecided_by(base, base_directory):
        built = build_packages(context, before)
    files = _own_files(context, before, after, head_directory.resolve())
    comments = only_comments(base_directory.resolve(), head_directory.resolve())
    couples, alone = _build_head(context, before, built, after, files, comments)
    return match(built, [*(couple.head for couple in couples), *alone], couples)


def _check_version(context: Context, directory: Path) -> None:
    """A Go that is too old for this side is no lack of the environment: another commit may do with it."""
    try:
        check_version(context.go, directory)
    except Lacking as error:
        raise UsageError(error.what, cause="the toolchain is older than this commit wants") from error


@contextmanager
def _undecided_by(base: Commit, directory: Path) -> Iterator[None]:
    """`directory` is gone when the words are read: the commit is named in its place."""
    try:
        yield
    except (BuildFailed, UsageError) as error:
        name = base.sha[:12]
        what = error.what.replace(str(directory.resolve()), name).replace(str(directory), name)
        raise Undecided(
            f"the base {name} cannot be built, so there is nothing to compare with:\n{what}",
            cause=error.cause,
            next_command="name another base: --base REV",
        ) from error


def _own_files(
    context: Context, before: Sequence[BenchmarkPackage], after: Sequence[BenchmarkPackage], root: Path
) -> dict[str, OwnFiles]:
    """How the test files of each package that both sides have differ. `root` is the head's directory."""
    programs: frozenset[Path] = frozenset()
    if any(each.listed.test_embeds for each in (*before, *after)):
        tags = context.target.declared.tags
        listed = list_packages(context.go, context.processes, root, ["./..."], tags)
        programs = frozenset(each.directory / name for each in listed for name in each.embedded)
    new = {each.package: each.listed for each in after}
    return {
        each.package: compare_test_files(each.listed, new[each.package], programs)
        for each in before
        if each.package in new
    }


def _build_head(
    context: Context,
    before: Sequence[BenchmarkPackage],
    base: Sequence[TestBinary],
    after: Sequence[BenchmarkPackage],
    files: Mapping[str, OwnFiles],
    comments: Replaced,
) -> tuple[list[Couple], list[TestBinary]]:
    """The head with the base's test files, with its own where those do not compile: couples, and what it alone has."""
    old, new = ({each.package: each for each in side} for side in (before, after))
    held = {path: by for each in files.values() for path, by in each.replaced.items()}
    heads = {each.package: each for each in build_packages(context, after, {**comments, **held}, base)}
    refused = {
        name: _first_complaint(problem.text)
        for name, each in files.items()
        if each.replaced and (problem := heads[name].problem) and problem.kind is ProblemKind.NOT_BUILT
    }
    again = build_packages(context, [new[name] for name in refused], comments, base)
    heads |= {each.package: each for each in again}
    # What is held hides the head's own test files, and they may not even compile.
    hidden = [new[name] for name, each in files.items() if each.replaced and name not in refused]
    own = {each.package: each.problem for each in build_packages(context, hidden, comments, base)}
    couples = []
    for each in base:
        if (name := each.package) in files:
            couple = Couple(
                name,
                each,
                head := heads.pop(name),
                source=head.directory,
                new=_one_sided(context, new[name], old[name]),
                removed=_one_sided(context, old[name], new[name]),
                held=name in own,
                own_problem=own.get(name),
            )
            couples.append(_held_or_not(couple, files[name], refused.get(name, "")))
    return couples, list(heads.values())


def _first_complaint(text: str) -> str:
    """The compiler's first words, with the file's name in the place of its path: the base's is gone when it is read."""
    line = next((line for line in text.splitlines() if not line.startswith("#")), text)
    path, colon, rest = line.partition(":")
    return f"{path.rpartition('/')[2]}{colon}{rest}"


def _held_or_not(couple: Couple, files: OwnFiles, not_held: str) -> Couple:
    if not_held:
        return replace(couple, changed=files.changed, not_held=not_held)
    couple = replace(
        couple,
        renamed=files.renamed,
        new=tuple(each for each in couple.new if each not in files.renamed.values()),
        removed=tuple(each for each in couple.removed if each not in files.renamed),
    )
    if files.data:
        couple = replace(couple, head=replace(couple.head, directory=couple.base.directory))
    return replace(couple, changed=files.changed) if files.partly else couple


def _one_sided(context: Context, one: BenchmarkPackage, other: BenchmarkPackage) -> tuple[str, ...]:
    names = (name for name in one.names if name not in other.names)
    return tuple(name for name in names if may_choose(context.options.bench, [name]))


def dirty_warning(head: Head) -> list[str]:
    """What a reader must know of a head that no commit has."""
    if not head.dirty:
        return []
    return [
        "the head is the checkout as it stands, with uncommitted changes; --base HEAD compares with its last commit"
    ]
