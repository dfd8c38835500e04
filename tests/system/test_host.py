"""The door to the machine: a fingerprint that names what differs, ports, and memory for storage."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from perf.system import host


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def test_the_fingerprint_is_stable_and_complete() -> None:
    one, two = host.fingerprint("go1.26.8"), host.fingerprint("go1.26.8")
    assert one == two
    assert one.cpu_model
    assert one.cores >= 1


def test_a_machine_keeps_its_name_when_go_or_kernel_change_and_loses_it_when_the_cpu_does() -> None:
    one = host.fingerprint("go1.26.8")
    assert replace(one, go_version="go1.27.0", kernel="7.0").machine() == one.machine()
    assert replace(one, cpu_model="Another CPU").machine() != one.machine()
    assert replace(one, cores=one.cores + 1).machine() != one.machine()


def test_the_names_that_machines_have_never_change() -> None:
    """Another name would part a machine from the baselines it has."""
    known = host.Fingerprint(
        "Intel(R) Xeon(R) CPU @ 2.20GHz", "12ab34cd", 2, 8, "6.1", "yes", "unknown", "go1.26.8", 2, "x86_64"
    )
    assert known.machine() == "intel-xeon-2c-d2ffc047"
    assert replace(known, gomaxprocs=1, architecture="riscv64").machine() == known.machine()


@pytest.mark.parametrize(
    ("given", "expected"), [("1", 1), ("64", 64), ("0", None), ("-2", None), ("many", None), ("", None)]
)
def test_gomaxprocs_is_what_gos_runtime_makes_of_the_environment(given: str, expected: int | None) -> None:
    assert host.fingerprint("go", {"GOMAXPROCS": given}).gomaxprocs == (expected or host.cores())
    assert host.fingerprint("go").gomaxprocs == host.cores()


def test_a_machines_name_is_fit_for_a_directory() -> None:
    name = replace(host.fingerprint("go"), cpu_model="Intel(R) Xeon(R) CPU @ 2.20GHz / ../x").machine()
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_what_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    assert host._first_line(tmp_path / "absent") == "unknown"


def test_a_taken_port_is_seen_with_its_holder_and_another_chosen(taken_port: int) -> None:
    assert not host.port_is_free(taken_port)
    chosen = host.free_port(taken_port)
    assert chosen != taken_port
    assert host.port_is_free(chosen)
    assert host.free_port(chosen) == chosen
    assert f"process {os.getpid()}" in host.port_holder(taken_port)
    assert host.port_holder(chosen) == "another program"


def test_a_holder_that_listens_on_all_addresses_of_both_families_is_found() -> None:
    """As most servers do."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        port = int(listener.getsockname()[1])
        assert not host.port_is_free(port)
        assert f"process {os.getpid()}" in host.port_holder(port)


def test_storage_in_memory_is_used_only_when_it_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "SHARED_MEMORY", tmp_path)
    assert host.memory_backed_directory(1) == tmp_path
    assert host.memory_backed_directory(10**18) is None
    monkeypatch.setattr(host, "SHARED_MEMORY", tmp_path / "absent")
    assert host.memory_backed_directory(1) is None
