"""What a registry of ours counts about itself, read from its Prometheus metrics."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families

from perf.registry.model import Registry
from perf.system import http

_FAMILY = "registry_http_request_size_bytes"
_HANDLER = "blob_upload_chunk"


def uploaded_bytes(registry: Registry) -> int | None:
    """Bytes of blobs sent to the registry since its start; None when it has no metrics or does not give them.

    It adds up what requests declared: their Content-Length and some hundred bytes of headers. A body sent chunked
    counts nothing, one that broke off counts whole, so this shows what was tried; the blobs themselves tell the rest.
    """
    if registry.debug is None:
        return None
    try:
        with http.client(registry.debug, timeout_seconds=10.0, connections=1) as client:
            text = client.get("/metrics").raise_for_status().text
    except httpx.HTTPError:
        return None
    return parse_uploaded_bytes(text)


def parse_uploaded_bytes(text: str) -> int | None:
    """The same from the text of /metrics. A handler appears with its first request: a family without it says 0."""
    try:
        families = [family for family in text_string_to_metric_families(text) if family.name == _FAMILY]
    except ValueError:
        return None
    samples = [sample for family in families for sample in family.samples if sample.name == f"{_FAMILY}_sum"]
    if not families:
        return None
    return int(sum(sample.value for sample in samples if sample.labels.get("handler") == _HANDLER))
