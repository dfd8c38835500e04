"""A small process that outlives the suite by a moment: whatever ends the suite, nothing it started stays.

Run as `python -I guardian.py OWNER SCRATCH`; waits until its standard input closes (which the kernel does even
on SIGKILL of the suite), then kills every process whose environment carries OWNER and removes SCRATCH and every
other path it was told of on standard input, each ended by a zero byte.
It imports nothing of perf, so that it starts fast and cannot fail with it.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from contextlib import suppress

OWNER_VARIABLE = "PERF_OWNER"


def processes_of(owner: str) -> list[int]:
    """Process ids whose environment carries PERF_OWNER=owner, this process excepted."""
    wanted = f"{OWNER_VARIABLE}={owner}".encode()
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        with suppress(OSError), open(f"/proc/{entry}/environ", "rb") as file:
            if wanted in file.read().split(b"\0"):
                found.append(int(entry))
    return found


def kill_all_of(owner: str) -> int:
    """SIGKILL every process of `owner` until none is left (they may be forking); the number killed."""
    killed = 0
    for _ in range(20):
        found = processes_of(owner)
        if not found:
            break
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
    return killed


def main(arguments: list[str]) -> int:
    owner, scratch = arguments
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    told = [os.fsdecode(path) for path in sys.stdin.buffer.read().split(b"\0")[:-1]]
    kill_all_of(owner)
    for path in (scratch, *told):
        shutil.rmtree(path, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
