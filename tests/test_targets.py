"""Which target is measured: by name, path or URL; without a word, a Freightliner near by, else the bundled one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from perf import targets
from perf.errors import UsageError
from perf.suite import Suite
from perf.system.places import Places
from perf.system.progress import Progress

QUIET = Progress(quiet=True)
FREIGHTLINER = "module freightliner\n\ngo 1.25.0\n"


@pytest.fixture
def project(places: Places, tmp_path: Path) -> Places:
    """A suite with its bundled target, and a cache of its own."""
    skiff = places.root / "examples" / "skiff"
    skiff.mkdir(parents=True)
    (skiff / "go.mod").write_text("module skiff\n", "utf-8")
    return replace(places, cache=tmp_path / "cache")


def checkout(directory: Path, go_mod: str = FREIGHTLINER) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "go.mod").write_text(go_mod, "utf-8")
    return directory


def test_without_a_word_the_bundled_target_is_measured(project: Places, suite: Suite) -> None:
    found = targets.resolve(project, suite, None, QUIET)
    assert (found.name, found.directory) == ("skiff", project.root / "examples" / "skiff")


def test_a_freightliner_beside_the_suite_is_found(project: Places, suite: Suite) -> None:
    beside = checkout(project.root.parent / "some-name")
    found = targets.resolve(project, suite, None, QUIET)
    assert (found.name, found.directory) == ("freightliner", beside)
    assert "another target: --target" in found.note


def test_a_freightliner_around_the_suite_is_found(project: Places, suite: Suite) -> None:
    checkout(project.root.parent)
    assert targets.resolve(project, suite, None, QUIET).directory == project.root.parent


def test_a_name_chooses_among_the_declared(project: Places, suite: Suite) -> None:
    beside = checkout(project.root.parent / "freight")
    assert targets.resolve(project, suite, "skiff", QUIET).name == "skiff"
    assert targets.resolve(project, suite, "freightliner", QUIET).directory == beside


def test_a_path_is_recognised_by_its_module(project: Places, suite: Suite, tmp_path: Path) -> None:
    elsewhere = checkout(tmp_path / "elsewhere" / "deep")
    found = targets.resolve(project, suite, str(elsewhere), QUIET)
    assert found.name == "freightliner"
    assert found.declared.replicator is not None
    assert found.checkout is None


def test_a_path_to_an_undeclared_module_is_measured_without_a_replicator(
    project: Places, suite: Suite, tmp_path: Path
) -> None:
    elsewhere = checkout(tmp_path / "elsewhere", "module example.org/some/tool/v2\n")
    found = targets.resolve(project, suite, str(elsewhere), QUIET)
    assert found.name == "tool"
    assert found.declared.replicator is None
    assert found.declared.packages == ("./...",)


def test_a_url_is_cloned_once_and_updated_later(
    project: Places, suite: Suite, git_repository: Callable[..., Path], tmp_path: Path
) -> None:
    root = git_repository({"go.mod": FREIGHTLINER})
    first = targets.resolve(project, suite, root.as_uri(), QUIET)
    assert first.name == "freightliner"
    assert first.checkout is not None
    root.rename(tmp_path / "away")
    second = targets.resolve(project, suite, root.as_uri(), QUIET)
    assert second.directory == first.directory
    assert "the copy fetched last time is used" in second.note


def test_a_name_without_a_checkout_is_cloned_from_its_url(
    project: Places, suite: Suite, git_repository: Callable[..., Path]
) -> None:
    root = git_repository({"go.mod": FREIGHTLINER})
    elsewhere = suite.target["freightliner"].model_copy(update={"url": root.as_uri()})
    suite = suite.model_copy(update={"target": {"freightliner": elsewhere}})
    # git_repository lies beside the project here, so the one beside wins over the URL.
    assert targets.resolve(project, suite, "freightliner", QUIET).directory == root
    (root / "go.mod").write_text("module other\n", "utf-8")
    assert targets.resolve(project, suite, "freightliner", QUIET).directory.is_relative_to(project.cache)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("skif", "did you mean 'skiff'"),
        ("", "a misspelt path or name"),
        ("nonsense", "use one of: skiff, freightliner"),
    ],
)
def test_an_unknown_target_lists_those_there_are(
    project: Places, suite: Suite, asked: str, says: str
) -> None:
    with pytest.raises(UsageError, match="neither a directory nor a name") as caught:
        targets.resolve(project, suite, asked, QUIET)
    assert says in str(caught.value)


def test_a_declared_path_that_is_not_there_is_told(places: Places, suite: Suite) -> None:
    with pytest.raises(UsageError, match=r"target\.skiff\.path is 'examples/skiff'"):
        targets.resolve(places, suite, "skiff", QUIET)


def test_a_name_with_neither_path_nor_url_asks_for_a_clone(project: Places, suite: Suite) -> None:
    bare = suite.target["freightliner"].model_copy(update={"url": None})
    suite = suite.model_copy(update={"target": {"freightliner": bare}})
    with pytest.raises(UsageError, match="no checkout of it lies beside the suite"):
        targets.resolve(project, suite, "freightliner", QUIET)


def test_a_file_without_targets_says_so(project: Places, suite: Suite) -> None:
    with pytest.raises(UsageError, match="declares no target"):
        targets.resolve(project, suite.model_copy(update={"target": {}}), None, QUIET)
