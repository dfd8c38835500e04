"""The bytes of images are what every reader expects: tar in gzip, true digests, true diff IDs."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf.load import content
from perf.load.content import CHUNK_BYTES, Layer, write_layer
from perf.load.images import Blob, Manifest
from perf.load.workload import LayerPlan, ManifestPlan


def written(plan: LayerPlan) -> tuple[Layer, list[bytes]]:
    pieces: list[bytes] = []
    return write_layer(plan, pieces.append), pieces


@settings(max_examples=30)
@given(
    st.one_of(
        st.integers(1, 5000),
        st.sampled_from([511, 512, 513, 65023, 65024, 65534, 65535, 65536, CHUNK_BYTES, CHUNK_BYTES + 1]),
    ),
    st.integers(0, 2**63 - 1),
)
def test_a_layer_is_one_file_in_a_tar_in_gzip_under_its_true_digests(size: int, seed: int) -> None:
    layer, pieces = written(LayerPlan(seed, size))
    blob = b"".join(pieces)
    tar = gzip.decompress(blob)
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        assert [(member.isfile(), member.size) for member in archive] == [(True, size)]
    assert layer.blob == content.blob_of(blob)
    assert layer.diff_id == f"sha256:{hashlib.sha256(tar).hexdigest()}"


def test_the_bytes_of_a_layer_never_change_between_versions() -> None:
    layer, _ = written(LayerPlan(1, 100_000))
    assert layer.blob == Blob(
        "sha256:41eeb7c9c42520b46e572c591104e732cd0351208578b24186592455de793daf", 101_931
    )


def test_a_large_layer_comes_in_pieces_of_about_a_mebibyte() -> None:
    _, pieces = written(LayerPlan(7, 5 * CHUNK_BYTES + 3))
    assert max(map(len, pieces)) < CHUNK_BYTES * 1.001


def test_the_content_of_a_layer_cannot_be_compressed() -> None:
    _, pieces = written(LayerPlan(7, 300_000))
    assert len(zlib.compress(b"".join(pieces), 9)) > 298_000


@pytest.mark.parametrize("other", [LayerPlan(2, 1000), LayerPlan(1, 1001)])
def test_other_plans_are_other_blobs(other: LayerPlan) -> None:
    assert written(LayerPlan(1, 1000))[0].blob.digest != written(other)[0].blob.digest


def test_the_config_carries_the_diff_ids_and_is_unique_even_without_layers() -> None:
    one, two = (content.config_bytes(ManifestPlan(seed, "arm64", ()), ["sha256:a"]) for seed in (1, 2))
    said = json.loads(one)
    assert said["rootfs"] == {"type": "layers", "diff_ids": ["sha256:a"]}
    assert (said["architecture"], said["os"]) == ("arm64", "linux")
    assert one != two


def test_a_manifest_names_config_and_layers_in_order() -> None:
    said = json.loads(content.manifest_bytes(Blob("sha256:c", 3), [Blob("sha256:x", 1), Blob("sha256:y", 2)]))
    assert said["mediaType"] == content.MANIFEST_TYPE
    assert said["config"] == {"mediaType": content.CONFIG_TYPE, "digest": "sha256:c", "size": 3}
    assert [layer["digest"] for layer in said["layers"]] == ["sha256:x", "sha256:y"]


def test_an_index_names_each_platform() -> None:
    child = Manifest(Blob("sha256:m", 9), content.MANIFEST_TYPE, Blob("sha256:c", 3), ())
    said = json.loads(content.index_bytes([("amd64", child), ("arm64", child)]))
    assert said["mediaType"] == content.INDEX_TYPE
    assert [entry["platform"]["architecture"] for entry in said["manifests"]] == ["amd64", "arm64"]
    assert {entry["digest"] for entry in said["manifests"]} == {"sha256:m"}
