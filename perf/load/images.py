"""Images as they truly are, by digest: what seeding made and what must stand at the destination. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

EXPECTED_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Blob:
    """Content by its digest ("sha256:…") and length."""

    digest: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """One platform's manifest and what it names."""

    itself: Blob
    media_type: str
    config: Blob
    layers: tuple[Blob, ...]

    @property
    def blobs(self) -> tuple[Blob, ...]:
        return (self.config, *self.layers)


@dataclass(frozen=True, slots=True)
class Image:
    """A tag: `index` holds the index's own bytes and media type, None where the tag names a manifest directly."""

    repository: str
    tag: str
    index: Blob | None
    index_media_type: str
    manifests: tuple[Manifest, ...]

    @property
    def name(self) -> str:
        return f"{self.repository}:{self.tag}"

    @property
    def root(self) -> Blob:
        """What the tag must resolve to."""
        return self.index if self.index is not None else self.manifests[0].itself

    @property
    def media_type(self) -> str:
        return self.index_media_type if self.index is not None else self.manifests[0].media_type

    def everything(self) -> Iterator[Blob]:
        """Every manifest and blob of it, repeats included."""
        if self.index is not None:
            yield self.index
        for manifest in self.manifests:
            yield manifest.itself
            yield from manifest.blobs


def distinct_bytes(images: Iterable[Image]) -> int:
    """Bytes of what `images` are made of, each distinct blob and manifest once."""
    return sum({blob.digest: blob.size_bytes for image in images for blob in image.everything()}.values())


def to_json(images: tuple[Image, ...]) -> str:
    """As kept beside the seeded content."""
    return json.dumps({"version": EXPECTED_VERSION, "images": [asdict(image) for image in images]})


def from_json(text: str) -> tuple[Image, ...]:
    """Read back; raises ValueError when it is truncated or of another version."""
    try:
        kept = json.loads(text)
        if kept["version"] != EXPECTED_VERSION:
            raise ValueError(f"version {kept['version']}, wanted {EXPECTED_VERSION}")
        return tuple(_image(image) for image in kept["images"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a list of expected images: {error!r}") from error


def _image(kept: dict[str, Any]) -> Image:
    manifests = tuple(
        Manifest(
            Blob(**manifest["itself"]),
            manifest["media_type"],
            Blob(**manifest["config"]),
            tuple(Blob(**layer) for layer in manifest["layers"]),
        )
        for manifest in kept["manifests"]
    )
    index = None if kept["index"] is None else Blob(**kept["index"])
    return Image(kept["repository"], kept["tag"], index, kept["index_media_type"], manifests)
