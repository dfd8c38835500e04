"""The replay file, put before a real git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from perf.bisect.model import BisectResult, Change, Commit, Ending, Level, State, Step
from perf.report import bisect_log
from tests.report.searches import benchmark_changed, found, no_shift, odd, same_binary, scanned, search

Graph = Mapping[str, Sequence[str]]
"""A name of each commit to those of its parents, in an order in which they can be made."""

LINE: Graph = {"c0": (), **{f"c{number}": (f"c{number - 1}",) for number in range(1, 11)}}
# good ─ a1 ─ a2 ─ m1 ─ last, with b1 ─ b2 merged in m1; b1 was begun before good.
BRANCHED: Graph = {
    "root": (),
    "good": ("root",),
    "b1": ("root",),
    "b2": ("b1",),
    "a1": ("good",),
    "a2": ("a1",),
    "m1": ("a2", "b2"),
    "last": ("m1",),
}
# Two branches from one commit: x is in both.
FORKED: Graph = {"good": (), "x": ("good",), "l": ("x",), "r": ("x",), "m": ("l", "r"), "last": ("m",)}


@pytest.fixture
def history(tmp_path: Path) -> Callable[[Graph], dict[str, str]]:
    """`history(graph)`: a repository in tmp_path with these commits; the full hash of each."""

    def make(graph: Graph) -> dict[str, str]:
        git(tmp_path, "init", "--initial-branch=main")
        mark = {name: f":{number}" for number, name in enumerate(graph, start=1)}
        stream: list[str] = []
        for name, parents in graph.items():
            stream += ["reset refs/heads/main"] if not parents else []
            stream += [
                "commit refs/heads/main",
                f"mark {mark[name]}",
                "committer T <t@example.invalid> 0 +0000",
            ]
            stream += [f"data {len(name)}", name]
            stream += [f"{'merge' if number else 'from'} {mark[each]}" for number, each in enumerate(parents)]
            stream.append("")
        marks = tmp_path / ".git" / "marks"
        git(tmp_path, "fast-import", "--quiet", f"--export-marks={marks}", stdin="\n".join(stream) + "\n")
        shas = dict(line.split() for line in marks.read_text("utf-8").splitlines())
        return {name: shas[each] for name, each in mark.items()}

    return make


def git(root: Path, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(root),
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C",
        **{f"GIT_{role}_NAME": "Test" for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_EMAIL": "test@example.invalid" for role in ("AUTHOR", "COMMITTER")},
    }
    done = subprocess.run(
        ["git", *arguments],
        cwd=root,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not check or done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def replayed(root: Path, result: BisectResult) -> str:
    """What git says in the end; the file lies outside of what git looks at."""
    path = root / ".git" / "bisect.log"
    path.write_text(bisect_log.render(result), "utf-8")
    return git(root, "bisect", "replay", str(path), check=False)


def asked(
    graph: Graph,
    made: Mapping[str, str],
    places: Sequence[str],
    states: Mapping[str, State],
    culprits: Sequence[str],
    *,
    all_parents: bool = False,
    same: Mapping[str, str] | None = None,
) -> BisectResult:
    """A search along `places`; those of `culprits` and all that is measured are as they are named in the graph."""

    def level(place: int, name: str) -> Level:
        commit = Commit(made[name], "A", "2026-03-04", name, tuple(made[parent] for parent in graph[name]))
        state = states.get(name, State.UNTOUCHED)
        twin = places.index(same[name]) if same and name in same else None
        values = (1.0,) if state in (State.MEASURED, State.SAME) else ()
        return Level(place, commit, state, values, twin, "does not build" if state is State.SKIPPED else "")

    ends = {places[0]: State.MEASURED, places[-1]: State.MEASURED}
    states = {**ends, **states}
    return search(
        Ending.FOUND,
        tuple(level(place, name) for place, name in enumerate(places)),
        culprits=tuple(places.index(name) for name in culprits),
        chance=0.97,
        all_parents=all_parents,
    )


def measured(*names: str) -> dict[str, State]:
    return dict.fromkeys(names, State.MEASURED)


def test_git_names_the_culprit_of_a_line(tmp_path: Path, history: Callable[[Graph], dict[str, str]]) -> None:
    made = history(LINE)
    result = asked(LINE, made, list(LINE), measured("c2", "c5", "c6", "c8"), ["c6"])
    assert f"{made['c6']} is the first bad commit" in replayed(tmp_path, result)


def test_git_names_all_that_cannot_be_told_apart(
    tmp_path: Path, history: Callable[[Graph], dict[str, str]]
) -> None:
    made = history(LINE)
    skipped = dict.fromkeys(("c3", "c4"), State.SKIPPED)
    result = asked(LINE, made, list(LINE), measured("c2", "c5") | skipped, ["c3", "c4", "c5"])
    told = replayed(tmp_path, result)
    assert "cannot bisect more" in told
    assert {made[name] for name in made if made[name] in told} == {made[name] for name in ("c3", "c4", "c5")}


def test_skipped_commits_elsewhere_do_not_hinder_git(
    tmp_path: Path, history: Callable[[Graph], dict[str, str]]
) -> None:
    made = history(LINE)
    skipped = dict.fromkeys(("c1", "c9"), State.SKIPPED)
    result = asked(LINE, made, list(LINE), measured("c5", "c6") | skipped, ["c6"])
    assert f"{made['c6']} is the first bad commit" in replayed(tmp_path, result)


def test_what_was_never_measured_is_marked_only_where_the_answer_needs_it(
    tmp_path: Path, history: Callable[[Graph], dict[str, str]]
) -> None:
    made = history(LINE)
    result = asked(LINE, made, list(LINE), measured("c6"), ["c6"])
    text = bisect_log.render(result)
    assert f"# good: [{made['c5']}] c5\n#   not measured itself: it follows from the others\n" in text
    assert made["c4"] not in text
    assert f"{made['c6']} is the first bad commit" in replayed(tmp_path, result)


def test_what_has_the_binary_of_a_measured_commit_is_marked_as_that(
    tmp_path: Path, history: Callable[[Graph], dict[str, str]]
) -> None:
    made = history(LINE)
    states = measured("c3", "c9") | {"c6": State.SAME, "c7": State.SAME}
    result = asked(LINE, made, list(LINE), states, ["c7"], same={"c6": "c3", "c7": "c9"})
    assert f"1 value, of {made['c3'][:12]}: the same binary" in bisect_log.render(result)
    assert f"{made['c7']} is the first bad commit" in replayed(tmp_path, result)


def test_a_merge_is_named_where_only_first_parents_were_searched(
    tmp_path: Path, history: Callable[[Graph], dict[str, str]]
) -> None:
    made = history(BRANCHED)
    places = ["good", "a1", "a2", "m1", "last"]
    result = asked(BRANCHED, made, places, measured("a2", "m1"), ["m1"])
    assert "git bisect start '--first-parent'\n" in bisect_log.render(result)
    assert f"{made['m1']} is the first bad commit" in replayed(tmp_path, result)


@pytest.mark.parametrize(
    ("culprit", "states"),
    [
        ("b1", measured("a1", "a2", "b1", "b2")),
        ("b2", measured("a2", "b1", "b2")),
        ("a2", measured("a1", "a2", "b2", "m1")),
        ("m1", measured("a2", "b2", "m1")),
    ],
)
def test_git_names_a_commit_within_a_merged_branch(
    tmp_path: Path, history: Callable[[Graph], dict[str, str]], culprit: str, states: dict[str, State]
) -> None:
    made = history(BRANCHED)
    places = ["good", "b1", "b2", "a1", "a2", "m1", "last"]
    result = asked(BRANCHED, made, places, states, [culprit], all_parents=True)
    assert f"{made[culprit]} is the first bad commit" in replayed(tmp_path, result)


def test_a_commit_of_both_branches_is_named_though_only_their_tips_were_measured(
    tmp_path: Path, history: Callable[[Graph], dict[str, str]]
) -> None:
    made = history(FORKED)
    result = asked(FORKED, made, list(FORKED), measured("l", "r"), ["x"], all_parents=True)
    assert f"{made['x']} is the first bad commit" in replayed(tmp_path, result)


def test_a_commit_that_cannot_be_measured_may_still_be_the_only_one(
    tmp_path: Path, history: Callable[[Graph], dict[str, str]]
) -> None:
    made = history(FORKED)
    states = measured("l", "r") | {"x": State.SKIPPED}
    result = asked(FORKED, made, list(FORKED), states, ["x"], all_parents=True)
    assert "#   cannot be measured: does not build; it follows from the others" in bisect_log.render(result)
    assert f"{made['x']} is the first bad commit" in replayed(tmp_path, result)


def test_a_good_end_beside_the_line_of_first_parents_does_not_stop_git(
    tmp_path: Path, history: Callable[[Graph], dict[str, str]]
) -> None:
    """`good` is the second parent of a merge into the line that was searched."""
    graph: Graph = {
        "root": (),
        "good": ("root",),
        "a": ("root",),
        "b": ("a",),
        "m": ("b", "good"),
        "last": ("m",),
    }
    made = history(graph)
    result = asked(graph, made, ["good", "a", "b", "m", "last"], measured("a", "b"), ["b"])
    assert f"{made['b']} is the first bad commit" in replayed(tmp_path, result)
    result = asked(graph, made, ["good", "a", "b", "m", "last"], measured("a"), ["a"])
    assert f"{made['a']} is the first bad commit" in replayed(tmp_path, result)


def test_a_good_end_that_came_in_by_the_merge_that_is_the_culprit_does_not_stop_git(
    tmp_path: Path, history: Callable[[Graph], dict[str, str]]
) -> None:
    graph: Graph = {
        "root": (),
        "x": ("root",),
        "good": ("x",),
        "side": ("x",),
        "a": ("root",),
        "m": ("a", "side"),
        "n": ("m", "good"),
        "last": ("n",),
    }
    made = history(graph)
    result = asked(graph, made, ["good", "a", "m", "n", "last"], measured("a", "m"), ["m"])
    assert (
        f"# good too: [{made['good']}] good, not on the line that leads to the culprit"
        in bisect_log.render(result)
    )
    assert f"{made['m']} is the first bad commit" in replayed(tmp_path, result)


def test_what_was_built_but_gave_no_value_is_not_asked_for_again(
    tmp_path: Path, history: Callable[[Graph], dict[str, str]]
) -> None:
    made = history(LINE)
    result = asked(LINE, made, list(LINE), measured("c2", "c4") | {"c3": State.BUILT}, ["c3", "c4"])
    assert "#   not told apart from the next\n" in bisect_log.render(result)
    assert "cannot bisect more" in replayed(tmp_path, result)


def test_what_got_cheaper_is_new_and_not_bad(
    tmp_path: Path, history: Callable[[Graph], dict[str, str]]
) -> None:
    made = history(LINE)
    result = replace(asked(LINE, made, list(LINE), measured("c5", "c6"), ["c6"]), improvement=True)
    assert "bad" not in bisect_log.render(result)
    assert f"{made['c6']} is the first new commit" in replayed(tmp_path, result)


def test_git_goes_on_between_what_is_sure(tmp_path: Path, history: Callable[[Graph], dict[str, str]]) -> None:
    made = history(LINE)
    result = asked(LINE, made, list(LINE), measured("c3", "c5", "c8") | {"c4": State.SKIPPED}, [])
    chances = {5: 0.3, 6: 0.3, 7: 0.2, 8: 0.17}
    levels = tuple(replace(each, chance=chances.get(each.place, 0.0)) for each in result.levels)
    undecided = replace(result, ending=Ending.UNDECIDED, levels=levels)
    text = bisect_log.render(undecided)
    marks = [line.split()[2:] for line in text.splitlines() if line.startswith("git bisect ")][1:]
    names = {sha: name for name, sha in made.items()}
    assert [(word, names[sha]) for word, sha in marks] == [
        ("bad", "c10"), ("good", "c0"), ("bad", "c8"), ("good", "c3"), ("skip", "c4"),
    ]  # fmt: skip
    assert "Bisecting:" in replayed(tmp_path, undecided)
    assert git(tmp_path, "rev-parse", "HEAD").strip() in {made[name] for name in ("c5", "c6", "c7")}


@pytest.mark.parametrize(
    "result", [no_shift(), same_binary(), scanned()], ids=["no-shift", "same-binary", "scanned"]
)
def test_nothing_is_marked_where_there_is_no_first_commit(
    tmp_path: Path, history: Callable[[Graph], dict[str, str]], result: BisectResult
) -> None:
    history({"only": ()})
    text = bisect_log.render(result)
    assert [line for line in text.splitlines() if not line.startswith("#")] == ["git bisect start"]
    assert "fatal" not in replayed(tmp_path, result)


def test_every_step_of_a_scan_is_told_and_a_single_one_is_replayed() -> None:
    text = bisect_log.render(scanned())
    assert text.count("# step: [") == 3
    assert "change number 900 or one of 2 before it: +10.58 %\n" in text
    one = search(
        Ending.SCANNED,
        found().levels,
        steps=(Step((57,), Change(0.1, None, None, 1.0, 1.1)),),
    )
    assert f"# first bad commit: [{one.levels[57].commit.sha}]" in bisect_log.render(one)


def test_a_benchmark_that_changed_is_named_too() -> None:
    result = benchmark_changed()
    assert (
        f"# first bad commit: [{result.levels[6].commit.sha}] copy: benchmark with 16 layers\n"
        in bisect_log.render(result)
    )


def test_no_subject_can_become_a_command_of_git() -> None:
    one = odd()
    commit = replace(one.levels[1].commit, subject="x\r\ngit bisect reset\x85git bisect reset\ud800")
    levels = (one.levels[0], replace(one.levels[1], commit=commit))
    text = bisect_log.render(replace(one, levels=levels, summary="a\ngit bisect reset"))
    text.encode("utf-8")
    assert not [line for line in text.splitlines() if line.startswith("git bisect reset")]
