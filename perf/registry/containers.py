"""registry:3 in containers, by the command line of Docker or Podman; argument lists only."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from perf.errors import Lacking, PerfError
from perf.registry.configuration import ENVIRONMENT, configuration
from perf.registry.server import Layout, start_error
from perf.system import files
from perf.system.go import first_lines
from perf.system.processes import Child, Completed, Processes, owner_lives
from perf.system.progress import Progress

ENGINES: Final = ("docker", "podman")
IMAGE: Final = "docker.io/library/registry:3"
OWNER_LABEL: Final = "perf-owner"
HOST_LABEL: Final = "perf-host"
ENGINE_SECONDS: Final = 60.0
PULL_SECONDS: Final = 600.0
_PORT: Final = 5000
_DEBUG_PORT: Final = 5001
_STORAGE: Final = "/var/lib/registry"
_CONFIGURATION: Final = "/etc/distribution/config.yml"

# What the engine's own client needs to find its engine; nothing of the caller's credentials but its file's place.
_CLIENT_VARIABLES: Final = (
    "PATH",
    "HOME",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "CONTAINER_HOST",
)
_ABSENT: Final = "or leave --registry out: the default needs no containers"


@dataclass(frozen=True, slots=True)
class Engine:
    """A container engine that answered. `user` is the argument that makes a container's files ours."""

    name: str
    program: str
    environment: Mapping[str, str]
    processes: Processes
    user: tuple[str, ...]

    @property
    def kind(self) -> str:
        return f"{self.name} registry:3"

    def run(self, arguments: Sequence[str], timeout_seconds: float = ENGINE_SECONDS) -> Completed:
        return self.processes.run(
            [self.program, *arguments], environment=self.environment, timeout_seconds=timeout_seconds
        )

    def launch(self, layout: Layout) -> Container:
        """Start one container; raises Lacking with the engine's words when it cannot."""
        files.write_atomically(
            layout.configuration,
            configuration(
                address=f":{_PORT}",
                debug_address=f":{_DEBUG_PORT}",
                storage=_STORAGE,
                instance=layout.instance,
            ),
        )
        name = f"perf-run-{self.processes.owner}-{layout.role}-{layout.instance}"
        try:
            started = self.run(self._run_arguments(layout, name))
            if not started.ok:
                raise self._start_error(started, layout)
            # --rm takes the container's log away with it, so it is read along; the reader ends when the container does.
            with files.disk_errors(layout.log), open(layout.log, "wb") as log:
                follower = self.processes.start(
                    [self.program, "logs", "--follow", name], environment=self.environment, stdout=log
                )
        except BaseException:
            # The engine runs it, not we: nothing else would end it.
            self.remove([name])
            raise
        return Container(self, name, follower)

    def remove(self, names: Sequence[str]) -> None:
        """Kill and remove containers and their anonymous volumes; those that are gone already are fine."""
        if names:
            self.run(["rm", "--force", "--volumes", *names])

    def remove_leftovers(self) -> int:
        """Remove the containers of runs on this machine that are dead; the number of them."""
        asked = self.run(
            [
                "ps",
                "--all",
                "--filter",
                f"label={OWNER_LABEL}",
                "--filter",
                f"label={HOST_LABEL}={socket.gethostname()}",
                "--format",
                "{{.Names}}",
            ]
        )
        dead = [name for name in asked.stdout.split() if asked.ok and not owner_lives(_owner_of(name))]
        self.remove(dead)
        return len(dead)

    def _run_arguments(self, layout: Layout, name: str) -> list[str]:
        relabel = ":Z" if self.name == "podman" else ""
        read_only = ":ro,Z" if self.name == "podman" else ":ro"
        return [
            "run",
            "--rm",
            "--detach",
            *("--name", name),
            *("--label", f"{OWNER_LABEL}={self.processes.owner}"),
            *("--label", f"{HOST_LABEL}={socket.gethostname()}"),
            *("--publish", f"127.0.0.1:{layout.port}:{_PORT}"),
            *("--publish", f"127.0.0.1:{layout.debug_port}:{_DEBUG_PORT}"),
            *("--volume", f"{layout.storage}:{_STORAGE}{relabel}"),
            *("--volume", f"{layout.configuration}:{_CONFIGURATION}{read_only}"),
            *(part for key, value in ENVIRONMENT.items() for part in ("--env", f"{key}={value}")),
            *self.user,
            IMAGE,
        ]

    def _start_error(self, done: Completed, layout: Layout) -> PerfError:
        if "already allocated" in done.text or "address already in use" in done.text:
            return start_error(layout.role, layout.registry.host, done.text, ended=True)
        return Lacking(
            f"{self.name} could not start the {layout.role} registry: {first_lines(done.text, 4)}",
            next_command=f"{self.name} info, {_ABSENT}",
        )


class Container:
    """A running container. It has ended when the reader of its log has."""

    pid: Final = None

    def __init__(self, engine: Engine, name: str, follower: Child) -> None:
        self._engine = engine
        self._name = name
        self._follower = follower

    @property
    def descriptor(self) -> int:
        return self._follower.descriptor

    @property
    def running(self) -> bool:
        return self._follower.running

    def stop(self) -> None:
        self._engine.remove([self._name])
        self._follower.stop()


def find_engine(name: str, processes: Processes, progress: Progress, caller: Mapping[str, str]) -> Engine:
    """The engine, answering, its image at hand, leftovers of dead runs removed; raises Lacking."""
    program = shutil.which(name, path=caller.get("PATH", os.defpath))
    if program is None:
        raise Lacking(
            f"--registry {name}: there is no {name} on PATH",
            cause=f"{name} is not installed",
            next_command=f"install {name}, {_ABSENT}",
        )
    environment = {key: caller[key] for key in _CLIENT_VARIABLES if key in caller}
    engine = Engine(name, program, environment, processes, ())
    asked = engine.run(["info", "--format", "{{json .}}"])
    if not asked.ok:
        raise Lacking(
            f"--registry {name}: its engine does not answer: {first_lines(asked.stderr or asked.text, 3)}",
            cause=f"{name}'s service is not running, or this user may not use it",
            next_command=f"{name} info, {_ABSENT}",
        )
    # Only a rootful Docker makes files of another user; rootless engines and Podman map root to this one.
    if name == "docker" and "name=rootless" not in asked.stdout:
        engine = Engine(name, program, environment, processes, ("--user", f"{os.getuid()}:{os.getgid()}"))
    if leftovers := engine.remove_leftovers():
        progress.note(f"removed {leftovers} containers that a killed run left behind")
    _fetch_image(engine, progress)
    return engine


def _fetch_image(engine: Engine, progress: Progress) -> None:
    if engine.run(["image", "inspect", IMAGE]).ok:
        return
    with progress.step(f"fetching {IMAGE} (first time only)"):
        pulled = engine.run(["pull", IMAGE], PULL_SECONDS)
    if not pulled.ok:
        raise Lacking(
            f"{engine.name} could not fetch {IMAGE}: {first_lines(pulled.text, 4)}",
            cause="no network, or the registry it comes from refuses",
            next_command=f"{engine.name} pull {IMAGE}, {_ABSENT}",
        )


def _owner_of(name: str) -> str:
    """perf-run-<pid>-<start>-<role>-<instance> → <pid>-<start>."""
    return "-".join(name.removeprefix("perf-run-").split("-")[:2])
