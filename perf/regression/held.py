"""Which files of the head are held at the base's version while it is built: both sides run the same benchmarks."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from perf.regression.own_code import changed_benchmarks, renamed_benchmarks, same_code
from perf.system.go import Package, Replaced

_TEST_DATA: Final = "testdata"
# Profile-guided optimisation knows calls by their lines: with it a comment is no longer without effect.
_PROFILE: Final = "default.pgo"
# What `go build` makes use of in a package's directory, as "go help packages" and "go help c" have it.
_COMPILED: Final = re.compile(
    r".*\.(go|c|cc|cpp|cxx|m|h|hh|hpp|hxx|f|F|for|f90|s|S|sx|swig|swigcxx|syso|pgo)|go\.(mod|sum|work|work\.sum)"
)


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """How the test files of a package differ between the sides.

    `replaced` says what the head's build must read instead of its own; `data`: what benchmarks read when they run
    differs; `partly`: so does something embedded that cannot be held. `changed` are the benchmark functions of both
    sides that are not the same benchmark when the files are not held, or only partly; `renamed` are those of the base
    that the head has under a new name.
    """

    replaced: Replaced
    data: bool
    partly: bool
    changed: frozenset[str]
    renamed: Mapping[str, str] = field(default_factory=dict)


def compare_test_files(base: Package, head: Package, programs: Set[Path] = frozenset()) -> OwnFiles:
    """The package's own test files: *_test.go, what they embed, and testdata.

    `programs` are the files that the packages of the head embed themselves: those are not the tests' to hold.
    """
    tests = _differing(base, head, _tests)
    # Either side's patterns will be asked of the other's files.
    patterns = {*base.test_embeds, *head.test_embeds}
    embedded = _differing(base, head, lambda package: _embedded(package, patterns))
    data = _differing(
        base, head, lambda package: dict(_below(package.directory, package.directory / _TEST_DATA))
    )
    held = {name: by for name, by in embedded.items() if _may_be_held(head, name, programs)}
    return OwnFiles(
        {head.directory / name: by for name, by in {**tests, **held}.items()},
        data=bool(data),
        partly=held != embedded,
        changed=changed_benchmarks(_sources(base), _sources(head), data_differs=bool(data or embedded)),
        renamed=renamed_benchmarks(_sources(base), _sources(head)),
    )


def only_comments(base: Path, head: Path) -> Replaced:
    """The Go files below `head`, tests apart, that differ from those below `base`; {} unless in comments alone."""
    before, after = dict(_go_files(base)), dict(_go_files(head))
    if before.keys() != after.keys() or any(Path(name).name == _PROFILE for name in after):
        return {}
    replaced: dict[Path, Path | None] = {}
    for name, path in after.items():
        if not _equal(before[name], path):
            if not same_code(_text(before[name]), _text(path)):
                return {}
            replaced[path] = before[name]
    return replaced


def data_digest(package: Path) -> str:
    """What a package's benchmarks may read besides their binary: its testdata directory, names and contents."""
    whole = hashlib.sha256()
    for name, path in _below(package, package / _TEST_DATA):
        whole.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()


def _differing(
    base: Package, head: Package, files: Callable[[Package], Mapping[str, Path]]
) -> dict[str, Path | None]:
    """Names of files that differ, with the base's of each, None where the head alone has it."""
    before, after = files(base), files(head)
    return {
        name: before.get(name)
        for name in sorted({*before, *after})
        if name not in before or name not in after or not _equal(before[name], after[name])
    }


def _tests(package: Package) -> dict[str, Path]:
    return {name: package.directory / name for name in package.test_files}


def _embedded(package: Package, patterns: Iterable[str]) -> dict[str, Path]:
    root = package.directory
    # "all:" would take hidden files, too; here they always are.
    places = [place for pattern in patterns for place in root.glob(pattern.removeprefix("all:"))]
    found = {name: path for place in places for name, path in _below(root, place)}
    return {name: path for name, path in found.items() if name not in package.test_files}


def _may_be_held(head: Package, name: str, programs: Set[Path]) -> bool:
    """Whether no program can notice: what is embedded by the tests may be part of a package's program, too.

    A file that the base alone has might be embedded by a pattern of the head's program, were it there.
    """
    path = head.directory / name
    above = [each for each in path.parents if each.is_relative_to(head.directory) and each != head.directory]
    nested = any(
        each.suffix == ".go" for directory in above if directory.is_dir() for each in directory.iterdir()
    )
    here = path.parent == head.directory and _COMPILED.fullmatch(name)
    return path.exists() and not nested and not here and path not in programs


def _below(root: Path, place: Path) -> Iterator[tuple[str, Path]]:
    """A file, or all files below a directory, by their paths relative to `root`."""
    for path in [place] if place.is_file() else sorted(place.rglob("*")):
        if path.is_file():
            yield path.relative_to(root).as_posix(), path


def _sources(package: Package) -> list[str]:
    return [_text(package.directory / name) for name in package.test_files]


def _go_files(root: Path) -> Iterator[tuple[str, Path]]:
    """What `go` may compile below `root` besides tests, with profiles; without directories that it passes over."""
    for directory, below, names in os.walk(root):
        below[:] = [each for each in below if not each.startswith((".", "_")) and each != _TEST_DATA]
        for name in names:
            if name == _PROFILE or (name.endswith(".go") and not name.endswith("_test.go")):
                path = Path(directory, name)
                yield path.relative_to(root).as_posix(), path


def _equal(one: Path, other: Path) -> bool:
    return one.stat().st_size == other.stat().st_size and one.read_bytes() == other.read_bytes()


def _text(path: Path) -> str:
    return path.read_text("utf-8", "replace")
