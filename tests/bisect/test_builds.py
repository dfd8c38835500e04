"""Test binaries along a range: real commits and builds; what equal source shares, what is held, what is left alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from perf.bisect import builds as module
from perf.bisect.builds import Builds, Built
from perf.context import Options
from perf.errors import Interrupted, Lacking, Undecided
from tests.bisect.histories import (
    BASE,
    BENCHMARK,
    CODE,
    ContextFor,
    Repository,
    builds_of,
    git,
    history,
)

pytestmark = pytest.mark.go

FASTER = CODE.replace("n)", "n/2)")
OTHER = "package {name}\n\nfunc Twice(n int) int {{ return 2 * n }}\n"


def digests(builds: Builds) -> list[str]:
    """One letter for each binary along the range, "-" where there is none."""
    builds.ends()
    builds.ensure(range(len(builds._range.commits)))
    letters: dict[str, str] = {"": "-"}
    known = builds.known()
    return [letters.setdefault(known[place].digest, chr(96 + len(letters))) for place in sorted(known)]


def runs(built: Built) -> str:
    assert built.binary is not None and built.binary.path is not None
    command = [str(built.binary.path), "-test.bench=.", "-test.benchtime=1x", "-test.run=^$"]
    return subprocess.run(
        command, cwd=built.binary.directory, capture_output=True, text=True, check=True
    ).stdout


def test_commits_that_change_nothing_it_is_made_of_share_one_build(
    git_repository: Repository, context_for: ContextFor
) -> None:
    root = history(
        git_repository,
        {**BASE, "other/other.go": OTHER.format(name="other")},
        {"README.md": "words", "a/notes.txt": "words"},
        {
            "other/other.go": OTHER.format(name="other").replace("2", "3"),
            "other/other_test.go": "package other\n",
        },
        {"a/a_test.go": BENCHMARK.replace("64", "65"), "a/testdata/blob": "x"},
        {"a/a.go": FASTER},
        {"LICENSE": "words"},
    )
    with builds_of(context_for(root)) as builds:
        good, bad = builds.ends()
        assert builds.linked == 2
        assert {place: each.digest for place, each in builds.known().items()} == {
            **dict.fromkeys((0, 1, 2, 3), good.digest),
            **dict.fromkeys((4, 5), bad.digest),
        }
        assert good.digest != bad.digest
        assert builds.held == "good"
        assert not builds.changed_between(2, 3), "one version is held"


@pytest.mark.parametrize(
    "change",
    [
        {"dep/dep.go": OTHER.format(name="dep").replace("2", "3")},
        {"dep/more.go": "package dep\n\nfunc init() { println() }\n"},
        {"go.mod": BASE["go.mod"].replace("1.21", "1.20")},
        {"words/words.txt": "others"},
        {"link.go": "package linked\n\nfunc Once(n int) int { return n + 1 }\n"},
    ],
    ids=["a dependency", "a file more in one", "go.mod", "what is embedded", "behind a symbolic link"],
)
def test_a_commit_that_changes_what_it_is_made_of_is_built(
    change: dict[str, str], git_repository: Repository, context_for: ContextFor
) -> None:
    code = (
        'package a\n\nimport (\n\t_ "embed"\n\n\t"example.test/target/dep"\n\t"example.test/target/linked"\n'
        '\t"example.test/target/words"\n)\n\n'
        "func Fill(n int) int { return dep.Twice(n) + linked.Once(n) + len(words.Words) }\n"
    )
    words = 'package words\n\nimport _ "embed"\n\n//go:embed *.txt\nvar Words string\n'
    root = git_repository(
        {
            **BASE,
            "a/a.go": code.replace('\t_ "embed"\n\n', ""),
            "dep/dep.go": OTHER.format(name="dep"),
            "words/words.go": words,
            "words/words.txt": "words",
            "link.go": "package linked\n\nfunc Once(n int) int { return n }\n",
        }
    )
    (root / "linked").mkdir()
    (root / "linked" / "linked.go").symlink_to("../link.go")
    git(root, "add", "--all")
    git(root, "commit", "-m", "linked")
    for name, text in change.items():
        (root / name).write_text(text, "utf-8")
    git(root, "add", "--all")
    git(root, "commit", "-m", "changed")
    with builds_of(context_for(root), good="HEAD~1") as builds:
        good, _ = builds.ends()
        assert builds.linked == 2
        inputs = builds._build(0)[1]
        assert good.binary is not None and inputs is not None
        assert not builds._same_source(0, inputs)
        assert inputs.may_read(next(iter(change)))


def test_a_commit_that_does_not_compile_says_where_and_others_are_built_around_it(
    git_repository: Repository, context_for: ContextFor
) -> None:
    root = history(git_repository, BASE, {"a/a.go": CODE + "\nvar x int = y\n"}, {"a/a.go": FASTER})
    with builds_of(context_for(root)) as builds:
        assert digests(builds) == ["a", "-", "b"]
        assert builds.at(1).reason == "does not compile: a.go:5:13: undefined: y"


def test_an_end_that_does_not_build_is_told_in_the_compilers_words(
    git_repository: Repository, context_for: ContextFor
) -> None:
    root = history(git_repository, BASE, {"a/a.go": CODE + "\nvar x int = y\n"})
    with builds_of(context_for(root)) as builds:
        with pytest.raises(Undecided, match=r"the bad end cannot be measured: .*undefined: y"):
            builds.ends()


def test_a_benchmark_that_is_renamed_or_missing_on_the_way_is_held_there(
    git_repository: Repository, context_for: ContextFor
) -> None:
    root = history(
        git_repository,
        BASE,
        {"a/a_test.go": BENCHMARK.replace("BenchmarkFill", "BenchmarkOther")},
        {"a/a_test.go": None, "a/a.go": CODE.replace("n)", "n+1)")},
        {"a/a_test.go": BENCHMARK, "a/a.go": FASTER},
    )
    with builds_of(context_for(root)) as builds:
        assert digests(builds) == ["a", "a", "b", "c"]
        assert all("BenchmarkFill" in runs(builds.at(place)) for place in range(4))
        assert builds.names == ("BenchmarkFill",)


def test_where_the_good_ends_files_do_not_compile_at_the_bad_end_the_bad_ends_are_held(
    git_repository: Repository, context_for: ContextFor
) -> None:
    root = history(
        git_repository,
        {**BASE, "a/a_test.go": BENCHMARK + "\nvar _ = gone\n", "a/gone.go": "package a\n\nvar gone int\n"},
        {"a/a_test.go": BENCHMARK, "a/gone.go": None},
        {"a/a.go": FASTER},
    )
    with builds_of(context_for(root)) as builds:
        assert "-" not in digests(builds)
        assert builds.held == "bad"
        assert any("the bad end's are used" in note for note in builds.notes)


def own_history(repository: Repository, *more: dict[str, str | None]) -> Path:
    """Neither end's files compile at the other."""
    renamed = BENCHMARK.replace("Fill(64)", "Fill(64, true)")
    code = CODE.replace("n int", "n int, _ bool")
    return history(repository, BASE, {"a/a.go": code, "a/a_test.go": renamed}, *more)


def test_where_neither_ends_files_compile_at_both_each_has_its_own_and_a_changed_benchmark_is_known(
    git_repository: Repository, context_for: ContextFor
) -> None:
    code = CODE.replace("n int", "n int, _ bool")
    root = own_history(
        git_repository,
        {"a/a.go": code.replace("n)", "n/2)"), "a/testdata/blob": "x"},
        {"a/a_test.go": "package a\n"},
        {
            "a/a_test.go": BENCHMARK.replace("Fill(64)", "Fill(64, true)"),
            "a/other_test.go": 'package a\n\nimport "testing"\n\nfunc TestNothing(t *testing.T) {}\n',
        },
    )
    with builds_of(context_for(root)) as builds:
        builds.ends()
        assert builds.held == "own"
        assert any("each commit runs its own" in note for note in builds.notes)
        assert builds.changed_between(0, 1)
        assert not builds.changed_between(1, 2)
        assert not builds.changed_between(2, 4)
        assert builds.at(3).reason == "does not build: it has no benchmark that '.' chooses"


def test_where_held_files_do_not_compile_on_the_way_equal_benchmarks_of_its_own_do(
    git_repository: Repository, context_for: ContextFor
) -> None:
    test = "\nfunc TestHelped(t *testing.T) { helped() }\n"
    root = history(
        git_repository,
        {**BASE, "a/a_test.go": BENCHMARK + test, "a/helped.go": "package a\n\nfunc helped() {}\n"},
        {"a/a_test.go": BENCHMARK, "a/helped.go": None, "a/a.go": CODE.replace("n)", "n+1)")},
        {"a/a_test.go": BENCHMARK.replace("64", "65")},
        {"a/a_test.go": BENCHMARK + test, "a/helped.go": "package a\n\nfunc helped() {}\n", "a/a.go": FASTER},
    )
    with builds_of(context_for(root)) as builds:
        builds.ends()
        assert builds.held == "good"
        assert "BenchmarkFill" in runs(builds.at(1))
        assert "undefined: helped" in builds.at(2).reason


def test_what_program_and_tests_embed_is_not_held(
    git_repository: Repository, context_for: ContextFor
) -> None:
    code = 'package a\n\nimport _ "embed"\n\n//go:embed words.txt\nvar Words string\n\nfunc Fill(int) {}\n'
    tests = BENCHMARK.replace(
        'import "testing"', 'import (\n\t_ "embed"\n\t"testing"\n)\n\n//go:embed words.txt\nvar words string'
    )
    first = {**BASE, "a/a.go": code, "a/a_test.go": tests, "a/words.txt": "one"}
    root = history(git_repository, first, {"a/words.txt": "two, more"})
    with builds_of(context_for(root)) as builds:
        assert digests(builds) == ["a", "b"], "the program's own data changed"
        assert builds.changed_between(0, 1)


def test_a_package_that_is_missing_on_the_way_says_where_its_benchmark_is(
    git_repository: Repository, context_for: ContextFor
) -> None:
    root = history(
        git_repository,
        BASE,
        {"a/a.go": None, "a/a_test.go": None, "b/a.go": CODE, "b/a_test.go": BENCHMARK},
        {"b/a.go": None, "b/a_test.go": None, "a/a.go": FASTER, "a/a_test.go": BENCHMARK},
    )
    context = context_for(root, options=Options(bench="Fill"))
    with builds_of(context) as builds:
        assert digests(builds) == ["a", "-", "b"]
        assert builds.at(1).reason == "./a is missing, but 'Fill' chooses benchmarks of ./b there"
    with pytest.raises(
        Undecided, match=r"\./b is missing at the good end, but 'Fill' chooses benchmarks of \./a"
    ):
        with builds_of(context, "./b"):
            pass


def test_what_cannot_be_measured_is_given_up_wherever_it_is_built(
    git_repository: Repository, context_for: ContextFor
) -> None:
    """A panic at start builds well; a later build that comes to the same binary is the same."""
    panics = {"a/a.go": CODE + "\nfunc init() { panic(1) }\n"}
    root = history(git_repository, BASE, panics, {"a/a.go": FASTER}, panics, {"a/a.go": FASTER})
    with builds_of(context_for(root)) as builds:
        builds.ends()
        builds.give_up(builds.at(1).digest, "panics")
        assert (builds.at(1), builds.at(3)) == (Built(None, "panics"), Built(None, "panics"))
        assert builds.at(2).binary is not None


def test_inside_a_merge_places_share_what_they_may(
    git_repository: Repository, context_for: ContextFor
) -> None:
    root = history(git_repository, BASE)
    git(root, "checkout", "-b", "side")
    (root / "README.md").write_text("words", "utf-8")
    git(root, "add", "--all")
    git(root, "commit", "-m", "words")
    git(root, "checkout", "main")
    (root / "a" / "a.go").write_text(FASTER, "utf-8")
    git(root, "commit", "--all", "-m", "faster")
    git(root, "merge", "--no-ff", "-m", "merge", "side")
    with builds_of(context_for(root), all_parents=True) as builds:
        builds.ends()
        subjects = [each.subject for each in builds._range.commits]
        known = {subjects[place]: each.digest for place, each in builds.known().items()}
        assert known["words"] == known["commit 0"] != known["faster"] == known["merge"]
        assert builds.linked == 2


def test_uncommitted_work_is_never_touched_and_nothing_is_noted_in_the_repository(
    git_repository: Repository, context_for: ContextFor
) -> None:
    root = history(git_repository, BASE, {"a/a.go": CODE + "\nvar x int = y\n"}, {"a/a.go": FASTER})
    (root / "a" / "a.go").write_text("uncommitted", "utf-8")
    (root / "untracked.go").write_text("uncommitted too", "utf-8")
    git(root, "add", "untracked.go")
    before = {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    with builds_of(context_for(root)) as builds:
        digests(builds)
        with builds.checked_out(1) as directory:
            assert "= y" in (directory / "a" / "a.go").read_text("utf-8")
        assert not directory.exists()
    assert {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    assert len(git(root, "worktree", "list").splitlines()) == 1


@pytest.mark.parametrize("error", [Interrupted("SIGINT"), Lacking("no space left", cause="the disk is full")])
def test_an_interrupted_build_and_a_full_disk_are_no_property_of_a_commit(
    error: Exception,
    git_repository: Repository,
    context_for: ContextFor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = history(git_repository, BASE, {"a/a.go": FASTER})

    def fail(*_: object) -> None:
        raise error

    with builds_of(context_for(root)) as builds:
        monkeypatch.setattr(module, "link", fail)
        with pytest.raises(type(error)):
            builds.ends()


def test_a_commit_that_git_cannot_give_is_stepped_over(
    git_repository: Repository, context_for: ContextFor
) -> None:
    root = history(git_repository, BASE, {"a/a.go": CODE.replace("n)", "n+1)")}, {"a/a.go": FASTER})
    lost = git(root, "rev-parse", "HEAD~1:a/a.go")
    with builds_of(context_for(root)) as builds:
        builds.ends()
        (root / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
        assert "cannot be checked out" in builds.at(1).reason
