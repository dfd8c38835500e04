"""The door to HTTP. No proxy of the caller's is used: what is asked stands on this machine or was named."""

from __future__ import annotations

import httpx


def client(base_url: str = "", *, timeout_seconds: float = 30.0, connections: int = 16) -> httpx.Client:
    """A client that trusts no environment variables, with a bounded pool."""
    return httpx.Client(
        base_url=base_url,
        timeout=timeout_seconds,
        trust_env=False,
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
    )
