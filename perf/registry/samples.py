"""Small real images to play with: project-{a,b,c}/service-1..4, with the tags of Freightliner's own script. Pure.

The content is random by a fixed seed, so that it is the same everywhere and no image equals another.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE: Final = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
TAGS: Final = {
    "service-1": ("v1.0", "v1.1", "latest"),
    "service-2": ("v2.0", "latest"),
    "service-3": ("v3.0", "latest"),
    "service-4": ("v1.0",),
}
SAMPLES: Final = tuple(
    (f"project-{project}/{service}", tags) for project in "abc" for service, tags in TAGS.items()
)
LAYER_BYTES: Final = (200_000, 60_000, 4_000)


@dataclass(frozen=True, slots=True)
class Image:
    """A tag with its manifest and the blobs it names, by digest."""

    repository: str
    tag: str
    manifest: bytes
    blobs: dict[str, bytes]


def images() -> Iterator[Image]:
    """Every sample; the first layer is shared by the tags of a repository, as a base image's is."""
    for repository, tags in SAMPLES:
        base = _layer(f"{repository} base", LAYER_BYTES[0])
        for tag in tags:
            own = [
                _layer(f"{repository}:{tag} {number}", size) for number, size in enumerate(LAYER_BYTES[1:])
            ]
            yield _image(repository, tag, [base, *own])


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass(frozen=True, slots=True)
class _Layer:
    tar: bytes
    compressed: bytes


def _layer(seed: str, size: int) -> _Layer:
    content = random.Random(seed).randbytes(size)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("content.bin")
        entry.size = size
        archive.addfile(entry, io.BytesIO(content))
    tar = packed.getvalue()
    # No time in the header: equal content must give equal bytes.
    return _Layer(tar, gzip.compress(tar, compresslevel=1, mtime=0))


def _image(repository: str, tag: str, layers: list[_Layer]) -> Image:
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": {"sample": f"{repository}:{tag}"}},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(layer.tar) for layer in layers]},
        }
    ).encode()
    blobs = [config, *(layer.compressed for layer in layers)]
    types = [CONFIG_TYPE, *(LAYER_TYPE for _ in layers)]
    descriptors = [
        {"mediaType": media_type, "digest": digest_of(blob), "size": len(blob)}
        for media_type, blob in zip(types, blobs, strict=True)
    ]
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": descriptors[0],
            "layers": descriptors[1:],
        }
    ).encode()
    return Image(repository, tag, manifest, {digest_of(blob): blob for blob in blobs})
