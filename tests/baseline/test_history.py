"""Baselines in brief: read once, never believed when the file is another."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from perf.baseline import history, store
from perf.context import Context
from perf.errors import PerfError
from perf.system.places import Places
from tests.baseline import samples
from tests.conftest import ContextFor

pytestmark = pytest.mark.go

TIMED = {
    ("./pkg/copy", "BenchmarkCopy/Level_-1", "sec/op"): 1.25e-6,
    (".", "BenchmarkAll", "sec/op"): 0.25,
    (".", "BenchmarkAll", "loops"): 4.0,
}


@pytest.fixture
def context(context_for: ContextFor, tmp_path: Path) -> Context:
    """With a cache of its own."""
    made = context_for(tmp_path)
    return replace(made, places=Places(made.places.root, made.places.state, tmp_path / "cache"))


def shas(count: int) -> list[str]:
    return [f"{number:040x}" for number in range(count)]


def keep(context: Context, sha: str, **changes: object) -> Path:
    path = store.path_for(context, sha)
    store.save(path, samples.baseline(sha=sha, **changes))
    return path


def must_not_load(path: Path) -> None:
    raise AssertionError(f"{path} was read although its summary stands")


def test_the_summary_holds_the_medians_of_what_is_timed(context: Context) -> None:
    summary = history.summary(context.places, keep(context, samples.SHA))
    assert summary.snapshot.medians == TIMED
    assert (summary.benchmarks, summary.workloads) == (2, ())


def test_a_file_is_read_once(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    path = keep(context, samples.SHA)
    first = history.summary(context.places, path)
    monkeypatch.setattr(store, "load", must_not_load)
    assert history.summary(context.places, path) == first


def test_a_file_that_changed_is_read_anew(context: Context) -> None:
    path = keep(context, samples.SHA)
    history.summary(context.places, path)
    keep(context, samples.SHA, target="other")
    assert history.summary(context.places, path).target == "other"
    stamp = path.stat()
    path.write_text(path.read_text("utf-8").replace("1.5e-06", "1.4e-06"), "utf-8")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns + 1))
    with pytest.raises(PerfError, match="was changed after it was measured"):
        history.summary(context.places, path)


def test_a_file_that_is_not_there_has_no_summary(context: Context) -> None:
    with pytest.raises(PerfError, match="there is no baseline"):
        history.summary(context.places, store.path_for(context, samples.SHA))


@pytest.mark.parametrize("text", ["", "[]", '{"stamp": []}', "{"])
def test_a_broken_summary_is_made_again(context: Context, text: str) -> None:
    path = keep(context, samples.SHA)
    first = history.summary(context.places, path)
    (kept,) = (context.places.cache / "baselines").iterdir()
    kept.write_text(text, "utf-8")
    assert history.summary(context.places, path) == first
    assert kept.read_text("utf-8") != text


def test_without_a_cache_it_is_only_slower(context: Context) -> None:
    context.places.cache.write_text("a file in the cache's place", "utf-8")
    assert history.summary(context.places, keep(context, samples.SHA)).sha == samples.SHA


def test_the_newest_ancestors_measured_here_come_in_their_order(context: Context) -> None:
    """One that is not whole is passed over."""
    some = shas(6)
    for number in (0, 2, 3, 5):
        keep(context, some[number], fingerprint={**samples.FINGERPRINT, "kernel": str(number)})
    store.path_for(context, some[2]).write_text("[]", "utf-8")
    kernels = [each.fingerprint["kernel"] for each in history.recent(context, some)]
    assert kernels == ["0", "3", "5"]
    assert len(history.recent(context, some, 2)) == 2
