"""When rounds are looked at, what a look may spend, and who gets the next rounds."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.regression.looks import FRESH_LOOKS, LOOKS, State, choose, looks_up_to, next_look, spend


@pytest.mark.parametrize(
    ("rounds", "next_one"), [(0, 6), (5, 6), (6, 7), (12, 14), (29, 30), (30, None), (99, None)]
)
def test_rounds_go_on_to_the_next_look(rounds: int, next_one: int | None) -> None:
    assert next_look(rounds) == next_one


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (3, (3,)),
        (6, (6,)),
        (13, (6, 7, 8, 9, 10, 11, 12, 13)),
        (30, LOOKS),
        (40, (*LOOKS, 40)),
        (55, (*LOOKS, 40, 50, 55)),
    ],
)
def test_looks_end_where_a_person_says(most: int, expected: tuple[int, ...]) -> None:
    assert looks_up_to(most) == expected


@given(st.floats(1e-9, 1.0), st.sampled_from([LOOKS, FRESH_LOOKS, (6,), looks_up_to(60)]))
def test_looks_together_spend_the_level_and_no_more(level: float, looks: tuple[int, ...]) -> None:
    spent = spend(level, looks)
    assert len(spent) == len(looks)
    assert all(each >= 0.0 for each in spent)
    assert sum(spent) <= level * (1.0 + 1e-12)


def test_a_look_too_early_for_so_small_a_p_leaves_its_share_to_the_next() -> None:
    # 2^-10 is more than a third of .001 and 2^-20 is not: the second look has both shares.
    assert spend(0.001, (10, 20, 30)) == pytest.approx((0.0, 2 / 3000, 1 / 3000))


def test_no_look_can_spend_what_its_rounds_cannot_give() -> None:
    assert all(
        each == 0.0 or each >= 0.5**look for look, each in zip(LOOKS, spend(0.0025, LOOKS), strict=True)
    )


# -- the budget ---------------------------------------------------------------------------------------------------


def state(key: str, rounds: int, seconds: float, more: int | None) -> State[str]:
    return State(key, rounds, seconds, more)


def test_with_time_for_all_everybody_gets_rounds_the_nearest_to_a_decision_first() -> None:
    states = [state("slow", 10, 9.0, 2), state("new", 0, 1.0, None), state("near", 10, 1.0, 2)]
    assert choose(states, math.inf) == ("near", "new", "slow")


def test_time_goes_where_it_decides_most() -> None:
    states = [state("one of 30 s", 6, 30.0, 1), *(state(f"{each} of 2 s", 6, 2.0, 1) for each in "abc")]
    assert choose(states, 7.0) == ("a of 2 s", "b of 2 s", "c of 2 s")


def test_who_comes_later_leaves_others_the_time_that_they_need_until_they_are_decided() -> None:
    # The first needs 8 rounds of a second, of which this block is one; the second's block would eat the ninth.
    states = [state("soon", 6, 1.0, 8), state("later", 6, 2.0, 9)]
    assert choose(states, 9.5) == ("soon",)
    assert choose(states, 10.0) == ("soon", "later")


def test_what_the_rounds_left_will_hardly_decide_comes_last() -> None:
    states = [state("noisy", 6, 1.0, 400), state("hopeless", 6, 1.0, None), state("open", 6, 5.0, 2)]
    assert choose(states, math.inf) == ("open", "noisy", "hopeless")
    assert choose(states, 10.5) == ("open",)


def test_with_time_left_even_those_get_rounds() -> None:
    assert choose([state("noisy", 6, 1.0, 400)], 5.0) == ("noisy",)


def test_who_had_the_last_look_gets_none_and_nor_does_what_does_not_fit() -> None:
    assert choose([state("over", 30, 1.0, 4)], math.inf) == ()
    assert choose([state("slow", 0, 10.0, None)], 59.0) == ()
    assert choose([], 100.0) == ()


def test_before_its_first_look_a_benchmark_is_not_hopeless() -> None:
    states = [state("new", 2, 1.0, None), state("noisy", 12, 0.001, None)]
    assert choose(states, 4.0) == ("new",)


states_of_any_kind = st.lists(
    st.builds(
        State,
        st.integers(0, 10**6),
        st.integers(0, 31),
        st.floats(0.001, 100.0),
        st.none() | st.integers(1, 500),
    ),
    unique_by=lambda each: each.key,
    max_size=20,
)


@given(states_of_any_kind, st.floats(0.0, 2000.0))
def test_what_is_chosen_fits_in_the_time_and_is_open(states: list[State[int]], left: float) -> None:
    by_key = {each.key: each for each in states}
    chosen = [by_key[key] for key in choose(states, left)]
    blocks = [(next_look(each.rounds) or 0) - each.rounds for each in chosen]
    assert all(block > 0 for block in blocks)
    assert (
        sum(block * each.seconds_per_round for block, each in zip(blocks, chosen, strict=True)) <= left + 1e-6
    )


@given(states_of_any_kind)
def test_without_an_end_every_open_benchmark_gets_its_rounds(states: list[State[int]]) -> None:
    assert set(choose(states, math.inf)) == {each.key for each in states if each.rounds < LOOKS[-1]}
