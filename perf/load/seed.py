"""Make a workload's images where they are to be copied from: once into a storage tree that is kept, or into a registry.

The tree is what CNCF distribution keeps on disk (docker/registry/v2), so that a source starts full.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, Protocol

from perf.errors import Lacking
from perf.load import content
from perf.load.content import Layer
from perf.load.images import Blob, Image, Manifest, from_json, to_json
from perf.load.workload import ImagePlan, LayerPlan, ManifestPlan, distinct_layers, planned_bytes
from perf.registry.client import RegistryClient
from perf.registry.model import Registry
from perf.system import host
from perf.system.files import build_once, disk_errors, make_directory, remove_tree, write_atomically
from perf.system.parallel import in_parallel

EXPECTED_FILE: Final = "expected.json"
STORAGE: Final = "storage"

Count = Callable[[int, int], None]


class Sink(Protocol):
    """Where images are put. Called from several threads for layers, from one for the rest."""

    def layer(self, plan: LayerPlan, repositories: Sequence[str]) -> Layer: ...

    def blob(self, repository: str, blob: Blob, content: bytes) -> None: ...

    def manifest(
        self, repository: str, tag: str | None, blob: Blob, content: bytes, media_type: str
    ) -> None: ...


def kept_images(place: Path, plans: tuple[ImagePlan, ...], count: Count) -> tuple[tuple[Image, ...], bool]:
    """The images in the storage tree `place`/storage, made there first when they are not; and whether they stood.

    Made whole or not at all. Raises Lacking when the disk is full.
    """
    try:
        return from_json((place / EXPECTED_FILE).read_text("utf-8")), True
    except (FileNotFoundError, ValueError):
        with disk_errors(place):
            remove_tree(place)
    require_space(place, planned_bytes(plans))
    with disk_errors(place), build_once(place) as directory:
        if directory is not None:
            images = put_images(StorageTree(directory / STORAGE), plans, count)
            write_atomically(directory / EXPECTED_FILE, to_json(images))
    return from_json((place / EXPECTED_FILE).read_text("utf-8")), False


def require_space(place: Path, needed_bytes: int) -> None:
    """Raise Lacking when the disk cannot hold the images."""
    parent = next(path for path in (place, *place.parents) if path.is_dir())
    free = host.free_disk_bytes(parent)
    if free < needed_bytes * 1.05:
        raise Lacking(
            f"the images need {needed_bytes / 1e6:,.0f} MB in {place.parent}, and {free / 1e6:,.0f} MB are free",
            cause="the disk is too full for this workload",
            next_command="invoke cache.clear, or a smaller workload: --workload NAME",
        )


def put_images(sink: Sink, plans: tuple[ImagePlan, ...], count: Count) -> tuple[Image, ...]:
    """Make all content, layers in parallel, and put it into `sink`; what was put, by digest."""
    layers = distinct_layers(plans)
    done, lock = 0, threading.Lock()

    def make(item: tuple[LayerPlan, tuple[str, ...]]) -> Layer:
        nonlocal done
        made = sink.layer(*item)
        with lock:
            done += 1
            count(done, len(layers))
        return made

    made = dict(zip(layers, in_parallel(make, layers.items(), host.cores()), strict=True))
    return tuple(_put_image(sink, plan, made) for plan in plans)


def _put_image(sink: Sink, plan: ImagePlan, layers: dict[LayerPlan, Layer]) -> Image:
    manifests = []
    for child in plan.manifests:
        manifest, said = _put_config(sink, plan.repository, child, [layers[layer] for layer in child.layers])
        sink.manifest(
            plan.repository, None if plan.is_index else plan.tag, manifest.itself, said, manifest.media_type
        )
        manifests.append(manifest)
    index = None
    if plan.is_index:
        platforms = [child.architecture for child in plan.manifests]
        said = content.index_bytes(list(zip(platforms, manifests, strict=True)))
        index = content.blob_of(said)
        sink.manifest(plan.repository, plan.tag, index, said, content.INDEX_TYPE)
    return Image(plan.repository, plan.tag, index, content.INDEX_TYPE if index else "", tuple(manifests))


def _put_config(
    sink: Sink, repository: str, plan: ManifestPlan, layers: list[Layer]
) -> tuple[Manifest, bytes]:
    config = content.config_bytes(plan, [layer.diff_id for layer in layers])
    config_blob, blobs = content.blob_of(config), [layer.blob for layer in layers]
    sink.blob(repository, config_blob, config)
    said = content.manifest_bytes(config_blob, blobs)
    return Manifest(content.blob_of(said), content.MANIFEST_TYPE, config_blob, tuple(blobs)), said


class StorageTree:
    """Distribution's filesystem layout: content under blobs/, and in each repository a link to what stands in it."""

    def __init__(self, root: Path) -> None:
        self._root = root / "docker" / "registry" / "v2"
        # Beside the tree, not in it: a layer has no name before all of it is written.
        self._unnamed = make_directory(root).parent

    def layer(self, plan: LayerPlan, repositories: Sequence[str]) -> Layer:
        with temporary_layer(plan, self._unnamed) as (layer, file):
            place = self._data(layer.blob.digest)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(file.name, place)
        for repository in repositories:
            self._link(repository, "_layers", layer.blob.digest)
        return layer

    def blob(self, repository: str, blob: Blob, content: bytes) -> None:
        self._write(blob, content)
        self._link(repository, "_layers", blob.digest)

    def manifest(self, repository: str, tag: str | None, blob: Blob, content: bytes, media_type: str) -> None:
        self._write(blob, content)
        self._link(repository, "_manifests/revisions", blob.digest)
        if tag is not None:
            self._link(repository, f"_manifests/tags/{tag}/index", blob.digest)
            self._put(self._repository(repository) / f"_manifests/tags/{tag}/current/link", blob.digest)

    def _write(self, blob: Blob, content: bytes) -> None:
        place = self._data(blob.digest)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)

    def _data(self, digest: str) -> Path:
        algorithm, _, rest = digest.partition(":")
        return self._root / "blobs" / algorithm / rest[:2] / rest / "data"

    def _link(self, repository: str, kind: str, digest: str) -> None:
        algorithm, _, rest = digest.partition(":")
        self._put(self._repository(repository) / kind / algorithm / rest / "link", digest)

    def _repository(self, name: str) -> Path:
        return self._root / "repositories" / name

    @staticmethod
    def _put(place: Path, digest: str) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(digest, "ascii")


class RegistrySink:
    """A registry that stands already: each layer is uploaded once and mounted where else it belongs."""

    def __init__(self, client: RegistryClient, prefix: str, scratch: Path) -> None:
        self._client = client
        self._prefix = prefix
        self._scratch = scratch

    def layer(self, plan: LayerPlan, repositories: Sequence[str]) -> Layer:
        first, *others = (f"{self._prefix}{repository}" for repository in repositories)
        with temporary_layer(plan, self._scratch) as (layer, file):
            self._upload(first, layer, file)
            for repository in others:
                if not self._client.mount_blob(repository, layer.blob.digest, first):
                    self._upload(repository, layer, file)
        return layer

    def blob(self, repository: str, blob: Blob, content: bytes) -> None:
        self._client.put_blob(f"{self._prefix}{repository}", blob.digest, [content], blob.size_bytes)

    def manifest(self, repository: str, tag: str | None, blob: Blob, content: bytes, media_type: str) -> None:
        self._client.put_manifest(f"{self._prefix}{repository}", tag or blob.digest, content, media_type)

    def _upload(self, repository: str, layer: Layer, file: IO[bytes]) -> None:
        file.seek(0)
        chunks = iter(lambda: file.read(content.CHUNK_BYTES), b"")
        self._client.put_blob(repository, layer.blob.digest, chunks, layer.blob.size_bytes)


def seed_registry(
    registry: Registry, prefix: str, scratch: Path, plans: tuple[ImagePlan, ...], count: Count
) -> tuple[Image, ...]:
    """Put the images into a registry below `prefix`."""
    with disk_errors(scratch), RegistryClient(registry) as client:
        return put_images(RegistrySink(client, prefix, scratch), plans, count)


@contextmanager
def temporary_layer(plan: LayerPlan, directory: Path) -> Iterator[tuple[Layer, IO[bytes]]]:
    """The layer in a file that is gone afterwards: its digest is known only when all of it is written."""
    with tempfile.NamedTemporaryFile(dir=directory, buffering=0) as file:
        layer = content.write_layer(plan, file.write)
        os.chmod(file.name, 0o644)
        yield layer, file
