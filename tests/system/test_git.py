"""The door to git, on real repositories: revisions are verified, checkouts are never touched."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

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


def test_a_path_is_taken_literally(
    git_repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("perf_absent", raising=False)
    root = git_repository({"a": "1"}, name="$HOME and ${perf_absent}")
    checkout = git.find_checkout(root)
    assert checkout == git.Checkout(root, ".")
    assert git.head(checkout).subject == "commit 0"
    git.clone(root.as_uri(), tmp_path / "$HOME")
    assert git.fetch(tmp_path / "$HOME" / "checkout")


def test_a_link_into_a_repository_leads_to_it(git_repository: Repository, tmp_path: Path) -> None:
    root = git_repository({"sub/a": "1"})
    (tmp_path / "link").symlink_to(root / "sub")
    assert git.find_checkout(tmp_path / "link") == git.Checkout(root, "sub")


def test_what_a_hook_is_told_of_its_repository_does_not_reach_git(
    git_repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its configuration does: without safe.directory a container's git may read nothing."""
    committing = git_repository({"a": "1"}, name="committing")
    for name, value in {"DIR": ".git", "INDEX_FILE": ".git/index", "WORK_TREE": "", "PREFIX": "sub/"}.items():
        monkeypatch.setenv(f"GIT_{name}", str(committing / value))
    configured = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "c"}
    for name, value in configured.items():
        monkeypatch.setenv(name, value)
    git.leave_callers_repository()
    assert not {"GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_PREFIX"} & os.environ.keys()
    assert configured.items() <= os.environ.items()
    other = git_repository({"a": "1"}, {"b": "1"}, name="other")
    assert git.head(git.find_checkout(other)).subject == "commit 1"
    assert not git.is_dirty(git.find_checkout(other))


HOOK = """#!{python}
import os
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
os.chdir({root!r})
from perf.invocation import doors
from perf.system import git, trees
with doors():
    checkout = git.find_checkout(Path({target!r}))
    assert git.is_dirty(checkout)
    assert not git.is_dirty(git.find_checkout(Path({other!r})))
    with trees.exported(checkout, git.head(checkout).sha, Path({place!r})) as directory:
        Path({seen!r}).write_text((directory / "a").read_text())
"""


@pytest.mark.parametrize("arguments", [["-a"], ["-o", "a"], []])
def test_a_run_in_a_hook_leaves_the_commit_as_it_was_meant(
    git_repository: Repository, tmp_path: Path, arguments: list[str]
) -> None:
    """`commit -a` and `commit -o` hand their hooks an index of their own."""
    root = git_repository({"a": "1", "b": "1", "c": "1"})
    (root / "a").write_text("2", "utf-8")
    if not arguments:
        run(root, "add", "a")
    hook = root / ".git" / "hooks" / "pre-commit"
    other = git_repository({"b": "1"}, name="other")
    names = {
        "target": str(root),
        "other": str(other),
        "place": str(tmp_path / "place"),
        "seen": str(tmp_path / "seen"),
    }
    hook.write_text(HOOK.format(python=sys.executable, root=str(Path(__file__).parents[2]), **names), "utf-8")
    hook.chmod(0o755)
    run(root, "commit", *arguments, "-m", "with a hook")
    assert (tmp_path / "seen").read_text("utf-8") == "1"
    assert run(root, "show", "--format=", "--name-status") == "M\ta"
    assert run(root, "status", "--porcelain") == ""


@pytest.mark.parametrize("closed", [".git", ".git/HEAD", ".git/objects"])
def test_a_repository_that_may_not_be_read_is_told_as_such(
    git_repository: Repository, bound_by_modes: list[str], closed: str
) -> None:
    root = git_repository({"sub/a": "1"})
    (root / closed).chmod(0)
    asking = "from pathlib import Path; from perf.system import git; git.find_checkout(Path('sub'))"
    done = subprocess.run(
        [*bound_by_modes, sys.executable, "-c", asking],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    (root / closed).chmod(0o700)
    assert (
        f"perf.errors.UsageError: {root / 'sub'} is in a git repository that may not be read" in done.stderr
    )
    assert f"{root / closed}: permission denied" in done.stderr


def test_a_repository_that_git_refuses_is_told_in_its_words(git_repository: Repository) -> None:
    root = git_repository({"a": "1"})
    checkout = git.find_checkout(root)
    (root / ".git" / "config").write_text("[core", "utf-8")
    with pytest.raises(Lacking, match="git does not read .*: bad config"):
        git.head(checkout)
    assert not git.has_commits(checkout)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to another user")
def test_a_repository_of_another_user_says_how_to_trust_it(git_repository: Repository) -> None:
    """As the checkout of a CI job is in its container."""
    root = git_repository({"a": "1"})
    for path in (root, root / ".git"):
        os.chown(path, 65534, 65534)
    with pytest.raises(Lacking, match="dubious ownership") as caught:
        git.head(git.find_checkout(root))
    assert caught.value.next_command == f"git config --global --add safe.directory {root}"


@pytest.mark.parametrize("revision", ["HEAD", "main", "HEAD~1", "v1"])
def test_every_way_to_name_a_commit_gives_its_full_hash(git_repository: Repository, revision: str) -> None:
    root = git_repository({"a": "1"}, {"a": "2"})
    run(root, "tag", "-a", "v1", "-m", "annotated")
    commit = git.resolve(git.find_checkout(root), revision)
    assert commit.sha == run(root, "rev-parse", f"{revision}^{{commit}}")
    assert commit.author == "Test"


def test_a_commit_is_found_by_its_words(git_repository: Repository) -> None:
    root = git_repository({"a": "1"}, {"a": "2"})
    assert git.resolve(git.find_checkout(root), ":/commit 0").sha == run(root, "rev-parse", "HEAD~1")


@pytest.mark.parametrize(
    ("revision", "kind"), [("HEAD:a", "blob"), ("HEAD:", "tree"), ("HEAD^{tree}", "tree"), ("v1", "blob")]
)
def test_what_is_here_and_no_commit_is_told_by_its_kind(
    git_repository: Repository, revision: str, kind: str
) -> None:
    root = git_repository({"a": "1"})
    run(root, "tag", "-a", "v1", "-m", "of a file", "HEAD:a")
    with pytest.raises(UsageError, match=f"is no commit in .*: it is a {kind}") as caught:
        git.resolve(git.find_checkout(root), revision)
    assert "fetch" not in str(caught.value)


@pytest.mark.parametrize(
    "revision",
    [
        "absent",
        "--upload-pack=x",
        "-h",
        "",
        "^HEAD",
        "HEAD:b",
        "HEAD..main",
        "HEAD^!",
        "a b",
        "a\0b",
        "0" * 40,
    ],
)
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


@pytest.mark.parametrize("name", ["new.go", "deeper/new_test.go", "go.sum", "add.s", "one.c", "déjà vu.h"])
def test_a_file_that_go_builds_from_makes_it_dirty_before_git_knows_it(
    git_repository: Repository, name: str
) -> None:
    """Else two equal commits would prove unchanged what was never built."""
    root = git_repository({"su[b]/go.mod": "module x", ".gitignore": "ignored*"})
    checkout = git.find_checkout(root / "su[b]")
    (root / "su[b]" / "deeper").mkdir()
    for elsewhere in ("beside.go", "su[b]/ignored.go", "su[b]/deeper/notes.txt"):
        (root / elsewhere).write_text("x", "utf-8")
    assert not git.is_dirty(checkout)
    (root / "su[b]" / name).write_text("x", "utf-8")
    assert git.is_dirty(checkout)


def test_whether_it_is_dirty_is_asked_without_writing_into_the_repository(git_repository: Repository) -> None:
    root = git_repository({"a": "1"})
    (root / "a").write_text("1", "utf-8")
    os.utime(root / "a", (1, 1))
    before = (root / ".git" / "index").read_bytes()
    assert not git.is_dirty(git.find_checkout(root))
    assert (root / ".git" / "index").read_bytes() == before


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
