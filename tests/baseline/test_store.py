"""Where baselines lie, and what reading a bad one says."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest

from perf.baseline import store
from perf.baseline.pyperf_file import VERSION, to_text
from perf.errors import ExitCode, PerfError
from tests.baseline import samples
from tests.conftest import ContextFor

pytestmark = pytest.mark.go

NAME = f"{samples.SHA}.json"


def test_a_baseline_lies_by_target_machine_and_full_hash(context_for: ContextFor, tmp_path: Path) -> None:
    context = context_for(tmp_path)
    expected = context.places.root / "baselines" / tmp_path.name / context.fingerprint.machine()
    assert store.path_for(context, samples.SHA) == expected / f"{samples.SHA}.json"
    assert store.path_for(context, samples.SHA, dirty=True) == expected / f"{samples.SHA}-dirty.json"


def test_a_targets_name_cannot_leave_the_baselines(context_for: ContextFor, tmp_path: Path) -> None:
    odd = tmp_path / ".. a b"
    odd.mkdir()
    baselines = tmp_path / "project" / "baselines"
    assert store.directory(context_for(odd)).parent == baselines / "a-b"


def test_saving_replaces_the_file_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "machine" / NAME
    store.save(path, samples.baseline(target="before"))
    store.save(path, samples.baseline())
    assert store.load(path) == samples.baseline()
    assert list(path.parent.iterdir()) == [path]


def test_a_save_that_fails_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / NAME
    store.save(path, samples.baseline())
    with pytest.raises(ValueError, match="non-empty"):
        store.save(path, samples.baseline(series=()))
    assert store.load(path) == samples.baseline()


def newer() -> str:
    raw = json.loads(to_text(samples.baseline()))
    raw["metadata"]["perf_version"] = VERSION + 1
    raw["benchmarks"] = "in another form"
    return json.dumps(raw)


def without_runs() -> str:
    raw = json.loads(to_text(samples.baseline()))
    for benchmark in raw["benchmarks"]:
        benchmark["runs"] = []
    return json.dumps(raw)


@pytest.mark.parametrize(
    ("text", "words", "exit_code"),
    [
        (to_text(samples.baseline())[:-200], "is not whole", ExitCode.UNKNOWN),
        ("", "is not whole", ExitCode.UNKNOWN),
        (newer(), "made by a newer perf", ExitCode.LACKING),
        (without_runs(), "is not a baseline", ExitCode.UNKNOWN),
        ("[]", "is not a baseline", ExitCode.UNKNOWN),
        ('{"version": "1.0", "benchmarks": []}', "is not a baseline", ExitCode.UNKNOWN),
        (
            '{"version": "1.0", "metadata": {"name": "x"}, "benchmarks": [{"runs": [{"values": [1.0]}]}]}',
            "is not a baseline",
            ExitCode.UNKNOWN,
        ),
        ("[" * 100_000, "is not whole", ExitCode.UNKNOWN),
        (to_text(samples.baseline()), "holds figures of", ExitCode.UNKNOWN),
    ],
)
def test_a_bad_file_is_an_error_with_its_cause_and_the_next_command(
    tmp_path: Path, text: str, words: str, exit_code: ExitCode
) -> None:
    path = tmp_path / "sha.json"
    path.write_text(text)
    with pytest.raises(PerfError, match=words) as caught:
        store.load(path)
    assert str(path) in caught.value.what
    assert caught.value.exit_code is exit_code
    assert caught.value.cause
    assert caught.value.next_command


def test_a_file_that_is_no_text_is_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "sha.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PerfError, match="is not whole"):
        store.load(path)


def test_a_directory_in_its_place_is_told_by_both_sides(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.mkdir()
    for touch in (lambda: store.load(path), lambda: store.save(path, samples.baseline())):
        with pytest.raises(PerfError, match="(?i)is a directory") as caught:
            touch()
        assert str(path) in caught.value.what
        assert caught.value.next_command.startswith("remove it")


def test_a_link_is_not_followed_and_is_replaced_by_a_file(tmp_path: Path) -> None:
    """What it points to was not measured here, and stays as it is."""
    path, elsewhere = tmp_path / "machine" / NAME, tmp_path / NAME
    store.save(elsewhere, samples.baseline(target="elsewhere"))
    path.parent.mkdir()
    path.symlink_to(elsewhere)
    with pytest.raises(PerfError, match="it is a symbolic link"):
        store.load(path)
    store.save(path, samples.baseline())
    assert store.load(path) == samples.baseline()
    assert store.load(elsewhere).target == "elsewhere"


def test_a_pipe_in_its_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    with pytest.raises(PerfError, match="neither a file nor a directory"):
        store.load(tmp_path / NAME)


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    store.save(tmp_path / NAME, samples.baseline())
    monkeypatch.setattr(Path, "read_text", refused)
    with pytest.raises(PerfError, match="Permission denied"):
        store.load(tmp_path / NAME)


def test_a_baseline_edited_by_hand_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_text(to_text(samples.baseline()).replace("1.5e-06", "1.4e-06"))
    with pytest.raises(PerfError, match="was changed after it was measured") as caught:
        store.load(path)
    assert caught.value.exit_code is ExitCode.UNKNOWN


def test_a_baseline_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(PerfError, match="there is no baseline") as caught:
        store.load(tmp_path / "sha.json")
    assert caught.value.exit_code is ExitCode.USAGE


def test_the_nearest_is_the_first_ancestor_measured_on_this_machine(
    context_for: ContextFor, tmp_path: Path
) -> None:
    """A baseline of a dirty tree, and one of another machine, are not taken for the commit's."""
    context = context_for(tmp_path)
    head, parent, grandparent = ("a" * 40, "b" * 40, "c" * 40)
    assert store.nearest(context, (head, parent, grandparent)) is None
    store.save(store.path_for(context, head, dirty=True), samples.baseline())
    other_machine = store.directory(context).parent / "other-machine" / f"{head}.json"
    store.save(other_machine, samples.baseline())
    for sha in (grandparent, parent):
        store.save(store.path_for(context, sha), samples.baseline(sha=sha))
    assert store.nearest(context, (head, parent, grandparent)) == store.path_for(context, parent)


def test_where_this_machine_measured_none_the_machine_most_like_it_is_taken(
    context_for: ContextFor, tmp_path: Path
) -> None:
    """Its counts may be compared. A link, a directory's or a file's that cannot be read, is the last choice."""
    context = context_for(tmp_path)
    here = asdict(context.fingerprint)
    target = store.directory(context).parent
    for name, fingerprint in (
        ("a", {**here, "cores": 99, "kernel": "other"}),
        ("b", {**here, "cores": 99}),
    ):
        store.save(target / name / NAME, samples.baseline(fingerprint=fingerprint, machine=name))
    (target / "0").mkdir()
    (target / "0" / NAME).write_text("[]")
    (target / "00").symlink_to(target / "b")
    assert store.nearest(context, ("f" * 40, samples.SHA)) == target / "b" / NAME
    store.save(store.path_for(context, "e" * 40), samples.baseline(sha="e" * 40))
    assert store.nearest(context, (samples.SHA, "e" * 40)) == store.path_for(context, "e" * 40)


@pytest.mark.parametrize(
    ("name", "sha"),
    [
        (f"{samples.SHA}.json", samples.SHA),
        (f"{samples.SHA}-dirty.json", samples.SHA),
        (f"{'a' * 64}.json", "a" * 64),
        ("0123456.json", None),
        (f"{samples.SHA}.json.bak", None),
        (f".{samples.SHA}.json.x1", None),
        ("README.md", None),
    ],
)
def test_only_a_full_hash_names_a_baseline(name: str, sha: str | None) -> None:
    assert store.sha_in(Path(name)) == sha
