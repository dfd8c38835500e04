"""A commit's files in a directory of their own: real repositories, and none of them is written to."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from perf.errors import Lacking
from perf.system import git, trees

Repository = Callable[..., Path]


def run(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def everything(root: Path) -> dict[str, bytes]:
    """All files below the repository, git's own too."""
    return {
        str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()
    }


def test_a_directory_goes_from_commit_to_commit_and_the_repository_stays_as_it_was(
    git_repository: Repository, tmp_path: Path
) -> None:
    root = git_repository({"a": "1", "sub/b": "1"}, {"a": "2", "new": "2"})
    (root / "a").write_text("uncommitted", "utf-8")
    (root / "untracked").write_text("x", "utf-8")
    for name in ("post-checkout", "post-index-change"):
        (root / ".git" / "hooks" / name).write_text(f"#!/bin/sh\ntouch '{root}/ran'\n", "utf-8")
        (root / ".git" / "hooks" / name).chmod(0o755)
    before = everything(root)
    checkout, place = git.find_checkout(root), tmp_path / "slots" / "0"
    head, first = git.ancestors(checkout, git.head(checkout).sha, 2)
    trees.fill(checkout, first, place)
    assert {path.name: path.read_text("utf-8") for path in place.iterdir() if path.is_file()} == {"a": "1"}
    trees.fill(checkout, head, place)
    assert [(place / name).read_text("utf-8") for name in ("a", "new", "sub/b")] == ["2", "2", "1"]
    trees.fill(checkout, first, place)
    assert not (place / "new").exists()
    assert everything(root) == before


def test_what_was_edited_or_removed_there_comes_back(git_repository: Repository, tmp_path: Path) -> None:
    root = git_repository({"a": "1", "b": "1", "c": "1"})
    checkout, place = git.find_checkout(root), tmp_path / "0"
    sha = git.head(checkout).sha
    trees.fill(checkout, sha, place)
    untouched = (place / "c").stat().st_mtime_ns
    (place / "a").write_text("22", "utf-8")
    (place / "b").unlink()
    trees.fill(checkout, sha, place)
    assert [(place / name).read_text("utf-8") for name in "abc"] == ["1", "1", "1"]
    assert (place / "c").stat().st_mtime_ns == untouched, "an equal file is not written again"
    (tmp_path / "0").rename(tmp_path / "away")
    trees.fill(checkout, sha, place)
    assert (place / "a").read_text("utf-8") == "1"


def test_a_hooks_environment_does_not_lead_into_the_checkout(
    git_repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = git_repository({"a": "1"}, {"a": "2"})
    checkout = git.find_checkout(root)
    first = git.ancestors(checkout, git.head(checkout).sha, 2)[1]
    for name, value in {"DIR": ".git", "WORK_TREE": ".", "INDEX_FILE": ".git/index"}.items():
        monkeypatch.setenv(f"GIT_{name}", str(root / value))
    before = everything(root)
    trees.fill(checkout, first, tmp_path / "0")
    assert (tmp_path / "0" / "a").read_text("utf-8") == "1"
    assert everything(root) == before


def test_a_sparse_checkout_is_filled_whole(git_repository: Repository, tmp_path: Path) -> None:
    root = git_repository({"a/x": "1", "b/y": "1"})
    run(root, "sparse-checkout", "set", "a")
    checkout = git.find_checkout(root)
    assert not (root / "b").exists()
    trees.fill(checkout, git.head(checkout).sha, tmp_path / "0")
    assert (tmp_path / "0" / "b" / "y").read_text("utf-8") == "1"


def test_from_a_linked_worktree_and_a_shallow_clone_it_works_too(
    git_repository: Repository, tmp_path: Path
) -> None:
    root = git_repository({"a": "1"}, {"a": "2"})
    run(root, "worktree", "add", "--detach", str(tmp_path / "linked"), "HEAD~1")
    run(tmp_path, "clone", "--quiet", "--depth=1", root.as_uri(), "shallow")
    for name, content in (("linked", "1"), ("shallow", "2")):
        checkout = git.find_checkout(tmp_path / name)
        trees.fill(checkout, git.head(checkout).sha, tmp_path / f"{name}.0")
        assert (tmp_path / f"{name}.0" / "a").read_text("utf-8") == content


def test_an_exported_commit_is_gone_afterwards(git_repository: Repository, tmp_path: Path) -> None:
    root = git_repository({"sub/a": "1"}, {"sub/a": "2"})
    checkout = git.find_checkout(root / "sub")
    first = git.ancestors(checkout, git.head(checkout).sha, 2)[1]
    place = tmp_path / "trees" / "first"
    place.mkdir(parents=True)
    (place / "left by a killed run").write_text("x", "utf-8")
    with trees.exported(checkout, first, place) as directory:
        assert [path.name for path in place.iterdir()] == ["sub"]
        assert (directory / "a").read_text("utf-8") == "1"
    assert list(place.parent.iterdir()) == []
    assert run(root, "worktree", "list").count("\n") == 0


def test_a_worktree_of_the_user_that_is_only_away_stays_noted(
    git_repository: Repository, tmp_path: Path
) -> None:
    """On a disk that is not mounted, say."""
    root = git_repository({"a": "1"})
    run(root, "worktree", "add", "-b", "side", str(tmp_path / "mounted"))
    (tmp_path / "mounted").rename(tmp_path / "away")
    checkout = git.find_checkout(root)
    with trees.exported(checkout, git.head(checkout).sha, tmp_path / "trees" / "base"):
        pass
    assert str(tmp_path / "mounted") in run(root, "worktree", "list")


def test_files_are_as_a_checkout_has_them(git_repository: Repository, tmp_path: Path) -> None:
    """Line ends and filters (as LFS is one) as the attributes say; `export-ignore` is for archives only."""
    attributes = "*.txt eol=crlf\n*.big filter=upper\nleft export-ignore\nid ident\n"
    made = {".gitattributes": attributes, "a.txt": "x\n", "b.big": "x", "left": "x", "id": "$Id$", "run": "x"}
    root = git_repository(made)
    run(root, "config", "filter.upper.smudge", "tr a-z A-Z")
    (root / "run").chmod(0o755)
    (root / "link").symlink_to("run")
    run(root, "add", "--all")
    run(root, "-c", "user.name=T", "-c", "user.email=t@example.invalid", "commit", "-m", "modes")
    run(root, "worktree", "add", "--detach", str(tmp_path / "expected"))
    checkout = git.find_checkout(root)
    trees.fill(checkout, git.head(checkout).sha, tmp_path / "0")
    (tmp_path / "expected" / ".git").unlink()
    assert everything(tmp_path / "0") == everything(tmp_path / "expected")
    assert (tmp_path / "0" / "a.txt").read_bytes() == b"x\r\n"
    assert (tmp_path / "0" / "b.big").read_bytes() == b"X"
    assert (tmp_path / "0" / "run").stat().st_mode == (tmp_path / "expected" / "run").stat().st_mode
    assert (tmp_path / "0" / "link").readlink() == Path("run")


def test_a_submodule_is_an_empty_directory_as_in_a_fresh_checkout(
    git_repository: Repository, tmp_path: Path
) -> None:
    other = git_repository({"x": "1"}, name="other")
    root = git_repository({"a": "1"})
    run(root, "-c", "protocol.file.allow=always", "submodule", "add", str(other), "inner")
    run(root, "config", "submodule.recurse", "true")
    run(root, "-c", "user.name=T", "-c", "user.email=t@example.invalid", "commit", "-m", "submodule")
    for directory in (root, root / "inner"):
        checkout = git.find_checkout(directory)
        with trees.exported(checkout, git.head(checkout).sha, tmp_path / "trees" / "base") as exported:
            names = {path.name for path in exported.iterdir()}
            assert names == ({"x"} if directory.name == "inner" else {".gitmodules", "a", "inner"})
            assert directory.name == "inner" or not list((exported / "inner").iterdir())


def test_a_repository_that_may_not_be_written_is_read(
    git_repository: Repository, tmp_path: Path, bound_by_modes: list[str]
) -> None:
    root = git_repository({"a": "1"})
    run(root, "config", "core.fsmonitor", "true")
    asking = f"""
from pathlib import Path
from perf.system import git, trees
checkout = git.find_checkout(Path("."))
assert not git.is_dirty(checkout)
trees.fill(checkout, git.head(checkout).sha, Path({str(tmp_path / "0")!r}))
"""
    places = [root, *(path for path in (root / ".git").rglob("*") if path.is_dir()), root / ".git"]
    for place in places:
        place.chmod(0o555)
    done = subprocess.run(
        [*bound_by_modes, sys.executable, "-c", asking],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    for place in places:
        place.chmod(0o755)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "0" / "a").read_text("utf-8") == "1"


def test_a_commit_that_is_not_here_is_told(git_repository: Repository, tmp_path: Path) -> None:
    checkout = git.find_checkout(git_repository({"a": "1"}))
    with pytest.raises(Lacking, match="0{12} cannot be checked out into") as caught:
        trees.fill(checkout, "0" * 40, tmp_path / "0")
    assert caught.value.next_command == "git fsck"
