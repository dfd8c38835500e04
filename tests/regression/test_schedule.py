"""The order of measurements: random, balanced, repeatable."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from perf.regression.schedule import base_first, schedule

NAMES = st.lists(st.text(max_size=3), unique=True, min_size=1, max_size=6)


@given(NAMES, st.integers(0, 12), st.integers())
def test_every_benchmark_comes_once_in_every_turn(names: list[str], rounds: int, seed: int) -> None:
    planned = schedule(dict.fromkeys(names, range(rounds)), seed)
    turns = [planned[start : start + len(names)] for start in range(0, len(planned), len(names))]
    assert len(turns) == rounds
    assert all(sorted(slot.benchmark for slot in turn) == sorted(names) for turn in turns)


@given(NAMES, st.integers(1, 6), st.integers())
def test_each_side_is_first_equally_often(names: list[str], half: int, seed: int) -> None:
    planned = schedule(dict.fromkeys(names, range(2 * half)), seed)
    first = Counter(slot.benchmark for slot in planned if slot.base_first)
    assert first == dict.fromkeys(names, half)


def test_the_seed_repeats_the_schedule_and_another_seed_changes_it() -> None:
    wanted = dict.fromkeys("abcdefgh", range(6))
    assert schedule(wanted, seed=1) == schedule(wanted, seed=1)
    assert schedule(wanted, seed=1) != schedule(wanted, seed=2)


def test_confirming_rounds_have_an_order_of_their_own() -> None:
    wanted = dict.fromkeys("abcdefgh", range(6))
    assert schedule(wanted, seed=1) != schedule(wanted, seed=1, phase="fresh")


def test_benchmarks_at_different_looks_each_go_on_from_their_own_round() -> None:
    planned = schedule({"new": range(3), "far": range(10, 12)}, seed=5)
    rounds = {name: [slot.round for slot in planned if slot.benchmark == name] for name in ("new", "far")}
    assert rounds == {"new": [0, 1, 2], "far": [10, 11]}


@given(st.text(max_size=5), st.integers(0, 50), st.integers())
def test_which_side_is_first_depends_on_the_round_alone_and_not_on_what_ran_before(
    name: str, number: int, seed: int
) -> None:
    alone = schedule({name: range(number, number + 1)}, seed)[0]
    among = [
        slot
        for slot in schedule({name: range(number + 1), name + "b": range(3)}, seed)
        if (slot.benchmark, slot.round) == (name, number)
    ]
    assert among[0].base_first == alone.base_first == base_first(name, number, seed, "first")
