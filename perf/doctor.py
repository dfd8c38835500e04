"""What this machine allows: each finding says what is lost without it and how to get it."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perf.errors import PerfError
from perf.system import counters, go, host
from perf.system.places import Places
from perf.system.processes import Processes
from perf.system.progress import Progress
from perf.units import format_size

PORTS: Final = {5100: "source registry", 5101: "destination registry", 2112: "metrics"}
ENOUGH_DISK_BYTES: Final = 4 * 10**9
ENOUGH_MEMORY_BYTES: Final = 2 * 10**9


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `needed` ones fail the examination when not `ok`; `lost` says what goes without it."""

    what: str
    found: str
    ok: bool
    needed: bool
    lost: str
    remedy: str

    @property
    def mark(self) -> str:
        if self.ok:
            return "ok"
        return "NO" if self.needed else "-"


def examine(
    places: Places, processes: Processes, progress: Progress, caller: Mapping[str, str]
) -> tuple[Finding, ...]:
    """Look at everything; asks, changes nothing (Go is fetched into the cache where PATH has none)."""
    return (
        _go(places, processes, progress, caller),
        _program("git", "no target's history, no regression", "install git", needed=True),
        _registry_build(places),
        _disk(places),
        _memory(),
        _tmpfs(),
        *(_port(port, use) for port, use in PORTS.items()),
        _container_engine(processes, caller),
        _program(
            "valgrind", "no instruction counts where perf events are closed", "apt-get install valgrind"
        ),
        _perf_events(),
        _counter(processes, caller),
        _cores(),
    )


def _go(places: Places, processes: Processes, progress: Progress, caller: Mapping[str, str]) -> Finding:
    lost, remedy = "nothing can be built", "install Go and put it on PATH"
    try:
        found = go.find_go(places, processes, progress, caller)
    except PerfError as error:
        return Finding("Go", error.what.splitlines()[0], ok=False, needed=True, lost=lost, remedy=remedy)
    return Finding("Go", f"{found.version} ({found.program})", ok=True, needed=True, lost=lost, remedy=remedy)


def _program(name: str, lost: str, remedy: str, needed: bool = False) -> Finding:
    path = shutil.which(name)
    return Finding(name, path or "not on PATH", path is not None, needed, lost, remedy)


def _registry_build(places: Places) -> Finding:
    built = sorted((places.cache / "registries").glob("*/registry"))
    found = f"built: {', '.join(path.parent.name for path in built)}" if built else "not built yet"
    return Finding(
        "registry",
        found,
        bool(built),
        needed=False,
        lost="the first load run builds it, about 65 s",
        remedy="invoke registry.up",
    )


def _disk(places: Places) -> Finding:
    existing = next(path for path in (places.cache, *places.cache.parents) if path.exists())
    free = host.free_disk_bytes(existing)
    return Finding(
        "disk for the cache",
        f"{format_size(free)} free at {existing}",
        free >= ENOUGH_DISK_BYTES,
        needed=False,
        lost=f"large workloads may not fit (under {format_size(ENOUGH_DISK_BYTES)})",
        remedy="invoke cache.clear, or PERF_CACHE_DIR on a larger disk",
    )


def _memory() -> Finding:
    available = host.available_memory_bytes()
    return Finding(
        "memory",
        f"{format_size(available)} available",
        available >= ENOUGH_MEMORY_BYTES,
        needed=False,
        lost="registries store on disk, which is slower",
        remedy="close what uses it",
    )


def _tmpfs() -> Finding:
    place = host.memory_backed_directory(10**8)
    return Finding(
        "tmpfs",
        str(place) if place else f"{host.SHARED_MEMORY} is absent or small",
        place is not None,
        needed=False,
        lost="the disk is measured along with the replicator",
        remedy="mount a tmpfs there",
    )


def _port(port: int, use: str) -> Finding:
    free = host.port_is_free(port)
    return Finding(
        f"port {port}",
        "free" if free else f"used by {host.port_holder(port)}",
        free,
        needed=False,
        lost=f"another port is chosen for the {use}",
        remedy="stop what listens there",
    )


def _container_engine(processes: Processes, caller: Mapping[str, str]) -> Finding:
    answering = [name for name in ("docker", "podman") if _engine_answers(name, processes, caller)]
    return Finding(
        "container engine",
        ", ".join(answering) or "none answers",
        bool(answering),
        needed=False,
        lost="--registry docker|podman; registries run as programs instead",
        remedy="install Docker or Podman",
    )


def _engine_answers(name: str, processes: Processes, caller: Mapping[str, str]) -> bool:
    if shutil.which(name, path=caller.get("PATH", os.defpath)) is None:
        return False
    environment = {key: caller[key] for key in ("PATH", "HOME", "DOCKER_HOST") if key in caller}
    return processes.run([name, "version"], environment=environment, timeout_seconds=10).ok


def _perf_events() -> Finding:
    setting = Path("/proc/sys/kernel/perf_event_paranoid")
    level = setting.read_text("utf-8").strip() if setting.exists() else "absent"
    open_enough = level.lstrip("-").isdigit() and int(level) <= 2
    return Finding(
        "perf events",
        f"perf_event_paranoid is {level}",
        open_enough,
        needed=False,
        lost="no hardware counters; valgrind counts instead",
        remedy="sysctl kernel.perf_event_paranoid=2",
    )


def _counter(processes: Processes, caller: Mapping[str, str]) -> Finding:
    """What really counts: perf events may be open on a machine without any, and valgrind may not start."""
    found = counters.find_counter(processes, {"PATH": caller.get("PATH", os.defpath)})
    return Finding(
        "instructions",
        f"counted by {found.name}" if found else "neither perf events nor valgrind counts here",
        found is not None,
        needed=False,
        lost="the regression gate judges by time alone",
        remedy=counters.HOW_TO_GET,
    )


def _cores() -> Finding:
    cores = host.cores()
    return Finding(
        "cores",
        f"{cores} on {platform.machine()}",
        cores >= 2,
        needed=False,
        lost="replicator and registries share one core",
        remedy="a machine with two or more",
    )
