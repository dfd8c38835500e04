"""What a long A/A measurement says: false alarms, power, and what to set."""

from __future__ import annotations

import random

import pytest
from rich.console import Console

from perf.benchmarks.format import higher_is_better
from perf.calibrate.advice import EFFECTS, Advice, Noise, Rate, examine, pair_sd
from perf.calibrate.command import shown
from perf.model import Verdict
from perf.regression.comparisons import Benchmark, Limits, Pair
from perf.regression.looks import LOOKS
from perf.regression.redraw import STRETCH_ROUNDS, draw_run

LIMITS = Limits(0.03, 0.01)
A = Benchmark("./work", "BenchmarkA")


def pairs(sd: float, rounds: int = 40, seed: int = 1, unit: str = "sec/op") -> tuple[Pair, ...]:
    """A/A pairs whose log ratio has about this standard deviation."""
    source = random.Random(seed)
    side = sd / 2**0.5
    return tuple(
        Pair({unit: 2.0**-9 * (1 + source.gauss(0, side))}, {unit: 2.0**-9 * (1 + source.gauss(0, side))})
        for _ in range(rounds)
    )


def test_a_quiet_machine_finds_small_slowdowns_and_raises_no_alarm() -> None:
    advice = examine({A: pairs(0.005)}, LIMITS, higher_is_better, runs=30, seed=1)
    assert advice.false_alarms.count == 0
    (noise,) = advice.noises
    assert noise.pair_sd == pytest.approx(0.005, rel=0.4)
    assert noise.power[EFFECTS.index(0.05)] == 1.0
    assert noise.power[EFFECTS.index(0.01)] == 0.0
    assert advice.least_effect is not None
    assert advice.least_effect <= 0.03


def test_a_noisy_machine_is_told_what_it_cannot_see() -> None:
    advice = examine({A: pairs(0.25)}, LIMITS, higher_is_better, runs=20, seed=1)
    (noise,) = advice.noises
    assert noise.power[EFFECTS.index(0.02)] <= 0.1
    assert advice.least_effect is None or advice.least_effect >= 0.10


def test_a_slowdown_of_a_rate_is_less_of_it() -> None:
    advice = examine({A: pairs(0.005, unit="B/s")}, LIMITS, higher_is_better, runs=20, seed=1)
    assert advice.noises[0].power[EFFECTS.index(0.10)] == 1.0


def test_a_run_is_drawn_the_same_again_from_the_same_seed() -> None:
    def draw(seed: str) -> tuple[object, ...]:
        drawn = draw_run({A: pairs(0.05)}, seed, LIMITS, higher_is_better, LOOKS, units=1)
        return drawn.rows[0].base

    assert draw("1") == draw("1") != draw("2")


def test_neighbouring_rounds_stay_together_in_a_drawn_run() -> None:
    """A burst that spans several rounds must not be scattered into single ones."""
    recorded = tuple(Pair({"sec/op": 1.0 + number}, {"sec/op": 1.0 + number}) for number in range(40))
    drawn = draw_run({A: recorded}, "s", LIMITS, higher_is_better, (6,), units=1)
    steps = [
        after - before for before, after in zip(drawn.rows[0].base, drawn.rows[0].base[1:], strict=False)
    ]
    assert steps[: STRETCH_ROUNDS - 1] == [1.0] * (STRETCH_ROUNDS - 1) or -39.0 in steps[: STRETCH_ROUNDS - 1]


def test_a_large_planted_effect_is_confirmed_on_fresh_rounds() -> None:
    drawn = draw_run({A: pairs(0.02)}, "s", LIMITS, higher_is_better, LOOKS, effect=0.5, units=1)
    assert [row.judgement.verdict for row in drawn.rows] == [Verdict.REGRESSION]
    assert drawn.red


@pytest.mark.parametrize(
    ("rate", "low", "high"),
    [(Rate(0, 400), 0.0, 0.0095), (Rate(2, 400), 0.0014, 0.018), (Rate(20, 20), 0.839, 1.0)],
)
def test_the_interval_of_a_rate_is_wilsons(rate: Rate, low: float, high: float) -> None:
    assert rate.interval == pytest.approx((low, high), abs=0.0005)


def test_pairs_without_a_ratio_have_no_noise() -> None:
    assert pair_sd((Pair({"sec/op": 0.0}, {"sec/op": 1.0}),), "sec/op") == 0.0


def text(advice: Advice, width: int = 100) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(shown(advice, 30, 0.03, width))
    return captured.get()


NOISE = Noise(A, "sec/op", 0.04, (0.0, 0.1, 0.9, 1.0))


@pytest.mark.parametrize(
    ("least", "words"),
    [
        (0.02, "least_effect of 3 % can be proven here"),
        (0.07, 'set least_effect = "7 %" in [gate] of perf.toml'),
        (None, "too noisy here to prove even 20 %"),
    ],
)
def test_what_to_set_is_said(least: float | None, words: str) -> None:
    said = " ".join(text(Advice(Rate(1, 200), 8.0, (NOISE,), least)).split())
    assert words in said
    assert "false alarms: 1 of 200 runs red" in said


@pytest.mark.parametrize("width", [60, 160])
def test_the_table_fits_the_window(width: int) -> None:
    lines = text(Advice(Rate(0, 200), 8.0, (NOISE,), 0.03), width).splitlines()
    assert max(map(len, lines)) <= width
    assert any("90 %" in line for line in lines)
