"""The access log of a distribution registry: what was asked, when, for how long. Pure.

A JSON line for each answered request; uploaded bytes, refused credentials (401) and requests that never ended are
not in it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from perf.registry.model import Request

_DURATION_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h)")
_SECONDS: Final = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
# Handler names as the registry's own metrics have them, by what follows the repository.
_HANDLERS: Final = (
    ("base", re.compile(r"/v2/?")),
    ("catalog", re.compile(r"/v2/_catalog")),
    ("tags", re.compile(r"/v2/.+/tags/list")),
    ("manifests", re.compile(r"/v2/.+/manifests/[^/]+")),
    ("uploads", re.compile(r"/v2/.+/blobs/uploads/[^/]*")),
    ("blobs", re.compile(r"/v2/.+/blobs/[^/]+")),
)
_MANIFEST: Final = re.compile(r"/v2/(?P<repository>.+)/manifests/(?P<reference>[^/]+)")


@dataclass(frozen=True, slots=True)
class AccessLog:
    """Requests in the order their answers ended; `unreadable` counts lines that are no whole JSON."""

    requests: tuple[Request, ...]
    unreadable: int


def parse(lines: Iterable[str]) -> AccessLog:
    """Read the lines of a log; what the registry says beside its requests is passed over, a broken line counted."""
    requests, unreadable = [], 0
    for line in lines:
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            if "http.response.status" in entry:
                requests.append(_request(entry))
        except (ValueError, KeyError, TypeError):
            unreadable += 1
    return AccessLog(tuple(requests), unreadable)


def parse_duration(text: str) -> float:
    """A Go duration ("266.439µs", "1m2.5s") in seconds; raises ValueError."""
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is not a Go duration")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def handler(uri: str) -> str:
    """Which part of the protocol a request asked: base, catalog, tags, manifests, uploads, blobs, or "other"."""
    path = urlsplit(uri).path
    return next((name for name, pattern in _HANDLERS if pattern.fullmatch(path)), "other")


def count_by(requests: Iterable[Request], side: str = "") -> dict[str, int]:
    """Requests by side, method, handler and status: {"source GET manifests 200": 12}."""
    counted = Counter(
        f"{side} {request.method} {handler(request.uri)} {request.status}".lstrip() for request in requests
    )
    return dict(sorted(counted.items()))


def copy_times(
    source: Sequence[Request], destination: Sequence[Request], repository_map: Mapping[str, str]
) -> dict[str, float]:
    """Seconds of each tag's copy by what the registries saw, by "repository:tag" of the source.

    From the start of the first request for the tag's manifest at the source to the end of the last manifest PUT of
    the tag that the destination took. `repository_map` leads from a source repository to its destination's. A tag
    that was never asked for by its name, or never put, is left out. Both logs must be of the same clock.
    """
    began: dict[tuple[str, str], datetime] = {}
    for request in source:
        if (named := _manifest_of(request)) and request.method in ("GET", "HEAD"):
            began[named] = min(began.get(named, request.started), request.started)
    ended: dict[tuple[str, str], datetime] = {}
    for request in destination:
        if (named := _manifest_of(request)) and request.method == "PUT" and 200 <= request.status < 300:
            ended[named] = max(ended.get(named, request.at), request.at)
    times = {}
    for (repository, tag), start in began.items():
        end = ended.get((repository_map.get(repository, ""), tag))
        if end is not None and end >= start:
            times[f"{repository}:{tag}"] = (end - start).total_seconds()
    return times


def _manifest_of(request: Request) -> tuple[str, str] | None:
    """Repository and tag; None for other requests and for a manifest asked by digest."""
    match = _MANIFEST.fullmatch(unquote(urlsplit(request.uri).path))
    if match is None or ":" in match["reference"]:
        return None
    return match["repository"], match["reference"]


def _request(entry: Mapping[str, Any]) -> Request:
    return Request(
        method=str(entry["http.request.method"]),
        uri=str(entry["http.request.uri"]),
        status=int(entry["http.response.status"]),
        seconds=parse_duration(entry["http.response.duration"]),
        bytes_written=int(entry["http.response.written"]),
        peer=str(entry["http.request.remoteaddr"]),
        user_agent=str(entry.get("http.request.useragent", "")),
        at=datetime.fromisoformat(entry["time"]),
    )
