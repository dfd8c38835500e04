"""Run the replicator's processes, so many at once, each in time or stopped with all it started."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Final

from perf.load.jobs import JobPlan, first_error
from perf.load.observe import Running
from perf.model import Job
from perf.system import clock
from perf.system.files import disk_errors, make_directory
from perf.system.parallel import in_parallel, once_readable
from perf.system.processes import Child, Processes

JOBS_FILE: Final = "jobs.jsonl"
KEPT_OUTPUT_BYTES: Final = 1 << 20
_READ_OUTPUT_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Driven:
    """What was run, in the order asked. `seconds` is from the first start to the last end."""

    jobs: tuple[Job, ...]
    seconds: float


def drive(
    processes: Processes,
    plans: Sequence[JobPlan],
    *,
    workers: int,
    timeout_seconds: float,
    environment: Mapping[str, str],
    cwd: Path,
    room: Path,
    running: Running,
    ends_with: Sequence[int] = (),
) -> Driven:
    """Run every job, `workers` at once; each job's line is in `room`/jobs.jsonl and its output in a file when it ends.

    When the first two jobs of every worker all ran into the timeout, the rest are not started: a replicator that
    hangs would take images × timeout. When one of the descriptors `ends_with` becomes readable, because a registry
    ended, the running processes are killed and the rest is not started; so it is on an interruption. What ended is on
    disk in any case.
    """
    make_directory(room / "output")
    with disk_errors(room), open(room / JOBS_FILE, "a", encoding="utf-8", buffering=1) as lines:
        crew = _Crew(processes, timeout_seconds, environment, cwd, room, running, lines, 2 * workers)
        with once_readable(ends_with, crew.stop):
            ended = in_parallel(crew.run, enumerate(plans, start=1), workers, on_failure=crew.stop)
    jobs = tuple(job for job in ended if job is not None)
    seconds = max((job.started_seconds + job.seconds for job in jobs), default=0.0)
    return Driven(jobs, seconds)


class _Crew:
    """What the workers share while they run jobs."""

    def __init__(
        self,
        processes: Processes,
        timeout_seconds: float,
        environment: Mapping[str, str],
        cwd: Path,
        room: Path,
        running: Running,
        lines: IO[str],
        patience: int,
    ) -> None:
        self._processes = processes
        self._timeout = timeout_seconds
        self._environment = environment
        self._cwd = cwd
        self._room = room
        self._running = running
        self._lines = lines
        self._patience = patience
        self._began: float | None = None
        self._children: set[Child] = set()
        self._in_time = self._timed_out = 0
        self._stopped = False
        self._lock = threading.Lock()

    def run(self, numbered: tuple[int, JobPlan]) -> Job | None:
        number, plan = numbered
        output = self._room / "output" / f"{number:05d}.log"
        with disk_errors(output), open(output, "wb") as file:
            with self._lock:
                if self._stopped or (self._in_time == 0 and self._timed_out >= self._patience):
                    return None
                started = clock.monotonic_seconds()
                self._began = self._began if self._began is not None else started
                began = self._began
                child = self._processes.start(
                    plan.argv, environment=self._environment, cwd=self._cwd, stdout=file
                )
                self._children.add(child)
            self._running.started(child.pid)
            ended = child.wait(self._timeout)
            seconds = clock.monotonic_seconds() - started
            self._running.ended(child.pid, ended.cpu_seconds)
        job = Job(
            name=plan.name,
            started_seconds=started - began,
            seconds=seconds,
            cpu_seconds=ended.cpu_seconds,
            returncode=ended.returncode,
            timed_out=ended.timed_out,
            copies=len(plan.images),
            first_error=first_error(read_output(output)),
            output=output.relative_to(self._room).as_posix(),
        )
        with self._lock:
            self._children.discard(child)
            self._timed_out += ended.timed_out
            self._in_time += not ended.timed_out
            self._lines.write(json.dumps(asdict(job)) + "\n")
        return job

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            children = list(self._children)
        for child in children:
            child.signal(signal.SIGKILL)


def read_output(path: Path) -> str:
    """The beginning and the end of a process's output; a flood on disk is cut to its first MiB after that."""
    with open(path, "r+b") as file:
        head = file.read(_READ_OUTPUT_BYTES)
        size = os.fstat(file.fileno()).st_size
        if size <= len(head):
            return head.decode("utf-8", "replace")
        file.seek(max(len(head), size - _READ_OUTPUT_BYTES))
        tail = file.read()
        if size > KEPT_OUTPUT_BYTES:
            file.truncate(KEPT_OUTPUT_BYTES)
            file.seek(KEPT_OUTPUT_BYTES)
            file.write(f"\n… {size - KEPT_OUTPUT_BYTES:,} more bytes were not kept\n".encode())
    return (head + b"\n" + tail).decode("utf-8", "replace")
