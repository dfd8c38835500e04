from __future__ import annotations

import pytest

from perf.compare.judge import Answer, Limits, Question, Side, judge_board, ratio_change
from perf.model import Verdict
from tests.compare.outputs import noisy, steady


def side(values: list[float], iterations: int = 1000, lines: int | None = None) -> Side:
    return Side(tuple(values), (iterations,) * (len(values) if lines is None else lines))


def judged(question: Question, limits: Limits | None = None) -> Answer:
    (answer,) = judge_board([question], limits or Limits())
    return answer


def timed(base: list[float], head: list[float], *, higher: bool = False, doubt: str = "") -> Question:
    return Question("sec/op", side(base), side(head), higher, doubt=doubt)


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [
        (1.05, Verdict.REGRESSION),
        (0.95, Verdict.IMPROVEMENT),
        (1.0, Verdict.UNCHANGED),
        (1.02, Verdict.UNCHANGED),
    ],
)
def test_a_steady_change_is_judged_by_its_size(factor: float, verdict: Verdict) -> None:
    assert judged(timed(steady(100.0), steady(100.0 * factor))).verdict is verdict


def test_more_is_better_where_the_unit_says_so() -> None:
    assert judged(timed(steady(100.0), steady(105.0), higher=True)).verdict is Verdict.IMPROVEMENT


def test_noise_that_hides_the_least_effect_is_unknown_with_what_it_would_take() -> None:
    answer = judged(timed(noisy(100.0, 1), noisy(104.0, 2)))
    assert answer.verdict is Verdict.UNKNOWN
    assert "more rounds" in answer.reason


def test_fewer_rounds_than_any_verdict_needs_are_unknown() -> None:
    answer = judged(timed(steady(100.0, 5), steady(200.0, 5)))
    assert (answer.verdict, answer.reason) == (Verdict.UNKNOWN, "needs ≥ 6 rounds, has 5")


def test_every_value_equal_is_unchanged() -> None:
    assert judged(timed([100.0] * 6, [100.0] * 6)).reason == "every value is equal"


def test_zeros_have_no_ratio() -> None:
    assert judged(timed([0.0] * 10, steady(1.0))).verdict is Verdict.UNKNOWN


def test_the_whole_board_is_counted_in() -> None:
    borderline = timed(noisy(100.0, 1, 12, 0.04), noisy(108.0, 2, 12, 0.04))
    alone = judged(borderline)
    among = judge_board([borderline] * 200, Limits())[0]
    assert alone.verdict is Verdict.REGRESSION
    assert among.verdict is Verdict.UNKNOWN
    assert alone.adjusted_p is not None
    assert among.adjusted_p == pytest.approx(200 * alone.adjusted_p)


def test_alpha_and_least_effect_set_the_rule() -> None:
    question = timed(steady(100.0), steady(105.0))
    assert judged(question, Limits(least_effect=0.1)).verdict is Verdict.UNCHANGED
    doubtful = timed(noisy(100.0, 1, 12, 0.04), noisy(108.0, 2, 12, 0.04))
    assert judged(doubtful, Limits(alpha=1e-9)).verdict is Verdict.UNKNOWN


def test_pairs_see_through_what_both_sides_of_a_round_share() -> None:
    weather = noisy(1.0, 3, 20, 0.3)
    base = [100.0 * each for each in weather]
    head = [105.0 * each * wobble for each, wobble in zip(weather, steady(1.0, 20), strict=True)]
    assert judged(timed(base, head)).verdict is Verdict.UNKNOWN
    assert judged(timed(base, head), Limits(paired=True)).verdict is Verdict.REGRESSION


def test_pairs_of_which_some_have_a_zero_use_the_others() -> None:
    base, head = [0.0, *steady(100.0)], [*steady(110.0), 0.0]
    assert judged(timed(base, head), Limits(paired=True)).verdict is Verdict.REGRESSION


@pytest.mark.parametrize(
    ("base", "head", "why"),
    [
        (side(steady(100.0)), side(steady(110.0, 9)), "10 values against 9"),
        (side(steady(100.0), lines=11), side(steady(110.0), lines=11), "some lines lack the metric"),
    ],
)
def test_values_of_which_the_pairs_cannot_be_told_are_not_paired(base: Side, head: Side, why: str) -> None:
    answer = judged(Question("sec/op", base, head), Limits(paired=True))
    assert answer.verdict is Verdict.UNKNOWN
    assert why in answer.reason


def test_a_difference_between_runs_widens_the_interval_and_more_rounds_do_not_help() -> None:
    answer = judged(timed(steady(100.0), steady(105.0)), Limits(between_runs=0.05))
    assert answer.verdict is Verdict.UNKNOWN
    assert "more of these lines cannot tell" in answer.reason
    assert answer.estimate is not None and answer.estimate.low < 0.0 < answer.estimate.high


def test_a_doubt_leaves_the_figures_and_no_verdict_and_does_not_weigh_on_the_others() -> None:
    doubted = timed(steady(100.0), steady(100.0), doubt="two machines")
    first, second = judge_board([doubted, timed(steady(100.0), steady(110.0))], Limits())
    assert (first.verdict, first.reason) == (Verdict.UNKNOWN, "two machines")
    assert first.estimate is not None and first.adjusted_p is None
    assert second.estimate is not None and second.adjusted_p == second.estimate.p


# -- counted ------------------------------------------------------------------------------------------------------


def counted(
    base: float, head: float, iterations: tuple[int, int] = (1000, 1000), unit: str = "allocs/op"
) -> Answer:
    return judged(
        Question(unit, side([base] * 6, iterations[0]), side([head] * 6, iterations[1])),
    )


@pytest.mark.parametrize(
    ("base", "head", "verdict"),
    [
        (0.0, 1.0, Verdict.REGRESSION),
        (2.0, 3.0, Verdict.REGRESSION),
        (3.0, 2.0, Verdict.IMPROVEMENT),
        (2.0, 2.0, Verdict.UNCHANGED),
    ],
)
def test_one_allocation_more_is_a_regression_without_a_test(
    base: float, head: float, verdict: Verdict
) -> None:
    answer = counted(base, head)
    assert answer.verdict is verdict
    assert answer.estimate is None


@pytest.mark.parametrize(
    ("iterations", "head", "verdict"),
    [
        (
            (1000, 500),
            15.0,
            Verdict.UNKNOWN,
        ),  # 10,000 allocations once over half the iterations: 10 → 20 at most
        ((1000, 500), 25.0, Verdict.REGRESSION),  # more than halving the iterations can explain
        ((1000, 950), 15.0, Verdict.REGRESSION),  # about the same iterations
        ((500, 1000), 15.0, Verdict.REGRESSION),  # more iterations can only lessen it
        ((1_000_000, 500_000), 15.0, Verdict.REGRESSION),  # five million allocations are not done once
        ((500, 1000), 7.0, Verdict.UNKNOWN),
    ],
)
def test_what_fewer_iterations_may_explain_is_unknown(
    iterations: tuple[int, int], head: float, verdict: Verdict
) -> None:
    answer = counted(10.0, head, iterations)
    assert answer.verdict is verdict
    assert ("-benchtime" in answer.reason) is (verdict is Verdict.UNKNOWN)


def test_bytes_that_are_allocated_once_are_told_in_bytes() -> None:
    answer = counted(48.0, 68.0, (5000, 2500), "B/op")
    assert "100 kB allocated once would explain it" in answer.reason


# -- exact --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "head", "verdict", "reason"),
    [
        (100.0, 100.0, Verdict.UNCHANGED, "exactly equal"),
        (100.0, 101.0, Verdict.UNCHANGED, "exactly +1 %, less than 3 %"),
        (100.0, 105.0, Verdict.REGRESSION, "exactly +5 %"),
        (100.0, 90.0, Verdict.IMPROVEMENT, "exactly −10 %"),
        (0.0, 5.0, Verdict.REGRESSION, "an exact metric"),
    ],
)
def test_an_exact_metric_needs_one_value(base: float, head: float, verdict: Verdict, reason: str) -> None:
    answer = judged(Question("text-bytes", side([base]), side([head]), exact=True))
    assert (answer.verdict, answer.reason) == (verdict, reason)


def test_an_exact_metric_that_varies_is_judged_by_a_test() -> None:
    answer = judged(Question("text-bytes", side([100.0, 101.0]), side([105.0] * 2), exact=True))
    assert answer.reason == "needs ≥ 6 rounds, has 2"


@pytest.mark.parametrize(
    ("base", "head", "change"),
    [(0.0, 0.0, 0.0), (0.0, 1.0, None), (2.0, 3.0, 0.5), (1.0, float("inf"), None)],
)
def test_a_share_of_nothing_is_not_told(base: float, head: float, change: float | None) -> None:
    assert ratio_change(base, head) == change
