"""Registries that outlive the command: `invoke registry.up`, `down`, `status`, `seed`.

They belong to the user, not to a project: their state and storage lie in the cache, in `standing/`. A process is
known by its id and start time, so that a number that came round again is never taken for ours.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import psutil

from perf.errors import Lacking, PerfError, RunFailed
from perf.registry import distribution, samples
from perf.registry.client import RegistryClient
from perf.registry.configuration import ENVIRONMENT
from perf.registry.model import Registry
from perf.registry.server import Layout, await_ready, last_lines, start_error
from perf.system import files, host
from perf.system.go import Go
from perf.system.places import Places
from perf.system.processes import GRACE_SECONDS, Processes, start_detached, start_ticks
from perf.system.progress import Progress

PORTS: Final[Mapping[str, int]] = MappingProxyType({"source": 5100, "destination": 5101})
STATE_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """One registry that was started: what the state file keeps. `started` is in clock ticks since boot."""

    role: str
    pid: int
    started: int
    port: int
    debug_port: int
    instance: str

    def process(self) -> psutil.Process | None:
        """The process, when it is still the one that was started."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            if start_ticks(self.pid) == self.started:
                return process
        return None

    def layout(self, directory: Path) -> Layout:
        return Layout(self.role, self.port, self.debug_port, self.instance, directory / self.role, 1)


@dataclass(frozen=True, slots=True)
class Registries:
    """Both, answering; `already_up` when they stood before."""

    source: Registry
    destination: Registry
    already_up: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the status. `pid` is None when the process has ended, `repositories` when it does not answer."""

    role: str
    host: str
    pid: int | None
    answers: bool
    repositories: int | None
    storage: Path


def up(
    places: Places,
    processes: Processes,
    toolchain: Go,
    progress: Progress,
    ports: Mapping[str, int] = PORTS,
) -> Registries:
    """Start both and seed the source, unless they are up; raises Lacking that names who holds a port."""
    program = distribution.install(places, processes, toolchain, progress)
    with _locked(places) as directory:
        known = _read_state(directory)
        if len(known) == len(ports) and all(each.process() for each in known):
            progress.note("the registries are up already")
            return _registries(directory, known, already_up=True)
        _stop(directory, known)
        for role, port in ports.items():
            if not host.port_is_free(port):
                raise Lacking(
                    f"127.0.0.1:{port}, the {role} registry's port, is taken by {host.port_holder(port)}",
                    cause="another registry or another program listens there",
                    next_command="stop it, then: invoke registry.up",
                )
        started: list[Standing] = []
        try:
            for role, port in ports.items():
                started.append(_start(program, directory, role, port, started))
            registries = _registries(directory, started, already_up=False)
            with progress.step("seeding the source registry"):
                seed_registry(registries.source)
        except BaseException:
            _stop(directory, _read_state(directory))
            raise
        return registries


def down(places: Places) -> int:
    """Stop what `up` started, wait for its end and remove its storage; the number of processes stopped."""
    with _locked(places) as directory:
        return _stop(directory, _read_state(directory))


def status(places: Places) -> tuple[Row, ...]:
    """A row for each registry that `up` started; none when there are none."""
    directory = _directory(places)
    return tuple(_row(directory, each) for each in _read_state(directory))


def seed(places: Places) -> int:
    """Push the sample images to the standing source; the number of images. Raises Lacking when it is not up."""
    directory = _directory(places)
    for each in _read_state(directory):
        if each.role == "source" and each.process():
            return seed_registry(each.layout(directory).registry)
    raise Lacking(
        "the source registry is not up",
        cause="it was never started, or it has ended",
        next_command="invoke registry.up",
    )


def seed_registry(registry: Registry) -> int:
    """Push the sample images to any registry; blobs that stand there are not sent again."""
    images = tuple(samples.images())
    with RegistryClient(registry) as client:
        for image in images:
            for digest, blob in image.blobs.items():
                if client.blob_size(image.repository, digest) is None:
                    client.put_blob(image.repository, digest, [blob], len(blob))
            client.put_manifest(image.repository, image.tag, image.manifest, samples.MANIFEST_TYPE)
    return len(images)


def _start(program: Path, directory: Path, role: str, port: int, before: Sequence[Standing]) -> Standing:
    """Start one and await it; the state file names it as soon as it has a process id."""
    layout = Layout(role, port, host.free_port(), secrets.token_hex(8), directory / role, 1)
    files.remove_tree(layout.directory)
    files.make_directory(layout.storage)
    distribution.write_configuration(layout)
    with files.disk_errors(layout.log):
        pid = start_detached(
            distribution.command(program, layout), environment=dict(ENVIRONMENT), log=layout.log
        )
    ticks = start_ticks(pid)
    if ticks is None:
        raise _start_error(layout, ended=True)
    standing = Standing(role, pid, ticks, port, layout.debug_port, layout.instance)
    _write_state(directory, [*before, standing])
    descriptor = os.pidfd_open(pid)
    try:
        if not await_ready(layout.registry, layout.instance, descriptor):
            raise _start_error(layout, ended=standing.process() is None)
    finally:
        os.close(descriptor)
    return standing


def _start_error(layout: Layout, *, ended: bool) -> PerfError:
    return start_error(layout.role, layout.registry.host, last_lines(layout.log), ended)


def _stop(directory: Path, known: Sequence[Standing]) -> int:
    """SIGTERM, then SIGKILL, to those still ours; state and storage are gone afterwards."""
    running = [process for each in known if (process := each.process())]
    for process in running:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, stubborn = psutil.wait_procs(running, timeout=GRACE_SECONDS)
    for process in stubborn:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _, immortal = psutil.wait_procs(stubborn, timeout=GRACE_SECONDS)
    if immortal:
        raise RunFailed(f"process {immortal[0].pid} does not end", cause="it hangs in the kernel")
    for role in PORTS:
        files.remove_tree(directory / role)
    (directory / "state.json").unlink(missing_ok=True)
    return len(running)


def _row(directory: Path, standing: Standing) -> Row:
    registry = standing.layout(directory).registry
    assert registry.storage is not None
    if standing.process() is None:
        return Row(standing.role, registry.host, None, False, None, registry.storage)
    with RegistryClient(registry, connections=1) as client:
        answers = client.ping()
        repositories = len(client.catalog()) if answers else None
    return Row(standing.role, registry.host, standing.pid, answers, repositories, registry.storage)


def _registries(directory: Path, known: Sequence[Standing], *, already_up: bool) -> Registries:
    by_role = {each.role: each.layout(directory).registry for each in known}
    return Registries(by_role["source"], by_role["destination"], already_up)


def _directory(places: Places) -> Path:
    return places.cache / "standing"


@contextmanager
def _locked(places: Places) -> Iterator[Path]:
    directory = files.make_directory(_directory(places))
    with files.exclusive(directory / "lock"):
        yield directory


def _read_state(directory: Path) -> tuple[Standing, ...]:
    """What was started; nothing when there is no state. Raises Lacking when it cannot be read."""
    path = directory / "state.json"
    try:
        state = json.loads(path.read_text("utf-8"))
        if state["version"] == STATE_VERSION:
            return tuple(Standing(**each) for each in state["registries"])
    except FileNotFoundError:
        return ()
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(path) from error
    raise _unreadable(path)


def _unreadable(path: Path) -> Lacking:
    return Lacking(
        f"{path} cannot be read",
        cause="it was damaged, or written by another version of the suite",
        next_command=f"stop the registries it names by hand, then remove {path}",
    )


def _write_state(directory: Path, known: Sequence[Standing]) -> None:
    state = {"version": STATE_VERSION, "registries": [asdict(each) for each in known]}
    files.write_atomically(directory / "state.json", json.dumps(state, indent=2))
