"""Images are made once and kept whole or not at all, in the form that a real registry serves."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from perf.errors import Interrupted, Lacking
from perf.load import content, seed, verify
from perf.load.images import Image
from perf.load.seed import kept_images, seed_registry
from perf.load.workload import plan_images
from perf.registry.external import parse
from tests.fakes.registry import standing_registry
from tests.fakes.targets import small_suite

PLANS = plan_images("small", small_suite().workload["small"])


def quiet(_done: int, _total: int) -> None:
    pass


def test_images_are_made_once_and_found_again(tmp_path: Path) -> None:
    counted: list[tuple[int, int]] = []
    made, reused = kept_images(tmp_path / "key", PLANS, lambda done, total: counted.append((done, total)))
    again, reused_again = kept_images(tmp_path / "key", PLANS, quiet)
    assert (reused, reused_again) == (False, True)
    assert made == again
    assert len(made) == 6
    assert counted[-1][0] == counted[-1][1]


def test_the_tree_holds_every_blob_under_its_digest(tmp_path: Path) -> None:
    images, _ = kept_images(tmp_path / "key", PLANS, quiet)
    blobs = tmp_path / "key" / "storage" / "docker" / "registry" / "v2" / "blobs" / "sha256"
    there = {f"sha256:{data.parent.name}": data for data in blobs.glob("*/*/data")}
    named = {blob.digest: blob for image in images for blob in image.everything()}
    assert there.keys() == named.keys()
    assert all(content.blob_of(data.read_bytes()) == named[digest] for digest, data in there.items())


def test_a_damaged_list_of_images_is_made_anew(tmp_path: Path) -> None:
    made, _ = kept_images(tmp_path / "key", PLANS, quiet)
    (tmp_path / "key" / "expected.json").write_text("{", "utf-8")
    assert kept_images(tmp_path / "key", PLANS, quiet) == (made, False)


def test_an_interruption_leaves_nothing_half_made(tmp_path: Path) -> None:
    def interrupt(done: int, _total: int) -> None:
        if done == 3:
            raise Interrupted("interrupted by SIGINT")

    with pytest.raises(Interrupted):
        kept_images(tmp_path / "key", PLANS, interrupt)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_a_disk_that_fills_up_is_said_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(content, "write_layer", full)
    with pytest.raises(Lacking, match="no space left"):
        kept_images(tmp_path / "key", PLANS, quiet)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_a_disk_that_is_too_small_is_said_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seed.host, "free_disk_bytes", lambda _place: 1000)
    with pytest.raises(Lacking, match="are free") as raised:
        kept_images(tmp_path / "key", PLANS, quiet)
    assert "--workload" in raised.value.next_command
    assert not (tmp_path / "key").exists()


def test_a_standing_registry_is_seeded_below_the_prefix(tmp_path: Path) -> None:
    with standing_registry() as (url, store):
        registry = parse(url)
        images = seed_registry(registry, "perf-1/", tmp_path, PLANS, quiet)

        def place(image: Image) -> str:
            return f"perf-1/{image.repository}"

        assert verify.verify(registry, images, place).missing == ()
        assert all(repository.startswith("perf-1/load/small-") for repository, _ in store.manifests)


def test_both_ways_make_the_same_images(tmp_path: Path) -> None:
    with standing_registry() as (url, _):
        assert (
            seed_registry(parse(url), "", tmp_path, PLANS, quiet)
            == kept_images(tmp_path / "k", PLANS, quiet)[0]
        )
