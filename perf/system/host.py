"""The door to the machine: its fingerprint, memory, disks."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import psutil

SHARED_MEMORY = Path("/dev/shm")
# What a machine is named after. Never more than these: a new name would part it from the baselines it has.
_LASTING: Final = ("cores", "cpu_flags", "cpu_model", "governor", "memory_gib", "virtualised")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What must be equal for two times to be compared.

    `cpu_flags` is a short hash of the flags; `gomaxprocs` is what a process of the target gets that is not told
    otherwise (benchmarks are run with as many as there are cores).
    """

    cpu_model: str
    cpu_flags: str
    cores: int
    memory_gib: int
    kernel: str
    virtualised: str
    governor: str
    go_version: str
    gomaxprocs: int
    architecture: str

    def machine(self) -> str:
        """A name for a directory: readable, and different for machines that differ in what lasts."""
        lasting = [(name, getattr(self, name)) for name in _LASTING]
        digest = hashlib.sha256(repr(lasting).encode()).hexdigest()[:8]
        model = re.sub(r"\(R\)|\(TM\)|CPU|Processor|@.*", "", self.cpu_model)
        words = "-".join(re.findall(r"[a-z0-9]+", model.lower())[:4]) or "unknown-cpu"
        return f"{words}-{self.cores}c-{digest}"


def fingerprint(go_version: str, environment: Mapping[str, str] = MappingProxyType({})) -> Fingerprint:
    """Read the machine; what cannot be read is "unknown", never left out.

    `environment` is what the target's processes are given beyond their own: it may hold GOMAXPROCS.
    """
    cpu = _cpu_fields()
    return Fingerprint(
        cpu_model=cpu.get("model name", platform.processor() or "unknown"),
        cpu_flags=hashlib.sha256(cpu.get("flags", "").encode()).hexdigest()[:8],
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(psutil.virtual_memory().total / 2**30),
        kernel=platform.release(),
        virtualised="yes" if "hypervisor" in cpu.get("flags", "").split() else "no",
        governor=_first_line(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
        go_version=go_version,
        gomaxprocs=_gomaxprocs(environment),
        architecture=platform.machine() or "unknown",
    )


def _gomaxprocs(environment: Mapping[str, str]) -> int:
    """What Go's runtime makes of the variable: a number above zero counts, all else is as if it were not set."""
    asked = environment.get("GOMAXPROCS", "")
    number = int(asked) if asked.isascii() and asked.isdigit() else 0
    return number or cores()


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0))


def available_memory_bytes() -> int:
    return int(psutil.virtual_memory().available)


def free_disk_bytes(place: Path) -> int:
    return shutil.disk_usage(place).free


def port_is_free(port: int) -> bool:
    """Whether 127.0.0.1:port can be listened on."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(preferred: int = 0) -> int:
    """`preferred` when it is free, else one the kernel chooses."""
    if preferred and port_is_free(preferred):
        return preferred
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def port_holder(port: int) -> str:
    """Who listens on 127.0.0.1:port, as far as this user may see."""
    # IPv6 too: most servers listen on [::], which takes the port of every IPv4 address as well.
    for connection in psutil.net_connections("tcp"):
        if connection.status != psutil.CONN_LISTEN or not connection.laddr or not connection.pid:
            continue
        if connection.laddr.port == port:
            # It may end between the two looks.
            with suppress(psutil.Error):
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return "another program"


def memory_backed_directory(needed_bytes: int) -> Path | None:
    """/dev/shm when it has twice the need and memory has three times of it; None otherwise."""
    if not SHARED_MEMORY.is_dir() or not os.access(SHARED_MEMORY, os.W_OK):
        return None
    roomy = free_disk_bytes(SHARED_MEMORY) > 2 * needed_bytes and available_memory_bytes() > 3 * needed_bytes
    return SHARED_MEMORY if roomy else None


def _cpu_fields() -> dict[str, str]:
    text = Path("/proc/cpuinfo").read_text("utf-8").split("\n\n")[0]
    pairs = (line.partition(":") for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _first_line(path: Path) -> str:
    try:
        return path.read_text("utf-8").splitlines()[0]
    except (OSError, IndexError):
        return "unknown"
