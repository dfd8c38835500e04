"""Two real registries: ready when yielded, gone afterwards whatever happened, and honest when one dies."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from perf.context import Context, Options
from perf.errors import Lacking, RunFailed, UsageError
from perf.registry import distribution
from perf.registry import pair as pair_module
from perf.registry import server as server_module
from perf.registry.access_log import count_by, parse
from perf.registry.client import RegistryClient
from perf.registry.model import Registry
from perf.registry.pair import Pair, open_pair
from perf.registry.samples import MANIFEST_TYPE, digest_of, images
from perf.registry.server import Layout, PortTaken, Server, await_ready, last_lines, start_error
from perf.registry.standing import seed_registry
from perf.system import host
from perf.system.host import free_port
from perf.system.processes import Child, Processes
from perf.system.progress import Progress
from tests.conftest import ROOT

PATIENCE_SECONDS = 30.0


def port_of(registry: Registry) -> int:
    return int(registry.host.rpartition(":")[2])


@contextmanager
def listening(port: int = 0) -> Iterator[int]:
    """Hold a port of 127.0.0.1."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.registry
def test_both_answer_on_127_0_0_1_and_nowhere_else_and_nothing_stays(context: Context) -> None:
    with open_pair(context, needed_bytes=1_000) as pair:
        assert pair.kind == f"distribution {distribution.VERSION}"
        assert pair.prefix("run") == ""
        for registry in (pair.source, pair.destination):
            with RegistryClient(registry) as client:
                assert client.ping()
        pids = pair.pids()
        assert set(pids) == {"source", "destination"}
        addresses = {
            each.laddr.ip
            for pid in pids.values()
            for each in psutil.Process(pid).net_connections("inet")
            if each.status == psutil.CONN_LISTEN
        }
        storage = pair.source.storage
        pair.check()
    assert addresses == {"127.0.0.1"}
    assert storage is not None
    assert not storage.exists()
    assert not any(psutil.pid_exists(pid) for pid in pids.values())
    assert all(host.port_is_free(port_of(each)) for each in (pair.source, pair.destination))


@pytest.mark.registry
def test_a_renewed_destination_is_empty_on_the_same_port_with_a_log_of_its_own(pair: Pair) -> None:
    seed_registry(pair.destination)
    before = pair.destination
    pair.renew_destination()
    assert pair.destination.host == before.host
    with RegistryClient(pair.destination) as client:
        assert client.catalog() == ()
    assert before.access_log is not None
    assert pair.destination.access_log is not None
    assert parse(before.access_log.read_text("utf-8").splitlines()).requests, "the old log can still be read"
    log = parse(pair.destination.access_log.read_text("utf-8").splitlines())
    assert count_by(log.requests) == {"GET base 200": 1, "GET catalog 200": 1}


@pytest.mark.registry
def test_content_seeded_before_is_served_and_never_changed(context: Context, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with open_pair(context, needed_bytes=1_000) as pair:
        seed_registry(pair.source)
        assert pair.source.storage is not None
        shutil.copytree(pair.source.storage, kept)
    before = {path: path.read_bytes() for path in kept.rglob("*") if path.is_file()}
    assert before
    with open_pair(context, needed_bytes=1_000, source_content=kept) as pair:
        with RegistryClient(pair.source) as client:
            for image in images():
                found = client.manifest(image.repository, image.tag)
                assert found == (image.manifest, MANIFEST_TYPE)
                assert all(client.blob_size(image.repository, digest) for digest in image.blobs)
            client.put_blob(
                "new/one",
                digest_of(b""),
                [b""],
                0,
            )
        with RegistryClient(pair.destination) as client:
            assert client.catalog() == ()
    assert {path: path.read_bytes() for path in kept.rglob("*") if path.is_file()} == before


@pytest.mark.registry
def test_a_taken_port_is_told_with_its_holder_and_another_is_used(
    context: Context, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    with listening() as taken, said.open("w", encoding="utf-8") as file:
        monkeypatch.setattr(pair_module, "SOURCE_PORT", taken)
        with open_pair(replace(context, progress=Progress(file)), needed_bytes=1_000) as pair:
            assert port_of(pair.source) != taken
            with RegistryClient(pair.source) as client:
                assert client.ping()
    assert f"127.0.0.1:{taken} is taken by " in said.read_text("utf-8")
    assert (
        f"(process {os.getpid()}): the source registry listens on {port_of(pair.source)}"
        in said.read_text("utf-8")
    )


@pytest.mark.registry
def test_a_port_taken_between_choice_and_start_is_given_up_for_another(
    program: Path, processes: Processes, tmp_path: Path
) -> None:
    """The registry itself ends with "address already in use"; the program that was quicker is not mistaken for it."""
    real = distribution.launcher(program, processes)
    asked: list[int] = []

    with listening() as taken:

        def launch(layout: Layout) -> Child:
            asked.append(layout.port)
            return real(replace(layout, port=taken) if len(asked) == 1 else layout)

        server = Server("source", tmp_path / "source", launch, Progress(quiet=True))
        server.start(free_port())
        assert len(asked) == 2
        assert port_of(server.registry) == asked[1]
        server.stop()


@pytest.mark.registry
def test_when_every_port_is_taken_the_log_is_shown(
    program: Path, processes: Processes, tmp_path: Path
) -> None:
    real = distribution.launcher(program, processes)
    with listening() as taken:
        server = Server(
            "source",
            tmp_path / "source",
            lambda layout: real(replace(layout, port=taken)),
            Progress(quiet=True),
        )
        with pytest.raises(
            PortTaken, match=r"(?s)the source registry .* ended while starting.*address already in use"
        ):
            server.start(free_port())


def test_a_registry_that_hangs_while_starting_is_stopped(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "READY_SECONDS", 0.2)
    started: list[Child] = []

    def launch(layout: Layout) -> Child:
        started.append(processes.start(["sleep", "1000"], environment={"PATH": os.environ["PATH"]}))
        return started[-1]

    server = Server("source", tmp_path / "source", launch, Progress(quiet=True))
    with pytest.raises(RunFailed, match=r"(?s)the source registry .* did not answer within .*\(nothing\)"):
        server.start(free_port())
    assert not psutil.pid_exists(started[0].pid)


@pytest.mark.registry
def test_another_registry_on_the_port_is_not_taken_for_ours(pair: Pair) -> None:
    """A 200 from /v2/ is not enough: it must come from the process that was started."""
    ended, ending = os.pipe()
    os.close(ending)
    assert not await_ready(pair.source, "another instance", ended)
    os.close(ended)


@pytest.mark.registry
@pytest.mark.parametrize("role", ["source", "destination"])
def test_a_registry_killed_in_the_middle_is_named_with_the_end_of_its_log(pair: Pair, role: str) -> None:
    pair.check()
    killed = os.pidfd_open(pair.pids()[role])
    signal.pidfd_send_signal(killed, signal.SIGKILL)
    ended = select.poll()
    ended.register(killed, select.POLLIN)
    assert ended.poll(PATIENCE_SECONDS * 1000)
    os.close(killed)
    died = rf"(?s)the {role} registry died \(127.0.0.1:\d+\); its log ends:.*listening on 127.0.0.1:\d+"
    with pytest.raises(RunFailed, match=died):
        pair.check()
    pair.renew_destination()


@pytest.mark.registry
def test_storage_is_on_disk_when_memory_is_short(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "memory_backed_directory", lambda _needed: None)
    with open_pair(context, needed_bytes=1_000) as pair:
        assert pair.storage == "disk"
        assert pair.source.storage is not None
        assert pair.source.storage.is_relative_to(context.processes.scratch)


def test_a_workload_larger_than_memory_and_disk_is_refused(context: Context) -> None:
    with (
        pytest.raises(Lacking, match=r"the registries need .* TB, .* has .* free"),
        open_pair(context, needed_bytes=10**18),
    ):
        pass


def test_an_unknown_kind_of_registry_is_refused(context: Context) -> None:
    chosen = replace(context, options=Options(registry="harbor"))
    with pytest.raises(UsageError, match="unknown registry 'harbor'"), open_pair(chosen, needed_bytes=1):
        pass


@pytest.mark.parametrize(
    ("log", "kind", "cause"),
    [
        (
            "listen tcp 127.0.0.1:5100: bind: address already in use",
            PortTaken,
            "another program took the port",
        ),
        ("mkdir /x: no space left on device", Lacking, "the disk is full"),
        ("mkdir /x: permission denied", Lacking, "its directory or its port is not open to this user"),
        ("panic: nil", RunFailed, "it was killed, or its program is damaged"),
    ],
)
def test_a_registry_that_does_not_come_up_says_why(log: str, kind: type[Exception], cause: str) -> None:
    error = start_error("source", "127.0.0.1:5100", log, ended=True)
    assert type(error) is kind
    assert error.cause == cause
    assert log in error.what
    assert "did not answer within 30 s" in start_error("source", "127.0.0.1:5100", log, ended=False).what


def test_the_end_of_a_log_is_shown_without_what_tells_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert last_lines(log) == "(nothing)"
    log.write_text('{"level":"error","msg":"failed","go.version":"go1"}\npanic: nil\n7\n', "utf-8")
    assert last_lines(log) == "  error failed\n  panic: nil\n  7"
    assert last_lines(log, 1) == "  7"


def test_requests_that_a_registry_answered_are_no_part_of_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        '{"http.response.status":200,"level":"info","msg":"response completed"}\n'
        '{"http.response.status":500,"level":"error","msg":"response completed with error"}\n'
        '{"http.response.status":404,"level":"error","msg":"response completed with error"}\n',
        "utf-8",
    )
    assert last_lines(log) == "  error response completed with error 500"


@pytest.mark.registry
def test_a_full_disk_under_a_registry_is_told_and_not_blamed_on_the_replicator(pair: Pair) -> None:
    log = pair.destination.access_log
    assert log is not None
    with log.open("a", encoding="utf-8") as file:
        file.write('{"level":"error","err.detail":"mkdir /x/_uploads: no space left on device"}\n')
    with pytest.raises(Lacking, match=r"the destination registry .* had no space left in ") as caught:
        pair.check()
    assert "TMPDIR" in caught.value.next_command


@pytest.mark.registry
def test_a_disk_too_full_even_for_the_log_is_seen_by_what_is_free(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "free_disk_bytes", lambda _: 4096)
    with pytest.raises(Lacking, match=r"the destination registry .* had no space left in "):
        pair.check()


@pytest.mark.registry
def test_the_end_of_a_registry_can_be_awaited(pair: Pair) -> None:
    source, destination = pair.descriptors()
    os.kill(pair.pids()["destination"], signal.SIGKILL)
    ended = select.poll()
    for descriptor in (source, destination):
        ended.register(descriptor, select.POLLIN)
    assert [descriptor for descriptor, _ in ended.poll(PATIENCE_SECONDS * 1000)] == [destination]


HOLDER = """
    import os, sys
    from dataclasses import replace
    from pathlib import Path
    from perf.context import Context, Options, ResolvedTarget
    from perf.registry.pair import open_pair
    from perf.suite import Target, parse_suite
    from perf.system import go, host
    from perf.system.places import find_places
    from perf.system.processes import Processes, interruptible
    from perf.system.progress import Progress

    places, progress = find_places(Path(sys.argv[1]), dict(os.environ)), Progress(quiet=True)
    with interruptible(), Processes(Path(sys.argv[2])) as processes:
        toolchain = go.find_go(places, processes, progress, os.environ)
        target = ResolvedTarget("none", places.root, Target(), None)
        suite = parse_suite(places.configuration.read_text("utf-8"))
        machine = host.fingerprint(toolchain.version)
        context = Context(places, suite, target, "quick", Options(), processes, progress, toolchain, machine,
                          places.runs / "x", dict(os.environ))
        with open_pair(context, needed_bytes=1_000) as pair:
            pids = pair.pids()
            print(pids["source"], pids["destination"], pair.source.storage, flush=True)
            sys.stdin.read()
"""


@pytest.mark.registry
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_whatever_ends_the_suite_nothing_listens_and_no_storage_stays(
    number: signal.Signals, context: Context, program: Path, tmp_path: Path
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLDER), str(context.places.root), str(tmp_path / "holder")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert holder.stdout is not None
    source, destination, storage = holder.stdout.readline().split()
    registries = [psutil.Process(int(pid)) for pid in (source, destination)]
    guardians = [
        each for each in psutil.Process(holder.pid).children() if "guardian.py" in " ".join(each.cmdline())
    ]
    assert len(guardians) == 1
    holder.send_signal(number)
    holder.communicate(timeout=PATIENCE_SECONDS)
    _, alive = psutil.wait_procs([*registries, *guardians], timeout=PATIENCE_SECONDS)
    assert alive == []
    assert not Path(storage).parents[2].exists(), "the scratch in memory"
    assert list((tmp_path / "holder").iterdir()) == []


@pytest.mark.registry
def test_a_port_lost_while_the_destination_is_renewed_is_replaced(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(pair, pair_module.OwnPair)
    before, server = pair.destination, pair._destination
    stop = server.stop
    with socket.socket() as quicker:

        def stop_and_lose_the_port() -> None:
            monkeypatch.setattr(server, "stop", stop)
            stop()
            quicker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            quicker.bind(("127.0.0.1", port_of(before)))
            quicker.listen()

        monkeypatch.setattr(server, "stop", stop_and_lose_the_port)
        pair.renew_destination()
        assert pair.destination.host != before.host
        with RegistryClient(pair.destination) as client:
            assert client.catalog() == ()
