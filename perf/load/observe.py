"""The replicator's process tree while it runs: memory, CPU, threads, descriptors, sampled by one thread."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from perf.model import ResourceSample
from perf.system import clock, usage

INTERVAL_SECONDS: Final = 0.2
# Past this many samples every second one is dropped and the interval doubled: hours do not fill the report.
MOST_SAMPLES: Final = 600


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
            usages = [each for pid in usage.tree_of(roots) if (each := usage.read_usage(pid)) is not None]
            at = clock.monotonic_seconds()
            # A process that ended between the two reads counts in neither: never let that read as negative use.
            cpu = max(last_cpu, ended_cpu + sum(each.cpu_seconds for each in usages))
            if usages:
                self._samples.append(
                    ResourceSample(
                        at_seconds=at - began,
                        processes=len(usages),
                        rss_bytes=sum(each.rss_bytes for each in usages),
                        cpu_cores=(cpu - last_cpu) / (at - last_at),
                        threads=sum(each.threads for each in usages),
                        descriptors=sum(each.descriptors for each in usages),
                    )
                )
                self._peak = max(self._peak or 0, sum(each.peak_rss_bytes for each in usages))
            last_at, last_cpu = at, cpu
            if len(self._samples) > MOST_SAMPLES:
                self._samples = self._samples[::2]
                self._interval *= 2
