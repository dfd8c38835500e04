"""--source URL --destination URL: two that differ, that answer, and that are never wiped."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from perf.context import Context, Options
from perf.errors import ExitCode, Lacking, UsageError
from perf.registry.client import RegistryClient
from perf.registry.external import attach, check_options, parse
from perf.registry.model import Registry
from perf.registry.pair import Pair, open_pair
from perf.registry.samples import digest_of
from perf.system.host import free_port


@pytest.mark.parametrize(
    ("url", "registry"),
    [
        ("http://127.0.0.1:5100", Registry("127.0.0.1:5100")),
        ("http://localhost:5100/", Registry("localhost:5100")),
        ("localhost:5100", Registry("localhost:5100")),
        ("https://registry.example", Registry("registry.example", "https")),
        ("registry.example:8443", Registry("registry.example:8443", "https")),
        ("http://[::1]:5100", Registry("[::1]:5100")),
    ],
)
def test_addresses(url: str, registry: Registry) -> None:
    assert parse(url) == registry


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "ftp://a:1",
        "http://a:1/path",
        "http://a:port",
        "http://u:p@a:1",
        "http://a:1?x=1",
        "--x y",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="not the address of a registry"):
        attach(url, "http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("source", "destination", "missing"),
    [("http://127.0.0.1:1", None, "--destination"), (None, "http://127.0.0.1:1", "--source")],
)
def test_one_alone_is_refused(source: str | None, destination: str | None, missing: str) -> None:
    with pytest.raises(UsageError, match=f"{missing} is missing"):
        attach(source, destination)


@pytest.mark.parametrize(
    "destination",
    ["http://127.0.0.1:5100", "http://localhost:5100/", "127.0.0.1:5100", "https://127.0.0.1:5100"],
)
def test_the_same_registry_twice_is_refused_however_it_is_written(destination: str) -> None:
    with pytest.raises(UsageError, match="the same registry"):
        attach("http://127.0.0.1:5100", destination)


def test_one_that_does_not_answer_is_named() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(Lacking, match=f"the source registry {url} does not answer") as caught:
        attach(url, "http://127.0.0.1:1")
    assert caught.value.exit_code == ExitCode.LACKING
    assert caught.value.next_command == f"curl -i {url}/v2/"
    assert "nothing listens there" in caught.value.cause


class Refusing(BaseHTTPRequestHandler):
    """Answers every request with the status that its server was given."""

    def do_GET(self) -> None:
        self.send_error(self.server.status)  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def answering(status: int) -> Iterator[str]:
    """The address of a server that answers everything with `status`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    server.status = status  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "scheme", "said", "cause"),
    [
        (401, "http", "401 Unauthorized", "wants credentials"),
        (500, "http", "500 Internal Server Error", "the registry itself fails"),
        (200, "https", "no answer from", "it speaks http, not https"),
    ],
)
def test_what_a_registry_answers_instead_is_told_with_its_cause(
    status: int, scheme: str, said: str, cause: str
) -> None:
    with answering(status) as host, pytest.raises(Lacking, match=said) as caught:
        attach(f"{scheme}://{host}", "http://127.0.0.1:1")
    assert cause in caught.value.cause


def test_addresses_are_checked_without_asking_anybody() -> None:
    check_options(None, None)
    check_options("http://127.0.0.1:1", "http://127.0.0.1:2")
    with pytest.raises(UsageError, match="--destination is missing"):
        check_options("http://127.0.0.1:1", None)


@pytest.mark.registry
def test_standing_registries_are_used_under_a_prefix_and_left_as_they_are(
    context: Context, pair: Pair
) -> None:
    options = Options(source=pair.source.url, destination=pair.destination.url)
    blob = b"theirs"
    with RegistryClient(pair.destination) as client:
        client.put_blob("a/b", digest_of(blob), [blob], len(blob))
        with open_pair(replace(context, options=options), needed_bytes=10**18) as standing:
            assert (standing.kind, standing.storage, standing.pids()) == ("standing", "not ours", {})
            assert standing.prefix("20261123-120000-Load_x1") == "perf-20261123-120000-load-x1/"
            standing.renew_destination()
            standing.check()
            assert standing.destination.access_log is None
        assert client.blob_size("a/b", digest_of(blob)) == len(blob)
