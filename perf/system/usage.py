"""The door to what processes and the machine use: memory, CPU, threads, descriptors, as /proc tells."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from perf.system import clock

_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")
_DEMAND_INTERVAL_SECONDS: Final = 0.004
_LEAST_LOOKS: Final = 4


@dataclass(frozen=True, slots=True)
class Usage:
    """One process at one moment. `peak_rss_bytes` is its highest so far (VmHWM; ru_maxrss may read its parent's)."""

    rss_bytes: int
    peak_rss_bytes: int
    cpu_seconds: float
    threads: int
    descriptors: int


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


def own_cpu_seconds() -> float:
    """CPU seconds of this process and of the children it has waited for."""
    return sum(os.times()[:4])


def cpu_seconds_of(pids: Iterable[int]) -> float:
    """CPU seconds of processes that run; one that has ended counts nothing."""
    return sum(found.cpu_seconds for pid in pids if (found := read_usage(pid)) is not None)


def busy_and_all_seconds() -> tuple[float, float]:
    """CPU seconds of the whole machine since its start: busy, and all there were."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    # guest time stands in user already.
    every = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return every - idle, every


class Demand:
    """How many cores a process would use had it the machine to itself: its CPU time over the time gone by, times how
    much longer its busiest thread took for having to wait for a core. Threads that end keep their share.
    """

    def __init__(self) -> None:
        self._looks: list[tuple[float, dict[str, tuple[int, int]]]] = []
        self._threads: dict[str, tuple[int, int]] = {}

    def look(self, pid: int, now_seconds: float) -> None:
        """Read /proc once; a process that has ended gives nothing."""
        with suppress(OSError):
            for thread in os.listdir(_PROC / str(pid) / "task"):
                with suppress(OSError):
                    text = (_PROC / str(pid) / "task" / thread / "schedstat").read_text("ascii")
                    ran, waited, _ = text.split()
                    self._threads[thread] = (int(ran), int(waited))
            self._looks.append((now_seconds, dict(self._threads)))

    def cores(self) -> float | None:
        """Over the later three fifths, where it is not starting up any more; None when it ran too shortly to tell."""
        later = self._looks[len(self._looks) * 2 // 5 :]
        if len(later) < _LEAST_LOOKS:
            return None
        (began, before), (ended, after) = later[0], later[-1]
        spent = [
            (ran - before.get(thread, (0, 0))[0], waited - before.get(thread, (0, 0))[1])
            for thread, (ran, waited) in after.items()
        ]
        ran, waited = max(spent)
        if ran == 0:
            return 0.0
        return sum(each for each, _ in spent) / 1e9 / (ended - began) * (ran + waited) / ran


@contextmanager
def demand_of(pid: int) -> Iterator[Demand]:
    """Watch a process, as long as the block lasts, from a thread of its own."""
    found, over = Demand(), threading.Event()

    def watch() -> None:
        while not over.wait(_DEMAND_INTERVAL_SECONDS):
            found.look(pid, clock.monotonic_seconds())

    thread = threading.Thread(target=watch, name="demand", daemon=True)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
