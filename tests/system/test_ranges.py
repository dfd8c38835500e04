"""The commits of a range, from real repositories: in order, whole, and with whatever people wrote in them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from perf.errors import Lacking, UsageError
from perf.system import git, ranges
from perf.system.ranges import Listed

Repository = Callable[..., Path]
PERSON = ("-c", "user.name=Test", "-c", "user.email=test@example.invalid")


def run(root: Path, *arguments: str, data: bytes | None = None) -> str:
    done = subprocess.run(["git", *PERSON, *arguments], cwd=root, check=True, capture_output=True, input=data)
    return done.stdout.decode().strip()


def commit(root: Path, subject: str) -> str:
    run(root, "commit", "--allow-empty", "--allow-empty-message", "-m", subject)
    return run(root, "rev-parse", "HEAD")


def listed(root: Path, good: str, bad: str, *, all_parents: bool = False) -> tuple[Listed, ...]:
    checkout = git.find_checkout(root)
    ends = (git.resolve(checkout, each).sha for each in (good, bad))
    return ranges.between(checkout, *ends, all_parents=all_parents)


def subjects(found: tuple[Listed, ...]) -> list[str]:
    return [each.subject for each in found]


@pytest.fixture
def merged(git_repository: Repository) -> Path:
    """commit 0, side 1 and side 2 beside main 1, the merge of both, main 2; the tag "fork" is on commit 0."""
    root = git_repository({"a": "1"})
    run(root, "tag", "fork")
    run(root, "checkout", "-b", "side")
    for number in (1, 2):
        (root / f"side{number}").write_text("x", "utf-8")
        run(root, "add", "--all")
        commit(root, f"side {number}")
    run(root, "checkout", "main")
    commit(root, "main 1")
    run(root, "merge", "--no-ff", "-m", "merge", "side")
    commit(root, "main 2")
    return root


def test_along_first_parents_a_merge_is_one_commit(merged: Path) -> None:
    found = listed(merged, "fork", "main")
    assert subjects(found) == ["commit 0", "main 1", "merge", "main 2"]
    assert found[0].sha == run(merged, "rev-parse", "fork")


def test_with_all_parents_each_commit_comes_after_its_parents(merged: Path) -> None:
    found = listed(merged, "fork", "main", all_parents=True)
    assert sorted(subjects(found)) == ["commit 0", "main 1", "main 2", "merge", "side 1", "side 2"]
    assert (found[0].subject, found[-1].subject) == ("commit 0", "main 2")
    place = {each.sha: number for number, each in enumerate(found)}
    assert all(place[parent] < place[each.sha] for each in found[1:] for parent in each.parents)
    assert [len(each.parents) for each in found if each.subject == "merge"] == [2]


def test_an_octopus_has_all_its_parents(git_repository: Repository) -> None:
    root = git_repository({"a": "1"})
    for name in ("x", "y", "z"):
        run(root, "checkout", "-b", name, "main")
        commit(root, name)
    run(root, "checkout", "main")
    run(root, "merge", "--no-ff", "-m", "octopus", "x", "y", "z")
    found = listed(root, "HEAD~1", "HEAD", all_parents=True)
    assert len(found[-1].parents) in (3, 4)
    assert sorted(subjects(found)) == ["commit 0", "octopus", "x", "y", "z"]


def test_a_good_end_beside_the_first_parents_is_followed_by_what_it_lacks(merged: Path) -> None:
    assert subjects(listed(merged, "side", "main")) == ["side 2", "main 1", "merge", "main 2"]
    assert subjects(listed(merged, "side", "main", all_parents=True)) == [
        "side 2",
        "main 1",
        "merge",
        "main 2",
    ]


@pytest.mark.parametrize("ends", [("main", "fork"), ("main~2", "side")])
def test_ends_that_are_swapped_or_beside_each_other_are_refused(merged: Path, ends: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match="is not an ancestor of") as caught:
        listed(merged, *ends)
    swapped = "swapped" in caught.value.cause
    assert ("--good" if swapped else f"git -C {merged} merge-base") in caught.value.next_command


def test_a_shallow_clone_that_cuts_the_range_says_how_to_get_it(merged: Path, tmp_path: Path) -> None:
    fork = run(merged, "rev-parse", "fork")
    run(tmp_path, "clone", "--quiet", "--depth=2", "--no-tags", merged.as_uri(), "cut")
    run(tmp_path / "cut", "fetch", "--quiet", "--depth=1", "origin", fork)
    with pytest.raises(Lacking, match="do not meet in it") as caught:
        listed(tmp_path / "cut", fork, "HEAD")
    assert "fetch --unshallow" in caught.value.next_command


def test_a_shallow_clone_that_cuts_only_one_parents_side_says_so_too(merged: Path, tmp_path: Path) -> None:
    """The good end is reached through main, while the branch that was merged ends in nowhere."""
    run(tmp_path, "clone", "--quiet", "--depth=3", merged.as_uri(), "cut")
    assert subjects(listed(tmp_path / "cut", "HEAD~2", "HEAD")) == ["main 1", "merge", "main 2"]
    with pytest.raises(Lacking, match="it ends within"):
        listed(tmp_path / "cut", "HEAD~2", "HEAD", all_parents=True)


def test_whatever_stands_in_author_and_subject_a_commit_is_one_line(git_repository: Repository) -> None:
    root = git_repository({"a": "1"})
    run(
        root,
        *("-c", "user.name=Ünï | \"quoted\" 'x' %H\t東京", "commit", "--allow-empty"),
        *("--author", "Ünï | \"q\" 'x' %s 東京 <ü@example.invalid>", "-m", 'a: %x00 | "b"\n\nbody\n%H'),
    )
    commit(root, "")
    commit(root, "red \x1b[31m and bell \x07")
    found = listed(root, "HEAD~3", "HEAD")
    assert subjects(found)[1:] == ['a: %x00 | "b"', "", "red �[31m and bell �"]
    assert found[1].author == "Ünï | \"q\" 'x' %s 東京 <ü@example.invalid>"
    assert found[1].date.startswith("20")


def test_bytes_that_are_no_utf8_can_be_shown_and_written(git_repository: Repository) -> None:
    root = git_repository({"a": "1"})
    tree = run(root, "rev-parse", "HEAD^{tree}")
    parent = run(root, "rev-parse", "HEAD")
    raw = (
        f"tree {tree}\nparent {parent}\n".encode()
        + b"author Andr\xe9 <a@example.invalid> 1700000000 +0100\n"
        + b"committer A <a@example.invalid> 1700000000 +0100\n\ncaf\xe9\n"
    )
    sha = run(root, "hash-object", "-t", "commit", "-w", "--stdin", data=raw)
    found = listed(root, parent, sha)[1]
    assert f"{found.author} {found.subject}".encode()
    assert (found.author, found.subject) == ("Andr� <a@example.invalid>", "caf�")
    assert found.date == "2023-11-14T23:13:20+01:00"


def test_paths_of_each_commit_are_those_since_its_first_parent(merged: Path) -> None:
    (merged / "with space\tand\nmore é").write_text("x", "utf-8")
    run(merged, "mv", "side1", "moved")
    run(merged, "add", "--all")
    commit(merged, "odd")
    checkout = git.find_checkout(merged)
    fork, main = (git.resolve(checkout, each).sha for each in ("fork", "main"))
    for all_parents in (False, True):
        found = ranges.touched(checkout, fork, main, all_parents=all_parents)
        commits = ranges.between(checkout, fork, main, all_parents=all_parents)[1:]
        named = {each.subject: found[each.sha] for each in commits}
        assert named["merge"].paths == ("side1", "side2")
        assert named["main 1"].paths == ()
        assert set(named["odd"].paths) == {"moved", "side1", "with space\tand\nmore é"}
        assert all(found[each.sha].parent == each.parents[0] for each in commits)
        assert ("side 1" in named) is all_parents


def test_ten_thousand_commits_are_all_listed(git_repository: Repository) -> None:
    root = git_repository({"a": "1"})
    one = "commit refs/heads/long\ncommitter A <a@example.invalid> {n} +0000\ndata 4\n{n:04}\n"
    stream = "".join(one.format(n=number) + "\n" for number in range(10_000))
    run(root, "fast-import", "--quiet", data=stream.encode())
    found = listed(root, "long~9999", "long")
    assert len(found) == 10_000
    assert [each.subject for each in found] == [f"{number:04}" for number in range(10_000)]
