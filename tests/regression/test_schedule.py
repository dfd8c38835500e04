"""The order of measurements: random, balanced, repeatable."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from perf.regression.schedule import schedule

NAMES = st.lists(st.text(max_size=3), unique=True, min_size=1, max_size=6)


@given(NAMES, st.integers(0, 12), st.integers())
def test_every_benchmark_comes_once_in_every_round(names: list[str], rounds: int, seed: int) -> None:
    planned = schedule(names, rounds, seed)
    assert len(planned) == rounds
    assert all(sorted(slot.benchmark for slot in each) == sorted(names) for each in planned)


@given(NAMES, st.integers(1, 6), st.integers())
def test_each_side_is_first_equally_often(names: list[str], half: int, seed: int) -> None:
    planned = schedule(names, 2 * half, seed)
    first = Counter(slot.benchmark for each in planned for slot in each if slot.base_first)
    assert first == dict.fromkeys(names, half)


def test_the_seed_repeats_the_schedule_and_another_seed_changes_it() -> None:
    names = list("abcdefgh")
    assert schedule(names, 6, seed=1) == schedule(names, 6, seed=1)
    assert schedule(names, 6, seed=1) != schedule(names, 6, seed=2)


def test_confirming_rounds_have_an_order_of_their_own() -> None:
    assert schedule(list("abcdefgh"), 6, seed=1) != schedule(list("abcdefgh"), 6, seed=1, phase="fresh")
