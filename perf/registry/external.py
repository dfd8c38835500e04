"""Registries that stand already: --source URL --destination URL."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from perf.errors import Lacking, UsageError
from perf.registry.client import RegistryClient
from perf.registry.model import Registry

_LOCAL: Final = ("localhost", "127.0.0.1", "::1")
_EXAMPLE: Final = "--source http://127.0.0.1:5100 --destination http://127.0.0.1:5101"
_PORTS: Final = {"http": 80, "https": 443}
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]*|[0-9a-f:.]*:[0-9a-f:.]*")


def check_options(source: str | None, destination: str | None) -> None:
    """Raise UsageError for a wrong URL, one alone or twice the same; nobody is asked. Neither is fine."""
    if source is not None or destination is not None:
        parse_both(source, destination)


def attach(source: str | None, destination: str | None) -> tuple[Registry, Registry]:
    """Both registries, which answer; raises UsageError as `check_options` does, Lacking when one does not answer."""
    found = parse_both(source, destination)
    for role, registry in zip(("source", "destination"), found, strict=True):
        with RegistryClient(registry, connections=1) as client:
            refusal = client.refusal()
        if refusal is not None:
            raise Lacking(
                f"the {role} registry {registry.url} does not answer 200 to /v2/: {refusal.what}",
                cause=refusal.cause,
                next_command=f"curl -i {registry.url}/v2/",
            )
    return found


def parse_both(source: str | None, destination: str | None) -> tuple[Registry, Registry]:
    """Their addresses; raises UsageError for a wrong URL, one alone or twice the same."""
    if source is None or destination is None:
        raise UsageError(
            f"--{'destination' if destination is None else 'source'} is missing",
            cause="standing registries are used in pairs",
            next_command=f"give both: {_EXAMPLE}",
        )
    found = (parse(source), parse(destination))
    if _identity(found[0]) == _identity(found[1]):
        raise UsageError(
            f"--source and --destination are the same registry ({found[0].host})",
            cause="a copy from a registry to itself moves no bytes",
            next_command=f"name two: {_EXAMPLE}",
        )
    return found


def parse(url: str) -> Registry:
    """http://HOST:PORT, https://HOST or HOST:PORT (http on this machine, else https); raises UsageError."""
    wrong = UsageError(
        f"{url!r} is not the address of a registry",
        cause="wanted is a scheme, a host and a port, and no path: repositories come from the workload",
        next_command=f"for example: {_EXAMPLE}",
    )
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        port = parts.port
    except ValueError as error:
        raise wrong from error
    scheme = parts.scheme or ("http" if parts.hostname in _LOCAL else "https")
    extra = parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None
    if scheme not in _PORTS or not _NAME.fullmatch(parts.hostname or "") or extra:
        raise wrong
    name = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname)
    return Registry(host=name if port is None else f"{name}:{port}", scheme=scheme)


def _identity(registry: Registry) -> tuple[str, int]:
    parts = urlsplit(registry.url)
    name = "127.0.0.1" if parts.hostname in _LOCAL else str(parts.hostname)
    return name, parts.port or _PORTS[registry.scheme]
