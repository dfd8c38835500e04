"""Which files of a repository a test binary is made of, as Go tells it; beside perf.system.go, the door to that."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from perf.system.go import BUILD_TIMEOUT_SECONDS, Go, Package
from perf.system.processes import Processes

# Any of them may change what a package is made of, wherever it lies; headers are included across directories.
_EVERYWHERE: Final = re.compile(
    r"go\.(mod|sum|work|work\.sum)|modules\.txt|.*\.(c|cc|cpp|cxx|m|h|hh|hpp|hxx|inc|inl|f|F|for|f90|s|S|sx|swig|swigcxx|syso|pgo)"
)
# A directory, and three numbers: how many patterns of files its package, and its tests, embed.
_SHOWN: Final = "{{.Dir}}|{{len .EmbedPatterns}}{{len .TestEmbedPatterns}}{{len .XTestEmbedPatterns}}"


@dataclass(frozen=True, slots=True)
class Inputs:
    """Where the source of a test binary lies; paths are relative to the repository's root, "." for itself.

    `above` are the `directories`, all that they lie in and all that links in them lead to, `embedding` those whose
    packages embed files, `tests` those whose *_test.go are compiled. `vendors`: a directory of that name, wherever it
    lies, may hide another.
    """

    directories: frozenset[str]
    above: frozenset[str]
    embedding: frozenset[str]
    tests: frozenset[str]
    vendors: bool

    def may_read(self, path: str) -> bool:
        """Whether a change of this file may change the binary; in doubt True."""
        pure = PurePosixPath(path)
        above = [str(each) for each in pure.parents]
        if _EVERYWHERE.fullmatch(pure.name) or not self.embedding.isdisjoint(above):
            return True
        if self.vendors and "vendor" in pure.parts:
            return True
        if path in self.above:
            return True
        if pure.suffix != ".go" or above[0] not in self.directories:
            return False
        return not pure.name.endswith("_test.go") or above[0] in self.tests


def inputs_of(
    go: Go,
    processes: Processes,
    package: Package,
    root: Path,
    *,
    tags: str = "",
    overlay: Path | None = None,
    own_tests: bool,
    vendors: bool,
) -> Inputs | None:
    """Of the package's test binary; None where Go cannot tell. `root` is the repository's as Go sees it.

    Without `own_tests` its test files come from elsewhere, through `overlay`.
    """
    argv = [go.program, "list", "-deps", "-test", f"-f={_SHOWN}"]
    argv += [f"-tags={tags}"] if tags else []
    argv += [f"-overlay={overlay}"] if overlay is not None else []
    done = processes.run(
        [*argv, "."],
        environment=go.build_environment,
        cwd=package.directory,
        timeout_seconds=BUILD_TIMEOUT_SECONDS,
    )
    if not done.ok:
        return None
    directories: dict[str, bool] = {}
    for line in done.stdout.splitlines():
        directory, _, embeds = line.rpartition("|")
        for name in _inside(Path(directory or "/"), root):
            directories[name] = directories.get(name, False) or embeds != "000"
    own = frozenset(_inside(package.directory, root)) if own_tests else frozenset[str]()
    embedding = frozenset(name for name, embeds in directories.items() if embeds)
    above = {
        str(each) for name in directories for each in (PurePosixPath(name), *PurePosixPath(name).parents)
    }
    led = {each for name in directories for each in _led_to(root / name, root.resolve())}
    return Inputs(frozenset(directories), frozenset(above | led), embedding, own, vendors)


def _inside(directory: Path, root: Path) -> Iterable[str]:
    """The directory, relative to `root`, and what links in it lead to; nothing where it lies elsewhere."""
    if not directory.is_relative_to(root):
        return
    yield directory.relative_to(root).as_posix()
    resolved = root.resolve()
    if not directory.is_dir():
        return
    if (own := directory.resolve()).is_relative_to(resolved):
        yield own.relative_to(resolved).as_posix()
    yield from (PurePosixPath(each).parent.as_posix() for each in _led_to(directory, resolved))


def _led_to(directory: Path, root: Path) -> Iterable[str]:
    """The files, relative to `root`, that links in the directory lead to, whatever they are called."""
    links = (
        (each.resolve() for each in directory.iterdir() if each.is_symlink()) if directory.is_dir() else ()
    )
    yield from (each.relative_to(root).as_posix() for each in links if each.is_relative_to(root))
