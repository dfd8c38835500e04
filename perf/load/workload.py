"""A declared workload → the images to make. Pure: the same declaration gives the same plan, whoever asks."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from perf.errors import UsageError
from perf.suite import Workload
from perf.units import format_size, parse_call, parse_quantity

# Raised whenever the same declaration would give other bytes: images kept under an older version are then made anew.
GENERATOR_VERSION: Final = 1
ROOT: Final = "load"
PLATFORMS: Final = ("amd64", "arm64")
# Images that stand on one base: layers in common are its first ones, as they are in real registries.
IMAGES_PER_BASE: Final = 16

_DEPENDS_NOT_ON: Final = {"workers", "timeout"}


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """A layer's content: `size_bytes` of random bytes that follow from `seed`. Equal plans are one blob."""

    seed: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ManifestPlan:
    """One platform's image; `seed` makes its config unique even where its layers are not."""

    seed: int
    architecture: str
    layers: tuple[LayerPlan, ...]


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """What one tag names: one manifest, or several under an index."""

    repository: str
    tag: str
    manifests: tuple[ManifestPlan, ...]
    is_index: bool


def plan_images(name: str, workload: Workload) -> tuple[ImagePlan, ...]:
    """The images of `workload`, `name` being its key in perf.toml; raises UsageError naming a key that is wrong."""
    draw = size_draw(name, workload)
    random = Random(workload.seed)
    seeds = iter(lambda: random.getrandbits(63), -1)
    count = workload.layers.count
    bases = [
        tuple(LayerPlan(next(seeds), draw(random)) for _ in range(count))
        for _ in range(math.ceil(workload.images / IMAGES_PER_BASE))
    ]
    indexes = frozenset(random.sample(range(workload.images), round(workload.indexes * workload.images)))
    width = max(3, len(str(workload.images)))

    def manifest(architecture: str) -> ManifestPlan:
        wanted = workload.layers.shared * count
        shared = min(count, int(wanted) + (random.random() < wanted % 1.0))
        base = random.choice(bases)
        own = tuple(LayerPlan(next(seeds), draw(random)) for _ in range(count - shared))
        return ManifestPlan(next(seeds), architecture, base[:shared] + own)

    def image(number: int) -> ImagePlan:
        repository, tag = divmod(number, workload.tags_per_repository)
        is_index = number in indexes
        platforms = PLATFORMS if is_index else PLATFORMS[:1]
        return ImagePlan(
            f"{ROOT}/{name}-{repository + 1:0{width}d}",
            f"v{tag + 1}",
            tuple(manifest(architecture) for architecture in platforms),
            is_index,
        )

    return tuple(image(number) for number in range(workload.images))


def distinct_layers(images: tuple[ImagePlan, ...]) -> dict[LayerPlan, tuple[str, ...]]:
    """Every distinct layer with the repositories it stands in, each once, in the order of the images."""
    found: dict[LayerPlan, dict[str, None]] = {}
    for image in images:
        for manifest in image.manifests:
            for layer in manifest.layers:
                found.setdefault(layer, {})[image.repository] = None
    return {layer: tuple(repositories) for layer, repositories in found.items()}


def planned_bytes(images: tuple[ImagePlan, ...]) -> int:
    """Bytes of the distinct layers' content; blobs are a little larger (tar and gzip headers)."""
    return sum(layer.size_bytes for layer in distinct_layers(images))


def describe(name: str, workload: Workload) -> str:
    """One line for a person: what the workload holds."""
    images = plan_images(name, workload)
    repositories = len({image.repository for image in images})
    layers = distinct_layers(images)
    return (
        f"{len(images)} images ({sum(image.is_index for image in images)} of them indexes) in {repositories} "
        f"repositories, {len(layers)} distinct layers, {format_size(planned_bytes(images))}"
    )


def content_key(name: str, workload: Workload) -> str:
    """A name for the content: changes with anything that changes a byte of it, and with nothing else."""
    declared = workload.model_dump(mode="json", exclude=_DEPENDS_NOT_ON)
    text = json.dumps([GENERATOR_VERSION, name, declared], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def size_draw(name: str, workload: Workload) -> Callable[[Random], int]:
    """How large a layer is, in bytes: "64KiB", "uniform(a, b)" or "lognormal(median, sigma)", capped by `largest`.

    lognormal is exp(N(ln median, sigma)). Raises UsageError that names the key.
    """
    layers = workload.layers
    draw = _distribution(f"workload.{name}.layers.size", layers.size)
    return lambda random: max(1, min(int(layers.largest), round(draw(random))))


def _distribution(key: str, text: str) -> Callable[[Random], float]:
    call = parse_call(text)
    try:
        if call is None:
            size = _size(text)
            return lambda _random: size
        match call:
            case ("uniform", (low_text, high_text)):
                low, high = _size(low_text), _size(high_text)
                if low > high:
                    raise ValueError(f"{text!r}: the first size must not be over the second")
                return lambda random: random.uniform(low, high)
            case ("lognormal", (median_text, sigma_text)):
                mu, sigma = math.log(_size(median_text)), parse_quantity(sigma_text, "number").value
                return lambda random: random.lognormvariate(mu, sigma)
        raise ValueError(f"{text!r} is neither a size, uniform(a, b) nor lognormal(median, sigma)")
    except ValueError as error:
        raise UsageError(
            f"perf.toml: {key}: {error}",
            cause="a slip in how the sizes are distributed",
            next_command='write for example size = "lognormal(1MiB, 0.5)"',
        ) from error


def _size(text: str) -> float:
    size = parse_quantity(text, "size").value
    if size < 1.0:
        raise ValueError(f"{text!r} must be at least 1B")
    return size
