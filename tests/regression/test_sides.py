"""Which packages are measured at all, and with whose benchmarks: pure sorting first, then real commits and builds."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from perf.benchmarks.binaries import TestBinary
from perf.context import Context, Options
from perf.errors import RunFailed, Undecided, UsageError
from perf.model import Problem, ProblemKind
from perf.regression.matched import Couple, Matched, match
from perf.regression.sides import built, find_base, find_head

Repository = Callable[..., Path]
ContextFor = Callable[..., Context]

GO_MOD = "module example.test/target\n\ngo 1.21\n"
CODE = """package {package}

// Fill fills.
func Fill(n int) []byte {{
	return make([]byte, n)
}}
"""
BENCHMARKS = """package {package}

import "testing"

const size = 64

func BenchmarkFill(b *testing.B) {{
	for i := 0; i < b.N; i++ {{
		Fill(size)
	}}
}}

func BenchmarkOther(b *testing.B) {{}}
"""


def binary(directory: Path, package: str, digest: str = "d", kind: ProblemKind | None = None) -> TestBinary:
    place = directory / package
    place.mkdir(parents=True, exist_ok=True)
    problem = Problem(package, "", kind, f"{package}/a_test.go:3: undefined: x") if kind else None
    return TestBinary(package, place, None if kind else place / "a.test", "" if kind else digest, problem)


def test_equal_binaries_are_proven_unchanged_and_others_measured(tmp_path: Path) -> None:
    base = [
        binary(tmp_path / "b", "same"),
        binary(tmp_path / "b", "other", "1"),
        binary(tmp_path / "b", "old"),
    ]
    head = [
        binary(tmp_path / "h", "same"),
        binary(tmp_path / "h", "other", "2"),
        binary(tmp_path / "h", "new"),
    ]
    found = match(base, head)
    assert found.proven == ("same",)
    assert [couple.package for couple in found.differing] == ["other"]
    assert (found.only_base, found.only_head) == (("old",), ("new",))


def test_equal_binaries_that_read_other_test_data_are_measured(tmp_path: Path) -> None:
    base, head = [binary(tmp_path / "b", "same")], [binary(tmp_path / "h", "same")]
    for side in (base, head):
        (side[0].directory / "testdata").mkdir()
        (side[0].directory / "testdata" / "blob").write_text("x")
    assert match(base, head).proven == ("same",)
    (head[0].directory / "testdata" / "blob").write_text("xx")
    assert match(base, head).proven == ()


def test_a_head_that_breaks_a_package_is_a_failed_run_with_the_compilers_words(tmp_path: Path) -> None:
    broken = binary(tmp_path / "h", "a", kind=ProblemKind.NOT_BUILT)
    with pytest.raises(RunFailed, match=r"a_test.go:3: undefined: x"):
        match([binary(tmp_path / "b", "a")], [broken])


def test_a_head_of_which_nothing_builds_is_a_failed_run_even_if_the_base_is_broken_too(
    tmp_path: Path,
) -> None:
    with pytest.raises(RunFailed):
        match(
            [binary(tmp_path / "b", "a", kind=ProblemKind.NOT_BUILT)],
            [binary(tmp_path / "h", "a", kind=ProblemKind.NOT_BUILT)],
        )


def test_a_base_of_which_nothing_builds_leaves_nothing_to_compare_with(tmp_path: Path) -> None:
    with pytest.raises(Undecided, match=r"undefined: x"):
        match([binary(tmp_path / "b", "a", kind=ProblemKind.NOT_BUILT)], [binary(tmp_path / "h", "a")])


@pytest.mark.parametrize("kind", [ProblemKind.NOT_BUILT, ProblemKind.LEFT_OUT])
def test_a_package_without_a_binary_on_both_sides_is_a_problem_beside_the_others(
    tmp_path: Path, kind: ProblemKind
) -> None:
    base = [binary(tmp_path / "b", "a"), binary(tmp_path / "b", "z", kind=kind)]
    head = [binary(tmp_path / "h", "a"), binary(tmp_path / "h", "z", kind=kind)]
    found = match(base, head)
    assert found.proven == ("a",)
    assert [problem.kind for problem in found.problems] == [kind]


def test_what_does_not_build_at_the_base_is_not_told_as_a_slip_of_the_checkout(tmp_path: Path) -> None:
    """No annotation may point to a line of the checkout for it."""
    good, broken = binary(tmp_path / "x", "a"), binary(tmp_path / "b", "z", kind=ProblemKind.NOT_BUILT)
    assert broken.problem is not None
    placed = replace(broken, problem=replace(broken.problem, position="z/a_test.go:3"))
    (problem,) = match([good, placed], [good, binary(tmp_path / "h", "z")]).problems
    assert (problem.text, problem.position) == ("at the base: z/a_test.go:3: undefined: x", "")


def test_new_and_removed_benchmarks_are_named_where_held_files_hide_them(tmp_path: Path) -> None:
    base = [binary(tmp_path / "b", name) for name in ("held", "own")]
    head = [binary(tmp_path / "h", name, "other") for name in ("held", "own")]
    held = Couple("held", base[0], head[0], new=("BenchmarkNew",), removed=("BenchmarkOld",))
    own = Couple("own", base[1], head[1], new=("BenchmarkNew",), not_held="x_test.go:1: undefined: x")
    found = match(base, head, [held, own])
    assert found.differing == (held, own)
    assert (found.only_base, found.only_head) == (("held BenchmarkOld",), ("held BenchmarkNew",))


def package_files(package: str, **others: str) -> dict[str, str]:
    """A package with its test file; `others` are further files, "_" in their names for the first "."."""
    files = {"a.go": CODE.format(package=package), "a_test.go": BENCHMARKS.format(package=package), **others}
    return {f"{package}/{name}": text for name, text in files.items()}


@contextmanager
def sides_of(context: Context) -> Iterator[Matched]:
    head = find_head(context)
    with built(context, find_base(context, head), head) as matched:
        yield matched


EMBEDS = """package embeds_test

import (
	_ "embed"
	"testing"
)

//go:embed words.txt
var words string

func BenchmarkWords(b *testing.B) { b.Log(words) }
"""


@pytest.mark.go
def test_edits_of_tests_test_data_and_comments_are_proven_unchanged(
    git_repository: Repository, context_for: ContextFor
) -> None:
    """The head is built with the base's test files: new ones hidden, removed ones added, external packages too."""
    more = BENCHMARKS.format(package="moved") + "\nfunc BenchmarkNew(b *testing.B) {}\n"
    base = {
        "go.mod": GO_MOD,
        **package_files("moved"),
        "moved/old_test.go": 'package moved_test\n\nimport "testing"\n\nfunc BenchmarkOld(b *testing.B) {}\n',
        **package_files("reads"),
        "reads/testdata/blob": "x",
        "embeds/embeds_test.go": EMBEDS,
        "embeds/words.txt": "words",
    }
    root = git_repository(base)
    changes = {
        "moved/a.go": "// Words.\n\n" + CODE.format(package="moved"),
        "moved/a_test.go": more.replace("size = 64", "size = 65"),
        "moved/new_test.go": "package moved\n\nfunc init() { panic(size) }\n",
        "reads/testdata/blob": "xx",
        "embeds/words.txt": "other words",
    }
    for name, text in changes.items():
        (root / name).write_text(text, "utf-8")
    (root / "moved" / "old_test.go").unlink()
    with sides_of(context_for(root, options=Options(base="HEAD"))) as found:
        assert found.proven == ("./embeds", "./moved", "./reads")
        assert found.differing == ()
        assert found.only_base == ("./moved BenchmarkOld",)
        assert found.only_head == ("./moved BenchmarkNew",)
    assert (root / "moved" / "a_test.go").read_text("utf-8") == changes["moved/a_test.go"]
    status = subprocess.run(
        ["git", "-C", str(root), "status", "--porcelain"], capture_output=True, text=True, check=True
    )
    assert len(status.stdout.splitlines()) == len(changes) + 1


@pytest.mark.go
def test_a_changed_program_runs_the_bases_benchmarks_on_the_bases_test_data(
    git_repository: Repository, context_for: ContextFor
) -> None:
    base = {"go.mod": GO_MOD, **package_files("a"), "a/testdata/blob": "x"}
    changed = {
        "a/a.go": CODE.format(package="a").replace("n)\n", "n+1)\n"),
        "a/a_test.go": BENCHMARKS.format(package="a").replace("BenchmarkOther", "BenchmarkNew"),
        "a/testdata/blob": "xx",
    }
    root = git_repository(base, changed)
    with sides_of(context_for(root)) as found:
        (couple,) = found.differing
        assert (couple.changed, couple.not_held) == (frozenset(), "")
        assert (couple.new, couple.removed) == ((), ())
        assert couple.renamed == {"BenchmarkOther": "BenchmarkNew"}
        assert "both sides ran the base's" in found.notes[0]
        assert found.notes[1] == (
            "./a BenchmarkOther is called BenchmarkNew at the head, and is compared under its old name"
        )
        assert couple.head.directory == couple.base.directory
        assert couple.source is not None
        assert (couple.source / "testdata" / "blob").read_text("utf-8") == "xx"
        assert (couple.head.directory / "testdata" / "blob").read_text("utf-8") == "x"
        assert couple.head.path is not None
        listed = subprocess.run(
            [couple.head.path, "-test.list=."], capture_output=True, text=True, check=True
        ).stdout.split()
        assert listed == ["BenchmarkFill", "BenchmarkOther"]
    with sides_of(context_for(root, options=Options(bench="Fill"))) as found:
        assert (found.differing[0].new, found.differing[0].removed) == ((), ())


@pytest.mark.go
def test_where_the_bases_benchmarks_do_not_compile_those_with_other_code_are_marked(
    git_repository: Repository, context_for: ContextFor
) -> None:
    base = {"go.mod": GO_MOD, **package_files("a"), **package_files("b"), "a/testdata/blob": "x"}
    changed = {
        "a/a.go": CODE.format(package="a").replace("n int", "n int, _ bool"),
        "a/a_test.go": BENCHMARKS.format(package="a").replace("Fill(size)", "Fill(size, true)")
        + "\nfunc BenchmarkNew(b *testing.B) {}\n",
        "b/a_test.go": BENCHMARKS.format(package="b").replace("64", "65"),
    }
    root = git_repository(base, changed)
    with sides_of(context_for(root)) as found:
        (couple,) = found.differing
        assert couple.package == "./a"
        assert couple.changed == {"BenchmarkFill"}
        assert re.match(r"a_test\.go:9:\d+: not enough arguments in call to Fill", couple.not_held)
        assert couple.new == ("BenchmarkNew",)
        assert couple.head.directory != couple.base.directory
        assert found.proven == ("./b",)
        assert found.only_head == (), "its own binary lists the new one"


@pytest.mark.go
def test_a_constant_of_the_program_is_never_proven_unchanged(
    git_repository: Repository, context_for: ContextFor
) -> None:
    code = CODE + '\nconst Words = "{words}"\n\nfunc Say() string {{ return Words }}\n'
    tests = BENCHMARKS.format(package="a").replace("{}", "{ b.Log(Say()) }")
    before, after = (code.format(package="a", words=words) for words in ("one", "two"))
    root = git_repository({"go.mod": GO_MOD, "a/a.go": before, "a/a_test.go": tests}, {"a/a.go": after})
    with sides_of(context_for(root)) as found:
        assert found.proven == ()


@pytest.mark.go
def test_what_program_and_tests_embed_is_the_programs(
    git_repository: Repository, context_for: ContextFor
) -> None:
    """It is not held, so the package is measured, and what its benchmarks tell is not believed."""
    code = 'package embeds\n\nimport _ "embed"\n\n//go:embed words.txt\nvar Words string\n'
    base = {"go.mod": GO_MOD, "embeds/a.go": code, "embeds/a_test.go": EMBEDS, "embeds/words.txt": "one"}
    root = git_repository(base, {"embeds/words.txt": "two"})
    with sides_of(context_for(root)) as found:
        (couple,) = found.differing
        assert (couple.changed, couple.not_held) == ({"BenchmarkWords"}, "")


@pytest.mark.go
def test_a_base_that_go_cannot_list_leaves_nothing_to_compare_with(
    git_repository: Repository, context_for: ContextFor
) -> None:
    files = package_files("a")
    root = git_repository({"go.mod": "module x\n\nnonsense here\n", **files}, {"go.mod": GO_MOD})
    with pytest.raises(Undecided, match="unknown directive"):
        with sides_of(context_for(root)):
            pass


@pytest.mark.go
def test_a_base_that_wants_a_newer_go_leaves_nothing_to_compare_with(
    git_repository: Repository, context_for: ContextFor
) -> None:
    root = git_repository(
        {"go.mod": GO_MOD.replace("1.21", "1.999"), **package_files("a")}, {"go.mod": GO_MOD}
    )
    context = context_for(root)
    head = find_head(context)
    base = find_base(context, head)
    with pytest.raises(Undecided, match=f"the base {base.sha[:12]} cannot be built") as caught:
        with built(context, base, head):
            pass
    assert f"{base.sha[:12]}/go.mod wants Go 1.999" in caught.value.what
    assert str(context.processes.scratch) not in str(caught.value)
    assert "--base REV" in caught.value.next_command


@pytest.mark.go
def test_a_base_without_the_targets_directory_leaves_nothing_to_compare_with(
    git_repository: Repository, context_for: ContextFor
) -> None:
    moved = {f"sub/{name}": text for name, text in {"go.mod": GO_MOD, **package_files("a")}.items()}
    root = git_repository({"README.md": "words"}, moved)
    context = context_for(root / "sub")
    with pytest.raises(Undecided, match=r"[0-9a-f]{12} is not a Go module") as caught:
        with sides_of(context):
            pass
    assert str(context.processes.scratch) not in str(caught.value)


@pytest.mark.go
def test_a_file_that_git_does_not_know_yet_is_part_of_the_head(
    git_repository: Repository, context_for: ContextFor
) -> None:
    root = git_repository({"go.mod": GO_MOD, **package_files("a")}, {"README.md": "words"})
    with sides_of(context_for(root)) as found:
        assert found.proven == ("./a",)
    (root / "a" / "slow.go").write_text(
        'package a\n\nimport "time"\n\nfunc init() { time.Sleep(1) }\n', "utf-8"
    )
    with sides_of(context_for(root)) as found:
        assert found.proven == ()


@pytest.mark.go
def test_both_sides_lie_at_paths_of_equal_length_and_leave_nothing_behind(
    git_repository: Repository, context_for: ContextFor
) -> None:
    """A path's length must not make one side allocate more."""
    root = git_repository(
        {"go.mod": GO_MOD, **package_files("a")}, {"a/a.go": "package a\n\nfunc Fill(int) {}\n"}
    )
    context = context_for(root)
    with sides_of(context) as found:
        (couple,) = found.differing
        assert couple.source is not None
        directories = {couple.base.directory, couple.source}
        assert len(directories) == 2
        assert len({len(str(each)) for each in directories}) == 1
        assert not any(each.is_relative_to(root) for each in directories)
    assert not any(each.exists() for each in directories)


def test_a_repository_that_may_not_be_read_is_no_missing_one(
    git_repository: Repository, context_for: ContextFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = git_repository({"a": "1"})
    context = replace(context_for(root), target=replace(context_for(root).target, checkout=None))
    with pytest.raises(UsageError, match="is not in a git repository: there is no commit to compare with"):
        find_head(context)
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path).name != "objects")
    with pytest.raises(UsageError, match=r"\.git/objects: permission denied: there is no commit"):
        find_head(context)


def test_a_heads_own_test_files_that_do_not_compile_are_told_though_the_bases_run(
    git_repository: Repository, context_for: ContextFor
) -> None:
    base = {"go.mod": GO_MOD, **package_files("a")}
    broken = BENCHMARKS.format(package="a") + "\nvar x = undefined\n"
    changed = {"a/a.go": CODE.format(package="a").replace("n)\n", "n+1)\n"), "a/a_test.go": broken}
    with sides_of(context_for(git_repository(base, changed))) as found:
        assert [couple.package for couple in found.differing] == ["./a"]
        (problem,) = found.problems
        assert problem.text.startswith("the head's own test files (the base's were run):")
        assert "undefined" in problem.text
