"""Registries that outlive the command: up twice is fine, down stops only what up started."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from perf.errors import Lacking, RunFailed
from perf.registry import distribution, standing
from perf.registry.client import RegistryClient
from perf.registry.samples import images
from perf.registry.standing import PORTS, Registries, down, seed, status, up
from perf.system.go import Go
from perf.system.host import free_port
from perf.system.places import Places
from perf.system.processes import Processes, start_ticks
from perf.system.progress import Progress
from tests.registry.test_pair import listening


class Hand:
    """What a developer types, with a cache of its own (the registry's program is the shared one) and free ports."""

    def __init__(self, places: Places, processes: Processes, toolchain: Go, said: Path) -> None:
        self.places = places
        self.processes = processes
        self.toolchain = toolchain
        self.said = said
        self.ports = {"source": free_port(), "destination": free_port()}

    @property
    def state(self) -> Path:
        return self.places.cache / "standing" / "state.json"

    def up(self) -> Registries:
        with self.said.open("a", encoding="utf-8") as file:
            return up(self.places, self.processes, self.toolchain, Progress(file), self.ports)


@pytest.fixture
def hand(
    places: Places, processes: Processes, toolchain: Go, program: Path, tmp_path: Path
) -> Iterator[Hand]:
    cache = tmp_path / "cache"
    (cache / "registries").mkdir(parents=True)
    (cache / "registries" / program.parent.name).symlink_to(program.parent)
    made = Hand(replace(places, cache=cache), processes, toolchain, tmp_path / "said")
    yield made
    if made.state.exists():
        down(made.places)


def test_by_hand_they_stand_on_the_ports_that_everybody_knows() -> None:
    assert dict(PORTS) == {"source": 5100, "destination": 5101}


@pytest.mark.registry
def test_up_starts_two_that_outlive_the_command_and_seeds_the_source(hand: Hand) -> None:
    registries = hand.up()
    assert not registries.already_up
    assert registries.source.host == f"127.0.0.1:{hand.ports['source']}"
    hand.processes.stop_all()
    with RegistryClient(registries.source) as client:
        assert client.catalog() == tuple(
            f"project-{project}/service-{number}" for project in "abc" for number in range(1, 5)
        )
        assert sorted(client.tags("project-a/service-1")) == ["latest", "v1.0", "v1.1"]
    with RegistryClient(registries.destination) as client:
        assert client.catalog() == ()


@pytest.mark.registry
def test_up_twice_is_fine_and_says_so(hand: Hand) -> None:
    first, second = hand.up(), hand.up()
    assert second.already_up
    assert (first.source, first.destination) == (second.source, second.destination)
    assert "the registries are up already" in hand.said.read_text("utf-8")


@pytest.mark.registry
def test_status_tells_what_stands_and_down_removes_it(hand: Hand) -> None:
    assert status(hand.places) == ()
    hand.up()
    rows = status(hand.places)
    assert [(row.role, row.answers, row.repositories) for row in rows] == [
        ("source", True, 12),
        ("destination", True, 0),
    ]
    assert all(row.pid and psutil.pid_exists(row.pid) and row.storage.is_dir() for row in rows)
    assert down(hand.places) == 2
    assert status(hand.places) == ()
    assert down(hand.places) == 0
    assert not any(row.pid and psutil.pid_exists(row.pid) for row in rows)
    assert not any(row.storage.exists() for row in rows)


@pytest.mark.registry
def test_one_that_died_is_shown_and_up_starts_both_again(hand: Hand) -> None:
    hand.up()
    source = status(hand.places)[0].pid
    assert source is not None
    process = psutil.Process(source)
    process.kill()
    process.wait(30)
    rows = status(hand.places)
    assert [(row.pid is None, row.answers, row.repositories) for row in rows] == [
        (True, False, None),
        (False, True, 0),
    ]
    with pytest.raises(Lacking, match="the source registry is not up"):
        seed(hand.places)
    assert not hand.up().already_up
    assert all(row.answers for row in status(hand.places))


@pytest.mark.registry
def test_seeding_again_sends_nothing_twice(hand: Hand) -> None:
    registries = hand.up()
    assert seed(hand.places) == len(tuple(images()))
    assert registries.source.access_log is not None
    blobs = {(image.repository, digest) for image in images() for digest in image.blobs}
    puts = [
        line
        for line in registries.source.access_log.read_text("utf-8").splitlines()
        if '"http.request.method":"PUT"' in line and "/blobs/uploads/" in line
    ]
    assert len(puts) == len(blobs)


@pytest.mark.registry
def test_a_taken_port_names_its_holder_and_leaves_nothing_up(hand: Hand) -> None:
    with (
        listening(hand.ports["destination"]),
        pytest.raises(
            Lacking, match=rf"the destination registry's port, is taken by .* \(process {os.getpid()}\)"
        ),
    ):
        hand.up()
    assert status(hand.places) == ()


@pytest.mark.registry
def test_when_the_second_does_not_start_the_first_is_stopped(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing.host, "port_is_free", lambda _port: True)
    with (
        listening(hand.ports["destination"]),
        pytest.raises(
            Lacking, match="(?s)the destination registry .*ended while starting.*address already in use"
        ),
    ):
        hand.up()
    assert status(hand.places) == ()
    monkeypatch.undo()
    assert standing.host.port_is_free(hand.ports["source"])


@pytest.mark.registry
def test_down_never_stops_a_process_that_only_got_the_number(hand: Hand) -> None:
    """A process id comes round again; its start time does not."""
    other = subprocess.Popen(["sleep", "1000"])
    try:
        ticks = start_ticks(other.pid)
        assert ticks is not None
        entry = {
            "role": "source",
            "pid": other.pid,
            "started": ticks - 1,
            "port": 1,
            "debug_port": 2,
            "instance": "",
        }
        hand.state.parent.mkdir()
        hand.state.write_text(json.dumps({"version": 1, "registries": [entry]}), "utf-8")
        assert status(hand.places)[0].pid is None
        assert down(hand.places) == 0
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"version": 2, "registries": []}', '{"version": 1, "registries": [{"role": "source"}]}'],
)
def test_a_state_file_that_cannot_be_read_is_not_guessed_at(
    places: Places, tmp_path: Path, text: str
) -> None:
    own = replace(places, cache=tmp_path / "cache")
    state = own.cache / "standing" / "state.json"
    state.parent.mkdir(parents=True)
    state.write_text(text, "utf-8")
    for command in (status, down, seed):
        with pytest.raises(Lacking, match="state.json cannot be read"):
            command(own)
    assert state.read_text("utf-8") == text


def test_a_process_that_cannot_be_killed_is_an_error(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = replace(places, cache=tmp_path / "cache")
    monkeypatch.setattr(psutil, "wait_procs", lambda processes, timeout: ([], list(processes)))
    other = subprocess.Popen(["sleep", "1000"])
    try:
        entry = {"role": "source", "pid": other.pid, "started": start_ticks(other.pid)}
        entry |= {"port": 1, "debug_port": 2, "instance": ""}
        (own.cache / "standing").mkdir(parents=True)
        state = own.cache / "standing" / "state.json"
        state.write_text(json.dumps({"version": 1, "registries": [entry]}), "utf-8")
        with pytest.raises(RunFailed, match=f"process {other.pid} does not end"):
            down(own)
        assert state.exists(), "what still runs must stay known"
    finally:
        other.kill()
        other.wait()


@pytest.mark.registry
def test_the_registry_is_built_once_and_then_taken_from_the_cache(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("it was built again")

    monkeypatch.setattr(distribution.go, "install", refuse)
    found = distribution.install(hand.places, hand.processes, hand.toolchain, Progress(quiet=True))
    assert os.access(found, os.X_OK)


def test_a_build_that_fails_leaves_nothing_behind_that_looks_built(
    places: Places, processes: Processes, toolchain: Go, tmp_path: Path
) -> None:
    """No network and nothing cached: it says so, and the next run tries again."""
    own = replace(places, cache=tmp_path / "cache")
    environment = {**toolchain.build_environment, "GOPROXY": "off", "GOMODCACHE": str(tmp_path / "modules")}
    offline = replace(toolchain, build_environment=environment)
    with pytest.raises(Lacking, match="could not fetch what it needs"):
        distribution.install(own, processes, offline, Progress(quiet=True))
    assert not (own.cache / "registries" / f"{distribution.VERSION}-{toolchain.version}").exists()
