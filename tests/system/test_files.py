"""The door to files: whole or not at all, once and shared, and full disks told as such."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from perf.errors import Lacking
from perf.system import files


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "a.json"
    files.write_atomically(path, "one")
    files.write_atomically(path, b"two")
    assert path.read_text("utf-8") == "two"
    assert [each.name for each in path.parent.iterdir()] == ["a.json"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    files.write_atomically(path, "old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Lacking, match="no space left while writing") as caught:
        files.write_atomically(path, "new")
    assert "invoke cache.clear" in str(caught.value)
    assert path.read_text("utf-8") == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    ("number", "words"), [(errno.EROFS, "cannot write"), (errno.EACCES, "no permission for")]
)
def test_a_place_that_cannot_be_used_is_told_without_guessing_what_for(
    tmp_path: Path, number: int, words: str
) -> None:
    """Of a permission the error does not say whether it was to be read or written."""
    with pytest.raises(Lacking, match=f"{words} {tmp_path}: "), files.disk_errors(tmp_path):
        raise OSError(number, os.strerror(number))


@pytest.mark.parametrize("below", ["", "locks"])
def test_a_plain_file_in_the_place_of_a_directory_is_told(tmp_path: Path, below: str) -> None:
    """As where PERF_CACHE_DIR names a file, or a place below one."""
    (tmp_path / "plain").touch()
    with pytest.raises(Lacking, match="a plain file stands at or above .*plain") as caught:
        files.make_directory(tmp_path / "plain" / below)
    assert "PERF_CACHE_DIR" in str(caught.value)
    with pytest.raises(Lacking, match="a plain file stands"):
        files.write_atomically(tmp_path / "plain" / below / "x", "text")


def test_an_error_of_the_disk_without_a_place_names_its_own_or_what_is_printed() -> None:
    with pytest.raises(Lacking, match="cannot write /a/b"), files.disk_errors(None):
        raise OSError(errno.EROFS, "Read-only file system", "/a/b")
    with pytest.raises(Lacking, match="no space left while writing what is printed"), files.disk_errors(None):
        Path("/dev/full").write_text("x", "utf-8")


def test_a_full_disk_is_not_blamed_on_the_lock_it_was_met_under(tmp_path: Path) -> None:
    for lock in (files.exclusive(tmp_path / "a"), files.only_run(tmp_path / "b", "x")):
        with pytest.raises(OSError, match="No space left"), lock:
            Path("/dev/full").write_text("x", "utf-8")


def test_what_could_not_be_built_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(LookupError), files.build_once(tmp_path / "tool") as directory:
        assert directory is not None
        (directory / "half").write_text("x", "utf-8")
        raise LookupError
    assert [each.name for each in tmp_path.iterdir()] == [".tool.lock"]


def test_other_errors_pass_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), files.disk_errors(tmp_path):
        tmp_path.read_text("utf-8")


def test_what_is_built_once_is_not_built_again(tmp_path: Path) -> None:
    for expected in ("built", "stands"):
        with files.build_once(tmp_path / "tool") as directory:
            assert ("stands" if directory is None else "built") == expected
            if directory is not None:
                (directory / "program").write_text("x", "utf-8")
    assert (tmp_path / "tool" / "program").read_text("utf-8") == "x"


def test_a_build_that_fails_half_way_leaves_nothing_that_looks_built(tmp_path: Path) -> None:
    def build(fail: bool) -> None:
        with files.build_once(tmp_path / "tool") as directory:
            assert directory is not None
            assert list(directory.iterdir()) == []
            (directory / "half").write_text("x", "utf-8")
            if fail:
                raise RuntimeError("compiler died")

    with pytest.raises(RuntimeError):
        build(fail=True)
    assert not (tmp_path / "tool").exists()
    build(fail=False)
    assert (tmp_path / "tool" / "half").exists()


def test_of_two_that_build_at_once_one_builds_and_the_other_waits(tmp_path: Path) -> None:
    built: list[str] = []
    together = threading.Barrier(2)

    def build() -> None:
        together.wait()
        with files.build_once(tmp_path / "tool") as directory:
            if directory is not None:
                built.append("once")

    threads = [threading.Thread(target=build) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert built == ["once"]


def test_a_second_run_is_refused_with_the_name_of_the_first(tmp_path: Path) -> None:
    lock = tmp_path / "measuring"
    with files.only_run(lock, "load in /somewhere"):
        with (
            pytest.raises(Lacking, match=rf"load in /somewhere \(process {os.getpid()}\)"),
            files.only_run(lock, "x"),
        ):
            pass
    with files.only_run(lock, "afterwards"):
        assert "afterwards" in lock.read_text("utf-8")


def test_a_lock_whose_text_is_damaged_still_refuses(tmp_path: Path) -> None:
    lock = tmp_path / "measuring"
    with files.only_run(lock, "x"):
        lock.write_text("{", "utf-8")
        with pytest.raises(Lacking, match="its name could not be read"), files.only_run(lock, "y"):
            pass


def test_the_lock_goes_with_its_process(tmp_path: Path) -> None:
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom perf.system import files\n"
        "with files.only_run(Path(sys.argv[1]), 'x'): os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path / "l")], check=False).returncode == -9
    with files.only_run(tmp_path / "l", "next"):
        pass


def test_a_tree_with_read_only_directories_is_removed(tmp_path: Path) -> None:
    """Go's module cache is made of them."""
    deep = tmp_path / "tree" / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "file").write_text("x", "utf-8")
    (deep / "file").chmod(0o400)
    deep.chmod(0o500)
    deep.parent.chmod(0o500)
    files.remove_tree(tmp_path / "tree")
    files.remove_tree(tmp_path / "tree")
    assert not (tmp_path / "tree").exists()


def test_a_file_and_a_link_are_removed_too_but_not_what_the_link_leads_to(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "file").write_text("x", "utf-8")
    files.remove_tree(tmp_path / "link")
    files.remove_tree(tmp_path / "file")
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]


def test_the_size_of_a_tree_is_that_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_bytes(b"12345")
    (tmp_path / "y").write_bytes(b"123")
    assert files.tree_bytes(tmp_path) == 8
    assert files.tree_bytes(tmp_path / "absent") == 0
