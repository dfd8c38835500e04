"""What one does by hand: registries that stay, the cache, the doctor; through the command line, as invoke calls it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from perf import cli
from perf.errors import ExitCode
from perf.registry import distribution, standing
from perf.registry.model import Registry
from perf.system import host
from perf.system.go import Go
from perf.system.places import Places
from perf.system.processes import Processes
from perf.system.progress import Progress


@pytest.fixture
def cache(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, used by commands typed in the project."""
    made = tmp_path / "cache"
    made.mkdir()
    monkeypatch.chdir(places.root)
    monkeypatch.setenv("PERF_CACHE_DIR", str(made))
    return made


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_the_cache_shows_its_rooms_with_their_sizes(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cache", "show"]) == ExitCode.FINE
    assert f"cache: {cache} (0 B)" in shown(capsys)
    (cache / "images").mkdir()
    (cache / "images" / "layer").write_bytes(b"x" * 1500)
    assert cli.main(["cache", "show"]) == ExitCode.FINE
    assert "images" in (text := shown(capsys))
    assert "1.5 kB" in text


def test_a_room_of_the_cache_is_cleared_and_the_others_stay(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for room in ("images", "bin"):
        (cache / room).mkdir()
        (cache / room / "file").write_bytes(b"x" * 1000)
    assert cli.main(["cache", "clear", "images"]) == ExitCode.FINE
    assert "freed 1 kB" in shown(capsys)
    assert (cache / "bin" / "file").exists()
    assert not (cache / "images").exists()
    assert cli.main(["cache", "clear"]) == ExitCode.FINE
    assert not (cache / "bin").exists()


def test_registries_that_are_up_are_no_cache(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (cache / "standing").mkdir()
    assert cli.main(["cache", "clear"]) == ExitCode.FINE
    assert (cache / "standing").exists()
    assert cli.main(["cache", "clear", "standing"]) == ExitCode.USAGE
    assert "the cache has no standing" in shown(capsys)


@pytest.mark.go
def test_the_doctor_finds_this_machine_fit(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor"]) == ExitCode.FINE
    text = shown(capsys)
    assert "Go" in text
    assert "port 5100" in text


@pytest.mark.go
def test_the_doctor_fails_a_machine_without_go(
    cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    assert cli.main(["doctor"]) == ExitCode.LACKING
    assert "install Go and put it on PATH" in shown(capsys)


@pytest.fixture
def free_ports(
    cache: Path, places: Places, processes: Processes, toolchain: Go, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[int, int]]:
    """The program built once for all tests stands in this cache; ports that nobody else uses."""
    program = distribution.install(places, processes, toolchain, Progress(quiet=True))
    (cache / "registries").symlink_to(program.parent.parent)
    ports = host.free_port(0), host.free_port(0)
    up = standing.up
    by_role = {"source": ports[0], "destination": ports[1]}
    monkeypatch.setattr(standing, "up", lambda *doors: up(*doors, ports=by_role))
    yield ports
    assert cli.main(["registry", "down"]) == ExitCode.FINE


@pytest.mark.registry
@pytest.mark.go
def test_registries_stay_up_seeded_until_they_are_taken_down(
    free_ports: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    source, destination = free_ports
    assert cli.main(["registry", "up"]) == ExitCode.FINE
    assert f"127.0.0.1:{source}" in (text := shown(capsys))
    assert f"127.0.0.1:{destination}" in text
    assert standing.seed_registry(Registry(f"127.0.0.1:{source}")) > 0
    assert cli.main(["registry", "seed"]) == ExitCode.FINE
    assert "seeded the source" in shown(capsys)
    assert cli.main(["registry", "status"]) == ExitCode.FINE
    assert "12" in shown(capsys)
    assert cli.main(["registry", "down"]) == ExitCode.FINE
    assert "stopped 2 registries" in shown(capsys)
    assert cli.main(["registry", "status"]) == ExitCode.FINE
    assert "no registries are up" in shown(capsys)
    assert host.port_is_free(source)
