"""Find the target: by name, path or git URL; without a word, a Freightliner beside or around the suite, else skiff."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from perf.context import ResolvedTarget
from perf.errors import UsageError
from perf.suite import Suite, Target
from perf.system import git
from perf.system.go import module_path
from perf.system.places import Places
from perf.system.progress import Progress

BUNDLED = "skiff"


def resolve(places: Places, suite: Suite, asked: str | None, progress: Progress) -> ResolvedTarget:
    """The target on disk; clones a URL into the cache. Raises UsageError with the names there are."""
    if asked is None:
        return _found_beside(places, suite) or _named(places, suite, _default_name(suite), progress)
    if asked in suite.target:
        return _named(places, suite, asked, progress)
    if _is_url(asked):
        return _cloned(places, suite, asked, progress)
    directory = Path(asked).expanduser().resolve()
    if asked and directory.is_dir():
        return _at(directory, suite, note=f"target: {directory}")
    close = difflib.get_close_matches(asked, suite.target, n=1)
    raise UsageError(
        f"no target {asked!r}: neither a directory nor a name in perf.toml",
        cause=f"did you mean {close[0]!r}?" if close else "a misspelt path or name",
        next_command=f"use one of: {', '.join(suite.target)}, or --target PATH",
    )


def _default_name(suite: Suite) -> str:
    if not suite.target:
        raise UsageError(
            "perf.toml declares no target", next_command="add a [target.NAME] table, or give --target PATH"
        )
    return BUNDLED if BUNDLED in suite.target else next(iter(suite.target))


def _found_beside(places: Places, suite: Suite) -> ResolvedTarget | None:
    """A checkout around or beside the suite whose go.mod names the module of a declared target without a path."""
    wanted = {target.module for target in suite.target.values() if target.module and not target.path}
    for directory in (*places.root.parents, *_siblings(places.root)):
        if _module_of(directory) in wanted:
            return _at(directory, suite, note=f"found {directory}; another target: --target NAME|PATH|URL")
    return None


def _siblings(root: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from sorted(path for path in root.parent.iterdir() if path != root and path.is_dir())


def _named(places: Places, suite: Suite, name: str, progress: Progress) -> ResolvedTarget:
    declared = suite.target[name]
    if declared.path is not None:
        directory = (places.root / declared.path).resolve()
        if not directory.is_dir():
            raise UsageError(
                f"target.{name}.path is {declared.path!r}, and {directory} does not exist",
                next_command="correct perf.toml, or give --target PATH",
            )
        return ResolvedTarget(name, directory, declared, _checkout(directory))
    for directory in (*places.root.parents, *_siblings(places.root)):
        if declared.module and _module_of(directory) == declared.module:
            return ResolvedTarget(name, directory, declared, _checkout(directory), f"found {directory}")
    if declared.url is None:
        raise UsageError(
            f"target.{name} has neither path nor url, and no checkout of it lies beside the suite",
            next_command=f"git clone it beside {places.root}, or give --target PATH",
        )
    return _cloned(places, suite, declared.url, progress)


def _cloned(places: Places, suite: Suite, url: str, progress: Progress) -> ResolvedTarget:
    place = places.cache / "targets" / hashlib.sha256(url.encode()).hexdigest()[:16]
    shown = git.redacted(url)
    with progress.step(f"fetching {shown}"):
        if place.exists():
            newest = git.fetch(place / "checkout")
        else:
            git.clone(url, place)
            newest = True
    note = (
        f"target: {shown}" if newest else f"target: {shown} (no network: the copy fetched last time is used)"
    )
    return _at(place / "checkout", suite, note, url=url)


def _at(directory: Path, suite: Suite, note: str, url: str | None = None) -> ResolvedTarget:
    module = _module_of(directory)
    for name, declared in suite.target.items():
        if (module and declared.module == module) or (url and declared.url == url):
            return ResolvedTarget(name, directory, declared, _checkout(directory), note)
    return ResolvedTarget(
        _file_name(module or directory.name), directory, Target(), _checkout(directory), note
    )


def _file_name(module: str) -> str:
    """The last word of a module path, safe as a directory's name."""
    words = [part for part in module.split("/") if part and not part.startswith(("v0", "v1", "v2", "v3"))]
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in (words or [module])[-1])


def _checkout(directory: Path) -> git.Checkout | None:
    with suppress(UsageError):
        return git.find_checkout(directory)
    return None


def _module_of(directory: Path) -> str:
    with suppress(OSError):
        return module_path((directory / "go.mod").read_text("utf-8", "replace"))
    return ""


def _is_url(text: str) -> bool:
    return "://" in text or (text.startswith("git@") and ":" in text)
