"""What arrived is what the destination holds, digest by digest; each fault has its evidence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from perf.load.content import INDEX_TYPE, MANIFEST_TYPE, blob_of, index_bytes, manifest_bytes
from perf.load.images import Blob, Image, Manifest
from perf.load.seed import seed_registry
from perf.load.verify import Answer, Answers, ask, decide, difference, judge, verify
from perf.load.workload import plan_images
from perf.model import Missing
from perf.registry.external import parse
from tests.fakes.registry import Store, standing_registry
from tests.fakes.targets import small_suite

CONFIG, FIRST, SECOND = (
    Blob("sha256:" + "c" * 64, 30),
    Blob("sha256:" + "1" * 64, 1_048_576),
    Blob("sha256:2", 7),
)
CONTENT = manifest_bytes(CONFIG, [FIRST, SECOND])
MANIFEST = Manifest(blob_of(CONTENT), MANIFEST_TYPE, CONFIG, (FIRST, SECOND))
INDEX_CONTENT = index_bytes([("amd64", MANIFEST)])
PLAIN = Image("load/a", "v1", None, "", (MANIFEST,))
INDEX = Image("load/a", "v2", blob_of(INDEX_CONTENT), INDEX_TYPE, (MANIFEST,))


def there(content: bytes) -> Answer:
    return Answer(blob_of(content).digest, len(content), content=content)


WHOLE = Answers(
    manifests={
        ("to/a", "v1"): there(CONTENT),
        ("to/a", "v2"): there(INDEX_CONTENT),
        ("to/a", MANIFEST.itself.digest): there(CONTENT),
    },
    blobs={("to/a", blob.digest): Answer(size_bytes=blob.size_bytes) for blob in MANIFEST.blobs},
    contents={blob.digest: Answer(blob.digest, blob.size_bytes) for blob in MANIFEST.blobs},
)


def with_manifest(reference: str, answer: Answer) -> Answers:
    return replace(WHOLE, manifests={**WHOLE.manifests, ("to/a", reference): answer})


def with_blob(blob: Blob, answer: Answer) -> Answers:
    return replace(WHOLE, blobs={**WHOLE.blobs, ("to/a", blob.digest): answer})


def with_content(blob: Blob, answer: Answer) -> Answers:
    return replace(WHOLE, contents={**WHOLE.contents, blob.digest: answer})


GONE = Answer(trouble="404")
REWRITTEN = manifest_bytes(CONFIG, [Blob("sha256:x", 512), SECOND])


@pytest.mark.parametrize("image", [PLAIN, INDEX])
def test_an_image_that_stands_whole_has_nothing_wrong(image: Image) -> None:
    assert judge(image, "to/a", WHOLE) == ""


@pytest.mark.parametrize(
    ("image", "answers", "evidence"),
    [
        (PLAIN, with_manifest("v1", GONE), "manifest: 404"),
        (INDEX, with_manifest("v2", GONE), "manifest: 404"),
        (PLAIN, with_manifest("v1", Answer(trouble="GET …: 500")), "manifest: GET …: 500"),
        (INDEX, with_manifest(MANIFEST.itself.digest, GONE), "child manifest 1 of 1: 404"),
        (
            INDEX,
            with_manifest(MANIFEST.itself.digest, there(b"{}")),
            "child manifest 1 of 1 bytes differ: sha256:",
        ),
        (PLAIN, with_blob(CONFIG, GONE), "config blob sha256:cccccccccccc…: 404"),
        (PLAIN, with_blob(SECOND, GONE), "layer 2 of 2 sha256:2…: 404"),
        (
            PLAIN,
            with_blob(FIRST, Answer(size_bytes=512)),
            "layer 1 of 2: 1,048,576 bytes expected, 512 at the destination",
        ),
        (
            PLAIN,
            with_content(FIRST, Answer("sha256:9", 512)),
            "layer 1 of 2: 1,048,576 bytes expected, 512 at the destination",
        ),
        (
            PLAIN,
            with_content(SECOND, Answer("sha256:9", 7)),
            "layer 2 of 2: bytes of sha256:9… stand under sha256:2…",
        ),
        (PLAIN, with_content(SECOND, Answer(trouble="GET …: 500")), "layer 2 of 2 sha256:2…: GET …: 500"),
        (
            PLAIN,
            with_manifest("v1", there(REWRITTEN)),
            "layer 1 of 2: 1,048,576 bytes expected, 512 at the destination",
        ),
    ],
)
def test_the_first_thing_wrong_is_the_evidence(image: Image, answers: Answers, evidence: str) -> None:
    assert evidence in judge(image, "to/a", answers)


def test_a_size_alone_is_believed_where_no_content_was_asked() -> None:
    assert judge(PLAIN, "to/a", replace(WHOLE, contents={})) == ""


def test_what_did_not_arrive_counts_no_byte() -> None:
    found = decide([PLAIN, INDEX], lambda _image: "to/a", with_manifest("v2", GONE))
    assert found.arrived == (PLAIN,)
    assert found.missing == (Missing("to/a", "v2", "manifest: 404"),)
    assert found.verified_bytes == len(CONTENT) + 30 + 1_048_576 + 7


def changed(**changes: object) -> bytes:
    return json.dumps({**json.loads(CONTENT), **changes}).encode()


@pytest.mark.parametrize(
    ("image", "content", "says"),
    [
        (PLAIN, b"not json", "it is no manifest"),
        (PLAIN, b"[]", "it is no manifest"),
        (PLAIN, changed(layers=3), "it is no manifest"),
        (
            PLAIN,
            changed(mediaType="docker"),
            f"media type {MANIFEST_TYPE} expected, docker at the destination",
        ),
        (INDEX, CONTENT, f"media type {INDEX_TYPE} expected, {MANIFEST_TYPE} at the destination"),
        (INDEX, index_bytes([]), "1 platforms expected, 0 at the destination"),
        (PLAIN, changed(layers=[]), "2 layers expected, 0 at the destination"),
        (
            PLAIN,
            manifest_bytes(CONFIG, [FIRST, Blob("sha256:3", 7)]),
            "layer 2 of 2 is sha256:3…, not sha256:2…",
        ),
        (PLAIN, manifest_bytes(SECOND, [FIRST, SECOND]), "config is sha256:2…, not sha256:cccccccccccc…"),
        (PLAIN, changed(annotations={}), "the same blobs in other words"),
    ],
)
def test_a_different_manifest_is_described(image: Image, content: bytes, says: str) -> None:
    assert difference(image, content) == says


# -- asked of a registry -------------------------------------------------------------------------------------------


@pytest.fixture
def seeded(tmp_path: Path):
    plans = plan_images("small", small_suite().workload["small"])
    with standing_registry() as (url, store):
        registry = parse(url)
        images = seed_registry(registry, "", tmp_path, plans, lambda _done, _total: None)
        yield registry, images, store


def itself(image: Image) -> str:
    return image.repository


def test_a_whole_registry_verifies_with_all_its_bytes(seeded) -> None:
    registry, images, store = seeded
    found = verify(registry, images, itself)
    assert found.missing == ()
    blobs = {digest: len(content) for (_, digest), content in store.blobs.items()}
    manifests = {content: len(content) for content, _ in store.manifests.values()}
    assert found.verified_bytes == sum(blobs.values()) + sum(manifests.values())


def test_a_blob_missing_in_one_of_two_repositories_is_seen_there_only(seeded) -> None:
    registry, images, store = seeded
    shared = next(digest for _, digest in store.blobs if sum(each == digest for _, each in store.blobs) > 1)
    repository = next(name for name, digest in store.blobs if digest == shared)
    del store.blobs[repository, shared]
    missing = verify(registry, images, itself).missing
    assert missing
    assert {each.repository for each in missing} == {repository}
    assert all(each.evidence.endswith(": 404") for each in missing)


def test_garbled_bytes_of_the_right_length_are_seen_by_reading_them(seeded) -> None:
    registry, images, store = seeded
    place = images[0].repository, images[0].manifests[0].layers[-1].digest
    store.blobs[place] = bytes(len(store.blobs[place]))
    assert "stand under" in verify(registry, images, itself).missing[0].evidence
    by_size = decide(images, itself, ask(registry, images, itself, with_content=False))
    assert by_size.missing == ()


def test_a_registry_that_fails_is_evidence_not_a_crash(
    seeded: tuple[object, tuple[Image, ...], Store],
) -> None:
    registry, images, store = seeded
    manifest = next(image for image in images if image.index is None).manifests[0]
    store.broken = {"v1", manifest.config.digest, manifest.layers[0].digest}
    evidence = {each.tag: each.evidence for each in verify(registry, images, itself).missing}
    assert "500 UNKNOWN: storage is on fire" in evidence["v1"]


def test_a_registry_that_is_gone_is_evidence_for_every_image(tmp_path: Path) -> None:
    plans = plan_images("small", small_suite().workload["small"])
    with standing_registry() as (url, _):
        registry = parse(url)
        images = seed_registry(registry, "", tmp_path, plans, lambda _done, _total: None)
    found = verify(registry, images, itself)
    assert (len(found.missing), found.verified_bytes) == (len(images), 0)
    assert "no answer from" in found.missing[0].evidence
