"""Who touched a function between two commits: on real history."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from perf.blame.growth import Growth
from perf.blame.source import declarations
from perf.blame.touches import UNCOMMITTED, Change, Touches, find_touches
from perf.system import git

Repository = Callable[..., Path]

FIRST = "package p\n\nfunc One() int {\n\treturn 1\n}\n\nfunc Two() int {\n\treturn 2\n}\n\nvar x = 3\n"
SECOND = FIRST.replace("return 1", "return 1 + 0")
# Lines are only taken away here, below One and inside Two.
THIRD = SECOND.replace("func Two() int {\n\treturn 2\n}", "func Two() int { return 2 }")
FOURTH = THIRD.replace("var x", "// x is.\nvar x")


def touches(root: Path, base: str = "HEAD~3") -> Touches:
    checkout = git.find_checkout(root / "sub")
    return find_touches(
        Change(checkout, git.resolve(checkout, base).sha, git.head(checkout).sha, git.is_dirty(checkout))
    )


def growth(root: Path, name: str) -> Growth:
    declared = next(
        each for each in declarations((root / "sub" / "p.go").read_text("utf-8")) if each.name == name
    )
    return Growth(f"m.{name}", 1.0, 2.0, "p.go", declared.start, declared)


def subjects(found: Touches, each: Growth) -> list[str]:
    return [touch.subject for touch in found.commits(each)]


def repository(git_repository: Repository) -> Path:
    return git_repository(*({"sub/p.go": text, "other.go": text} for text in (FIRST, SECOND, THIRD, FOURTH)))


def test_each_function_has_the_commits_that_changed_its_lines(git_repository: Repository) -> None:
    root = repository(git_repository)
    found = touches(root)
    assert subjects(found, growth(root, "One")) == ["commit 1"]
    assert subjects(found, growth(root, "Two")) == ["commit 2"]
    (touch,) = found.commits(growth(root, "One"))
    assert (len(touch.sha), touch.author) == (40, "Test")
    assert found.position(growth(root, "Two")) == "sub/p.go:7"


def test_commits_before_the_base_count_for_nothing(git_repository: Repository) -> None:
    root = repository(git_repository)
    assert subjects(touches(root, "HEAD~2"), growth(root, "One")) == []


def test_a_line_outside_of_functions_is_touched_by_itself(git_repository: Repository) -> None:
    root = repository(git_repository)
    assert subjects(touches(root), Growth("m.glob", 1.0, 2.0, "p.go", 9)) == ["commit 3"]
    assert not touches(root).touched(Growth("m.glob", 1.0, 2.0, "p.go", 1))


def test_code_of_others_has_no_place_and_no_commits(git_repository: Repository) -> None:
    found = touches(repository(git_repository))
    library = Growth("memeqbody", 1.0, 2.0)
    assert (found.position(library), found.touched(library), found.commits(library)) == ("", False, ())


def test_uncommitted_changes_are_told_apart_from_commits(git_repository: Repository) -> None:
    root = repository(git_repository)
    path = root / "sub" / "p.go"
    path.write_text(path.read_text("utf-8").replace("package p", "package p\n\nvar y = 0\n"), "utf-8")
    path.write_text(path.read_text("utf-8").replace("return 2", "return 2 + 0"), "utf-8")
    found = touches(root)
    assert subjects(found, growth(root, "One")) == ["commit 1"]
    two = found.commits(growth(root, "Two"))
    assert (two[0], [touch.subject for touch in two[1:]]) == (UNCOMMITTED, ["commit 2"])


def test_a_function_that_no_commit_has_is_uncommitted_alone(git_repository: Repository) -> None:
    root = repository(git_repository)
    with (root / "sub" / "p.go").open("a", encoding="utf-8") as file:
        file.write("\nfunc Three() int { return 3 }\n")
    (root / "sub" / "new.go").write_text("package p\n\nfunc Four() int { return 4 }\n", "utf-8")
    found = touches(root)
    assert found.commits(growth(root, "Three")) == (UNCOMMITTED,)
    assert found.commits(Growth("m.Four", 0.0, 2.0, "new.go", 3)) == (UNCOMMITTED,)


def test_other_versions_of_modules_are_seen(git_repository: Repository) -> None:
    root = git_repository(
        {"sub/go.mod": "module m\n"}, {"go.mod": "module n\n"}, {"sub/go.mod": "module m\n\ngo 1.21\n"}
    )
    assert touches(root, "HEAD~1").requirements_changed()
    subprocess.run(["git", "-C", str(root), "reset", "--hard", "HEAD~1"], check=True, capture_output=True)
    assert not touches(root, "HEAD~1").requirements_changed()


def test_what_was_touched_and_did_not_grow_lies_where_it_was_touched(git_repository: Repository) -> None:
    root = repository(git_repository)
    found = touches(root)
    one = growth(root, "One")
    assert found.position(one) == "sub/p.go:3"
    assert found.position(replace(one, head=one.base)) == "sub/p.go:4"
    untouched = touches(root, "HEAD~1").position(replace(one, head=one.base))
    assert untouched == "sub/p.go:3"
