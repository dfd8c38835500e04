"""A registry in memory that takes whatever it is given, as some do: manifests without their blobs, wrong content.

CNCF distribution refuses those, so what a replicator leaves behind there can be shown only here.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

_PATH = re.compile(
    r"/v2/(?P<repository>.+)/(?P<kind>manifests|blobs/uploads|blobs|tags)/(?P<reference>[^/]*)"
)


@dataclass
class Store:
    """What was put, by (repository, reference); `broken` answers 500 to whatever names one of its references."""

    manifests: dict[tuple[str, str], tuple[bytes, str]] = field(default_factory=dict)
    blobs: dict[tuple[str, str], bytes] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without these, an answer in two small packets waits 40 ms for Nagle's algorithm.
    wbufsize = -1
    disable_nagle_algorithm = True
    store: ClassVar[Store]

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/v2/":
            return self.answer(200, b"{}")
        if path == "/v2/_catalog":
            names = sorted({repository for repository, _ in self.store.manifests})
            return self.answer(200, json.dumps({"repositories": names}).encode())
        match = _PATH.fullmatch(path)
        assert match is not None, path
        place = match["repository"], match["reference"]
        if place[1] in self.store.broken:
            return self.answer(500, b'{"errors":[{"code":"UNKNOWN","message":"storage is on fire"}]}')
        if match["kind"] == "tags":
            tags = [tag for name, tag in self.store.manifests if name == place[0] and ":" not in tag]
            return self.answer(200, json.dumps({"tags": tags}).encode())
        if match["kind"] == "manifests" and place in self.store.manifests:
            content, media_type = self.store.manifests[place]
            return self.answer(200, content, Content_Type=media_type)
        if match["kind"] == "blobs" and place in self.store.blobs:
            return self.answer(200, self.store.blobs[place])
        return self.answer(404)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        with self.store.lock:
            name = f"upload-{len(self.store.uploads)}"
            self.store.uploads[name] = b""
        self.answer(202, Location=f"{urlsplit(self.path).path}{name}")

    def do_PATCH(self) -> None:
        self.store.uploads[urlsplit(self.path).path.rpartition("/")[2]] += self.body()
        self.answer(202, Location=self.path)

    def do_DELETE(self) -> None:
        self.answer(204)

    def do_PUT(self) -> None:
        parts = urlsplit(self.path)
        match = _PATH.fullmatch(parts.path)
        assert match is not None, self.path
        body = self.body()
        if match["kind"] == "manifests":
            kept = body, self.headers["Content-Type"]
            digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
            self.store.manifests[match["repository"], match["reference"]] = kept
            self.store.manifests[match["repository"], digest] = kept
        else:
            digest = parse_qs(parts.query)["digest"][0]
            self.store.blobs[match["repository"], digest] = self.store.uploads[match["reference"]] + body
        self.answer(201)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))


@contextmanager
def standing_registry() -> Iterator[tuple[str, Store]]:
    """Its URL and what it holds, until the block is left."""
    store = Store()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"store": store}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
