"""--registry docker and podman, by a stand-in for their command line that starts the real registry."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from perf.context import Context, Options
from perf.errors import ExitCode, Lacking, RunFailed
from perf.registry.access_log import parse
from perf.registry.client import RegistryClient
from perf.registry.containers import HOST_LABEL, IMAGE, OWNER_LABEL
from perf.registry.pair import open_pair
from perf.registry.standing import seed_registry
from perf.system.processes import start_ticks

FAKE = Path(__file__).parent / "fake_engine.py"


@dataclass(frozen=True, slots=True)
class Fake:
    """An engine's directory and a context whose PATH begins with it."""

    place: Path
    context: Context

    def calls(self, command: str) -> list[list[str]]:
        lines = (self.place / "calls").read_text("utf-8").splitlines()
        return [call for call in map(json.loads, lines) if call[0] == command]

    def breaks(self, command: str, said: str) -> None:
        (self.place / "broken").write_text(f"{command}\n{said}", "utf-8")

    def running(self) -> list[str]:
        return sorted(path.name for path in (self.place / "containers").glob("*"))


@pytest.fixture
def fake(context: Context, tmp_path: Path) -> Callable[[str], Fake]:
    def make(name: str) -> Fake:
        place = tmp_path / "bin"
        place.mkdir()
        (place / name).write_text(f"#!{sys.executable}\n{FAKE.read_text('utf-8')}", "utf-8")
        (place / name).chmod(0o755)
        caller = {**os.environ, "PATH": f"{place}:{os.environ['PATH']}", "GITHUB_TOKEN": "secret"}
        return Fake(place, replace(context, options=Options(registry=name), caller=caller))

    return make


@pytest.fixture
def docker(fake: Callable[[str], Fake], program: Path) -> Fake:
    made = fake("docker")
    (made.place / "program").write_text(str(program), "utf-8")
    return made


@pytest.mark.registry
def test_two_containers_serve_and_are_removed(docker: Fake) -> None:
    with open_pair(docker.context, needed_bytes=1_000) as pair:
        assert (pair.kind, pair.pids()) == ("docker registry:3", {})
        assert len(docker.running()) == 2
        assert seed_registry(pair.source) == 24
        with RegistryClient(pair.source) as client:
            assert len(client.catalog()) == 12
        seed_registry(pair.destination)
        pair.renew_destination()
        with RegistryClient(pair.destination) as client:
            assert client.catalog() == ()
        pair.check()
        assert pair.source.access_log is not None
        storage = pair.source.storage
    assert docker.running() == []
    assert storage is not None
    assert not storage.exists()


@pytest.mark.registry
def test_they_are_published_on_127_0_0_1_only_and_carry_their_owner(docker: Fake) -> None:
    with open_pair(docker.context, needed_bytes=1_000):
        pass
    assert docker.calls("pull") == [["pull", IMAGE]]
    runs = docker.calls("run")
    assert {name.split("-")[4] for call in runs for name in call if name.startswith("perf-run-")} == {
        "source",
        "destination",
    }
    for call in runs:
        options = list(pairwise(call))
        published = [value for name, value in options if name == "--publish"]
        assert len(published) == 2
        assert all(value.startswith("127.0.0.1:") for value in published)
        assert ("--label", f"{OWNER_LABEL}={docker.context.processes.owner}") in options
        assert ("--user", f"{os.getuid()}:{os.getgid()}") in options
        assert {"--rm", "--detach"} <= set(call)
        assert call[-1] == IMAGE
        assert not any("secret" in part for part in call)


@pytest.mark.registry
def test_the_containers_log_is_read_along(docker: Fake) -> None:
    with open_pair(docker.context, needed_bytes=1_000) as pair:
        seed_registry(pair.source)
        log = pair.source.access_log
        assert log is not None
        pushed: set[str] = set()
        while len(pushed) < 8:
            requests = parse(log.read_text("utf-8").splitlines()).requests
            pushed = {each.uri for each in requests if each.method == "PUT" and "/manifests/" in each.uri}


@pytest.mark.registry
def test_a_container_that_died_is_named_with_the_end_of_its_log(docker: Fake) -> None:
    with open_pair(docker.context, needed_bytes=1_000) as pair:
        (name,) = [name for name in docker.running() if "-source-" in name]
        psutil.Process(int((docker.place / "containers" / name / "pid").read_text("utf-8"))).kill()
        with pytest.raises(RunFailed, match=r"(?s)the source registry died .*listening on"):
            while True:
                pair.check()


@pytest.mark.registry
def test_a_port_that_the_engine_finds_allocated_is_given_up_for_another(docker: Fake) -> None:
    docker.breaks("run", "Bind for 127.0.0.1:5100 failed: port is already allocated")
    with (
        pytest.raises(Lacking, match="(?s)ended while starting.*port is already allocated"),
        open_pair(docker.context, needed_bytes=1_000),
    ):
        pass
    assert len(docker.calls("run")) == 3
    assert len(docker.calls("rm")) == 3


def leave_behind(docker: Fake, name: str, host: str) -> None:
    container = docker.place / "containers" / name
    container.mkdir(parents=True)
    (container / "pid").write_text("0", "utf-8")
    owner = "-".join(name.split("-")[2:4])
    (container / "labels").write_text(f"{OWNER_LABEL}={owner}\n{HOST_LABEL}={host}", "utf-8")


@pytest.mark.registry
def test_containers_of_killed_runs_are_removed_and_no_others(docker: Fake) -> None:
    here, dead = socket.gethostname(), f"{os.getpid()}-1"
    alive = f"perf-run-{os.getppid()}-{start_ticks(os.getppid())}-source-aa"
    elsewhere = f"perf-run-{dead}-destination-bb"
    leave_behind(docker, f"perf-run-{dead}-source-aa", here)
    leave_behind(docker, alive, here)
    leave_behind(docker, elsewhere, "another-machine")
    with open_pair(docker.context, needed_bytes=1_000):
        assert f"perf-run-{dead}-source-aa" not in docker.running()
    assert docker.running() == sorted([alive, elsewhere])


@pytest.mark.registry
@pytest.mark.parametrize("name", ["docker", "podman"])
def test_rootless_engines_are_not_told_a_user(fake: Callable[[str], Fake], program: Path, name: str) -> None:
    """Their root is this user already, and another user would be a stranger to our files."""
    engine = fake(name)
    (engine.place / "program").write_text(str(program), "utf-8")
    (engine.place / "rootless").touch()
    (engine.place / "image").touch()
    with open_pair(engine.context, needed_bytes=1_000) as pair:
        assert pair.kind == f"{name} registry:3"
    source = engine.calls("run")[0]
    assert engine.calls("pull") == [], "the image is there already"
    assert "--user" not in source
    assert any(part.endswith("/var/lib/registry:Z") for part in source) == (name == "podman")


def test_an_absent_engine_says_how_to_go_on(context: Context) -> None:
    chosen = replace(context, options=Options(registry="podman"), caller={"PATH": "/nowhere"})
    with pytest.raises(Lacking, match="no podman on PATH") as caught, open_pair(chosen, needed_bytes=1):
        pass
    assert caught.value.exit_code == ExitCode.LACKING
    assert "install podman" in caught.value.next_command


@pytest.mark.parametrize(
    ("command", "said", "told"),
    [
        ("info", "Cannot connect to the Docker daemon", "its engine does not answer: Cannot connect"),
        ("pull", "dial tcp: no such host", f"could not fetch {IMAGE}: dial tcp: no such host"),
        ("run", "invalid mount", "docker could not start the source registry: invalid mount"),
    ],
)
def test_an_engine_that_fails_is_quoted(
    fake: Callable[[str], Fake], command: str, said: str, told: str
) -> None:
    engine = fake("docker")
    engine.breaks(command, said)
    with pytest.raises(Lacking, match=told) as caught, open_pair(engine.context, needed_bytes=1):
        pass
    assert caught.value.next_command
    assert engine.running() == []
