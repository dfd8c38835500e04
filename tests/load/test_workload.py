"""A declaration becomes a plan: deterministic, of the sizes declared, errors naming the key."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.errors import UsageError
from perf.load.workload import (
    content_key,
    describe,
    distinct_layers,
    plan_images,
    planned_bytes,
    size_draw,
)
from perf.suite import Workload


def workload(**changes: object) -> Workload:
    layers = {"count": 4, "size": "64KiB", "shared": 0.0, **changes.pop("layers", {})}  # type: ignore[dict-item]
    return Workload.model_validate({"images": 12, "layers": layers, **changes})


workloads = st.builds(
    lambda images, count, shared, tags, indexes, seed, size: workload(
        images=images,
        layers={"count": count, "shared": shared, "size": size},
        tags_per_repository=tags,
        indexes=indexes,
        seed=seed,
    ),
    st.integers(1, 60),
    st.integers(0, 6),
    st.floats(0, 1),
    st.integers(1, 5),
    st.floats(0, 1),
    st.integers(0, 2**40),
    st.sampled_from(["64KiB", "uniform(1B, 9kB)", "lognormal(1MiB, 2.5)"]),
)


@given(workloads)
def test_the_plan_follows_from_the_declaration_alone(declared: Workload) -> None:
    assert plan_images("w", declared) == plan_images("w", declared)


@given(workloads)
def test_every_image_has_its_layers_its_tag_and_its_share_of_indexes(declared: Workload) -> None:
    images = plan_images("w", declared)
    assert len({(image.repository, image.tag) for image in images}) == len(images) == declared.images
    assert len({image.repository for image in images}) == -(-declared.images // declared.tags_per_repository)
    assert sum(image.is_index for image in images) == round(declared.indexes * declared.images)
    manifests = [manifest for image in images for manifest in image.manifests]
    assert all(len(manifest.layers) == declared.layers.count for manifest in manifests)
    assert len({manifest.seed for manifest in manifests}) == len(manifests)


@given(workloads)
def test_no_layer_is_larger_than_declared_and_none_is_empty(declared: Workload) -> None:
    sizes = [layer.size_bytes for layer in distinct_layers(plan_images("w", declared))]
    assert all(1 <= size <= declared.layers.largest for size in sizes)


def test_an_index_has_a_manifest_for_each_platform() -> None:
    images = plan_images("w", workload(indexes=1.0))
    assert {tuple(manifest.architecture for manifest in image.manifests) for image in images} == {
        ("amd64", "arm64")
    }


def test_without_shared_layers_every_layer_is_its_own() -> None:
    layers = distinct_layers(plan_images("w", workload(images=20)))
    assert len(layers) == 80
    assert {len(repositories) for repositories in layers.values()} == {1}


def test_the_declared_share_of_layers_stands_in_common() -> None:
    images = plan_images("w", workload(images=32, layers={"shared": 0.5}))
    # Two bases of 16 images each give two of their layers to all images; the other two are each image's own.
    assert len(distinct_layers(images)) == 2 * 2 + 32 * 2


def test_a_share_between_two_layers_is_kept_on_average() -> None:
    images = plan_images("w", workload(images=400, layers={"shared": 0.3}))
    own = len(distinct_layers(images)) - 25 * 2
    assert 400 * 2.7 < own < 400 * 2.9


def test_the_content_key_changes_with_the_content_and_not_with_how_it_is_driven() -> None:
    key = content_key("w", workload())
    assert key == content_key("w", workload(workers=9, timeout="3 s"))
    others = [
        workload(seed=2),
        workload(images=13),
        workload(layers={"size": "65KiB"}),
        workload(indexes=0.5),
    ]
    assert len({key, content_key("v", workload()), *(content_key("w", other) for other in others)}) == 6


def test_the_description_counts_what_is_planned() -> None:
    images = plan_images("w", workload(indexes=0.25))
    assert planned_bytes(images) == 15 * 4 * 65536
    assert describe("w", workload(indexes=0.25)) == (
        "12 images (3 of them indexes) in 3 repositories, 60 distinct layers, 3.93 MB"
    )


def test_lognormal_sizes_have_the_declared_median() -> None:
    draw, random = size_draw("w", workload(layers={"size": "lognormal(1MiB, 0.5)"})), Random(1)
    drawn = sorted(draw(random) for _ in range(4001))
    assert drawn[2000] == pytest.approx(2**20, rel=0.05)


def test_uniform_sizes_stay_between_the_two() -> None:
    draw, random = size_draw("w", workload(layers={"size": "uniform(2kB, 3kB)"})), Random(1)
    drawn = [draw(random) for _ in range(500)]
    assert min(drawn) < 2050
    assert max(drawn) > 2950
    assert all(2000 <= size <= 3000 for size in drawn)


@pytest.mark.parametrize(
    ("size", "says"),
    [
        ("64", "is a number, wanted a size"),
        ("64 parsecs", "unknown unit 'parsecs'"),
        ("0B", "must be at least 1B"),
        ("uniform(2kB, 1kB)", "the first size must not be over the second"),
        ("uniform(2kB)", "is neither a size, uniform(a, b) nor lognormal(median, sigma)"),
        ("pareto(1kB, 2.0)", "is neither a size"),
        ("lognormal(1MiB, 2MiB)", "is a size, wanted a number"),
        ("lognormal(fast, 2.0)", "is not a number with a unit"),
    ],
)
def test_a_wrong_distribution_names_its_key(size: str, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        plan_images("big", workload(layers={"size": size}))
    assert "workload.big.layers.size" in raised.value.what
    assert says in raised.value.what
