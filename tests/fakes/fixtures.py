"""Contexts around the stand-in replicator, with a cache of their own and the real registry's program in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from perf.context import Context, Options
from perf.registry import distribution
from perf.system.go import Go
from perf.system.places import Places
from perf.system.processes import Processes
from perf.system.progress import Progress
from tests.conftest import ContextFor
from tests.fakes.registry import Store, standing_registry
from tests.fakes.targets import replicating, small_suite, target_directory

Replicating = Callable[..., Context]


Standing = tuple[Options, Store, Store]


@pytest.fixture
def replicating_context(context_for: ContextFor, tmp_path: Path) -> Replicating:
    """`replicating_context("nothing copied", Options(), images=6)`: a context whose target has that fault."""
    directory = target_directory(tmp_path)

    def make(
        fault: str,
        options: Options | None = None,
        *,
        images: int = 6,
        timeout: str = "60 s",
        environment: dict[str, str] | None = None,
    ) -> Context:
        context = context_for(
            directory, replicating(fault, environment), options, small_suite(images, timeout)
        )
        own = replace(context.places, cache=tmp_path / "cache")
        own.cache.mkdir(exist_ok=True)
        return replace(context, places=own)

    return make


@pytest.fixture
def real_registry(places: Places, processes: Processes, toolchain: Go, tmp_path: Path) -> None:
    """The registry's program, built once into the user's cache, stands in the test's own cache too."""
    program = distribution.install(places, processes, toolchain, Progress(quiet=True))
    (tmp_path / "cache").mkdir(exist_ok=True)
    (tmp_path / "cache" / "registries").symlink_to(program.parent.parent)


@pytest.fixture
def standing() -> Iterator[tuple[Options, Store, Store]]:
    """Options that name two registries which take anything, and what those hold."""
    with standing_registry() as (source, source_store), standing_registry() as (destination, store):
        yield Options(source=source, destination=destination), source_store, store
