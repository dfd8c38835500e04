"""The door to what processes and the machine use: memory, CPU, threads, descriptors, as /proc tells."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

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
