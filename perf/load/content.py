"""The bytes of an image: layers as true tar archives in gzip, configs with true diff IDs, OCI manifests, indexes.

Layers are streamed a MiB at a time. gzip holds stored blocks only (RFC 1951, 3.2.4): valid for every reader, as cheap
to make as a copy, and the same bytes with every zlib. The file in the tar is SHAKE-128 output: incompressible.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from perf.load.images import Blob, Manifest
from perf.load.workload import LayerPlan, ManifestPlan

MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE: Final = "application/vnd.oci.image.index.v1+json"
CONFIG_TYPE: Final = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE: Final = "application/vnd.oci.image.layer.v1.tar+gzip"

CHUNK_BYTES: Final = 1 << 20
_STORED_BYTES: Final = 0xFFFF
_GZIP_HEADER: Final = bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF))
_LAST_EMPTY_BLOCK: Final = b"\x01\x00\x00\xff\xff"
_TAR_BLOCK: Final = 512


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer as written: its blob, and the digest of the tar inside, which the config must carry."""

    blob: Blob
    diff_id: str


def write_layer(plan: LayerPlan, write: Callable[[bytes], object]) -> Layer:
    """Hand the layer's blob to `write` piece by piece."""
    tar_hash, blob_hash = hashlib.sha256(), hashlib.sha256()
    check, tar_bytes, blob_bytes = 0, 0, 0

    def put(piece: bytes) -> None:
        nonlocal blob_bytes
        blob_hash.update(piece)
        blob_bytes += len(piece)
        write(piece)

    put(_GZIP_HEADER)
    for chunk in tar_chunks(plan):
        tar_hash.update(chunk)
        check = zlib.crc32(chunk, check)
        tar_bytes += len(chunk)
        put(_stored(chunk))
    put(_LAST_EMPTY_BLOCK + check.to_bytes(4, "little") + (tar_bytes & 0xFFFFFFFF).to_bytes(4, "little"))
    return Layer(Blob(f"sha256:{blob_hash.hexdigest()}", blob_bytes), f"sha256:{tar_hash.hexdigest()}")


def tar_chunks(plan: LayerPlan) -> Iterator[bytes]:
    """A tar archive with one file of the plan's size."""
    entry = tarfile.TarInfo(f"data/{plan.seed:016x}")
    entry.size = plan.size_bytes
    yield entry.tobuf(format=tarfile.USTAR_FORMAT)
    for start in range(0, plan.size_bytes, CHUNK_BYTES):
        length = min(CHUNK_BYTES, plan.size_bytes - start)
        yield hashlib.shake_128(b"%d/%d" % (plan.seed, start)).digest(length)
    yield bytes(-plan.size_bytes % _TAR_BLOCK + 2 * _TAR_BLOCK)


def config_bytes(plan: ManifestPlan, diff_ids: list[str]) -> bytes:
    """An OCI image config; its label makes it unique."""
    return _json(
        {
            "architecture": plan.architecture,
            "os": "linux",
            "config": {"Labels": {"perf.seed": f"{plan.seed:016x}"}},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
    )


def manifest_bytes(config: Blob, layers: list[Blob]) -> bytes:
    """An OCI image manifest."""
    return _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _descriptor(CONFIG_TYPE, config),
            "layers": [_descriptor(LAYER_TYPE, layer) for layer in layers],
        }
    )


def index_bytes(children: list[tuple[str, Manifest]]) -> bytes:
    """An OCI index over (architecture, manifest)."""
    return _json(
        {
            "schemaVersion": 2,
            "mediaType": INDEX_TYPE,
            "manifests": [
                {
                    **_descriptor(manifest.media_type, manifest.itself),
                    "platform": {"architecture": architecture, "os": "linux"},
                }
                for architecture, manifest in children
            ],
        }
    )


def blob_of(content: bytes) -> Blob:
    return Blob(f"sha256:{hashlib.sha256(content).hexdigest()}", len(content))


def _stored(chunk: bytes) -> bytes:
    pieces = []
    for start in range(0, len(chunk), _STORED_BYTES):
        piece = chunk[start : start + _STORED_BYTES]
        length = len(piece)
        pieces += [b"\x00", length.to_bytes(2, "little"), (length ^ 0xFFFF).to_bytes(2, "little"), piece]
    return b"".join(pieces)


def _descriptor(media_type: str, blob: Blob) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": blob.digest, "size": blob.size_bytes}


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
