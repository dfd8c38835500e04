"""Source and destination of one measurement: two of ours, or two that stand already."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Protocol

from perf.context import Context
from perf.errors import Lacking, UsageError
from perf.registry import containers, distribution, external
from perf.registry.model import Registry
from perf.registry.server import Launch, Server
from perf.system import files, host
from perf.units import format_size

SOURCE_PORT: Final = 5100
DESTINATION_PORT: Final = 5101


class Pair(Protocol):
    """Two registries. `kind` and `storage` are words for the report."""

    kind: str
    storage: str

    @property
    def source(self) -> Registry: ...

    @property
    def destination(self) -> Registry:
        """May change with `renew_destination`: its access log does."""
        ...

    def prefix(self, run_id: str) -> str:
        """What every repository written must begin with: "" for ours, "perf-<run id>/" for standing ones."""
        ...

    def renew_destination(self) -> None:
        """Make the destination empty again; its port may change when another program takes it in between.

        Nothing happens to standing ones.
        """
        ...

    def check(self) -> None:
        """Raise RunFailed, with the end of its log, when one of ours has died; Lacking when its disk was full."""
        ...

    def descriptors(self) -> tuple[int, ...]:
        """Each becomes readable when one of ours ends; none for standing ones."""
        ...

    def pids(self) -> dict[str, int]:
        """Process ids of ours by role; empty for containers and standing ones."""
        ...


class OwnPair:
    """Two registries of ours."""

    def __init__(self, kind: str, storage: str, source: Server, destination: Server) -> None:
        self.kind = kind
        self.storage = storage
        self._source = source
        self._destination = destination

    @property
    def source(self) -> Registry:
        return self._source.registry

    @property
    def destination(self) -> Registry:
        return self._destination.registry

    def prefix(self, run_id: str) -> str:
        return ""

    def renew_destination(self) -> None:
        self._destination.restart_empty()

    def check(self) -> None:
        # The one that is written to first: both may lie on one disk.
        self._destination.check()
        self._source.check()

    def descriptors(self) -> tuple[int, ...]:
        return self._source.descriptor, self._destination.descriptor

    def pids(self) -> dict[str, int]:
        found = {server.role: server.pid for server in (self._source, self._destination)}
        return {role: pid for role, pid in found.items() if pid is not None}


class StandingPair:
    """Two registries that are not ours: never wiped, never stopped."""

    kind = "standing"
    storage = "not ours"

    def __init__(self, source: Registry, destination: Registry) -> None:
        self.source = source
        self.destination = destination

    def prefix(self, run_id: str) -> str:
        return f"perf-{re.sub(r'[^a-z0-9]+', '-', run_id.lower()).strip('-')}/"

    def renew_destination(self) -> None:
        pass

    def check(self) -> None:
        pass

    def descriptors(self) -> tuple[int, ...]:
        return ()

    def pids(self) -> dict[str, int]:
        return {}


@contextmanager
def open_pair(context: Context, *, needed_bytes: int, source_content: Path | None = None) -> Iterator[Pair]:
    """Two registries as the options ask for, ready to answer; ours are stopped and removed at the end.

    `needed_bytes` is what both will store together. `source_content` is a directory with the `docker` tree of a
    registry's storage, copied into the source before it starts.
    """
    options = context.options
    if options.source is not None or options.destination is not None:
        yield StandingPair(*external.attach(options.source, options.destination))
        return
    with ExitStack() as stack:
        directory, storage = _room(context, needed_bytes)
        stack.callback(files.remove_tree, directory)
        kind, launch = _launcher(context)
        source = Server("source", directory / "source", launch, context.progress)
        destination = Server("destination", directory / "destination", launch, context.progress)
        for server, port, content in (
            (source, SOURCE_PORT, source_content),
            (destination, DESTINATION_PORT, None),
        ):
            stack.callback(server.stop)
            server.start(port, content)
        yield OwnPair(kind, storage, source, destination)


def _launcher(context: Context) -> tuple[str, Launch]:
    if context.options.registry == "distribution":
        program = distribution.install(context.places, context.processes, context.go, context.progress)
        return distribution.KIND, distribution.launcher(program, context.processes)
    if context.options.registry in containers.ENGINES:
        engine = containers.find_engine(
            context.options.registry, context.processes, context.progress, context.caller
        )
        return engine.kind, engine.launch
    raise UsageError(
        f"unknown registry {context.options.registry!r}",
        next_command=f"choose of: distribution, {', '.join(containers.ENGINES)}",
    )


def _room(context: Context, needed_bytes: int) -> tuple[Path, str]:
    """A directory for both, in memory when it fits there; raises Lacking when it fits nowhere."""
    processes = context.processes
    memory = host.memory_backed_directory(needed_bytes)
    if memory is not None:
        scratch, storage = processes.scratch_in(memory), "tmpfs"
    else:
        scratch, storage = processes.scratch, "disk"
        free = host.free_disk_bytes(scratch)
        if free < needed_bytes:
            raise Lacking(
                f"the registries need {format_size(needed_bytes)}, {scratch.parent} has {format_size(free)} free",
                cause="the workload is larger than the disk",
                next_command="free some space, set TMPDIR to a larger disk, or choose a smaller workload",
            )
    return Path(tempfile.mkdtemp(dir=scratch, prefix="registries-")), storage
