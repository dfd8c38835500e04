"""How a package is built at some commit: in which module or GOPATH, in what order to try, and why it cannot be."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from perf.benchmarks.binaries import declared_names, may_choose
from perf.system import files, go

# What a build says where go.mod, go.sum and vendor do not agree, and not the code is at fault.
_INCOMPLETE: Final = re.compile(
    r"missing go\.sum entry|updates to go\.(?:mod|sum) needed|inconsistent vendoring"
    r"|dial tcp|no such host|i/o timeout|connection refused|module lookup disabled"
)
_NOT_FOUND: Final = re.compile(r'cannot find package "([^"]+)"')
_QUOTED: Final = re.compile(r'^\s*(?:import\s+)?(?:[\w.]+\s+)?"([^"\s]+)"', re.MULTILINE)
# Held files lie elsewhere; their names are the package's own.
_DIRECTORIES: Final = re.compile(r"\S*/([^/\s]+\.go:\d+)")
_IMPORT_COMMENT: Final = re.compile(r'^package \w+ (?://|/\*) *import "([^"]+)"', re.MULTILINE)
_REPLACED: Final = re.compile(
    r"^\s*(?:replace\s+)?(\S+)(?:\s+v\S+)?\s+=>\s+(\.{1,2}(?:/\S*)?|/\S+)\s*(?://.*)?$", re.MULTILINE
)
# What may become a path below GOPATH: a repository is not trusted to stay there.
_SAFE: Final = re.compile(r"(?!\.)[\w.~-]+(?:/(?!\.)[\w.~-]+)*")
_MAJOR: Final = re.compile(r"/v[2-9]\d*$|/v1\d+$")
_PASSED_OVER: Final = ("vendor", "testdata")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to build a package. `environment` is laid over that of builds.

    `directory` is the package's and `root` the repository's as Go shall see them: below a GOPATH that is through a
    link. `path` is what `module`, a directory, is imported by. `writes`: Go may write its go.mod and go.sum.
    """

    name: str
    directory: Path
    root: Path
    module: Path
    path: str
    environment: Mapping[str, str] = field(default_factory=dict)
    writes: bool = False

    @property
    def gopath(self) -> bool:
        return self.environment.get("GO111MODULE") == "off"

    def toolchain(self, usual: go.Go) -> go.Go:
        return replace(usual, build_environment={**usual.build_environment, **self.environment})


def ways(toolchain: go.Go, directory: Path, root: Path, gopath: Path, hint: str) -> tuple[Way, ...]:
    """How the package in `directory` may be built, the usual way first; `root` is its repository's.

    In its module, the nearest go.mod above; where there is none, in a GOPATH tree that is made at `gopath`, under the
    path that its own imports name, else `hint`. Raises Lacking where go.mod wants a newer Go.
    """
    flags = [
        each for each in toolchain.build_environment.get("GOFLAGS", "").split() if not each.startswith("-mod")
    ]
    above = [each for each in (directory, *directory.parents) if each.is_relative_to(root)]
    module = next((each for each in above if (each / "go.mod").is_file()), None)
    if module is None:
        return (_gopath(directory, root, gopath, hint, flags),)
    text = (module / "go.mod").read_text("utf-8", "replace")
    go.check_wanted(
        toolchain, text, lambda wanted: f"its go.mod wants Go {wanted}, and this is {toolchain.version}"
    )
    usual = Way("", directory, root, module, go.module_path(text))
    found = [usual]
    # In a workspace Go takes neither.
    if not any((each / "go.work").is_file() for each in above):
        completed = {"GOFLAGS": " ".join((*flags, "-mod=mod"))}
        found.append(replace(usual, name="-mod=mod", environment=completed, writes=True))
        if (module / "vendor").is_dir():
            vendored = {"GOFLAGS": " ".join((*flags, "-mod=vendor"))}
            found.append(replace(usual, name="-mod=vendor", environment=vendored))
    return tuple(found)


def hint_of(directory: Path, root: Path) -> str:
    """What the repository is imported by, as the nearest go.mod above `directory` tells; "" where there is none."""
    for each in (directory, *directory.parents):
        if each.is_relative_to(root) and (each / "go.mod").is_file():
            path = go.module_path((each / "go.mod").read_text("utf-8", "replace"))
            return _above(path, each.relative_to(root))
    return ""


def another_way_may_help(said: str) -> bool:
    """Whether a build failed for what its go.mod, go.sum and vendor lack."""
    return _INCOMPLETE.search(said) is not None


def reason_of(said: str, way: Way | None, root: Path) -> str:
    """Why a build failed, in one line that names no directory of ours."""
    text = said.replace(f"{root}/", "").replace(f"{root}", ".")
    if way is not None and way.gopath:
        text = text.replace(f"{way.root}/", "").replace(f"{way.root}", ".")
        if lacks := _NOT_FOUND.search(text):
            return f'there is no go.mod, and "{lacks[1]}" is neither its own nor vendored'
    elif way is not None:
        for path, by in _absent_replacements(way.module):
            if path in text or by in text or by.removeprefix("./") in text:
                return f"go.mod replaces {path} by {by}, which is not here"
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        return "no reason given"
    # "go: errors parsing go.mod:" goes on in the next line.
    telling = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
    return _DIRECTORIES.sub(r"\1", telling)


def own_imports(text: str, old: str, new: str) -> str:
    """Go source in which the imports of module `old` are those of `new`."""
    if old == new or not old or not new:
        return text

    def renamed(match: re.Match[str]) -> str:
        path = match[1]
        if path != old and not path.startswith(f"{old}/"):
            return match[0]
        return f'{match[0][: match.start(1) - match.start(0)]}{new}{path.removeprefix(old)}"'

    return _QUOTED.sub(renamed, text)


def hold(replaced: go.Replaced, old: str, new: str, room: Path) -> go.Replaced:
    """The files to hold, with the path that their module has at this commit; those that name it are written anew."""
    if old == new:
        return replaced
    held: dict[Path, Path | None] = {}
    for number, (path, by) in enumerate(replaced.items()):
        held[path] = by
        if by is not None and by.suffix == ".go":
            text = by.read_bytes().decode("utf-8", "surrogateescape")
            if (other := own_imports(text, old, new)) != text:
                held[path] = files.make_directory(room) / f"{number}-{by.name}"
                (room / f"{number}-{by.name}").write_bytes(other.encode("utf-8", "surrogateescape"))
    return held


def packages_declaring(directory: Path, bench: str) -> tuple[str, ...]:
    """Packages below `directory` that declare a benchmark which `bench` may choose, in whatever module; "./pkg/copy".

    Unlike `go list` this needs no go.mod, and build tags hide nothing from it.
    """
    found: dict[str, None] = {}
    for path in _go_files(directory):
        if path.name.endswith("_test.go") and may_choose(bench, declared_names([path])):
            relative = path.parent.relative_to(directory).as_posix()
            found["." if relative == "." else f"./{relative}"] = None
    return tuple(found)


def _gopath(directory: Path, root: Path, gopath: Path, hint: str, flags: Iterable[str]) -> Way:
    path = _import_path(root, hint)
    link = gopath / "src" / path
    files.remove_tree(gopath)
    files.make_directory(link.parent)
    link.symlink_to(root)
    seen = link / directory.relative_to(root)
    # Go takes the directory's name from PWD, which a link's is not without it.
    environment = {
        "GO111MODULE": "off",
        "GOPATH": str(gopath),
        "GOFLAGS": " ".join(flags),
        "PWD": str(seen),
    }
    return Way("GOPATH", seen, link, root, path, environment)


def _import_path(root: Path, hint: str) -> str:
    """What the repository is imported by: as an import comment says, else as most imports of its packages begin."""
    votes: Counter[str] = Counter()
    has_go: dict[tuple[str, ...], bool] = {}

    def is_package(parts: tuple[str, ...]) -> bool:
        if parts not in has_go:
            place = root.joinpath(*parts)
            has_go[parts] = place.is_dir() and any(each.suffix == ".go" for each in place.iterdir())
        return has_go[parts]

    for file in _go_files(root):
        text = file.read_text("utf-8", "replace")
        if (comment := _IMPORT_COMMENT.search(text)) and _SAFE.fullmatch(comment[1]):
            return _above(comment[1], file.parent.relative_to(root))
        for imported in set(_QUOTED.findall(text)):
            parts = tuple(imported.split("/"))
            if "." not in parts[0] or not _SAFE.fullmatch(imported):
                continue
            for cut in range(1, len(parts)):
                if is_package(parts[cut:]):
                    votes["/".join(parts[:cut])] += 1
    known = _MAJOR.sub("", hint) if _SAFE.fullmatch(hint) else "gopath.invalid/target"
    return max(votes, key=lambda each: (votes[each], each == known, len(each)), default=known)


def _above(path: str, relative: Path) -> str:
    """The import path of the root, where that of the directory `relative` to it is `path`."""
    return path if relative == Path() else path.removesuffix(f"/{relative.as_posix()}")


def _go_files(root: Path) -> Iterator[Path]:
    for directory, below, names in os.walk(root):
        below[:] = sorted(
            each for each in below if each not in _PASSED_OVER and not each.startswith((".", "_"))
        )
        yield from (Path(directory, name) for name in sorted(names) if name.endswith(".go"))


def _absent_replacements(module: Path) -> Iterator[tuple[str, str]]:
    text = (module / "go.mod").read_text("utf-8", "replace")
    for path, by in _REPLACED.findall(text):
        if not (module / by / "go.mod").is_file():
            yield path, by
