"""Packages that have benchmarks, and their test binaries: each built once and kept in the cache by its content."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from perf.context import Context
from perf.errors import UsageError
from perf.model import Problem, ProblemKind
from perf.suite import EVERY_PACKAGE, LeaveOut
from perf.system import files, go

# As the testing package has it: "Benchmark" and then anything but a small letter.
_DECLARATION: Final = re.compile(r"^func\s+(Benchmark(?![a-z])\w*)\s*\(", re.MULTILINE)
_POSITION: Final = re.compile(r"(?:\./)?(\S+\.go:\d+)")
_BINARY_NAME: Final = "benchmarks.test"


@dataclass(frozen=True, slots=True)
class BenchmarkPackage:
    """A package with the names of its benchmark functions, read from its source and not built."""

    package: str
    listed: go.Package
    names: tuple[str, ...]
    left_out: str


@dataclass(frozen=True, slots=True)
class TestBinary:
    """A package's test binary. `path` is None, `digest` empty and `problem` set when there is none to run.

    `package` is the path relative to the module's root ("." or "./pkg/copy"), which stays when the module is renamed.
    """

    __test__: ClassVar = False

    package: str
    directory: Path
    path: Path | None
    digest: str
    problem: Problem | None


def find_packages(context: Context, directory: Path) -> tuple[BenchmarkPackage, ...]:
    """The target's packages below `directory` that declare benchmarks, left out ones too; nothing is built.

    Raises as go.check_version and go.list_packages do, and UsageError when perf.toml's patterns match no package.
    """
    go.check_version(context.go, directory)
    declared = context.target.declared
    root = directory.resolve()
    listed = go.list_packages(context.go, context.processes, root, declared.packages, declared.tags)
    if not listed and declared.packages != EVERY_PACKAGE:
        raise UsageError(
            f"no Go package of {root} matches {' '.join(declared.packages)}",
            cause="a misspelt pattern, or the code moved",
            next_command=f"correct target.{context.target.name}.packages in perf.toml",
        )
    found = []
    for each in listed:
        names = declared_names(each.directory / file for file in each.test_files)
        if names:
            package = package_path(each.directory, root)
            found.append(BenchmarkPackage(package, each, names, left_out_reason(declared.leave_out, package)))
    return tuple(sorted(found, key=lambda each: each.package))


def build_binaries(context: Context, directory: Path) -> tuple[TestBinary, ...]:
    """Build the test binary of every package with a benchmark that `options.bench` may choose, one after the other.

    What does not compile or is left out in perf.toml is a TestBinary with a problem. Raises as `find_packages` does,
    and Lacking when modules cannot be fetched.
    """
    found = find_packages(context, directory)
    return build_packages(context, [each for each in found if may_choose(context.options.bench, each.names)])


def build_packages(context: Context, packages: Sequence[BenchmarkPackage]) -> tuple[TestBinary, ...]:
    """Build these; as `build_binaries`."""
    built = []
    for number, each in enumerate(packages, start=1):
        if each.left_out:
            problem = Problem(each.package, "", ProblemKind.LEFT_OUT, each.left_out)
            built.append(TestBinary(each.package, each.listed.directory, None, "", problem))
            continue
        with context.progress.step(f"building the benchmarks of {each.package} ({number}/{len(packages)})"):
            built.append(_build(context, each))
    return tuple(built)


def declared_names(paths: Iterable[Path]) -> tuple[str, ...]:
    """Names of the benchmark functions that these source files declare, in their order."""
    return tuple(name for path in paths for name in _DECLARATION.findall(path.read_text("utf-8", "replace")))


def package_path(directory: Path, root: Path) -> str:
    """ "." for the module's root, else "./pkg/copy"."""
    relative = os.path.relpath(directory, root)
    return relative if relative == "." or relative.startswith("..") else f"./{relative}"


def pattern_matches(pattern: str, package: str) -> bool:
    """Whether a pattern as `go list` takes it ("./pkg/..." holds "./pkg" too) names this package path."""
    if pattern.removesuffix("/") == package:
        return True
    regex = re.escape(pattern).replace(re.escape("..."), ".*")
    if regex.endswith("/.*"):
        regex = regex.removesuffix("/.*") + "(/.*)?"
    return re.fullmatch(regex, package) is not None


def left_out_reason(rows: Sequence[LeaveOut], package: str) -> str:
    """Why the whole package is left out; "" when it is not."""
    matching = (row for row in rows if not row.benchmark and pattern_matches(row.package, package))
    return next((row.reason for row in matching), "")


def left_out_benchmarks(rows: Sequence[LeaveOut], package: str) -> tuple[LeaveOut, ...]:
    """Rows that leave out single benchmarks of this package."""
    return tuple(row for row in rows if row.benchmark and pattern_matches(row.package, package))


def may_choose(bench: str, names: Iterable[str]) -> bool:
    """Whether `-test.bench` may choose one of these functions. In doubt True: Go itself has the last word.

    Only what stands before the first "/" is asked of functions. Go's syntax is not quite Python's, and "a/b|c/d" are
    two patterns to Go: neither is decided here.
    """
    function, slash, _ = bench.partition("/")
    if slash and "|" in bench:
        return True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            wanted = re.compile(function)
    except (re.error, FutureWarning, DeprecationWarning):
        return True
    return any(wanted.search(name) for name in names)


def _build(context: Context, each: BenchmarkPackage) -> TestBinary:
    directory = each.listed.directory
    unfinished = files.make_directory(context.processes.scratch / "test-binaries") / _BINARY_NAME
    try:
        go.build_test_binary(
            context.go, context.processes, each.listed, unfinished, context.target.declared.tags
        )
    except go.BuildFailed as error:
        return TestBinary(each.package, directory, None, "", _not_built(each.package, error))
    with unfinished.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    place = context.places.cache / "test-binaries" / digest
    with files.build_once(place) as fresh, files.disk_errors(place):
        if fresh is not None:
            shutil.copy2(unfinished, fresh / _BINARY_NAME)
    unfinished.unlink()
    return TestBinary(each.package, directory, place / _BINARY_NAME, digest, None)


def _not_built(package: str, error: go.BuildFailed) -> Problem:
    said = error.what.partition("\n")[2] or error.what
    position = _POSITION.search(said)
    where = os.path.normpath(os.path.join(package, position[1])) if position else ""
    return Problem(package, "", ProblemKind.NOT_BUILT, said, where)


def warn_of_idle_rows(rows: Sequence[LeaveOut], packages: Sequence[str]) -> tuple[str, ...]:
    """A warning for each leave_out row that names no package with benchmarks: a slip, or the code moved on."""
    return tuple(
        f"leave_out names {row.package!r}, but no package with benchmarks is called so"
        for row in rows
        if not any(pattern_matches(row.package, package) for package in packages)
    )
