"""Reading what a registry logged; times are of the registries, not of the replicator."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.registry.access_log import copy_times, count_by, handler, parse, parse_duration
from perf.registry.model import Request

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
# As distribution v3.0.0 writes it.
LINE = (
    '{"go.version":"go1.26.8","http.request.host":"127.0.0.1:5101","http.request.id":"cf5c",'
    '"http.request.method":"GET","http.request.remoteaddr":"127.0.0.1:56632",'
    '"http.request.uri":"/v2/a/b/manifests/v1","http.request.useragent":"crane/0.22",'
    '"http.response.contenttype":"application/json","http.response.duration":"684.534µs",'
    '"http.response.status":200,"http.response.written":512,"instance.id":"f3b6","level":"info",'
    '"msg":"response completed","time":"2026-11-23T15:33:37.080622316Z","version":"v3.0.0+unknown"}'
)


def request(method: str, uri: str, at: float, *, seconds: float = 0.0, status: int = 200) -> Request:
    return Request(method, uri, status, seconds, 0, "127.0.0.1:1", "test", NOON + timedelta(seconds=at))


def test_a_line_becomes_a_request() -> None:
    log = parse([LINE])
    assert log.requests == (
        Request(
            method="GET",
            uri="/v2/a/b/manifests/v1",
            status=200,
            seconds=pytest.approx(684.534e-6),
            bytes_written=512,
            peer="127.0.0.1:56632",
            user_agent="crane/0.22",
            at=datetime(2026, 11, 23, 15, 33, 37, 80622, UTC),
        ),
    )
    assert log.unreadable == 0


def test_what_the_registry_says_beside_requests_is_passed_over() -> None:
    log = parse(['{"level":"info","msg":"debug server listening 127.0.0.1:5918"}', "", LINE])
    assert (len(log.requests), log.unreadable) == (1, 0)


@pytest.mark.parametrize(
    "line",
    [
        LINE[:200],
        "fatal error: out of memory",
        LINE.replace('"684.534µs"', '"soon"'),
        LINE.replace("http.request.uri", "http.request.url"),
        LINE.replace("2026-11-23T", "yesterday "),
        "7",
    ],
    ids=["cut short", "no JSON", "no duration", "no uri", "no time", "no object"],
)
def test_a_broken_line_is_counted_and_the_next_is_read(line: str) -> None:
    log = parse([line, LINE])
    assert (len(log.requests), log.unreadable) == (1, 1)


@given(st.lists(st.text()))
def test_no_text_breaks_the_parser(lines: list[str]) -> None:
    assert parse(lines).unreadable <= len(lines)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("266.439µs", 266.439e-6),
        ("1.5s", 1.5),
        ("1m2.5s", 62.5),
        ("2h0m0s", 7200.0),
        ("12ns", 12e-9),
        ("3us", 3e-6),
    ],
)
def test_go_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "5 s", "-5s", "5s!"])
def test_what_is_no_go_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Go duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("/v2/", "base"),
        ("/v2/_catalog?n=1000", "catalog"),
        ("/v2/a/b/tags/list", "tags"),
        ("/v2/a/b/manifests/sha256:00", "manifests"),
        ("/v2/a/b/blobs/sha256:00", "blobs"),
        ("/v2/a/b/blobs/uploads/", "uploads"),
        ("/v2/a/b/blobs/uploads/9aff?_state=x", "uploads"),
        ("/metrics", "other"),
    ],
)
def test_requests_are_named_by_what_they_ask_for(uri: str, name: str) -> None:
    assert handler(uri) == name


def test_requests_are_counted_by_side_method_handler_and_status() -> None:
    asked = [
        request("HEAD", "/v2/a/blobs/sha256:1", 0, status=404),
        request("HEAD", "/v2/a/blobs/sha256:2", 1, status=404),
        request("PUT", "/v2/a/manifests/v1", 2, status=201),
    ]
    assert count_by(asked, "destination") == {
        "destination HEAD blobs 404": 2,
        "destination PUT manifests 201": 1,
    }
    assert count_by(asked[2:]) == {"PUT manifests 201": 1}


def test_a_copy_lasts_from_the_first_request_for_its_manifest_to_the_end_of_its_put() -> None:
    source = [
        request("HEAD", "/v2/perf/a/manifests/v1", 10.5, seconds=0.5),
        request("GET", "/v2/perf/a/manifests/v1", 11.0, seconds=0.1),
    ]
    destination = [request("PUT", "/v2/copy/a/manifests/v1", 13.0, seconds=1.0, status=201)]
    assert copy_times(source, destination, {"perf/a": "copy/a"}) == {"perf/a:v1": pytest.approx(3.0)}


def test_a_put_that_was_refused_does_not_end_a_copy() -> None:
    source = [request("GET", "/v2/a/manifests/v1", 0.0)]
    refused = request("PUT", "/v2/a/manifests/v1", 1.0, status=400)
    assert copy_times(source, [refused], {"a": "a"}) == {}
    again = request("PUT", "/v2/a/manifests/v1", 2.0, status=201)
    assert copy_times(source, [refused, again], {"a": "a"}) == {"a:v1": pytest.approx(2.0)}


def test_only_tags_are_copies() -> None:
    """The children of an index are asked for and put by digest; a blob is no copy; nor is an unknown repository."""
    source = [
        request("GET", "/v2/a/manifests/sha256:00", 0.0),
        request("GET", "/v2/a/blobs/sha256:11", 0.0),
        request("GET", "/v2/elsewhere/manifests/v1", 0.0),
        request("PUT", "/v2/a/manifests/v1", 0.0),
    ]
    destination = [
        request("PUT", f"/v2/{name}", 1.0, status=201) for name in ("a/manifests/sha256:00", "a/manifests/v1")
    ]
    assert copy_times(source, destination, {"a": "a"}) == {}


def test_a_put_before_the_first_request_is_another_copys() -> None:
    source = [request("GET", "/v2/a/manifests/v1", 5.0)]
    destination = [request("PUT", "/v2/a/manifests/v1", 1.0, status=201)]
    assert copy_times(source, destination, {"a": "a"}) == {}


@given(st.text(min_size=1), st.integers(100, 599), st.integers(0, 2**40))
def test_a_logged_request_comes_back_as_it_was(uri: str, status: int, written: int) -> None:
    entry = json.loads(LINE) | {
        "http.request.uri": uri,
        "http.response.status": status,
        "http.response.written": written,
    }
    (read,) = parse([json.dumps(entry)]).requests
    assert (read.uri, read.status, read.bytes_written) == (uri, status, written)
    assert (read.at - read.started).total_seconds() == pytest.approx(read.seconds, abs=1e-6)
