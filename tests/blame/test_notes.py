"""What the table of a blame does not say is said in a line."""

from __future__ import annotations

from perf.blame.costs import Profiled
from perf.blame.growth import Difference, Growth
from perf.blame.notes import note
from perf.model import GrownFunction, Touch

INSTRUCTIONS = Profiled("instructions/op", {}, {}, (), "")
TOUCHED = GrownFunction("m.f", "p.go:3", 1.0, 11.0, 1.0, (Touch("1" * 40, "slower", "Test"),))
FOREIGN = GrownFunction("memeqbody", "", 1.0, 11.0, 1.0)


def difference(*growths: Growth) -> Difference:
    grown = tuple(each for each in growths if each.grown > 0)
    shrunk = tuple(each for each in growths if each.grown < 0)
    return Difference(
        grown, shrunk, (), sum(each.grown for each in grown), sum(each.grown for each in growths)
    )


def told(
    found: Difference,
    *functions: GrownFunction,
    profiled: Profiled = INSTRUCTIONS,
    every: Difference | None = None,
    explained: float | None = 1.0,
    requirements_changed: bool = False,
    problems: tuple[str, ...] = (),
) -> str:
    return note(profiled, found, every, explained, functions, requirements_changed, problems)


GREW = Growth("m.f", 1.0, 11.0, "p.go", 3)


def test_a_table_that_says_it_all_needs_no_note() -> None:
    assert told(difference(GREW), TOUCHED) == ""


def test_work_that_only_moved_is_not_hidden() -> None:
    renamed = difference(
        GREW, Growth("m.old", 9.0, 0.0), Growth("m.part", 10.0, 7.0), Growth("m.little", 5.0, 4.5)
    )
    assert told(renamed, TOUCHED) == (
        "m.old shrank by 9 instructions/op, gone, m.part shrank by 3 instructions/op: "
        "part of what grew may be the same work, renamed, moved or inlined"
    )


def test_functions_that_nobody_touched_are_told_and_other_versions_of_modules() -> None:
    found = difference(Growth("memeqbody", 1.0, 11.0))
    assert (
        told(found, FOREIGN)
        == "no commit in between changed a line of these functions; perhaps what they use"
    )
    assert "go.mod changed in between" in told(found, FOREIGN, requirements_changed=True)
    assert "go.mod" not in told(difference(GREW), TOUCHED, requirements_changed=True)


def test_a_profile_that_shows_little_of_the_growth_says_how_little() -> None:
    assert told(difference(GREW), TOUCHED, explained=0.4) == (
        "the profiles show 40% of the growth that was measured"
    )
    assert told(difference(GREW), TOUCHED, explained=-3.0).endswith("show 0% of the growth that was measured")
    objects = Profiled("allocs/op", {}, {}, (), "")
    assert "share a block" in told(difference(GREW), TOUCHED, profiled=objects, explained=0.4)
    assert told(difference(GREW), TOUCHED, explained=None) == ""


def test_nothing_grown_is_said() -> None:
    assert told(difference()) == "no function of the target grew beyond what this profile can tell"


def test_the_library_functions_that_cost_are_named() -> None:
    cpu = Profiled("cpu-sec/op", {}, {}, (), "")
    every = difference(Growth("memeqbody", 0.0, 7e-6), Growth("m.f", 0.0, 3e-6, "p.go", 3))
    folded = difference(Growth("m.f", 0.0, 10e-6, "p.go", 3))
    assert (
        told(folded, TOUCHED, profiled=cpu, every=every) == "it is spent in memeqbody (70%), which they call"
    )


def test_what_grew_beside_the_target_is_told() -> None:
    cpu = Profiled("cpu-sec/op", {}, {}, (), "")
    every = difference(
        Growth("m.f", 0.0, 6e-6, "p.go", 3), Growth("runtime.scan", 0.0, 1e-6), Growth("runtime.b", 0.0, 1e-6)
    )
    folded = difference(Growth("m.f", 0.0, 6e-6, "p.go", 3))
    assert told(folded, TOUCHED, profiled=cpu, every=every) == (
        "2 µs/op more where no function of the target calls (garbage collection, the scheduler)"
    )


def test_problems_are_told_once_each() -> None:
    assert told(difference(GREW), TOUCHED, problems=("a", "b", "a")) == "a; b"
