"""The door to git, on real repositories: revisions are verified, checkouts are never touched."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import git as gitpython
import pytest

from perf.errors import Lacking, Undecided, UsageError
from perf.system import git

Repository = Callable[..., Path]


def run(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=Test", "-c", "user.email=test@example.invalid", *arguments],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def test_a_target_below_the_root_knows_its_place(git_repository: Repository) -> None:
    root = git_repository({"sub/go.mod": "module x"})
    assert git.find_checkout(root / "sub") == git.Checkout(root, "sub")
    assert git.find_checkout(root) == git.Checkout(root, ".")


def test_a_directory_outside_git_says_how_to_get_a_clone(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not in a git repository"):
        git.find_checkout(tmp_path)


@pytest.mark.parametrize("revision", ["HEAD", "main", "HEAD~1", "v1"])
def test_every_way_to_name_a_commit_gives_its_full_hash(git_repository: Repository, revision: str) -> None:
    root = git_repository({"a": "1"}, {"a": "2"})
    run(root, "tag", "-a", "v1", "-m", "annotated")
    commit = git.resolve(git.find_checkout(root), revision)
    assert commit.sha == run(root, "rev-parse", f"{revision}^{{commit}}")
    assert commit.author == "Test"


@pytest.mark.parametrize("revision", ["absent", "--upload-pack=x", "-h", "", "HEAD:a", "HEAD..main", "a b"])
def test_what_names_no_commit_is_refused_before_git_acts_on_it(
    git_repository: Repository, revision: str
) -> None:
    root = git_repository({"a": "1"})
    with pytest.raises(UsageError, match="unknown revision|is no revision"):
        git.resolve(git.find_checkout(root), revision)


def test_a_revision_that_a_shallow_clone_lacks_is_to_be_fetched(
    git_repository: Repository, tmp_path: Path
) -> None:
    root = git_repository({"a": "1"}, {"a": "2"})
    run(tmp_path, "clone", "--depth=1", root.as_uri(), "shallow clone")
    with pytest.raises(UsageError, match="unknown revision") as caught:
        git.resolve(git.find_checkout(tmp_path / "shallow clone"), "HEAD~1")
    assert "shallow clone' fetch --unshallow" in caught.value.next_command


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@host/x", "https://host/x"),
        ("https://user:sec%40ret@s@host:1/x", "https://host:1/x"),
        ("https://user:sec/ret@host/x", "https://host/x"),
        ("https://user:123@host/x", "https://host/x"),
        ("--target=https://token@host/x", "--target=https://host/x"),
        ("https://host/x?access_token=secret", "https://host/x?…"),
        ("http://host:8080/a@b", "http://host:8080/a@b"),
        ("git@host:owner/name", "git@host:owner/name"),
        ("^Benchmark(a|b)?$", "^Benchmark(a|b)?$"),
    ],
)
def test_credentials_of_a_url_are_never_shown(url: str, shown: str) -> None:
    assert git.redacted(url) == shown


@pytest.mark.parametrize("url", ["--upload-pack=x://y", "ext://sh -c true"])
def test_what_git_would_run_is_no_url(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a git URL"):
        git.clone(url, tmp_path / "place")


def test_a_url_that_does_not_answer_is_told_in_gits_words(tmp_path: Path) -> None:
    with pytest.raises(Lacking) as caught:
        git.clone((tmp_path / "absent").as_uri(), tmp_path / "place")
    assert "does not exist" in caught.value.cause or "not appear to be" in caught.value.cause
    assert "--target PATH" in caught.value.next_command


def test_a_repository_without_commits_cannot_be_judged(tmp_path: Path) -> None:
    run(tmp_path, "init")
    checkout = git.find_checkout(tmp_path)
    assert not git.has_commits(checkout)
    with pytest.raises(Undecided, match="has no commit yet"):
        git.head(checkout)


def test_only_tracked_files_below_the_target_make_it_dirty(git_repository: Repository) -> None:
    root = git_repository({"sub/a": "1", "other": "1"})
    checkout = git.find_checkout(root / "sub")
    (root / "sub" / "untracked").write_text("x", "utf-8")
    (root / "other").write_text("changed", "utf-8")
    assert not git.is_dirty(checkout)
    (root / "sub" / "a").write_text("changed", "utf-8")
    assert git.is_dirty(checkout)


def test_on_a_branch_the_base_is_the_merge_base_with_the_default_branch(git_repository: Repository) -> None:
    root = git_repository({"a": "1"}, {"a": "2"})
    merge_base = run(root, "rev-parse", "HEAD")
    run(root, "checkout", "-b", "feature")
    run(root, "commit", "--allow-empty", "-m", "on the branch")
    run(root, "checkout", "main")
    run(root, "commit", "--allow-empty", "-m", "main goes on")
    run(root, "checkout", "feature")
    assert git.default_base(git.find_checkout(root)).sha == merge_base


def test_on_the_default_branch_the_base_is_the_first_parent(git_repository: Repository) -> None:
    root = git_repository({"a": "1"}, {"a": "2"})
    assert git.default_base(git.find_checkout(root)).sha == run(root, "rev-parse", "HEAD~1")


def test_the_remote_default_branch_counts_before_the_local_one(
    git_repository: Repository, tmp_path: Path
) -> None:
    """On a CI checkout there is often no local main."""
    root = git_repository({"a": "1"}, {"a": "2"})
    clone = tmp_path / "clone"
    run(tmp_path, "clone", "--quiet", str(root), str(clone))
    run(clone, "checkout", "-b", "feature")
    run(clone, "branch", "-D", "main")
    run(clone, "commit", "--allow-empty", "-m", "on the branch")
    assert git.default_base(git.find_checkout(clone)).sha == run(root, "rev-parse", "main")


def test_the_first_commit_has_nothing_to_compare_with(git_repository: Repository) -> None:
    with pytest.raises(Undecided, match="has no earlier commit"):
        git.default_base(git.find_checkout(git_repository({"a": "1"})))


def test_a_shallow_clone_that_hides_the_base_says_fetch_depth(
    git_repository: Repository, tmp_path: Path
) -> None:
    root = git_repository({"a": "1"}, {"a": "2"})
    run(tmp_path, "clone", "--quiet", "--depth=1", root.as_uri(), "shallow")
    with pytest.raises(Lacking, match="shallow clone") as caught:
        git.default_base(git.find_checkout(tmp_path / "shallow"))
    assert "fetch-depth: 0" in str(caught.value)


def test_a_merge_that_joins_no_history_with_the_default_branch_is_undecided(
    git_repository: Repository,
) -> None:
    root = git_repository({"a": "1"})
    run(root, "checkout", "--orphan", "other")
    run(root, "commit", "-m", "unrelated")
    run(root, "commit", "--allow-empty", "-m", "unrelated 2")
    with pytest.raises(Undecided):
        git.default_base(git.find_checkout(root))


def test_a_worktree_holds_the_commit_and_the_checkout_stays_as_it_was(
    git_repository: Repository, tmp_path: Path
) -> None:
    root = git_repository({"sub/a": "old"}, {"sub/a": "new"})
    (root / "sub" / "a").write_text("uncommitted", "utf-8")
    checkout = git.find_checkout(root / "sub")
    base = git.resolve(checkout, "HEAD~1")
    with git.worktree(checkout, base.sha, tmp_path / "trees" / "base") as directory:
        assert (directory / "a").read_text("utf-8") == "old"
    assert not (tmp_path / "trees" / "base").exists()
    assert run(root, "worktree", "list").count("\n") == 0
    assert (root / "sub" / "a").read_text("utf-8") == "uncommitted"


def test_a_worktree_left_by_a_killed_run_does_not_stand_in_the_way(
    git_repository: Repository, tmp_path: Path
) -> None:
    root = git_repository({"a": "1"})
    place = tmp_path / "trees" / "base"
    run(root, "worktree", "add", "--detach", str(place), "HEAD")
    (place / "a").write_text("half built", "utf-8")
    checkout = git.find_checkout(root)
    with git.worktree(checkout, git.head(checkout).sha, place) as directory:
        assert (directory / "a").read_text("utf-8") == "1"


def test_ancestors_are_first_parents_newest_first(git_repository: Repository) -> None:
    root = git_repository({"a": "1"}, {"a": "2"}, {"a": "3"})
    checkout = git.find_checkout(root)
    head = git.head(checkout).sha
    assert git.ancestors(checkout, head, 2) == (head, run(root, "rev-parse", "HEAD~1"))


def test_a_clone_is_made_once_and_brought_up_to_date(git_repository: Repository, tmp_path: Path) -> None:
    root = git_repository({"a": "1"})
    place = tmp_path / "targets" / "x"
    git.clone(root.as_uri(), place)
    git.clone(root.as_uri(), place)
    run(root, "commit", "--allow-empty", "-m", "later")
    assert git.fetch(place / "checkout")
    assert git.head(git.find_checkout(place / "checkout")).subject == "later"
    root.rename(tmp_path / "away")
    assert not git.fetch(place / "checkout")


def test_a_clone_that_cannot_be_reached_does_not_print_credentials(tmp_path: Path) -> None:
    with pytest.raises(Lacking, match="cannot clone") as caught:
        git.clone(f"file://user:secret@{tmp_path}/absent", tmp_path / "x")
    assert "secret" not in str(caught.value)


def test_an_option_in_disguise_is_no_url(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a git URL"):
        git.clone("--upload-pack=x", tmp_path / "x")


def test_where_a_worktree_cannot_be_noted_a_clone_borrows_the_objects(
    git_repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a read-only checkout; root ignores modes, so the refusal itself is played."""
    root = git_repository({"a": "old"}, {"a": "new"})
    checkout = git.find_checkout(root)
    base = git.resolve(checkout, "HEAD~1")
    call = gitpython.Git._call_process

    def refuse(self: gitpython.Git, method: str, *arguments: object, **options: object) -> object:
        if (method, *arguments[:1]) == ("worktree", "add"):
            raise gitpython.GitCommandError("git worktree add", 128, "fatal: Read-only file system")
        return call(self, method, *arguments, **options)

    monkeypatch.setattr(gitpython.Git, "_call_process", refuse)
    with git.worktree(checkout, base.sha, tmp_path / "trees" / "base") as directory:
        assert (directory / "a").read_text("utf-8") == "old"
    assert not (tmp_path / "trees" / "base").exists()


def test_a_commit_that_cannot_be_checked_out_is_told(git_repository: Repository, tmp_path: Path) -> None:
    checkout = git.find_checkout(git_repository({"a": "1"}))
    with (
        pytest.raises(Lacking, match="cannot be checked out into"),
        git.worktree(checkout, "0" * 40, tmp_path / "x"),
    ):
        pass


def test_changed_lines_are_those_of_the_head(git_repository: Repository) -> None:
    text = "".join(f"line {number}\n" for number in range(1, 11))
    gone = text.replace("line 4\n", "")
    root = git_repository(
        {"a.go": text, "b.txt": "1", "déjà vu.go": "x\n", "moved.go": text * 2},
        {"a.go": text.replace("line 2\n", "line 2\nmore\nand more\n").replace("line 9", "line nine")},
        {"a.go": gone, "b.txt": "2", "déjà vu.go": "y\n", "new.go": "z\n"},
    )
    run(root, "mv", "moved.go", "elsewhere.go")
    run(root, "commit", "-m", "moved")
    checkout = git.find_checkout(root)
    shas = git.ancestors(checkout, git.head(checkout).sha, 4)
    assert git.changed_lines(checkout, shas[3], shas[2]) == {"a.go": ((3, 4), (11, 11))}
    # Between the lines 3 and 4 something is gone: a range that holds both of them is touched, no other.
    assert git.changed_lines(checkout, shas[3], shas[0]) == {
        "a.go": ((4, 3),),
        "déjà vu.go": ((1, 1),),
        "new.go": ((1, 1),),
    }


def test_the_working_tree_counts_with_files_that_git_does_not_know(git_repository: Repository) -> None:
    root = git_repository({"a.go": "1\n2\n", ".gitignore": "ignored.go\n"})
    for name in ("a.go", "new.go", "ignored.go"):
        (root / name).write_text("1\n2\n3\n", "utf-8")
    checkout = git.find_checkout(root)
    changed = git.changed_lines(checkout, git.head(checkout).sha, None)
    assert changed["a.go"] == ((3, 3),)
    assert changed["new.go"][0][0] == 1
    assert changed.keys() == {"a.go", "new.go"}


def test_a_commit_that_is_not_here_has_no_changed_lines(git_repository: Repository) -> None:
    checkout = git.find_checkout(git_repository({"a.go": "1"}))
    with pytest.raises(Undecided, match="git diff cannot tell what changed since 000000000000"):
        git.changed_lines(checkout, "0" * 40, None)


def test_commits_that_touched_lines_are_told_newest_first(git_repository: Repository) -> None:
    root = git_repository({"a.go": "1\n2\n3\n"}, {"a.go": "1\ntwo\n3\n"}, {"a.go": "0\n1\nzwei\n3\n"})
    checkout = git.find_checkout(root)
    head, middle, first = git.ancestors(checkout, git.head(checkout).sha, 3)
    touched = git.commits_touching(checkout, first, head, "a.go", (3, 3), 60.0)
    assert [each.sha for each in touched] == [head, middle]
    assert git.commits_touching(checkout, first, head, "a.go", (4, 4), 60.0) == ()
    with pytest.raises(Undecided, match="git log -L cannot tell who touched a.go"):
        git.commits_touching(checkout, first, head, "a.go", (90, 91), 60.0)


def test_a_file_is_read_as_a_commit_has_it(git_repository: Repository) -> None:
    root = git_repository({"a.go": "old\n"}, {"a.go": "new\n"})
    checkout = git.find_checkout(root)
    before = git.resolve(checkout, "HEAD~1").sha
    assert (git.text_at(checkout, before, "a.go") or "").strip() == "old"
    assert git.text_at(checkout, before, "absent.go") is None
