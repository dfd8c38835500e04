"""What a registry says it was sent."""

from __future__ import annotations

import pytest

from perf.registry.client import RegistryClient
from perf.registry.metrics import parse_uploaded_bytes, uploaded_bytes
from perf.registry.model import Registry
from perf.registry.pair import Pair
from perf.registry.samples import digest_of
from perf.system.host import free_port

TEXT = """\
# HELP registry_http_request_size_bytes The HTTP request sizes in bytes.
# TYPE registry_http_request_size_bytes histogram
registry_http_request_size_bytes_bucket{handler="base",le="1024"} 1
registry_http_request_size_bytes_bucket{handler="base",le="+Inf"} 1
registry_http_request_size_bytes_sum{handler="base"} 115
registry_http_request_size_bytes_count{handler="base"} 1
registry_http_request_size_bytes_bucket{handler="blob_upload_chunk",le="1024"} 0
registry_http_request_size_bytes_bucket{handler="blob_upload_chunk",le="+Inf"} 3
registry_http_request_size_bytes_sum{handler="blob_upload_chunk"} 2.01328062e+08
registry_http_request_size_bytes_count{handler="blob_upload_chunk"} 3
"""


def test_the_sum_of_uploads_is_read() -> None:
    assert parse_uploaded_bytes(TEXT) == 201_328_062


def test_a_registry_that_was_sent_nothing_says_zero() -> None:
    assert parse_uploaded_bytes(TEXT.replace("blob_upload_chunk", "blob_upload")) == 0


@pytest.mark.parametrize("text", ["", "# TYPE up gauge\nup 1\n", "<html>no metrics</html>", 'a{b="c} x'])
def test_where_there_is_no_such_metric_nothing_is_claimed(text: str) -> None:
    assert parse_uploaded_bytes(text) is None


def test_a_registry_without_metrics_was_not_measured() -> None:
    assert uploaded_bytes(Registry("127.0.0.1:5101")) is None
    assert uploaded_bytes(Registry("127.0.0.1:5101", debug=f"http://127.0.0.1:{free_port()}")) is None


@pytest.mark.registry
def test_a_real_registry_counts_what_it_was_sent(pair: Pair) -> None:
    assert uploaded_bytes(pair.destination) == 0
    blob = bytes(range(256)) * 4000
    with RegistryClient(pair.destination) as client:
        client.put_blob("a/b", digest_of(blob), [blob], len(blob))
    counted = uploaded_bytes(pair.destination)
    assert counted is not None
    assert 0 <= counted - len(blob) < 4000
