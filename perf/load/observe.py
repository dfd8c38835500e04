"""The replicator's process tree while it runs: memory, CPU, threads, descriptors, read from /proc by one thread."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from perf.model import ResourceSample
from perf.system import clock

INTERVAL_SECONDS: Final = 0.2
# Past this many samples every second one is dropped and the interval doubled: hours do not fill the report.
MOST_SAMPLES: Final = 600

_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class Usage:
    """One process at one moment. `peak_rss_bytes` is its highest so far (VmHWM; ru_maxrss may read its parent's)."""

    rss_bytes: int
    peak_rss_bytes: int
    cpu_seconds: float
    threads: int
    descriptors: int


@dataclass(slots=True)
class Running:
    """The replicator's processes that run now, and the CPU time of those that have ended. Safe between threads."""

    _pids: set[int] = field(default_factory=set)
    _ended_cpu_seconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def started(self, pid: int) -> None:
        with self._lock:
            self._pids.add(pid)

    def ended(self, pid: int, cpu_seconds: float) -> None:
        with self._lock:
            self._pids.discard(pid)
            self._ended_cpu_seconds += cpu_seconds

    def now(self) -> tuple[tuple[int, ...], float]:
        """Process ids, and CPU seconds of the ended."""
        with self._lock:
            return tuple(self._pids), self._ended_cpu_seconds


class Observer:
    """Samples `running` and all their descendants until the block is left."""

    def __init__(self, running: Running, interval_seconds: float = INTERVAL_SECONDS) -> None:
        self._running = running
        self._interval = interval_seconds
        self._samples: list[ResourceSample] = []
        self._peak: int | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="observer", daemon=True)

    @property
    def samples(self) -> tuple[ResourceSample, ...]:
        return tuple(self._samples)

    @property
    def peak_rss_bytes(self) -> int | None:
        """The highest sum, over the processes alive at one moment, of each one's own peak; None when none was seen."""
        return self._peak

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        began = last_at = clock.monotonic_seconds()
        last_cpu = 0.0
        while not self._stop.wait(self._interval):
            roots, ended_cpu = self._running.now()
            usages = [usage for pid in tree_of(roots) if (usage := read_usage(pid)) is not None]
            at = clock.monotonic_seconds()
            # A process that ended between the two reads counts in neither: never let that read as negative use.
            cpu = max(last_cpu, ended_cpu + sum(usage.cpu_seconds for usage in usages))
            if usages:
                self._samples.append(
                    ResourceSample(
                        at_seconds=at - began,
                        processes=len(usages),
                        rss_bytes=sum(usage.rss_bytes for usage in usages),
                        cpu_cores=(cpu - last_cpu) / (at - last_at),
                        threads=sum(usage.threads for usage in usages),
                        descriptors=sum(usage.descriptors for usage in usages),
                    )
                )
                self._peak = max(self._peak or 0, sum(usage.peak_rss_bytes for usage in usages))
            last_at, last_cpu = at, cpu
            if len(self._samples) > MOST_SAMPLES:
                self._samples = self._samples[::2]
                self._interval *= 2


def tree_of(roots: tuple[int, ...]) -> list[int]:
    """`roots` and all that descend from them, by the kernel's own lists of children."""
    found, waiting = [], list(roots)
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        with suppress(OSError):
            for task in (_PROC / str(pid) / "task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text("ascii").split()]
    return found


def read_usage(pid: int) -> Usage | None:
    """What /proc says of one process; None when it has ended or is a zombie."""
    place = _PROC / str(pid)
    try:
        # The name in brackets may hold spaces: the fields are counted from behind it.
        fields = (place / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        status = (place / "status").read_text("utf-8", "replace")
        descriptors = len(os.listdir(place / "fd"))
    except OSError:
        return None
    kilobytes = {
        key: int(value.split()[0])
        for key, _, value in (line.partition(":") for line in status.splitlines())
        if key in ("VmRSS", "VmHWM", "Threads")
    }
    if "VmRSS" not in kilobytes:
        return None
    own_and_waited_for = sum(int(ticks) for ticks in fields[11:15])
    return Usage(
        rss_bytes=kilobytes["VmRSS"] * 1024,
        peak_rss_bytes=kilobytes["VmHWM"] * 1024,
        cpu_seconds=own_and_waited_for / _TICKS_PER_SECOND,
        threads=kilobytes["Threads"],
        descriptors=descriptors,
    )
