"""Where things lie: the project, its state, the user's cache."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from perf.errors import UsageError

CACHE_VARIABLE = "PERF_CACHE_DIR"


@dataclass(frozen=True, slots=True)
class Places:
    """Directories of one invocation; `state` is `.perf` beside perf.toml, or in the cache when that is read-only."""

    root: Path
    state: Path
    cache: Path

    @property
    def runs(self) -> Path:
        return self.state / "runs"

    @property
    def configuration(self) -> Path:
        return self.root / "perf.toml"

    @property
    def writable(self) -> bool:
        """Whether reports and baselines can be written into the project itself."""
        return self.state.parent == self.root

    @property
    def output_root(self) -> Path:
        """Where docs/ and baselines/ are written: the project, or its stand-in in the cache when it is read-only."""
        return self.root if self.writable else self.state


def find_places(start: Path, environment: dict[str, str]) -> Places:
    """Find perf.toml in `start` or above, and choose state and cache; raises UsageError when there is no perf.toml."""
    start = start.resolve()
    for directory in (start, *start.parents):
        if (directory / "perf.toml").is_file():
            cache = cache_directory(environment)
            return Places(directory, _state(directory, cache), cache)
    raise UsageError(
        f"no perf.toml in {start} or above it",
        cause="the suite must be run inside its own checkout",
        next_command="cd to the directory that holds noxfile.py and perf.toml",
    )


def cache_directory(environment: dict[str, str]) -> Path:
    """$PERF_CACHE_DIR, else $XDG_CACHE_HOME/freightliner-perf, else ~/.cache/freightliner-perf."""
    if chosen := environment.get(CACHE_VARIABLE):
        return Path(chosen).resolve()
    base = environment.get("XDG_CACHE_HOME") or str(Path(environment.get("HOME", "/tmp")) / ".cache")
    return Path(base).resolve() / "freightliner-perf"


def _state(root: Path, cache: Path) -> Path:
    state = root / ".perf"
    if _can_write(state if state.exists() else root):
        return state
    return cache / "state" / hashlib.sha256(str(root).encode()).hexdigest()[:12]


def _can_write(directory: Path) -> bool:
    """Root passes every permission check, so a read-only file system is asked about too."""
    return os.access(directory, os.W_OK) and not os.statvfs(directory).f_flag & os.ST_RDONLY
