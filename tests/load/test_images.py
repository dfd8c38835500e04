"""Expected images are kept and read back whole, or refused."""

from __future__ import annotations

import json

import pytest

from perf.load.images import Blob, Image, Manifest, distinct_bytes, from_json, to_json

ONE = Manifest(
    Blob("sha256:m1", 10), "m", Blob("sha256:c1", 5), (Blob("sha256:base", 100), Blob("sha256:a", 1))
)
TWO = Manifest(Blob("sha256:m2", 10), "m", Blob("sha256:c2", 5), (Blob("sha256:base", 100),))
PLAIN = Image("load/x", "v1", None, "", (ONE,))
INDEX = Image("load/y", "v2", Blob("sha256:i", 7), "i", (ONE, TWO))


def test_what_is_kept_is_read_back() -> None:
    assert from_json(to_json((PLAIN, INDEX))) == (PLAIN, INDEX)


def test_a_tag_resolves_to_its_index_or_else_to_its_manifest() -> None:
    assert (PLAIN.root, PLAIN.media_type, PLAIN.name) == (Blob("sha256:m1", 10), "m", "load/x:v1")
    assert (INDEX.root, INDEX.media_type) == (Blob("sha256:i", 7), "i")


def test_each_distinct_blob_and_manifest_counts_once() -> None:
    assert distinct_bytes([PLAIN, INDEX]) == 7 + 10 + 5 + 100 + 1 + 10 + 5


@pytest.mark.parametrize(
    "text",
    [
        to_json((PLAIN, INDEX))[:-20],
        "",
        "[]",
        "{}",
        json.dumps({"version": 99, "images": []}),
        json.dumps({"version": 1, "images": [{"repository": "x"}]}),
        json.dumps({"version": 1, "images": 3}),
    ],
)
def test_what_is_truncated_or_of_another_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_json(text)
