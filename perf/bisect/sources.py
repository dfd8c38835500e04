"""One package at one commit: read as Go lists it, built with the test files that are held, or with its own."""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from perf.benchmarks.binaries import (
    BenchmarkPackage,
    TestBinary,
    build_package,
    declared_names,
    may_choose,
)
from perf.bisect.modules import Way, another_way_may_help, hold, own_imports, reason_of, ways
from perf.context import Context
from perf.errors import Lacking, RunFailed
from perf.regression.held import compare_test_files
from perf.regression.own_code import changed_benchmarks
from perf.system import go
from perf.system.inputs import Inputs, inputs_of

FULL = "the disk is full"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a package lies: in which directory, of which repository; `hint` is what that may be imported by."""

    package: str
    directory: Path
    root: Path
    hint: str

    def ways(self, context: Context) -> tuple[Way, ...]:
        """Raises RunFailed where nothing lies there, Lacking where Go is too old."""
        if not any(self.directory.glob("*.go")):
            raise RunFailed(f"{self.package} is missing")
        return ways(context.go, self.directory, self.root, _beside(self.root, "gopath"), self.hint)


@dataclass(frozen=True, slots=True)
class Source:
    """A package as a commit has it, listed in one way; `context` builds it so."""

    context: Context
    package: BenchmarkPackage
    way: Way

    def chosen(self) -> frozenset[str]:
        """Its benchmark functions that were asked for."""
        bench = self.context.options.bench
        return frozenset(name for name in self.package.names if may_choose(bench, [name]))


@dataclass(frozen=True, slots=True)
class Linked:
    """A binary with what it is made of, where Go can tell; or None, and why. `completed`: -mod=mod was needed."""

    binary: TestBinary | None
    reason: str = ""
    inputs: Inputs | None = None
    completed: bool = False


def read(context: Context, place: Place) -> Source:
    """The package in the first way that Go lists it; its directory is the real one. Raises as go.list_packages does."""
    possible = place.ways(context)
    for number, way in enumerate(possible, start=1):
        try:
            source = _listed(context, place.package, way)
        except (go.BuildFailed, Lacking) as error:
            if number == len(possible) or not another_way_may_help(error.what):
                raise
        else:
            listed = replace(source.package.listed, directory=place.directory)
            return replace(source, package=replace(source.package, listed=listed))
    raise AssertionError("there is a way, or the last one raised")


def link(context: Context, place: Place, held: Source | None) -> Linked:
    """Build the package, with the test files of `held`, else with its own, in the first way that Go takes.

    Raises RunFailed, Lacking where there is nothing to build, or nothing to build it with.
    """
    said, way = "", None
    for way in place.ways(context):
        with _restored(way):
            try:
                source = _listed(context, place.package, way)
                linked = _link(source, held, place.root)
            except (go.BuildFailed, Lacking) as error:
                if error.cause == FULL:
                    raise
                linked = Linked(None, error.what.partition("\n")[2] or error.what)
        if linked.binary is not None:
            return replace(linked, completed=way.writes)
        if not another_way_may_help(linked.reason):
            said = linked.reason
            break
        said = said or linked.reason
    return Linked(None, reason_of(said, way, place.root))


def changed_code(old: Source, new: Source, *, held: bool) -> bool:
    """Whether the benchmarks that were asked for are other ones in `new`: their own code, or data embedded in it.

    With `held` only what cannot be held counts. Test data does not: all binaries read the same.
    """
    compared = compare_test_files(old.package.listed, new.package.listed, _programs(old, new))
    if held:
        return compared.partly
    chosen = old.chosen() | new.chosen()
    if old.chosen() != new.chosen():
        return True
    tests = {*old.package.listed.test_files, *new.package.listed.test_files}
    embedded = any(path.name not in tests for path in compared.replaced)
    before = _texts(old)
    path, renamed = renaming(old, new)
    after = [own_imports(text, renamed, path) for text in _texts(new)]
    return not chosen.isdisjoint(changed_benchmarks(before, after, data_differs=embedded or compared.partly))


def renaming(old: Source, new: Source) -> tuple[str, str]:
    """By which path packages of the repository are imported in `old` and in `new`: what the package's own differ in."""
    one, other = (each.package.listed.import_path.split("/") for each in (old, new))
    ways = (old.way, new.way)
    depth = min(len(each.directory.relative_to(each.root).parts) for each in ways)
    while depth and one and one[-1:] == other[-1:]:
        del one[-1], other[-1]
        depth -= 1
    return "/".join(one), "/".join(other)


@contextmanager
def _restored(way: Way) -> Iterator[None]:
    """What Go writes into go.mod and go.sum is for this build alone: neither for another way, nor the next commit."""
    paths = [way.module / name for name in ("go.mod", "go.sum")] if way.writes else []
    before = {path: path.read_bytes() if path.is_file() else None for path in paths}
    try:
        yield
    finally:
        for path, content in before.items():
            if content is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(content)


def _listed(context: Context, package: str, way: Way) -> Source:
    context = replace(context, go=way.toolchain(context.go))
    tags = context.target.declared.tags
    found = go.list_packages(context.go, context.processes, way.directory, ["."], tags)
    if not found:
        raise RunFailed(f"{package} is missing")
    names = declared_names(found[0].directory / file for file in found[0].test_files)
    return Source(context, BenchmarkPackage(package, found[0], names, ""), way)


def _link(source: Source, held: Source | None, root: Path) -> Linked:
    if held is None:
        if source.chosen():
            return _linked(source, None, root)
        return Linked(None, f"it has no benchmark that {source.context.options.bench!r} chooses")
    compared = compare_test_files(held.package.listed, source.package.listed, _programs(held, source))
    replaced = hold(compared.replaced, *renaming(held, source), _beside(root, "held"))
    linked = _linked(source, replaced, root)
    if linked.binary is not None or not replaced or another_way_may_help(linked.reason):
        return linked
    # Its own are as good where what was asked for is the same in them.
    if changed_code(held, source, held=False):
        return linked
    own = _linked(source, None, root)
    return own if own.binary is not None else linked


def _linked(source: Source, replaced: go.Replaced | None, root: Path) -> Linked:
    context = source.context
    binary = build_package(context, source.package, replaced)
    if binary.problem is not None:
        return Linked(None, binary.problem.text)
    overlay = go.write_overlay(_beside(root, "overlay"), replaced) if replaced else None
    inputs = inputs_of(
        context.go,
        context.processes,
        source.package.listed,
        source.way.root,
        tags=context.target.declared.tags,
        overlay=overlay,
        own_tests=replaced is None,
        vendors=source.way.gopath,
    )
    return Linked(binary, inputs=inputs)


def _programs(one: Source, other: Source) -> Set[Path]:
    """What packages of the other's module embed themselves; asked for where tests embed anything."""
    if not one.package.listed.test_embeds and not other.package.listed.test_embeds:
        return frozenset()
    way, context = other.way, other.context
    top = way.root if way.gopath else way.module
    toolchain = replace(context.go, build_environment={**context.go.build_environment, "PWD": str(top)})
    tags = context.target.declared.tags
    listed = go.list_packages(toolchain, context.processes, top, ["./..."], tags)
    return frozenset(each.directory / name for each in listed for name in each.embedded)


def _texts(source: Source) -> list[str]:
    listed = source.package.listed
    return [(listed.directory / name).read_text("utf-8", "replace") for name in listed.test_files]


def _beside(root: Path, name: str) -> Path:
    return root.with_name(f"{root.name}.{name}")
