"""What a developer does by hand: registries that stay, the cache, a look at the machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from perf import doctor as examination
from perf.errors import ExitCode, UsageError
from perf.invocation import doors
from perf.registry import standing
from perf.system import files, go
from perf.system.places import cache_directory, find_places
from perf.units import format_size


def registry_up() -> ExitCode:
    """Start two registries that outlive the command and seed the source; twice is fine."""
    with doors() as (places, processes, progress):
        toolchain = go.find_go(places, processes, progress, os.environ)
        standing.up(places, processes, toolchain, progress)
        return _show_status()


def registry_down() -> ExitCode:
    with doors() as (places, _, progress):
        stopped = standing.down(places)
        progress.note(f"stopped {stopped} registries" if stopped else "no registries of ours were up")
    return ExitCode.FINE


def registry_status() -> ExitCode:
    return _show_status()


def registry_seed() -> ExitCode:
    with doors() as (places, _, progress):
        images = standing.seed(places)
        progress.note(f"seeded the source: {images} images")
    return ExitCode.FINE


def _show_status() -> ExitCode:
    """Status is a question: registries that are down are an answer, not an error."""
    rows = standing.status(find_places(Path.cwd(), dict(os.environ)))
    if not rows:
        _print("no registries are up (start them: invoke registry.up)")
        return ExitCode.FINE
    head = ("registry", "address", "process", "answers", "repositories", "storage")
    _print(
        _table(
            head,
            [
                (
                    row.role,
                    row.host,
                    "—" if row.pid is None else str(row.pid),
                    "yes" if row.answers else "no",
                    "—" if row.repositories is None else str(row.repositories),
                    str(row.storage),
                )
                for row in rows
            ],
        )
    )
    return ExitCode.FINE


# Not a cache: registries that are up, and the locks of runs that measure.
_KEPT_ROOMS: Final = ("locks", "standing")
# A pipe or a file has no width: nothing is folded or cut there.
_WIDE: Final = 1000


def cache_show() -> ExitCode:
    """Rooms of the cache with their sizes."""
    cache = cache_directory(dict(os.environ))
    rooms = sorted(path for path in cache.iterdir() if path.is_dir()) if cache.is_dir() else []
    sizes = {room.name: files.tree_bytes(room) for room in rooms}
    _print(f"cache: {cache} ({format_size(sum(sizes.values()))})")
    if sizes:
        _print(_table(("room", "size"), [(name, format_size(size)) for name, size in sizes.items()]))
    return ExitCode.FINE


def cache_clear(rooms: tuple[str, ...]) -> ExitCode:
    """Remove rooms of the cache, all without a word. A run that is measuring is waited for by refusing."""
    cache = cache_directory(dict(os.environ))
    rooms_here = [path for path in cache.iterdir() if path.is_dir()] if cache.is_dir() else []
    known = {path.name: path for path in rooms_here if path.name not in _KEPT_ROOMS}
    if unknown := [room for room in rooms if room not in known]:
        raise UsageError(
            f"the cache has no {', '.join(unknown)}",
            next_command=f"choose of: {', '.join(sorted(known)) or 'nothing, it is empty'}",
        )
    with files.only_run(cache / "locks" / "measuring", "cache clear"):
        freed = 0
        for name in rooms or sorted(known):
            freed += files.tree_bytes(known[name])
            files.remove_tree(known[name])
    _print(f"freed {format_size(freed)}")
    return ExitCode.FINE


def doctor() -> ExitCode:
    """Every finding with what is lost without it; exit 3 when something needed is missing."""
    with doors() as (places, processes, progress):
        findings = examination.examine(places, processes, progress, os.environ)
    _print(
        _table(
            ("", "what", "found", "without it", "how to get it"),
            [
                (
                    finding.mark,
                    finding.what,
                    finding.found,
                    *(("", "") if finding.ok else (finding.lost, finding.remedy)),
                )
                for finding in findings
            ],
        )
    )
    return (
        ExitCode.FINE if all(finding.ok or not finding.needed for finding in findings) else ExitCode.LACKING
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Table:
    """A table that folds its cells in a narrow window."""
    made = Table(*head, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        made.add_row(*row)
    return made


def _print(shown: str | Table) -> None:
    width = None if sys.stdout.isatty() else _WIDE
    Console(width=width, highlight=False, markup=False).print(shown, soft_wrap=isinstance(shown, str))
