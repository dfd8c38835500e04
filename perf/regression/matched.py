"""Packages of both sides sorted by what can be done with them. Pure, but for the data that binaries read."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from perf.benchmarks.binaries import TestBinary
from perf.errors import RunFailed, Undecided
from perf.model import Problem, ProblemKind
from perf.regression.held import data_digest


@dataclass(frozen=True, slots=True)
class Couple:
    """One package on both sides, with the base's test files on both where that compiles.

    Where it does not, `not_held` has the compiler's first words, and `changed` names the benchmark functions of both
    sides whose own code differs: what they measure says nothing about the program. `new` and `removed` are benchmark
    functions that one side alone declares; where the files are held the binaries of both sides have the base's.
    `held`: the head's test files differ, and the base's were taken; `renamed` are benchmarks that they call otherwise,
    and `own_problem` tells when they do not even compile. `source` is where the head's own files lie; `head.directory`
    is another place where it reads the base's test data.
    """

    package: str
    base: TestBinary
    head: TestBinary
    changed: frozenset[str] = frozenset()
    new: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    not_held: str = ""
    source: Path | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    held: bool = False
    own_problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Matched:
    """Packages sorted by what can be done with them. `proven` have equal binaries and equal test data.

    `only_base` and `only_head` name packages ("./pkg/copy") and, of packages that both sides have, benchmark functions
    ("./pkg/copy BenchmarkCopy").
    """

    differing: tuple[Couple, ...]
    proven: tuple[str, ...]
    only_base: tuple[str, ...]
    only_head: tuple[str, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()


def match(base: Sequence[TestBinary], head: Sequence[TestBinary], couples: Sequence[Couple] = ()) -> Matched:
    """Sort packages; raises RunFailed when the head breaks what the base builds, Undecided when all the base is.

    `couples` is what is known of packages that both sides have.
    """
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
    known = {each.package: each for each in couples}
    both = [known.get(name) or Couple(name, before[name], after[name]) for name in before if name in after]
    runnable = [couple for couple in both if couple.base.path and couple.head.path]
    proven = tuple(couple.package for couple in runnable if _identical(couple))
    return Matched(
        differing=tuple(couple for couple in runnable if couple.package not in proven),
        proven=proven,
        only_base=(
            *(name for name in before if name not in after),
            *(f"{each.package} {name}" for each in runnable if not each.not_held for name in each.removed),
        ),
        only_head=(
            *(name for name in after if name not in before),
            *(f"{each.package} {name}" for each in runnable if not each.not_held for name in each.new),
        ),
        problems=tuple(
            problem
            for couple in both
            for problem in (
                _at_the_base(couple.base.problem) or couple.head.problem,
                _hidden(couple.own_problem),
            )
            if problem is not None
        ),
        notes=(*_held_note(both), *_renamed_notes(both)),
    )


def _hidden(problem: Problem | None) -> Problem | None:
    if problem is None:
        return None
    return replace(problem, text=f"the head's own test files (the base's were run): {problem.text}")


def _held_note(couples: Sequence[Couple]) -> list[str]:
    held = [couple.package for couple in couples if couple.held]
    if not held:
        return []
    return [
        f"test files differ in {', '.join(held)}: both sides ran the base's, so what changed in the benchmarks "
        "themselves is not judged"
    ]


def _renamed_notes(couples: Sequence[Couple]) -> list[str]:
    return [
        f"{couple.package} {old} is called {new} at the head, and is compared under its old name"
        for couple in couples
        if not couple.not_held
        for old, new in couple.renamed.items()
    ]


def _broken(binary: TestBinary | None) -> bool:
    return binary is not None and binary.problem is not None and binary.problem.kind is ProblemKind.NOT_BUILT


def _at_the_base(problem: Problem | None) -> Problem | None:
    """What does not build there is no slip of the checkout, which has other lines where the compiler complains."""
    if problem is None or problem.kind is not ProblemKind.NOT_BUILT:
        return problem
    return replace(problem, text=f"at the base: {problem.text}", position="")


def _compilers_words(binaries: Sequence[TestBinary]) -> str:
    return "\n".join(f"{each.package}: {each.problem.text}" for each in binaries if each.problem)


def _identical(couple: Couple) -> bool:
    return couple.base.digest == couple.head.digest and data_digest(couple.base.directory) == data_digest(
        couple.head.directory
    )
