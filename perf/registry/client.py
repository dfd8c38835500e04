"""A small client of the OCI distribution protocol: what seeding needs to write and verifying needs to read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self

import httpx

from perf.errors import RunFailed
from perf.registry.model import Registry
from perf.system import http

MANIFEST_TYPES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
PAGE: Final = 1000


class RegistryClient:
    """Safe to share among threads. Every unexpected answer is a RunFailed with method, URL, status and code."""

    def __init__(self, registry: Registry, connections: int = 16) -> None:
        self.registry = registry
        self._http = http.client(registry.url, connections=connections)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def ping(self) -> bool:
        """Whether /v2/ answers 200; a registry that cannot be reached is False, not an error."""
        return self.refusal() is None

    def refusal(self) -> RunFailed | None:
        """Why /v2/ does not answer 200, not raised; None when it does."""
        try:
            self._ask("GET", "/v2/", {200})
        except RunFailed as error:
            return error
        return None

    def catalog(self) -> tuple[str, ...]:
        """Every repository."""
        return self._pages("/v2/_catalog", "repositories")

    def tags(self, repository: str) -> tuple[str, ...]:
        """Every tag of a repository; none when there is no such repository."""
        return self._pages(f"/v2/{repository}/tags/list", "tags")

    def manifest(self, repository: str, reference: str) -> tuple[bytes, str] | None:
        """The manifest's bytes as they stand and its media type; None when there is none (404)."""
        url = f"/v2/{repository}/manifests/{reference}"
        answer = self._ask("GET", url, {200, 404}, headers={"Accept": ", ".join(MANIFEST_TYPES)})
        return None if answer.status_code == 404 else (answer.content, answer.headers.get("content-type", ""))

    def blob_size(self, repository: str, digest: str) -> int | None:
        """The size the registry states (HEAD), in bytes; None when there is no such blob."""
        url = f"/v2/{repository}/blobs/{digest}"
        answer = self._ask("HEAD", url, {200, 404}, follow_redirects=True)
        if answer.status_code == 404:
            return None
        length = answer.headers.get("content-length", "")
        if not length.isdigit():
            raise RunFailed(f"HEAD {answer.url}: 200 without a Content-Length")
        return int(length)

    def blob_digest(self, repository: str, digest: str) -> tuple[str, int] | None:
        """Read the blob: the digest its bytes really have and their number; None when there is no such blob.

        A body that ends before its Content-Length is an answer too: the digest of the bytes that came.
        """
        url = f"/v2/{repository}/blobs/{digest}"
        hashed, length = hashlib.sha256(), 0
        with (
            self._transport_errors("GET", url),
            self._http.stream(
                "GET", url, headers={"Accept-Encoding": "identity"}, follow_redirects=True
            ) as answer,
        ):
            if answer.status_code == 404:
                return None
            if answer.status_code != 200:
                answer.read()
                raise unexpected(answer)
            try:
                for chunk in answer.iter_raw():
                    hashed.update(chunk)
                    length += len(chunk)
            except httpx.RemoteProtocolError:
                if length >= int(answer.headers.get("content-length", 0)):
                    raise
        return f"sha256:{hashed.hexdigest()}", length

    def put_blob(self, repository: str, digest: str, chunks: Iterable[bytes], size: int) -> None:
        """Upload `size` bytes by POST and one PUT of known length, the quickest way; the registry checks `digest`."""
        begun = self._ask("POST", f"/v2/{repository}/blobs/uploads/", {202})
        self._ask(
            "PUT",
            _location(begun).copy_merge_params({"digest": digest}),
            {201},
            content=chunks,
            headers={"Content-Length": str(size), "Content-Type": "application/octet-stream"},
        )

    def mount_blob(self, repository: str, digest: str, from_repository: str) -> bool:
        """Take a blob over from another repository of this registry; False when it has none there."""
        answer = self._ask(
            "POST",
            f"/v2/{repository}/blobs/uploads/",
            {201, 202},
            params={"mount": digest, "from": from_repository},
        )
        if answer.status_code == 201:
            return True
        # It began an upload instead, which nobody will end.
        self._ask("DELETE", _location(answer), {202, 204, 404, 405})
        return False

    def put_manifest(self, repository: str, reference: str, content: bytes, media_type: str) -> None:
        url = f"/v2/{repository}/manifests/{reference}"
        self._ask("PUT", url, {201}, content=content, headers={"Content-Type": media_type})

    def _pages(self, path: str, key: str) -> tuple[str, ...]:
        """Follow `Link: …; rel="next"` to the end; a 404 is an empty list, a circle an error."""
        found: list[str] = []
        seen: set[httpx.URL] = set()
        url: httpx.URL | str = httpx.URL(path, params={"n": str(PAGE)})
        while True:
            answer = self._ask("GET", url, {200, 404})
            if answer.status_code == 404:
                return tuple(found)
            found += _strings(answer, key)
            seen.add(answer.url)
            following = answer.links.get("next", {}).get("url")
            if following is None:
                return tuple(found)
            url = answer.url.join(following)
            if url in seen:
                raise RunFailed(f"GET {answer.url}: its next page {url} was read before")

    def _ask(self, method: str, url: httpx.URL | str, expected: set[int], **how: Any) -> httpx.Response:
        with self._transport_errors(method, url):
            answer = self._http.request(method, url, **how)
        if answer.status_code not in expected:
            raise unexpected(answer)
        return answer

    @contextmanager
    def _transport_errors(self, method: str, url: httpx.URL | str) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            words = str(error) or type(error).__name__
            raise RunFailed(
                f"{method} {url}: no answer from {self.registry.host}: {words}", cause=_cause(error)
            ) from error


def _cause(error: httpx.TransportError) -> str:
    """The likely cause of a registry that gave no answer."""
    words = str(error)
    if "WRONG_VERSION_NUMBER" in words or "record layer failure" in words:
        return "it speaks http, not https"
    if "CERTIFICATE_VERIFY_FAILED" in words:
        return "its certificate is not one that this machine trusts (SSL_CERT_FILE names those that it does)"
    if isinstance(error, httpx.RemoteProtocolError):
        return "it ended the connection: it died, or it speaks another protocol (https?)"
    if isinstance(error, httpx.ConnectError):
        return "nothing listens there: it is not running, has died, or its address is another"
    return "the registry hangs, or it is overloaded"


def unexpected(answer: httpx.Response) -> RunFailed:
    """Method, URL, status and, where the registry gave them, its error code and message."""
    said = error_code(answer.content)
    cause = ""
    if answer.status_code in (401, 403):
        cause = "the registry wants credentials; the suite has none to give"
    elif b"no space left" in answer.content:
        cause = "the disk of the registry is full"
    elif b"HTTPS server" in answer.content:
        cause = "it speaks https, not http"
    elif answer.status_code >= 500:
        cause = "the registry itself fails; its log says why"
    request = answer.request
    return RunFailed(
        f"{request.method} {request.url}: {answer.status_code} {said or answer.reason_phrase}", cause=cause
    )


def error_code(body: bytes) -> str:
    """ "MANIFEST_UNKNOWN: manifest unknown" of an error body of the protocol; "" when it is none."""
    try:
        first = httpx.Response(200, content=body).json()["errors"][0]
        return ": ".join(str(first[key]) for key in ("code", "message") if first.get(key))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return ""


def _location(answer: httpx.Response) -> httpx.URL:
    location = answer.headers.get("location")
    if not location:
        raise RunFailed(
            f"{answer.request.method} {answer.request.url}: {answer.status_code} without a Location"
        )
    return answer.url.join(location)


def _strings(answer: httpx.Response, key: str) -> list[str]:
    """`{"repositories": [...]}`; null, as some registries say, is none."""
    try:
        values = answer.json()[key] or []
    except (ValueError, KeyError, TypeError) as error:
        raise RunFailed(f"GET {answer.url}: 200, but no JSON with {key!r}") from error
    return [str(value) for value in values]
