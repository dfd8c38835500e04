"""The doctor's findings say what is lost and how to get it; only what is needed fails the examination."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from perf import doctor
from perf.system import host
from perf.system.places import Places
from perf.system.processes import Processes
from perf.system.progress import Progress

QUIET = Progress(quiet=True)


def find(findings: tuple[doctor.Finding, ...], what: str) -> doctor.Finding:
    return next(each for each in findings if each.what == what)


@pytest.mark.go
def test_every_finding_has_words_for_what_is_lost_and_how_to_get_it(
    places: Places, processes: Processes
) -> None:
    findings = doctor.examine(places, processes, QUIET, os.environ)
    assert all(each.found and each.lost and each.remedy for each in findings)
    assert find(findings, "Go").ok
    assert find(findings, "git").needed


def test_a_missing_go_fails_the_examination(tmp_path: Path, processes: Processes) -> None:
    places = Places(tmp_path, tmp_path / ".perf", tmp_path / "cache")
    caller = {"PATH": "/nowhere", "PIP_NO_INDEX": "1"}
    finding = doctor._go(places, processes, QUIET, caller)
    assert (finding.ok, finding.mark) == (False, "NO")


def test_a_taken_port_names_its_holder(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        finding = doctor._port(listener.getsockname()[1], "metrics")
    assert f"process {os.getpid()}" in finding.found
    assert finding.mark == "-"


def test_a_registry_that_is_built_already_is_named(tmp_path: Path) -> None:
    places = Places(tmp_path, tmp_path / ".perf", tmp_path / "cache")
    assert doctor._registry_build(places).found == "not built yet"
    (tmp_path / "cache" / "registries" / "v3.0.0-go1.26.8").mkdir(parents=True)
    (tmp_path / "cache" / "registries" / "v3.0.0-go1.26.8" / "registry").touch()
    assert "v3.0.0-go1.26.8" in doctor._registry_build(places).found


def test_a_container_engine_counts_only_when_it_answers(tmp_path: Path, processes: Processes) -> None:
    """The client alone is on many machines."""
    docker = tmp_path / "docker"
    caller = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    for exit_code, ok in ((1, False), (0, True)):
        docker.write_text(f"#!/bin/sh\nexit {exit_code}\n", "utf-8")
        docker.chmod(0o755)
        assert doctor._container_engine(processes, caller).ok is ok


def test_what_counts_instructions_is_tried_and_its_lack_says_how_to_get_it(
    tmp_path: Path, processes: Processes
) -> None:
    caller = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    for name, script in (("perf", "exit 1"), ("valgrind", "exit 1")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n", "utf-8")
        (tmp_path / name).chmod(0o755)
    without = doctor._counter(processes, caller)
    assert (without.ok, without.mark) == (False, "-")
    assert "apt-get install valgrind" in without.remedy
    counts = 'while [ "$1" != --output ]; do shift; done; echo 12345,,instructions:u,1,100.00,, > "$2"'
    (tmp_path / "perf").write_text(f"#!/bin/sh\n{counts}\n", "utf-8")
    assert doctor._counter(processes, caller).found == "counted by perf events"


def test_little_memory_and_no_tmpfs_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(host, "available_memory_bytes", lambda: 10**6)
    monkeypatch.setattr(host, "SHARED_MEMORY", tmp_path / "absent")
    assert not doctor._memory().ok
    assert "absent or small" in doctor._tmpfs().found
