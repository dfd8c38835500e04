"""The nouns of this room. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Registry:
    """One registry as others see it. `host` is host:port without a scheme.

    What only a registry of ours can show is None for others: `debug` (the URL of /metrics and /debug/pprof),
    `access_log` (JSON lines) and `storage` (the directory of its files).
    """

    host: str
    scheme: str = "http"
    debug: str | None = None
    access_log: Path | None = None
    storage: Path | None = None

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}"


@dataclass(frozen=True, slots=True)
class Request:
    """One answered request, from a line of the access log; `at` is the moment its answer ended."""

    method: str
    uri: str
    status: int
    seconds: float
    bytes_written: int
    peer: str
    user_agent: str
    at: datetime

    @property
    def started(self) -> datetime:
        return self.at - timedelta(seconds=self.seconds)
