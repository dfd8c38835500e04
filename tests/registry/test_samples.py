"""The sample images are whole by themselves: every digest and size a manifest names is true."""

from __future__ import annotations

import gzip
import json

from perf.registry.samples import SAMPLES, digest_of, images


def test_every_descriptor_tells_the_truth() -> None:
    for image in images():
        manifest = json.loads(image.manifest)
        named = [manifest["config"], *manifest["layers"]]
        assert {each["digest"] for each in named} == set(image.blobs)
        assert all(len(image.blobs[each["digest"]]) == each["size"] for each in named)
        assert all(digest_of(blob) == digest for digest, blob in image.blobs.items())


def test_the_config_names_the_digests_of_the_unpacked_layers() -> None:
    image = next(images())
    manifest = json.loads(image.manifest)
    unpacked = [digest_of(gzip.decompress(image.blobs[layer["digest"]])) for layer in manifest["layers"]]
    assert json.loads(image.blobs[manifest["config"]["digest"]])["rootfs"]["diff_ids"] == unpacked


def test_they_are_the_same_every_time_and_no_two_are_equal() -> None:
    first, second = tuple(images()), tuple(images())
    assert first == second
    assert len({image.manifest for image in first}) == len(first) == sum(len(tags) for _, tags in SAMPLES)
