"""Packages that have benchmarks, and their test binaries: each built once and kept in the cache by its content."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from perf.benchmarks.names import DECLARATION
from perf.context import Context
from perf.errors import UsageError
from perf.model import Problem, ProblemKind
from perf.suite import EVERY_PACKAGE, LeaveOut
from perf.system import files, go

_POSITION: Final = re.compile(r"(?:\./)?(\S+\.go:\d+)")
_BINARY_NAME: Final = "benchmarks.test"
_NO_TESTS: Final = (
    "no test file of it is compiled: there is none, or build tags leave them out (--tags gives some)"
)


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


def build_packages(
    context: Context,
    packages: Sequence[BenchmarkPackage],
    replaced: go.Replaced | None = None,
    alike: Sequence[TestBinary] = (),
) -> tuple[TestBinary, ...]:
    """Build these; as `build_binaries`. `replaced` are files that all of them are built with instead of their own.

    `alike` are binaries that some of these may equal: Go links nothing again that stands already. Without them those of
    the build before stand in.
    """
    wanted = [each for each in packages if not each.left_out]
    standing = {each.package: each for each in alike or _newest(context, wanted)}
    room = Path(tempfile.mkdtemp(dir=files.make_directory(context.processes.scratch / "test-binaries")))
    try:
        overlay = go.write_overlay(room / "overlay.json", replaced) if replaced else None
        output = files.make_directory(room / "built")
        built = _build_at_once(context, wanted, standing, output, overlay)
        if built is None:
            built = {}
            for number, each in enumerate(wanted, start=1):
                with context.progress.step(_building(f"{each.package} ({number}/{len(wanted)})")):
                    built[each.package] = _build(context, each, standing.get(each.package), output, overlay)
    finally:
        files.remove_tree(room)
    if not alike:
        _note_newest(context, built)
    return tuple(built.get(each.package) or _left_out(each) for each in packages)


def build_package(
    context: Context, package: BenchmarkPackage, replaced: go.Replaced | None = None
) -> TestBinary:
    """Build one, by itself and without a word: several may be built at a time. As `build_packages` else."""
    room = Path(tempfile.mkdtemp(dir=files.make_directory(context.processes.scratch / "test-binaries")))
    try:
        overlay = go.write_overlay(room / "overlay.json", replaced) if replaced else None
        return _build(context, package, None, files.make_directory(room / "built"), overlay)
    finally:
        files.remove_tree(room)


def declared_names(paths: Iterable[Path]) -> tuple[str, ...]:
    """Names of the benchmark functions that these source files declare, in their order."""
    return tuple(name for path in paths for name in DECLARATION.findall(path.read_text("utf-8", "replace")))


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


def _build_at_once(
    context: Context,
    packages: Sequence[BenchmarkPackage],
    standing: Mapping[str, TestBinary],
    output: Path,
    overlay: Path | None,
) -> dict[str, TestBinary] | None:
    """Build all with one command; None where they must be built one by one: one fails, or two have the same name."""
    expected = {each.listed.test_binary for each in packages}
    if len(packages) < 2 or len(expected) < len(packages):
        return None
    for each in packages:
        _put(standing.get(each.package), output / each.listed.test_binary)
    listed, tags = [each.listed for each in packages], context.target.declared.tags
    try:
        with context.progress.step(_building(f"{len(packages)} packages")):
            go.build_test_binaries(context.go, context.processes, listed, output, tags, overlay)
    except go.BuildFailed:
        return None
    # Another file than expected would mean that one of those that stood before was not renewed.
    if {path.name for path in output.iterdir()} != expected:
        return None
    return {each.package: _keep(context, each, output) for each in packages}


def _building(what: str) -> str:
    return f"building the benchmarks of {what}"


def _build(
    context: Context, each: BenchmarkPackage, standing: TestBinary | None, output: Path, overlay: Path | None
) -> TestBinary:
    unfinished = output / each.listed.test_binary
    # What was built before another package failed stands there, too.
    if not unfinished.exists():
        _put(standing, unfinished)
    tags = context.target.declared.tags
    try:
        go.build_test_binary(context.go, context.processes, each.listed, unfinished, tags, overlay)
    except go.BuildFailed as error:
        return TestBinary(each.package, each.listed.directory, None, "", _not_built(each.package, error))
    if not unfinished.exists():
        problem = Problem(each.package, "", ProblemKind.NOT_BUILT, _NO_TESTS)
        return TestBinary(each.package, each.listed.directory, None, "", problem)
    return _keep(context, each, output)


def _keep(context: Context, each: BenchmarkPackage, output: Path) -> TestBinary:
    """Move a built binary into the cache."""
    unfinished = output / each.listed.test_binary
    digest = _digest(unfinished)
    place = _cached(context, digest)
    with files.build_once(place.parent) as fresh, files.disk_errors(place):
        if fresh is not None:
            shutil.copy2(unfinished, fresh / _BINARY_NAME)
    unfinished.unlink()
    return TestBinary(each.package, each.listed.directory, place, digest, None)


def _left_out(each: BenchmarkPackage) -> TestBinary:
    problem = Problem(each.package, "", ProblemKind.LEFT_OUT, each.left_out)
    return TestBinary(each.package, each.listed.directory, None, "", problem)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _cached(context: Context, digest: str) -> Path:
    return context.places.cache / "test-binaries" / digest / _BINARY_NAME


def _put(standing: TestBinary | None, output: Path) -> None:
    """Put a binary of the cache where it may be wanted; what Go would take for whole must be whole."""
    if standing is None or standing.path is None:
        return
    with suppress(OSError):
        shutil.copy2(standing.path, output)
    if output.exists() and _digest(output) != standing.digest:
        output.unlink()


def _newest_file(context: Context) -> Path:
    """Where the digests of the target's last build are noted, by package."""
    target = f"{context.target.directory}\0{context.target.declared.tags}"
    name = hashlib.sha256(target.encode()).hexdigest()
    return context.places.cache / "test-binaries" / "newest" / f"{name}.json"


def _noted_digests(context: Context) -> dict[str, str]:
    try:
        noted = json.loads(_newest_file(context).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(package): str(digest) for package, digest in noted.items()} if isinstance(noted, dict) else {}


def _newest(context: Context, packages: Sequence[BenchmarkPackage]) -> list[TestBinary]:
    digests = _noted_digests(context)
    return [
        TestBinary(each.package, each.listed.directory, _cached(context, digest), digest, None)
        for each in packages
        if (digest := digests.get(each.package))
    ]


def _note_newest(context: Context, built: Mapping[str, TestBinary]) -> None:
    before = _noted_digests(context)
    now = before | {package: binary.digest for package, binary in built.items() if binary.digest}
    if now != before:
        files.write_atomically(_newest_file(context), json.dumps(now))


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
