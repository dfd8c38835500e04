"""The one door to child processes: argument lists, a declared environment, own process groups, nothing left behind."""

from __future__ import annotations

import errno
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Self

from perf.errors import Interrupted, Lacking
from perf.system import clock, guardian

GRACE_SECONDS = 5.0
SCRATCH_PREFIX = "perf-run-"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended. `returncode` is negative for a signal; CPU includes waited-for children."""

    returncode: int
    seconds: float
    cpu_seconds: float
    timed_out: bool

    @property
    def ok(self) -> bool:
        return self.returncode == 0 and not self.timed_out


@dataclass(frozen=True, slots=True)
class Completed:
    """An ended process with what it wrote (standard output and error apart)."""

    argv: tuple[str, ...]
    ended: Ended
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        return self.ended.ok

    @property
    def text(self) -> str:
        """Both streams, for messages."""
        return "\n".join(part for part in (self.stdout.rstrip(), self.stderr.rstrip()) if part)


class Child:
    """A running process in a session and group of its own."""

    def __init__(self, argv: Sequence[str], popen: subprocess.Popen[bytes], owner: Processes) -> None:
        self.argv = tuple(argv)
        self.pid = popen.pid
        self.started = clock.monotonic_seconds()
        self._popen = popen
        self._owner = owner
        self._pidfd = os.pidfd_open(popen.pid)
        self._reaping = threading.Lock()
        self._ended: Ended | None = None

    @property
    def running(self) -> bool:
        return self._ended is None and not self._has_ended(0.0)

    @property
    def descriptor(self) -> int:
        """A pidfd, readable once the process has ended: for select and poll."""
        return self._pidfd

    def wait(self, timeout_seconds: float | None = None) -> Ended:
        """Wait for the end; past the timeout the whole group is stopped and `timed_out` is true."""
        timed_out = not self._has_ended(timeout_seconds)
        if timed_out:
            self._terminate(GRACE_SECONDS)
        return self._reap(timed_out)

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> Ended:
        """SIGTERM, then SIGKILL after the grace, to the whole group."""
        if self.running:
            self._terminate(grace_seconds)
        return self._reap(timed_out=False)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _has_ended(self, timeout_seconds: float | None) -> bool:
        if self._ended is not None:
            return True
        poller = select.poll()
        poller.register(self._pidfd, select.POLLIN)
        return bool(poller.poll(None if timeout_seconds is None else max(0.0, timeout_seconds) * 1000))

    def _terminate(self, grace_seconds: float) -> None:
        self.signal(signal.SIGTERM)
        if not self._has_ended(grace_seconds):
            self.signal(signal.SIGKILL)
            self._has_ended(None)

    def _reap(self, timed_out: bool) -> Ended:
        with self._reaping:
            if self._ended is None:
                seconds = clock.monotonic_seconds() - self.started
                # The leader is a zombie still, so its group's number cannot have been given to another.
                self.signal(signal.SIGKILL)
                _, status, usage = os.wait4(self.pid, 0)
                self._popen.returncode = os.waitstatus_to_exitcode(status)
                self._ended = Ended(
                    self._popen.returncode, seconds, usage.ru_utime + usage.ru_stime, timed_out
                )
                os.close(self._pidfd)
                self._owner.forget(self)
        return self._ended


class Processes:
    """Every child of one invocation. Leaving the block, in whatever way, stops them all and removes the scratch."""

    def __init__(self, scratch_base: Path | None = None) -> None:
        self._base = scratch_base or Path(tempfile.gettempdir())
        self._children: set[Child] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._guardian: subprocess.Popen[bytes] | None = None
        self.owner = _owner_mark(os.getpid())
        self.scratch = self._base / f"{SCRATCH_PREFIX}{self.owner}"

    def __enter__(self) -> Self:
        sweep(self._base)
        self.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._guardian = subprocess.Popen(
            [sys.executable, "-I", guardian.__file__, self.owner, str(self.scratch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={},
            cwd="/",
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _signals_held():
            self.stop_all()
            assert self._guardian is not None and self._guardian.stdin is not None
            self._guardian.stdin.close()
            self._guardian.wait()

    def scratch_in(self, base: Path) -> Path:
        """Another scratch, under `base` (memory, say): removed at the end in any case, as the first is."""
        path = base / self.scratch.name
        sweep(base)
        assert self._guardian is not None and self._guardian.stdin is not None
        self._guardian.stdin.write(os.fsencode(path) + b"\0")
        self._guardian.stdin.flush()
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def stop_all(self) -> None:
        """Stop every child; no new one can be started afterwards."""
        with self._lock:
            self._closed = True
        self.stop_running()

    def stop_running(self) -> None:
        """Stop every child that runs now; others may be started."""
        with self._lock:
            children = list(self._children)
        for child in children:
            child.signal(signal.SIGTERM)
        for child in children:
            child.stop()

    def forget(self, child: Child) -> None:
        with self._lock:
            self._children.discard(child)

    def start(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        cwd: Path | None = None,
        stdout: IO[bytes] | int = subprocess.DEVNULL,
        stderr: IO[bytes] | int = subprocess.STDOUT,
        stdin: IO[bytes] | int = subprocess.DEVNULL,
    ) -> Child:
        """Start a process; it sees `environment` and nothing of the caller's. Raises Lacking when it cannot start."""
        with self._lock:
            if self._closed:
                raise Interrupted("the run is ending; nothing new is started")
            popen = _popen(
                argv, cwd, {**environment, guardian.OWNER_VARIABLE: self.owner}, stdin, stdout, stderr
            )
            child = Child(argv, popen, self)
            self._children.add(child)
        return child

    def run(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        cwd: Path | None = None,
        timeout_seconds: float | None = None,
        stdin: bytes = b"",
    ) -> Completed:
        """Run to the end and keep what it wrote. Output goes through files, so nothing blocks on a pipe."""
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            given.write(stdin)
            given.seek(0)
            child = self.start(argv, environment=environment, cwd=cwd, stdout=out, stderr=err, stdin=given)
            try:
                ended = child.wait(timeout_seconds)
            finally:
                child.stop()
            return Completed(tuple(argv), ended, _read_back(out), _read_back(err))


def start_detached(argv: Sequence[str], *, environment: Mapping[str, str], log: Path) -> int:
    """Start a process that is wished to outlive us (`invoke registry.up`); its process id."""
    with open(log, "ab") as file:
        popen = _popen(argv, Path("/"), dict(environment), subprocess.DEVNULL, file, subprocess.STDOUT)
    # It is not ours to wait for: without this, Popen's destructor warns about a child that still runs.
    popen.returncode = 0
    return popen.pid


def sweep(base: Path) -> int:
    """Kill the processes and remove the scratch of owners that died without cleaning up; the number of such owners."""
    dead = [
        path for path in base.glob(f"{SCRATCH_PREFIX}*") if not owner_lives(path.name[len(SCRATCH_PREFIX) :])
    ]
    for path in dead:
        guardian.kill_all_of(path.name[len(SCRATCH_PREFIX) :])
        shutil.rmtree(path, ignore_errors=True)
    return len(dead)


@contextmanager
def interruptible(patience_seconds: float = 2 * GRACE_SECONDS) -> Iterator[None]:
    """SIGINT and SIGTERM become Interrupted in the main thread; others soon after it do not interrupt the cleaning up.

    After `patience_seconds` one gets through again: Python may have dropped the first (in a destructor, say), and
    whatever a cleaning up that hangs leaves behind the guardian removes.
    """
    last: float | None = None

    def interrupt(number: int, _frame: FrameType | None) -> None:
        nonlocal last
        now = clock.monotonic_seconds()
        if last is not None and now - last < patience_seconds:
            return
        last = now
        raise Interrupted(f"interrupted by {signal.Signals(number).name}; what was measured is kept")

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _signals_held() -> Iterator[None]:
    """Hold SIGINT and SIGTERM back while cleaning up; only the main thread may do so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _popen(
    argv: Sequence[str],
    cwd: Path | None,
    environment: dict[str, str],
    stdin: IO[bytes] | int,
    stdout: IO[bytes] | int,
    stderr: IO[bytes] | int,
) -> subprocess.Popen[bytes]:
    program = argv[0]
    try:
        return subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=environment,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        if cwd is not None and not cwd.is_dir():
            raise Lacking(f"cannot start {program}: its directory {cwd} does not exist") from error
        raise Lacking(
            f"cannot start {program}: not found",
            cause=f"{program} is not installed or not on PATH ({environment.get('PATH', '')})",
            next_command=f"install {program}, or correct the command in perf.toml",
        ) from error
    except PermissionError as error:
        raise Lacking(
            f"cannot start {program}: permission denied",
            cause="it is not executable",
            next_command=f"chmod +x {program}, or correct the command in perf.toml",
        ) from error
    except OSError as error:
        raise Lacking(
            f"cannot start {program}: {error.strerror}",
            cause="it is no program of this machine" if error.errno == errno.ENOEXEC else "",
            next_command=f"file {program}",
        ) from error


def _read_back(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when there is none or it is a zombie.

    With the process id it names one process for good; psutil's create_time moves when the clock is set.
    """
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if state == "Z" else int(fields[18])


def owner_lives(mark: str) -> bool:
    """Whether the process that made this mark still runs."""
    pid = mark.partition("-")[0]
    return pid.isdigit() and _owner_mark(int(pid)) == mark


def _owner_mark(pid: int) -> str:
    """Process id and start time: a number that comes round again belongs to another owner."""
    return f"{pid}-{start_ticks(pid)}"
