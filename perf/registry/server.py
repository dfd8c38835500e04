"""One registry of ours: its directory, its start until it answers, its end; how it is launched is passed in."""

from __future__ import annotations

import json
import os
import secrets
import select
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import httpx

from perf.errors import Lacking, PerfError, RunFailed
from perf.registry.configuration import INSTANCE_HEADER
from perf.registry.model import Registry
from perf.system import clock, files, host, http
from perf.system.progress import Progress

READY_SECONDS: Final = 30.0
START_ATTEMPTS: Final = 3
LOG_LINES: Final = 6
_TELLING: Final = (
    "time",
    "level",
    "msg",
    "http.request.method",
    "http.request.uri",
    "http.response.status",
    "err.message",
    "err.detail",
)
_DISK_FULL: Final = b"no space left on device"
_LEAST_FREE_BYTES: Final = 2**18
_REQUEST: Final = '"msg":"response completed'
_REQUEST_FAILED: Final = '"http.response.status":5'


@dataclass(frozen=True, slots=True)
class Layout:
    """Where one start of a registry lives. Each start has a log of its own; the storage is emptied between starts."""

    role: str
    port: int
    debug_port: int
    instance: str
    directory: Path
    start: int

    @property
    def storage(self) -> Path:
        return self.directory / "storage"

    @property
    def configuration(self) -> Path:
        return self.directory / "config.json"

    @property
    def log(self) -> Path:
        return self.directory / f"{self.start}.log"

    @property
    def registry(self) -> Registry:
        return Registry(
            host=f"127.0.0.1:{self.port}",
            debug=f"http://127.0.0.1:{self.debug_port}",
            access_log=self.log,
            storage=self.storage,
        )


class Launched(Protocol):
    """A registry that runs: `descriptor` becomes readable at its end; `pid` is None when it is not our child."""

    @property
    def descriptor(self) -> int: ...

    @property
    def running(self) -> bool: ...

    @property
    def pid(self) -> int | None: ...

    def stop(self) -> object: ...


Launch = Callable[[Layout], Launched]


class Server:
    """Source or destination, with its storage below `directory`; started, emptied and stopped as often as asked."""

    def __init__(self, role: str, directory: Path, launch: Launch, progress: Progress) -> None:
        self.role = role
        self._directory = directory
        self._launch = launch
        self._progress = progress
        self._layout: Layout | None = None
        self._launched: Launched | None = None
        self._starts = 0

    @property
    def registry(self) -> Registry:
        assert self._layout is not None, "the registry was not started"
        return self._layout.registry

    @property
    def pid(self) -> int | None:
        return self._launched.pid if self._launched is not None else None

    def start(self, preferred_port: int, content: Path | None = None) -> None:
        """Start on the preferred port, or on another when it is taken; `content` is copied in before."""
        files.make_directory(self._directory / "storage")
        if content is not None:
            copy_files(content, self._directory / "storage")
        port = host.free_port(preferred_port)
        if port != preferred_port:
            self._say_taken(preferred_port, port)
        for _ in range(START_ATTEMPTS - 1):
            try:
                self._start_on(port)
                return
            except PortTaken:
                # It was free a moment ago: another program was quicker.
                taken, port = port, host.free_port()
                self._say_taken(taken, port)
        self._start_on(port)

    def restart_empty(self) -> None:
        """Stop, wipe and start again, on the same port unless another program takes it in between."""
        assert self._layout is not None, "the registry was not started"
        port = self._layout.port
        self.stop()
        files.remove_tree(self._directory / "storage")
        self.start(port)

    def stop(self) -> None:
        if self._launched is not None:
            self._launched.stop()
            self._launched = None

    @property
    def descriptor(self) -> int:
        """Becomes readable when the registry ends."""
        assert self._launched is not None, "the registry was not started"
        return self._launched.descriptor

    def check(self) -> None:
        """Raise RunFailed when the registry ended by itself, Lacking when its storage was too small."""
        if self._layout is not None and self._disk_is_full(self._layout):
            raise Lacking(
                f"the {self.role} registry ({self._layout.registry.host}) had no space left in {self._layout.storage}",
                cause="its disk is full: images do not arrive, and not for the replicator's sake",
                next_command="free some space there, set TMPDIR to a larger disk, or choose a smaller workload",
            )
        if self._layout is not None and self._launched is not None and not self._launched.running:
            raise RunFailed(
                f"the {self.role} registry died ({self._layout.registry.host}); its log ends:\n"
                f"{last_lines(self._layout.log)}",
                cause="it was killed (out of memory?), or it crashed",
                next_command="run again; what was measured before is kept",
            )

    def _disk_is_full(self, layout: Layout) -> bool:
        """By its log, or, as the log lies on the same disk and ends when that is full, by what is free."""
        return _DISK_FULL in _content(layout.log) or host.free_disk_bytes(self._directory) < _LEAST_FREE_BYTES

    def _start_on(self, port: int) -> None:
        self._starts += 1
        layout = Layout(
            self.role, port, host.free_port(), secrets.token_hex(8), self._directory, self._starts
        )
        self._layout = layout
        self._launched = self._launch(layout)
        if not await_ready(layout.registry, layout.instance, self._launched.descriptor):
            ended = not self._launched.running
            self.stop()
            raise start_error(self.role, layout.registry.host, last_lines(layout.log), ended)

    def _say_taken(self, taken: int, port: int) -> None:
        self._progress.note(
            f"127.0.0.1:{taken} is taken by {host.port_holder(taken)}: the {self.role} registry listens on {port}"
        )


class PortTaken(Lacking):
    """Another program took the port between choice and start."""


def await_ready(registry: Registry, instance: str, descriptor: int) -> bool:
    """Wait until /v2/ answers as this instance; False when it ended first or did not answer in READY_SECONDS.

    `descriptor` becomes readable when the registry ends, as a pidfd does.
    """
    deadline = clock.monotonic_seconds() + READY_SECONDS
    ended = select.poll()
    ended.register(descriptor, select.POLLIN)
    with http.client(registry.url, timeout_seconds=2.0, connections=1) as client:
        pause_milliseconds = 5
        while clock.monotonic_seconds() < deadline:
            if _answers_as(client, instance):
                return True
            if ended.poll(pause_milliseconds):
                return False
            pause_milliseconds = min(2 * pause_milliseconds, 50)
    return False


def _answers_as(client: httpx.Client, instance: str) -> bool:
    try:
        answer = client.get("/v2/")
    except httpx.TransportError:
        return False
    return answer.status_code == httpx.codes.OK and answer.headers.get(INSTANCE_HEADER) == instance


def start_error(role: str, address: str, log: str, ended: bool) -> PerfError:
    """What a registry that did not come up says, by its log's last lines."""
    what = "ended while starting" if ended else f"did not answer within {READY_SECONDS:.0f} s"
    text = f"the {role} registry ({address}) {what}; its log ends:\n{log}"
    if "address already in use" in log or "port is already allocated" in log:
        return PortTaken(text, cause="another program took the port", next_command="run again")
    if _DISK_FULL.decode() in log:
        return Lacking(text, cause="the disk is full", next_command="invoke cache.clear, or free some space")
    if "permission denied" in log:
        return Lacking(text, cause="its directory or its port is not open to this user")
    cause = "it was killed, or its program is damaged" if ended else "the machine is overloaded"
    return RunFailed(
        text, cause=cause, next_command="run again; if it stays: invoke cache.clear --room registries"
    )


def last_lines(log: Path, count: int = LOG_LINES) -> str:
    """The last lines of a log for a message; "(nothing)" when there are none. Requests that it answered say nothing."""
    lines = [
        line
        for line in _content(log).decode("utf-8", "replace").splitlines()
        if _REQUEST not in line or _REQUEST_FAILED in line
    ]
    return "\n".join(_shown(line) for line in lines[-count:]) or "(nothing)"


def _content(log: Path) -> bytes:
    """All of a log; nothing when it is gone."""
    try:
        return log.read_bytes()
    except OSError:
        return b""


def _shown(line: str) -> str:
    """A line of the JSON log without the fields that tell a person nothing; other lines as they are."""
    try:
        entry = json.loads(line)
        words = [str(entry[key]) for key in _TELLING if key in entry]
    except (ValueError, TypeError):
        words = [line]
    return "  " + " ".join(words)[:300]


def copy_files(source: Path, target: Path) -> None:
    """Plain copies of all files below `source`; disk errors are told as such."""
    with files.disk_errors(target):
        for directory, _, names in os.walk(source):
            place = target / Path(directory).relative_to(source)
            place.mkdir(parents=True, exist_ok=True)
            for name in names:
                shutil.copyfile(Path(directory, name), place / name)
