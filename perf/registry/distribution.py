"""CNCF distribution v3 as a process: built once into the cache, then started with a configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from perf.registry.configuration import ENVIRONMENT, configuration
from perf.registry.server import Launch, Layout
from perf.system import files, go
from perf.system.go import Go
from perf.system.places import Places
from perf.system.processes import Child, Processes
from perf.system.progress import Progress

# v3.1 is as quick but wants Go 1.26; this one builds with Go 1.23.
VERSION: Final = "v3.0.0"
MODULE: Final = "github.com/distribution/distribution/v3/cmd/registry"
KIND: Final = f"distribution {VERSION}"


def install(places: Places, processes: Processes, toolchain: Go, progress: Progress) -> Path:
    """The registry's program, built with `go install` unless the cache has it; raises as `go.install` does."""
    place = places.cache / "registries" / f"{VERSION}-{toolchain.version}"
    with files.build_once(place) as directory:
        if directory is not None:
            with progress.step(f"building the registry ({KIND}; first time only, about 65 s)"):
                go.install(toolchain, processes, f"{MODULE}@{VERSION}", directory)
    return place / "registry"


def launcher(program: Path, processes: Processes) -> Launch:
    def launch(layout: Layout) -> Child:
        write_configuration(layout)
        with files.disk_errors(layout.log), open(layout.log, "wb") as log:
            return processes.start(
                command(program, layout), environment=ENVIRONMENT, cwd=layout.directory, stdout=log
            )

    return launch


def command(program: Path, layout: Layout) -> list[str]:
    return [str(program), "serve", str(layout.configuration)]


def write_configuration(layout: Layout) -> None:
    files.write_atomically(
        layout.configuration,
        configuration(
            address=f"127.0.0.1:{layout.port}",
            debug_address=f"127.0.0.1:{layout.debug_port}",
            storage=str(layout.storage),
            instance=layout.instance,
        ),
    )
