"""The protocol, against a real registry; and against answers that no sound registry gives."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from perf.errors import RunFailed
from perf.registry import client as client_module
from perf.registry.client import RegistryClient, error_code
from perf.registry.model import Registry
from perf.registry.pair import Pair
from perf.registry.samples import MANIFEST_TYPE, Image, digest_of, images
from perf.system.host import free_port

NOTHING = digest_of(b"nothing that was ever pushed")


@pytest.fixture
def client(pair: Pair) -> Iterator[RegistryClient]:
    with RegistryClient(pair.destination) as opened:
        yield opened


def push(client: RegistryClient, image: Image) -> None:
    for digest, blob in image.blobs.items():
        client.put_blob(image.repository, digest, [blob[:1000], blob[1000:]], len(blob))
    client.put_manifest(image.repository, image.tag, image.manifest, MANIFEST_TYPE)


@pytest.mark.registry
def test_what_is_pushed_is_read_back_byte_for_byte(client: RegistryClient) -> None:
    image = next(images())
    push(client, image)
    assert client.ping()
    assert client.manifest(image.repository, image.tag) == (image.manifest, MANIFEST_TYPE)
    assert client.manifest(image.repository, digest_of(image.manifest)) == (image.manifest, MANIFEST_TYPE)
    for digest, blob in image.blobs.items():
        assert client.blob_size(image.repository, digest) == len(blob)
        assert client.blob_digest(image.repository, digest) == (digest, len(blob))


@pytest.mark.registry
def test_what_is_not_there_is_none_and_no_error(client: RegistryClient) -> None:
    assert client.manifest("a/b", "v1") is None
    assert client.blob_size("a/b", NOTHING) is None
    assert client.blob_digest("a/b", NOTHING) is None
    assert client.tags("a/b") == ()
    assert client.catalog() == ()


@pytest.mark.registry
def test_lists_are_read_page_by_page_to_their_end(
    client: RegistryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "PAGE", 2)
    everything = tuple(images())
    for image in everything:
        push(client, image)
    assert client.catalog() == tuple(sorted({image.repository for image in everything}))
    first = everything[0].repository
    assert sorted(client.tags(first)) == sorted(each.tag for each in everything if each.repository == first)


@pytest.mark.registry
def test_a_blob_is_mounted_from_another_repository_or_not_at_all(client: RegistryClient) -> None:
    blob = b"shared"
    client.put_blob("a/one", digest_of(blob), [blob], len(blob))
    assert client.mount_blob("a/two", digest_of(blob), "a/one")
    assert client.blob_size("a/two", digest_of(blob)) == len(blob)
    assert not client.mount_blob("a/two", NOTHING, "a/one")


@pytest.mark.registry
def test_many_threads_share_one_client(client: RegistryClient) -> None:
    blobs = [bytes([number]) * 50_000 for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda blob: client.put_blob("a/b", digest_of(blob), [blob], len(blob)), blobs))
        sizes = list(pool.map(lambda blob: client.blob_size("a/b", digest_of(blob)), blobs))
    assert sizes == [50_000] * 40


@pytest.mark.registry
def test_a_blob_that_is_not_its_digest_is_refused_with_the_registrys_code(client: RegistryClient) -> None:
    with pytest.raises(RunFailed, match=r"PUT http://.*/v2/a/b/blobs/uploads/.*: 400 DIGEST_INVALID"):
        client.put_blob("a/b", NOTHING, [b"something else"], 14)


@pytest.mark.registry
def test_a_manifest_whose_blobs_are_missing_is_refused(client: RegistryClient) -> None:
    image = next(images())
    with pytest.raises(RunFailed, match=r"manifests/v1.0: 400|404 MANIFEST_BLOB_UNKNOWN"):
        client.put_manifest(image.repository, image.tag, image.manifest, MANIFEST_TYPE)


# -- answers that no sound registry gives -------------------------------------------------------------------------

Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def answering(answer: Callable[[str, str], Answer]) -> Iterator[RegistryClient]:
    """A client of a server that answers `answer(method, path)`, then closes the connection."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, body = answer(self.command, self.path)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                if value:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            with RegistryClient(Registry(f"127.0.0.1:{server.server_port}")) as client:
                yield client
        finally:
            server.shutdown()
            thread.join()


def test_a_body_that_breaks_off_has_the_digest_of_what_came() -> None:
    with answering(lambda *_: (200, {"Content-Length": "10"}, b"short")) as client:
        assert client.blob_digest("a", NOTHING) == (digest_of(b"short"), 5)


def test_a_body_that_is_another_has_another_digest() -> None:
    with answering(lambda *_: (200, {}, b"other")) as client:
        assert client.blob_digest("a", NOTHING) == (digest_of(b"other"), 5)


def test_a_broken_body_of_unknown_length_is_an_error() -> None:
    def answer(*_: str) -> Answer:
        return 200, {"Content-Length": "0", "Transfer-Encoding": "chunked"}, b"5\r\nsho"

    with answering(answer) as client, pytest.raises(RunFailed, match=r"GET /v2/a/blobs/.*no answer"):
        client.blob_digest("a", NOTHING)


def test_blobs_that_lie_elsewhere_are_followed() -> None:
    def answer(_method: str, path: str) -> Answer:
        return (200, {}, b"blob") if path == "/elsewhere" else (307, {"Location": "/elsewhere"}, b"")

    with answering(answer) as client:
        assert client.blob_digest("a", NOTHING) == (digest_of(b"blob"), 4)
        assert client.blob_size("a", NOTHING) == 4


@pytest.mark.parametrize("status", [401, 403])
def test_a_registry_that_wants_credentials_is_said_to(status: int) -> None:
    body = json.dumps({"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}).encode()
    with answering(lambda *_: (status, {}, body)) as client:
        assert not client.ping()
        with pytest.raises(RunFailed, match=f"{status} UNAUTHORIZED: authentication required") as caught:
            client.blob_digest("a", NOTHING)
        assert "credentials" in caught.value.cause


def test_a_full_disk_of_the_registry_is_named() -> None:
    body = b'{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":"no space left on device"}]}'
    with answering(lambda *_: (500, {}, body)) as client:
        with pytest.raises(RunFailed, match="500 UNKNOWN: unknown error") as caught:
            client.put_blob("a", NOTHING, [b""], 0)
        assert caught.value.cause == "the disk of the registry is full"


def test_a_registry_that_is_not_there_is_an_error_with_its_address() -> None:
    registry = Registry(f"127.0.0.1:{free_port()}")
    with RegistryClient(registry) as client:
        assert not client.ping()
        with pytest.raises(RunFailed, match=f"GET /v2/a/manifests/v1: no answer from {registry.host}"):
            client.manifest("a", "v1")


def test_null_instead_of_a_list_is_an_empty_list() -> None:
    with answering(lambda *_: (200, {}, b'{"name":"a","tags":null}')) as client:
        assert client.tags("a") == ()


def test_a_list_that_is_no_json_is_an_error() -> None:
    with answering(lambda *_: (200, {}, b"<html>")) as client, pytest.raises(RunFailed, match="no JSON with"):
        client.catalog()


def test_pages_that_go_in_a_circle_are_an_error_not_a_hang() -> None:
    def answer(_method: str, path: str) -> Answer:
        return 200, {"Link": f'<{path}>; rel="next"'}, b'{"repositories":["a"]}'

    with answering(answer) as client, pytest.raises(RunFailed, match="was read before"):
        client.catalog()


def test_an_upload_without_a_location_is_an_error() -> None:
    with answering(lambda *_: (202, {}, b"")) as client, pytest.raises(RunFailed, match="without a Location"):
        client.put_blob("a", NOTHING, [b""], 0)


def test_a_blob_without_a_stated_size_is_an_error() -> None:
    def answer(*_: str) -> Answer:
        return 200, {"Content-Length": "", "Transfer-Encoding": "chunked"}, b""

    with answering(answer) as client, pytest.raises(RunFailed, match="without a Content-Length"):
        client.blob_size("a", NOTHING)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"errors":[{"code":"NAME_UNKNOWN","message":"unknown"}]}', "NAME_UNKNOWN: unknown"),
        (b'{"errors":[{"code":"DENIED"}]}', "DENIED"),
        (b'{"errors":[]}', ""),
        (b'{"errors":["x"]}', ""),
        (b"[]", ""),
        (b"\xff\xfe", ""),
        (b"", ""),
    ],
)
def test_error_bodies(body: bytes, code: str) -> None:
    assert error_code(body) == code
