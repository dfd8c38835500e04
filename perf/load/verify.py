"""What arrived: every tag asked of the destination, down to the bytes of each blob. Exit codes are no evidence.

`ask` gathers answers, in parallel; `judge` decides over them and is pure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from perf.errors import PerfError
from perf.load.images import Blob, Image, Manifest, distinct_bytes
from perf.model import Missing
from perf.registry.client import RegistryClient
from perf.registry.model import Registry
from perf.system.parallel import in_parallel

THREADS: Final = 8
NOT_FOUND: Final = "404"

# (repository, tag or digest)
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the registry has at a place, or in `trouble` why it has nothing: "404", or its own words.

    `digest` is that of the bytes it gave, None when only their size was asked. `content` is kept for manifests.
    """

    digest: str | None = None
    size_bytes: int = 0
    trouble: str = ""
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Answers:
    """All that was asked: manifests and blobs by place (the size of each), and each distinct blob's content once."""

    manifests: Mapping[Place, Answer]
    blobs: Mapping[Place, Answer]
    contents: Mapping[str, Answer]


@dataclass(frozen=True, slots=True)
class Verification:
    """`verified_bytes` counts each distinct blob and manifest of the images that arrived once."""

    arrived: tuple[Image, ...]
    missing: tuple[Missing, ...]
    verified_bytes: int


def verify(
    registry: Registry, images: Sequence[Image], repository_of: Callable[[Image], str]
) -> Verification:
    """Ask for every image in the repository where it must stand, and judge."""
    return decide(images, repository_of, ask(registry, images, repository_of))


def decide(images: Sequence[Image], repository_of: Callable[[Image], str], answers: Answers) -> Verification:
    """Which images arrived whole, and for each other one the first thing that is wrong with it. Pure."""
    evidence = [(image, judge(image, repository_of(image), answers)) for image in images]
    arrived = tuple(image for image, wrong in evidence if not wrong)
    missing = tuple(Missing(repository_of(image), image.tag, wrong) for image, wrong in evidence if wrong)
    return Verification(arrived, missing, distinct_bytes(arrived))


def ask(
    registry: Registry,
    images: Sequence[Image],
    repository_of: Callable[[Image], str],
    *,
    with_content: bool = True,
) -> Answers:
    """Get every manifest, ask every blob's size in every repository, and read each distinct blob once."""
    references = list(
        dict.fromkeys(
            (repository_of(image), reference)
            for image in images
            for reference in (image.tag, *(child.itself.digest for child in _children(image)))
        )
    )
    places = list(
        dict.fromkeys(
            (repository_of(image), blob.digest)
            for image in images
            for manifest in image.manifests
            for blob in manifest.blobs
        )
    )
    with RegistryClient(registry, connections=THREADS) as client:
        manifests = in_parallel(lambda place: _manifest(client, place), references, THREADS)
        blobs = dict(
            zip(places, in_parallel(lambda place: _size(client, place), places, THREADS), strict=True)
        )
        # One place a digest, where it stands: its bytes are the same in each repository of one registry.
        readable = {
            digest: (repository, digest) for (repository, digest), it in blobs.items() if not it.trouble
        }
        wanted = list(readable.values()) if with_content else []
        contents = in_parallel(lambda place: _content(client, place), wanted, THREADS)
    return Answers(
        dict(zip(references, manifests, strict=True)),
        blobs,
        {digest: answer for (_, digest), answer in zip(wanted, contents, strict=True)},
    )


def judge(image: Image, repository: str, answers: Answers) -> str:
    """What is wrong with the image at the destination, in its words; "" when it stands there whole. Pure."""
    tag = answers.manifests[repository, image.tag]
    if wrong := _manifest_evidence("manifest", image.root, image, tag):
        return wrong
    for number, child in enumerate(_children(image), start=1):
        label = f"child manifest {number} of {len(image.manifests)}"
        if wrong := _manifest_evidence(
            label, child.itself, None, answers.manifests[repository, child.itself.digest]
        ):
            return wrong
    for manifest in image.manifests:
        if wrong := _blobs_evidence(manifest, repository, answers):
            return wrong
    return ""


def _blobs_evidence(manifest: Manifest, repository: str, answers: Answers) -> str:
    count = len(manifest.layers)
    labelled = [("config blob", manifest.config)]
    labelled += [
        (f"layer {number} of {count}", layer) for number, layer in enumerate(manifest.layers, start=1)
    ]
    for label, blob in labelled:
        stated = answers.blobs[repository, blob.digest]
        if stated.trouble:
            return f"{label} {short(blob.digest)}: {stated.trouble}"
        if stated.size_bytes != blob.size_bytes:
            return f"{label}: {_sizes(blob, stated.size_bytes)}"
        read = answers.contents.get(blob.digest)
        if read is None:
            continue
        if read.trouble:
            return f"{label} {short(blob.digest)}: {read.trouble}"
        if read.size_bytes != blob.size_bytes:
            return f"{label}: {_sizes(blob, read.size_bytes)}"
        if read.digest != blob.digest:
            return f"{label}: bytes of {short(read.digest or '')} stand under {short(blob.digest)}"
    return ""


def _manifest_evidence(label: str, expected: Blob, image: Image | None, answer: Answer) -> str:
    if answer.trouble:
        return f"{label}: {answer.trouble}"
    if answer.digest == expected.digest:
        return ""
    differ = f"{label} bytes differ: {short(expected.digest)} expected, {short(answer.digest or '')} at the destination"
    detail = difference(image, answer.content) if image is not None else ""
    return f"{differ}; {detail}" if detail else differ


def difference(image: Image, content: bytes) -> str:
    """What another manifest under the image's tag says differently, as far as it can be told. Pure."""
    try:
        there: dict[str, Any] = json.loads(content)
        media_type = there.get("mediaType", "none")
        if media_type != image.media_type:
            return f"media type {image.media_type} expected, {media_type} at the destination"
        if image.index is not None:
            return f"{len(image.manifests)} platforms expected, {len(there['manifests'])} at the destination"
        manifest = image.manifests[0]
        layers = [Blob(layer["digest"], layer["size"]) for layer in there["layers"]]
        config = Blob(there["config"]["digest"], there["config"]["size"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return "it is no manifest"
    if len(layers) != len(manifest.layers):
        return f"{len(manifest.layers)} layers expected, {len(layers)} at the destination"
    for number, (layer, expected) in enumerate(zip(layers, manifest.layers, strict=True), start=1):
        if layer.size_bytes != expected.size_bytes:
            return f"layer {number} of {len(layers)}: {_sizes(expected, layer.size_bytes)}"
        if layer.digest != expected.digest:
            return f"layer {number} of {len(layers)} is {short(layer.digest)}, not {short(expected.digest)}"
    if config != manifest.config:
        return f"config is {short(config.digest)}, not {short(manifest.config.digest)}"
    return "the same blobs in other words"


def short(digest: str) -> str:
    """A digest for people: its algorithm and first twelve characters."""
    algorithm, _, rest = digest.partition(":")
    return f"{algorithm}:{rest[:12]}…"


def _sizes(expected: Blob, there_bytes: int) -> str:
    return f"{expected.size_bytes:,} bytes expected, {there_bytes:,} at the destination"


def _children(image: Image) -> tuple[Manifest, ...]:
    return image.manifests if image.index is not None else ()


def _manifest(client: RegistryClient, place: Place) -> Answer:
    def get() -> Answer:
        found = client.manifest(*place)
        if found is None:
            return Answer(trouble=NOT_FOUND)
        content, _ = found
        return Answer(f"sha256:{hashlib.sha256(content).hexdigest()}", len(content), content=content)

    return _or_trouble(get)


def _size(client: RegistryClient, place: Place) -> Answer:
    def head() -> Answer:
        size = client.blob_size(*place)
        return Answer(trouble=NOT_FOUND) if size is None else Answer(size_bytes=size)

    return _or_trouble(head)


def _content(client: RegistryClient, place: Place) -> Answer:
    def read() -> Answer:
        found = client.blob_digest(*place)
        return Answer(trouble=NOT_FOUND) if found is None else Answer(*found)

    return _or_trouble(read)


def _or_trouble(asked: Callable[[], Answer]) -> Answer:
    try:
        return asked()
    except PerfError as error:
        return Answer(trouble=error.what)
