"""What is timed: the two tables row by row, what no rounds can do, and what becomes of a known truth."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf.model import Verdict
from perf.regression.confirmed import CONFIRMED, confirm_timed
from perf.regression.looks import FRESH_LOOKS, LOOKS, looks_up_to
from perf.regression.timed import TIMED, Timed, decide, judge_timed

LEVEL, FRESH_LEVEL = 0.0025, 0.005  # of a hundred rows at 1 % false alarms


def timed(
    head: Sequence[float],
    base: Sequence[float] | None = None,
    *,
    unit: str = "sec/op",
    within: float = 0.03,
    looks: tuple[int, ...] = LOOKS,
) -> Timed:
    return Timed(
        unit,
        tuple(base if base is not None else [1.0] * len(head)),
        tuple(head),
        higher_is_better=unit.endswith("/s"),
        least_effect=0.03,
        unchanged_within=within,
        level=LEVEL,
        looks=looks,
    )


def fresh(head: Sequence[float], unit: str = "sec/op") -> Timed:
    return replace(timed(head, unit=unit, looks=FRESH_LOOKS), level=FRESH_LEVEL)


def noisy(rounds: int, centre: float, deviation: float = 0.01, seed: int = 1) -> list[float]:
    """Around `centre`, with exactly that middle: each deviation comes once up and once down."""
    source = random.Random(seed)
    half = [abs(source.gauss(0.0, deviation)) for _ in range((rounds + 1) // 2)]
    both = [centre * math.exp(sign * each) for each in half for sign in (1.0, -1.0)]
    return both[:rounds]


def loud(rounds: int) -> list[float]:
    source = random.Random(4)
    return [math.exp(source.gauss(0.0, 0.2)) for _ in range(rounds)]


@pytest.mark.parametrize(
    ("facts", "verdict", "suspected", "reason"),
    [
        (timed([]), Verdict.UNKNOWN, None, "no round gave a value on both sides"),
        (timed([2.0] * 5), Verdict.UNKNOWN, None, "needs ≥ 6 rounds, has 5"),
        (timed([1.0] * 6), Verdict.UNCHANGED, None, "every value is equal"),
        (timed([0.0] * 6, [0.0] * 6), Verdict.UNCHANGED, None, "every value is equal"),
        (
            timed([math.inf] * 6, [math.inf] * 6),
            Verdict.UNKNOWN,
            None,
            "6 of 6 rounds gave zero, a negative or no number",
        ),
        (
            timed([1.0] * 6, [0.0] * 6),
            Verdict.UNKNOWN,
            None,
            "6 of 6 rounds gave zero, a negative or no number",
        ),
        (timed([1.0] * 6 + [math.nan], [0.0] + [1.0] * 6), Verdict.UNKNOWN, None, "2 of 7 rounds gave zero"),
        (timed(noisy(12, 1.10)), Verdict.UNKNOWN, Verdict.REGRESSION, "+10 % over 11 rounds (95 %: +"),
        (timed(noisy(12, 0.90)), Verdict.UNKNOWN, Verdict.IMPROVEMENT, "−10 % over 11 rounds (95 %: −"),
        (timed(noisy(12, 0.90), unit="B/s"), Verdict.UNKNOWN, Verdict.REGRESSION, "−10 % over 11 rounds"),
        (timed(noisy(12, 1.10), unit="B/s"), Verdict.UNKNOWN, Verdict.IMPROVEMENT, "+10 % over 11 rounds"),
        (timed([8.0] * 12, [7.0] * 12, unit="goroutines"), Verdict.UNKNOWN, Verdict.REGRESSION, "+14.3 %"),
        (timed(noisy(8, 1.0)), Verdict.UNCHANGED, None, "slower by less than 3 %"),
        (timed(noisy(8, 1.01)), Verdict.UNCHANGED, None, "slower by less than 3 %"),
        (timed(noisy(8, 1.06), within=0.10), Verdict.UNCHANGED, None, "slower by less than 10 %"),
        (timed(noisy(8, 1.06)), Verdict.UNKNOWN, None, "needs about"),
        (
            timed(noisy(8, 0.95)),
            Verdict.UNKNOWN,
            None,
            "more round",
        ),  # not slower; how much faster is not sure yet
        (
            timed(noisy(12, 1.029, 0.004)),
            Verdict.UNKNOWN,
            None,
            "(95 %: +2",
        ),  # surely slower; whether it matters is open
        (timed(noisy(12, 0.971, 0.004)), Verdict.UNCHANGED, None, "−2.9 %"),
        (timed(noisy(8, 1.0, 0.2)), Verdict.UNKNOWN, None, "more rounds (95 %"),
        (timed(noisy(8, 1.0, 2.0)), Verdict.UNKNOWN, None, "too noisy here to tell"),
    ],
)
def test_the_table_of_first_rounds(
    facts: Timed, verdict: Verdict, suspected: Verdict | None, reason: str
) -> None:
    judged = judge_timed(facts)
    assert (judged.verdict, judged.suspected) == (verdict, suspected)
    assert reason in judged.reason
    assert judged.alarm is (suspected is not None)
    assert judged.decided is (judged.alarm or verdict is Verdict.UNCHANGED)


@pytest.mark.parametrize(
    ("first", "again", "verdict", "decided", "reason"),
    [
        (1.10, [], Verdict.UNKNOWN, False, "regression (+10 % over 11 rounds"),
        (1.10, [], Verdict.UNKNOWN, False, "not confirmed: no time for fresh rounds"),
        (
            1.10,
            noisy(5, 1.10),
            Verdict.UNKNOWN,
            False,
            "over 5 fresh rounds (too few rounds for an interval) so far",
        ),
        (1.10, noisy(10, 1.08, seed=2), Verdict.REGRESSION, True, "confirmed: +8 % over 10 fresh rounds"),
        (0.90, noisy(10, 0.92, seed=2), Verdict.IMPROVEMENT, True, "confirmed: −8 % over 10 fresh rounds"),
        (1.10, noisy(10, 1.00, seed=2), Verdict.UNKNOWN, True, "not confirmed: regression at first"),
        (1.10, noisy(10, 0.90, seed=2), Verdict.UNKNOWN, True, "not confirmed"),
        (0.90, noisy(10, 1.10, seed=2), Verdict.UNKNOWN, True, "then +10 % over 8 fresh rounds"),
        (1.10, noisy(29, 1.05, 0.3, seed=2), Verdict.UNKNOWN, False, "so far"),
        (1.10, noisy(30, 1.05, 0.3, seed=2), Verdict.UNKNOWN, True, "not confirmed"),
    ],
)
def test_the_table_of_fresh_rounds(
    first: float, again: list[float], verdict: Verdict, decided: bool, reason: str
) -> None:
    judged = confirm_timed(timed(noisy(12, first)), fresh(again))
    assert judged.verdict is verdict
    assert judged.decided is decided
    assert reason in judged.reason
    assert not judged.alarm


def test_a_confirmed_change_is_the_one_of_all_rounds() -> None:
    judged = confirm_timed(timed(noisy(12, 1.20)), fresh(noisy(12, 1.10, seed=2)))
    assert judged.verdict is Verdict.REGRESSION
    assert judged.estimate is not None
    assert judged.estimate.change == pytest.approx(0.15, abs=0.01)


def test_a_change_that_all_rounds_together_put_below_the_least_effect_is_not_confirmed() -> None:
    first = timed(noisy(12, 1.031, 0.006))
    assert judge_timed(first).suspected is Verdict.REGRESSION
    judged = confirm_timed(first, fresh(noisy(30, 1.027, 0.006, seed=2)))
    assert (judged.verdict, judged.decided) == (Verdict.UNKNOWN, True)
    assert judged.estimate is not None and judged.estimate.change < 0.03


def test_what_raised_no_alarm_needs_no_fresh_rounds() -> None:
    quiet = timed(noisy(12, 1.0))
    assert confirm_timed(quiet, fresh(noisy(12, 1.2))) == judge_timed(quiet)


def test_a_decision_stays_whatever_comes_after_it() -> None:
    quiet = noisy(8, 1.0)
    decided = judge_timed(timed(quiet))
    assert decided.verdict is Verdict.UNCHANGED
    assert judge_timed(timed(quiet + [9.0] * 22)) == decided


def test_between_looks_nothing_is_decided() -> None:
    looks = (6, 12)
    settling = [1.1, 0.9] + [1.0] * 10
    assert not judge_timed(timed(settling[:11], looks=looks)).decided
    assert judge_timed(timed(settling, looks=looks)).decided


def test_the_first_look_of_more_rounds_is_as_early() -> None:
    rule, seen = decide(timed(noisy(60, 1.0), looks=looks_up_to(60)))
    assert rule.verdict is Verdict.UNCHANGED
    assert len(seen.ratios) == LOOKS[0]


@pytest.mark.parametrize("table", [TIMED, CONFIRMED])
def test_every_row_says_when_and_the_last_one_always_applies(table: Sequence[object]) -> None:
    assert all(rule.when for rule in table)  # type: ignore[attr-defined]
    assert table[-1].applies(None)  # type: ignore[attr-defined]


def test_only_fresh_rounds_give_red_or_green() -> None:
    for rule in TIMED:
        assert rule.alarm is (rule.verdict in (Verdict.REGRESSION, Verdict.IMPROVEMENT))
    assert not any(rule.alarm for rule in CONFIRMED)


def test_an_open_row_says_how_many_rounds_it_needs_and_what_it_would_have_seen() -> None:
    judged = judge_timed(timed(loud(14)))
    assert not judged.decided
    assert judged.more_rounds is not None and 50 <= judged.more_rounds <= 500
    assert judged.smallest_seen is not None and 0.1 < judged.smallest_seen < 0.6


def test_a_drop_of_a_rate_is_told_as_the_share_that_is_lost() -> None:
    time, rate = (judge_timed(timed(loud(14), unit=unit)) for unit in ("sec/op", "B/s"))
    assert time.smallest_seen is not None and rate.smallest_seen is not None
    assert (1.0 + time.smallest_seen) * (1.0 - rate.smallest_seen) == pytest.approx(1.0, abs=0.05)


def test_a_least_effect_of_the_whole_can_still_be_lost() -> None:
    facts = replace(timed(noisy(12, 0.5), unit="B/s"), least_effect=1.0, unchanged_within=1.0)
    assert judge_timed(facts).verdict is Verdict.UNCHANGED


# -- properties ---------------------------------------------------------------------------------------------------

values = st.lists(st.tuples(st.floats(), st.floats()), max_size=32)
positive = st.lists(st.tuples(st.floats(0.5, 2.0), st.floats(0.5, 2.0)), min_size=6, max_size=31)
units = st.sampled_from(["sec/op", "B/s"])


def of(pairs: Sequence[tuple[float, float]], unit: str) -> Timed:
    return timed([head for _, head in pairs], [base for base, _ in pairs], unit=unit)


@given(values, values, units)
@settings(max_examples=50)
def test_no_value_however_odd_breaks_the_verdict(
    first: list[tuple[float, float]], again: list[tuple[float, float]], unit: str
) -> None:
    assert judge_timed(of(first, unit)).reason
    assert confirm_timed(of(first, unit), replace(of(again, unit), looks=FRESH_LOOKS)).reason


@given(positive)
@settings(max_examples=50)
def test_exchanging_the_sides_mirrors_the_estimate(pairs: list[tuple[float, float]]) -> None:
    there, back = (
        judge_timed(replace(of(each, "sec/op"), looks=(40,))) for each in (pairs, [(h, b) for b, h in pairs])
    )
    assert there.estimate is not None and back.estimate is not None
    assert there.estimate.log_change == pytest.approx(-back.estimate.log_change, abs=1e-12)


@given(positive, units, st.sampled_from([2.0**-20, 2.0**20]))
@settings(max_examples=50)
def test_the_size_of_an_operation_changes_nothing(
    pairs: list[tuple[float, float]], unit: str, factor: float
) -> None:
    plain, scaled = (
        judge_timed(of(each, unit)) for each in (pairs, [(b * factor, h * factor) for b, h in pairs])
    )
    assert (plain.verdict, plain.suspected, plain.decided) == (
        scaled.verdict,
        scaled.suspected,
        scaled.decided,
    )


@given(st.floats(0.9, 1.2), st.floats(0.9, 1.2), st.floats(0.0, 0.05), st.integers(0, 10**6), units)
@settings(max_examples=100)
def test_a_change_below_the_least_effect_is_never_red(
    first: float, again: float, deviation: float, seed: int, unit: str
) -> None:
    source = random.Random(seed)
    heads = [
        [centre * math.exp(source.gauss(0.0, deviation)) for _ in range(30)] for centre in (first, again)
    ]
    judged = confirm_timed(timed(heads[0], unit=unit), fresh(heads[1], unit))
    if judged.verdict in (Verdict.REGRESSION, Verdict.IMPROVEMENT):
        assert judged.estimate is not None
        assert abs(judged.estimate.change) >= 0.03 - 1e-9
        worse = (judged.estimate.change > 0.0) != unit.endswith("/s")
        assert worse is (judged.verdict is Verdict.REGRESSION)


# -- a known truth ------------------------------------------------------------------------------------------------


def gate(source: random.Random, change: float, deviation: float) -> tuple[Verdict, int]:
    """One benchmark through first and fresh rounds: verdict and first rounds."""

    def heads(rounds: int) -> list[float]:
        return [(1.0 + change) * math.exp(source.gauss(0.0, deviation)) for _ in range(rounds)]

    first = timed(heads(LOOKS[-1]))
    _, seen = decide(first)
    judged = confirm_timed(replace(first, head=first.head[: len(seen.ratios)]), fresh(heads(FRESH_LOOKS[-1])))
    return judged.verdict, len(seen.ratios)


def test_equal_programs_are_let_go_early_and_are_not_red() -> None:
    source = random.Random(20)
    ended = [gate(source, 0.0, 0.04) for _ in range(500)]
    assert sum(rounds for _, rounds in ended) / 500 <= 10.0
    assert all(verdict in (Verdict.UNCHANGED, Verdict.UNKNOWN) for verdict, _ in ended)


def test_a_slowdown_of_five_percent_is_found_in_noise_of_four() -> None:
    source = random.Random(21)
    ended = [gate(source, 0.05, 0.04)[0] for _ in range(300)]
    assert ended.count(Verdict.REGRESSION) >= 285
    assert ended.count(Verdict.UNCHANGED) <= 6


def test_what_the_rounds_would_have_seen_is_about_what_they_do_see() -> None:
    source, hits = random.Random(22), 0
    for _ in range(150):
        noise = [source.gauss(0.0, 0.07) for _ in range(30)]
        smallest = judge_timed(timed([math.exp(each) for each in noise], looks=(30,))).smallest_seen
        assert smallest is not None
        others = [(1.0 + smallest) * math.exp(source.gauss(0.0, 0.07)) for _ in range(30)]
        hits += judge_timed(timed(others, looks=(30,))).alarm
    assert 0.65 <= hits / 150 <= 0.95
