"""What one does with baselines by hand: list, show, prune, verify."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from perf.baseline import by_hand, store
from perf.baseline.pyperf_file import StoredLoad
from perf.errors import ExitCode, UsageError
from perf.model import Series
from perf.system import git, host
from perf.system.places import Places
from tests.baseline import samples
from tests.baseline.test_pyperf_file import as_version_1

FINGERPRINT = host.fingerprint("go1.26.8")
MACHINE = FINGERPRINT.machine()
LOAD = StoredLoad("quick", "copy", 2, 48, (2.0, 4.0), (5e7, 2.5e7), ((), ()))
NEW = datetime.now(UTC)


@pytest.fixture
def checkout(
    places: Places, git_repository: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> git.Checkout:
    """The project in a repository of its own, and skiff is a target of three commits."""
    root = git_repository({"go.mod": "module made\n"}, {"a": "2"}, {"a": "3"})
    toml = places.root / "perf.toml"
    text = toml.read_text("utf-8").replace('path = "examples/skiff"', f'path = "{root}"')
    toml.write_text(f'{text}\n[target.gone]\npath = "nowhere"\n', "utf-8")
    monkeypatch.chdir(places.root)
    monkeypatch.setenv("PERF_CACHE_DIR", str(tmp_path / "cache"))
    return git.find_checkout(root)


def keep(
    places: Places, sha: str, *, target: str = "skiff", machine: str = MACHINE, **changes: object
) -> Path:
    dirty = bool(changes.get("dirty", False))
    path = store.target_directory(places, target) / machine / store.file_name(sha, dirty=dirty)
    given = {
        "fingerprint": asdict(FINGERPRINT),
        "machine": machine,
        "target": target,
        "sha": sha,
        "date": NEW,
    }
    store.save(path, samples.baseline(**{**given, **changes}))
    return path


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def shas(checkout: git.Checkout) -> tuple[str, ...]:
    return git.ancestors(checkout, "HEAD", 3)


# -- list ---------------------------------------------------------------------------------------------------------


def test_without_baselines_the_list_says_so(
    checkout: git.Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert by_hand.baseline_list() is ExitCode.FINE
    assert said(capsys) == "no baselines\n"


def test_the_list_is_newest_first_with_what_git_knows(
    checkout: git.Checkout, places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    head, parent, first = shas(checkout)
    keep(places, parent, date=NEW - timedelta(days=1), load=(LOAD,))
    keep(places, head)
    keep(places, first, date=NEW - timedelta(days=2), machine="other", dirty=True)
    keep(places, "f" * 40, date=NEW - timedelta(days=3), target="elsewhere")
    keep(places, "e" * 40).write_text("half a fi", "utf-8")
    (store.target_directory(places, "skiff") / MACHINE / "notes.txt").write_text("mine", "utf-8")
    assert by_hand.baseline_list() is ExitCode.FINE
    lines = said(capsys).splitlines()
    assert [re.split(r"\s{2,}", line)[0] for line in lines[2:]] == [
        "skiff",
        "skiff",
        "skiff",
        "elsewhere",
        "skiff",
    ]
    for line, words in zip(
        lines[2:],
        (
            (head[:12], "commit 2", MACHINE, f"{NEW:%Y-%m-%d %H:%M}", "kB"),
            (parent[:12], "commit 1", "quick"),
            (f"{first[:12]}-dirty", "commit 0", "other"),
            ("ffffffffffff", "—"),
            ("eeeeeeeeeeee", "cannot be read: baseline verify"),
        ),
        strict=True,
    ):
        assert all(each in line for each in words), line
    by_hand.baseline_list("elsewhere")
    assert "skiff" not in said(capsys)


# -- show ---------------------------------------------------------------------------------------------------------


def test_showing_a_commit_gives_its_medians_and_conditions(
    checkout: git.Checkout, places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    counted = Series(".", "BenchmarkAll", "instructions/op", (1234.0, 1236.0), (7000, 7000))
    path = keep(
        places, shas(checkout)[1], series=(*samples.SERIES, counted), counter="valgrind 3.19.0", load=(LOAD,)
    )
    assert by_hand.baseline_show("HEAD~1") is ExitCode.FINE
    text = said(capsys)
    for words in (
        "commit 1",
        MACHINE,
        "go_version go1.26.8",
        "instructions counted by valgrind 3.19.0",
        "load quick: 48 images by 2 workers (copy), 2 rounds, median 3 s, 37.5 MB/s",
        "1.25 µs/op ± 20 %",
        "1,235 instructions/op",
        str(path),
    ):
        assert words in text
    assert "older perf" not in text


def test_another_machines_figures_and_those_of_a_dirty_tree_are_shown_where_there_are_no_others(
    checkout: git.Checkout, places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    head = shas(checkout)[0]
    keep(places, head, dirty=True)
    by_hand.baseline_show()
    assert "+ uncommitted changes" in said(capsys)
    keep(places, head, machine="other")
    by_hand.baseline_show()
    assert "on other" in said(capsys)
    keep(places, head)
    by_hand.baseline_show()
    assert f"on {MACHINE}" in said(capsys)


def test_load_alone_is_shown_without_a_table(
    checkout: git.Checkout, places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    path = keep(places, shas(checkout)[0], series=(), load=(LOAD,))
    path.write_text(as_version_1(path.read_text("utf-8")), "utf-8")
    by_hand.baseline_show()
    text = said(capsys)
    assert "benchmark " not in text
    assert "made by an older perf: no checksum, and architecture, gomaxprocs not recorded" in text


def test_a_commit_without_a_baseline_is_wrong_use_and_names_the_list(checkout: git.Checkout) -> None:
    with pytest.raises(UsageError, match="has no baseline") as caught:
        by_hand.baseline_show()
    assert "baseline list" in caught.value.next_command


def test_a_target_outside_git_has_nothing_to_show(checkout: git.Checkout, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(UsageError, match="not in a git repository"):
        by_hand.baseline_show(target=str(tmp_path / "plain"))


# -- prune --------------------------------------------------------------------------------------------------------


def aged(places: Places, checkout: git.Checkout) -> list[Path]:
    """Three baselines, of now, a week and a month ago."""
    ages = (timedelta(), timedelta(days=7), timedelta(days=30))
    return [keep(places, sha, date=NEW - age) for sha, age in zip(shas(checkout), ages, strict=True)]


@pytest.mark.parametrize(
    ("keep_newest", "older_than_days", "stay"),
    [(1, None, 1), (3, None, 3), (0, None, 0), (None, 5, 1), (None, 10, 2), (1, 10, 2), (2, 5, 2)],
)
def test_pruning_keeps_the_newest_and_what_is_not_old(
    checkout: git.Checkout, places: Places, keep_newest: int | None, older_than_days: int | None, stay: int
) -> None:
    paths = aged(places, checkout)
    assert by_hand.baseline_prune(keep_newest, older_than_days, yes=True) is ExitCode.FINE
    assert [path.exists() for path in paths] == [number < stay for number in range(3)]


def test_pruning_says_first_what_it_would_remove(
    checkout: git.Checkout, places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = aged(places, checkout)
    assert by_hand.baseline_prune(1) is ExitCode.FINE
    text = said(capsys)
    assert "commit 1" in text
    assert "commit 2" not in text
    assert "would remove 2 baselines" in text
    assert all(path.exists() for path in paths)
    by_hand.baseline_prune(5)
    assert said(capsys).startswith("would remove 0 baselines")


def test_each_target_and_machine_keeps_its_own_newest(checkout: git.Checkout, places: Places) -> None:
    paths = aged(places, checkout)
    others = [keep(places, "f" * 40, machine="other"), keep(places, "f" * 40, target="elsewhere")]
    by_hand.baseline_prune(1, yes=True)
    assert [path.exists() for path in (*paths, *others)] == [True, False, False, True, True]


def test_pruning_never_touches_what_git_tracks_nor_what_is_no_baseline(
    checkout: git.Checkout, places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = aged(places, checkout)
    subprocess.run(["git", "init", "-q", str(places.root)], check=True)
    subprocess.run(["git", "-C", str(places.root), "add", str(paths[2])], check=True)
    room = paths[0].parent
    broken, link, short = room / f"{'a' * 40}.json", room / f"{'b' * 40}.json", room / "0123.json"
    broken.write_text("half a fi", "utf-8")
    link.symlink_to(paths[0])
    short.write_text("{}", "utf-8")
    by_hand.baseline_prune(0, yes=True)
    assert [path.exists() for path in paths] == [False, False, True]
    assert all(os.path.lexists(path) for path in (broken, link, short))
    assert "1 more stay, since git tracks them" in said(capsys)


def test_pruning_without_a_rule_is_wrong_use(checkout: git.Checkout) -> None:
    with pytest.raises(UsageError, match="needs to know which"):
        by_hand.baseline_prune(yes=True)


# -- verify -------------------------------------------------------------------------------------------------------


def test_good_baselines_verify(
    checkout: git.Checkout, places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    aged(places, checkout)
    keep(places, shas(checkout)[0], dirty=True, load=(LOAD,))
    assert by_hand.baseline_verify() is ExitCode.FINE
    assert said(capsys) == "4 files, 0 amiss\n"


def edited(path: Path) -> None:
    path.write_text(path.read_text("utf-8").replace("1.5e-06", "1.4e-06"), "utf-8")


def renamed(path: Path) -> None:
    path.rename(path.with_name(f"{'a' * 40}.json"))


def shortened(path: Path) -> None:
    path.rename(path.with_name(f"{path.name[:12]}.json"))


def marked_dirty(path: Path) -> None:
    path.rename(path.with_name(f"{path.stem}-dirty.json"))


def moved(path: Path) -> None:
    (path.parent.parent / "other").mkdir()
    path.rename(path.parent.parent / "other" / path.name)


def truncated(path: Path) -> None:
    path.write_text(path.read_text("utf-8")[:-100], "utf-8")


def newer(path: Path) -> None:
    path.write_text(path.read_text("utf-8").replace('"perf_version":2', '"perf_version":3'), "utf-8")


def linked(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("else"))


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (edited, "was changed after it was measured"),
        (renamed, "not of the commit in its name"),
        (shortened, "not named after a full commit hash"),
        (marked_dirty, "its name does not say whether the tree was dirty"),
        (moved, "not on the machine of its directory"),
        (truncated, "is not whole"),
        (newer, "made by a newer perf"),
        (linked, "it is a symbolic link"),
        (a_directory, "it is a directory"),
    ],
)
def test_what_was_done_to_a_file_by_hand_is_named(
    checkout: git.Checkout,
    places: Places,
    capsys: pytest.CaptureFixture[str],
    harm: Callable[[Path], None],
    words: str,
) -> None:
    head, parent, _ = shas(checkout)
    keep(places, parent)
    path = keep(places, head)
    harm(path)
    assert by_hand.baseline_verify() is ExitCode.FAILED
    amiss, last = said(capsys).splitlines()
    assert amiss.startswith("amiss: baselines/skiff/")
    assert words in amiss
    assert last == "2 files, 1 amiss"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sha": "f" * 40}, "its commit is not in"),
        ({"fingerprint": {**asdict(FINGERPRINT), "cores": 99}}, "its fingerprint is of another machine"),
        ({"fingerprint": {"cores": 2}}, "its fingerprint lacks cpu_flags, cpu_model, go_version, governor"),
        (
            {
                "series": (
                    Series(".", "BenchmarkAll", "sec/op", (1.0,), (1,)),
                    Series(".", "BenchmarkAll", "B/op", (-1.0,), (1,)),
                )
            },
            ". BenchmarkAll B/op has a value that is none",
        ),
        (
            {"load": (StoredLoad("quick", "copy", 1, 1, (1.0,), (float("nan"),), ((),)),)},
            "its load has a value",
        ),
    ],
)
def test_what_is_amiss_inside_a_whole_file_is_named(
    checkout: git.Checkout,
    places: Places,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, object],
    words: str,
) -> None:
    keep(places, **{"sha": shas(checkout)[0], **changes})  # type: ignore[arg-type]
    assert by_hand.baseline_verify() is ExitCode.FAILED
    assert words in said(capsys)


def test_what_cannot_be_held_against_a_baseline_is_a_note(
    checkout: git.Checkout, places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    """An older form, a target without a checkout here, a file that is no baseline."""
    path = keep(places, shas(checkout)[0])
    path.write_text(as_version_1(path.read_text("utf-8")), "utf-8")
    keep(places, "f" * 40, target="elsewhere")
    (path.parent / "notes.txt").write_text("mine", "utf-8")
    assert by_hand.baseline_verify() is ExitCode.FINE
    text = said(capsys)
    assert "made by an older perf: no checksum" in text
    assert "elsewhere: no checkout of it is here" in text
    assert "notes.txt: is no baseline" in text
    assert "3 files, 0 amiss" in text
    by_hand.baseline_verify("elsewhere")
    assert "1 files" in said(capsys)


def test_a_shallow_clone_lacks_commits_for_no_fault_of_the_baseline(
    checkout: git.Checkout, places: Places, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shallow = tmp_path / "shallow" / "skiff"
    subprocess.run(["git", "clone", "-q", "--depth=1", checkout.root.as_uri(), str(shallow)], check=True)
    keep(places, shas(checkout)[2], target="skiff")
    toml = places.root / "perf.toml"
    toml.write_text(toml.read_text("utf-8").replace(str(checkout.root), str(shallow)), "utf-8")
    assert by_hand.baseline_verify(str(shallow)) is ExitCode.FINE
    assert "the clone is shallow" in said(capsys)


def test_nothing_to_verify_is_told(checkout: git.Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    assert by_hand.baseline_verify() is ExitCode.FINE
    assert said(capsys) == "no baselines\n"
