"""The whole search over real repositories and real Go."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from perf.bisect import command, resume
from perf.bisect.model import BisectResult, Ending, Metric, State
from perf.bisect.resume import Wanted
from perf.context import Context, Options
from perf.errors import ExitCode, Undecided, UsageError
from tests.bisect.histories import git
from tests.conftest import ContextFor

pytestmark = pytest.mark.go

Repository = Callable[..., Path]

GO_MOD = "module example.test/history\n\ngo 1.21\n"
TEST = """package work

import "testing"

func BenchmarkWork(b *testing.B) {
	for i := 0; i < b.N; i++ {
		Work()
	}
}
"""
LEAN = "package work\n\nvar sink []byte\n\nfunc Work() { sink = make([]byte, 64) }\n"
FAT = LEAN.replace("make([]byte, 64) }", "make([]byte, 64); sink = append(sink, make([]byte, 64)...) }")
BROKEN = {"work/broken.go": "package work\n\nfunc broken( {\n"}
MENDED = {"work/broken.go": "package work\n"}
BEGIN = {"go.mod": GO_MOD, "work/work.go": LEAN, "work/work_test.go": TEST}


def aside(number: int) -> dict[str, str]:
    """A commit that changes the program and not its speed."""
    return {f"work/aside{number}.go": f"package work\n\nfunc Aside{number}() int {{ return {number} }}\n"}


HISTORY = (
    BEGIN,
    aside(1),
    {"NOTES.md": "words\n"},
    BROKEN,
    MENDED,
    {"work/work.go": FAT},
    aside(2),
    {"NOTES.md": "more words\n"},
)


def sha(repository: Path, revision: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(repository), "rev-parse", revision], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def context(context_for: ContextFor, git_repository: Repository) -> Context:
    return context_for(git_repository(*HISTORY), options=Options(bench="Work"))


def searched(context: Context, *, good: str = "HEAD~7", bad: str = "HEAD", **wanted: object) -> BisectResult:
    chosen = {"metric": Metric.ALLOCS, **wanted}
    return command.search(context, Wanted(good, bad, **chosen))  # type: ignore[arg-type]


def test_the_commit_that_allocates_is_found_in_a_real_history(context: Context) -> None:
    found = searched(context)
    assert (found.ending, found.culprits) == (Ending.FOUND, (5,))
    assert found.levels[5].commit.sha == sha(context.target.directory, "HEAD~2")
    assert found.levels[5].commit.subject == "commit 5"
    assert found.change is not None
    assert found.change.after > found.change.before
    assert found.blame is not None
    assert any("Work" in each.function for each in found.blame.functions)


def test_the_checkout_and_its_uncommitted_work_are_as_they_were(context: Context) -> None:
    repository = context.target.directory
    (repository / "work/work.go").write_text("package work\n\nfunc unfinished(\n", "utf-8")
    (repository / "new.txt").write_text("not in git\n", "utf-8")
    assert searched(context).culprits == (5,)
    assert (repository / "work/work.go").read_text("utf-8") == "package work\n\nfunc unfinished(\n"
    assert (repository / "new.txt").exists()
    listed = subprocess.run(
        ["git", "-C", str(repository), "worktree", "list"], capture_output=True, text=True, check=True
    )
    assert len(listed.stdout.splitlines()) == 1


def test_the_result_is_shown_and_kept_in_every_form(
    context: Context, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.run(context, Wanted("HEAD~7", "HEAD", metric=Metric.ALLOCS)) is ExitCode.FINE
    room = context.run_directory / "bisect"
    known = json.loads((room / "bisect.json").read_text("utf-8"))
    assert (known["version"], known["culprits"]) == (1, [5])
    assert "git bisect start" in (room / "bisect.log").read_text("utf-8")
    assert (room / "staircase.svg").read_text("utf-8").startswith("<svg")
    assert "commit 5" in capsys.readouterr().out


def test_ends_with_the_same_binary_are_answered_without_measuring(context: Context) -> None:
    found = searched(context, good="HEAD~1")
    assert (found.ending, found.measurements) == (Ending.SAME_BINARY, 0)
    assert not (context.run_directory / "bisect" / "raw").exists()


def test_instructions_are_searched_by_where_they_tell_the_change(context: Context) -> None:
    found = searched(context, metric=None)
    assert (found.metric, found.culprits) == (Metric.INSTRUCTIONS, (5,))


def test_a_scan_names_every_step(context_for: ContextFor, git_repository: Repository) -> None:
    history = (*HISTORY, {"work/work.go": LEAN})
    context = context_for(git_repository(*history), options=Options(bench="Work"))
    assert searched(context, good="HEAD~8").ending is Ending.NO_SHIFT
    found = searched(context, good="HEAD~8", scan=True)
    assert [step.places for step in found.steps] == [(5,), (8,)]
    assert [step.change.fraction > 0.0 for step in found.steps] == [True, False]


def test_a_scan_does_not_time(context: Context) -> None:
    with pytest.raises(UsageError, match="--scan walks by what is counted"):
        searched(context, metric=Metric.WALL, scan=True)


def test_a_verified_culprit_is_measured_against_its_parent_again(context: Context) -> None:
    found = searched(context, verify=True)
    assert found.verified is not None
    assert found.verified.verdict == "regression"


def test_a_timed_culprit_is_verified_by_fresh_pairs(context: Context) -> None:
    found = searched(context, metric=Metric.WALL, verify=True)
    assert found.verified is not None
    assert found.verified.rounds > 0


@pytest.mark.parametrize("package", ["work", "./work/"])
def test_a_package_may_be_named_without_its_dot(context: Context, package: str) -> None:
    assert searched(context, package=package).culprits == (5,)


def test_a_package_that_has_no_such_benchmark_is_refused_with_the_one_that_has(context: Context) -> None:
    with pytest.raises(UsageError, match=r"no benchmark of \./nowhere at the good end") as caught:
        searched(context, package="./nowhere")
    assert "./work" in caught.value.cause


def test_a_benchmark_that_build_tags_leave_out_is_told(
    context_for: ContextFor, git_repository: Repository
) -> None:
    tagged = {**BEGIN, "work/work_test.go": f"//go:build bench\n\n{TEST}"}
    context = context_for(git_repository(tagged, {"work/work.go": FAT}), options=Options(bench="Work"))
    with pytest.raises(Undecided, match="no test file of it is compiled"):
        searched(context, good="HEAD~1")
    assert searched(context, good="HEAD~1", tags="bench").culprits == (1,)


def test_an_edit_of_the_benchmark_in_the_range_is_told(
    context_for: ContextFor, git_repository: Repository
) -> None:
    edited = {"work/work_test.go": TEST.replace("Work()\n\t}", "Work()\n\t\tWork()\n\t}")}
    context = context_for(git_repository(BEGIN, edited, aside(1)), options=Options(bench="Work"))
    found = searched(context, good="HEAD~2")
    assert found.ending in (Ending.NO_SHIFT, Ending.SAME_BINARY)
    assert any("the benchmark itself was edited" in note for note in found.notes)


def test_what_a_link_leads_to_is_source_whatever_its_name(
    context_for: ContextFor, git_repository: Repository
) -> None:
    program = {**BEGIN, "src/w.go.txt": BEGIN["work/work.go"]}
    del program["work/work.go"]
    repository = git_repository(program)
    (repository / "work/work.go").symlink_to("../src/w.go.txt")
    for name, text in {"LINKED.md": "", "NOTES.md": "words", "src/w.go.txt": FAT, "MORE.md": "words"}.items():
        (repository / name).write_text(text, "utf-8")
        git(repository, "add", "--all")
        git(repository, "commit", "-m", f"then {name}")
    context = context_for(repository, options=Options(bench="Work"))
    assert searched(context, good="HEAD~3").culprits == (2,)


def test_a_search_of_another_target_is_named_where_none_of_this_one_is_kept(context: Context) -> None:
    searched(context)
    options = replace(context.options, resume=resume.LATEST)
    other = replace(context, options=options, target=replace(context.target, name="another"))
    with pytest.raises(UsageError, match="no search of another to go on with") as caught:
        resume.earlier(other)
    assert "--resume latest" in caught.value.next_command


def test_commits_that_do_not_build_are_told_with_the_compilers_words(context: Context) -> None:
    found = searched(context, bad="HEAD~3", scan=True)
    (skipped,) = (each for each in found.levels if each.state is State.SKIPPED)
    assert skipped.place == 3
    assert "broken.go" in skipped.reason


def test_a_resumed_search_measures_nothing_twice(context: Context) -> None:
    first = searched(context)
    options = replace(context.options, resume=resume.LATEST, bench=".")
    again = replace(context, options=options, run_directory=context.places.runs / "test2")
    renewed, wanted, room = resume.earlier(again)
    assert (wanted.good, wanted.metric) == (first.levels[0].commit.sha, Metric.ALLOCS)
    before = (room / "samples.jsonl").read_text("utf-8").splitlines()
    assert command.search(renewed, wanted, room).culprits == first.culprits
    after = (renewed.run_directory / "bisect" / "samples.jsonl").read_text("utf-8").splitlines()
    assert sorted(before) == sorted(after)


def test_there_must_be_a_search_to_go_on_with(context: Context) -> None:
    with pytest.raises(UsageError, match="no search to go on with: gone"):
        resume.earlier(replace(context, options=replace(context.options, resume="gone")))


def test_a_pattern_that_chooses_several_benchmarks_is_refused_with_one_to_choose(
    context_for: ContextFor, git_repository: Repository
) -> None:
    two = TEST + "\nfunc BenchmarkWorkTwice(b *testing.B) { BenchmarkWork(b) }\n"
    repository = git_repository({**BEGIN, "work/work_test.go": two}, {"work/work.go": FAT})
    with pytest.raises(UsageError, match="chooses 2 benchmarks") as raised:
        searched(context_for(repository, options=Options(bench="Work")), good="HEAD~1")
    assert raised.value.next_command == "name one: --benchmark '^BenchmarkWork$'"


def test_a_benchmark_that_came_later_says_where_it_is(
    context_for: ContextFor, git_repository: Repository
) -> None:
    late = {"work/late_test.go": TEST.replace("BenchmarkWork", "BenchmarkLate")}
    repository = git_repository(BEGIN, {"work/work.go": FAT, **late})
    with pytest.raises(UsageError, match="chooses no benchmark of the good end") as raised:
        searched(context_for(repository, options=Options(bench="Late")), good="HEAD~1")
    assert "the bad end has it in ./work" in raised.value.cause


def test_a_benchmark_that_fails_at_an_end_is_undecided(
    context_for: ContextFor, git_repository: Repository
) -> None:
    bad = 'package work\n\nfunc Work() { panic("no luck") }\n'
    context = context_for(git_repository(BEGIN, {"work/work.go": bad}), options=Options(bench="Work"))
    with pytest.raises(Undecided, match="runs at both ends"):
        searched(context, good="HEAD~1")


def test_both_ends_must_differ(context: Context) -> None:
    with pytest.raises(UsageError, match="nothing between them"):
        searched(context, good="HEAD")
