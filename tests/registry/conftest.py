"""A pair of real registries for one test, and the program behind them (built once into the user's cache)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from perf.context import Context
from perf.registry import distribution
from perf.registry.pair import Pair, open_pair
from perf.system.go import Go
from perf.system.places import Places
from perf.system.processes import Processes
from perf.system.progress import Progress
from tests.conftest import ContextFor


@pytest.fixture
def context(context_for: ContextFor, tmp_path: Path) -> Context:
    target = tmp_path / "target"
    target.mkdir()
    return context_for(target)


@pytest.fixture
def pair(context: Context) -> Iterator[Pair]:
    with open_pair(context, needed_bytes=1_000_000) as opened:
        yield opened


@pytest.fixture
def program(places: Places, processes: Processes, toolchain: Go) -> Path:
    return distribution.install(places, processes, toolchain, Progress(quiet=True))
