"""What two runs of equal code differ by, from the history: robust, drawn to the prior while it is short."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

import pytest

from perf.baseline.between_runs import FEWEST_BASELINES, PRIOR, BetweenRuns, Key, Snapshot, estimate
from tests.baseline import samples

KEY: Key = ("./p", "BenchmarkA", "sec/op")


def history(logs: Sequence[float], key: Key = KEY) -> list[Snapshot]:
    return [Snapshot(samples.FINGERPRINT, {key: math.exp(value)}) for value in logs]


def drawn(seed: int, count: int, deviation: float) -> list[float]:
    random = Random(seed)
    return [random.gauss(0.0, deviation / math.sqrt(2.0)) for _ in range(count)]


@pytest.mark.parametrize("snapshots", [[], history([0.0])])
def test_without_neighbours_there_is_only_the_prior(snapshots: list[Snapshot]) -> None:
    between = estimate(snapshots)
    assert between == BetweenRuns()
    assert between.of(KEY) == PRIOR
    assert "mostly assumed: 0 of 8 baselines stand" in between.words(KEY)


@pytest.mark.parametrize("deviation", [0.005, 0.05, 0.3])
def test_a_long_history_shows_its_own_deviation(deviation: float) -> None:
    found = estimate(history(drawn(1, 400, deviation))).of(KEY)
    assert found == pytest.approx(deviation, rel=0.2)


def test_a_short_history_is_drawn_to_the_prior() -> None:
    still = [estimate(history([0.0] * count)).of(KEY) for count in (4, 8, 30)]
    assert PRIOR > still[0] > still[1] > still[2] > 0.0


def test_a_verdict_can_rest_on_eight_baselines() -> None:
    assert not estimate(history([0.0] * (FEWEST_BASELINES - 1))).estimated
    between = estimate(history([0.0] * FEWEST_BASELINES))
    assert between.estimated
    assert "estimated from 8 baselines" in between.words(KEY)


def test_true_steps_do_not_inflate_it() -> None:
    quiet = drawn(2, 30, 0.01)
    stepped = [value + 0.5 * (number > 10) - 0.2 * (number > 20) for number, value in enumerate(quiet)]
    before, after = estimate(history(quiet)), estimate(history(stepped))
    assert after.of(KEY) == pytest.approx(before.of(KEY), rel=0.25)
    assert after.jump == pytest.approx(before.jump, rel=0.25)


def test_a_burst_that_is_gone_at_the_next_commit_is_a_jump() -> None:
    quiet = drawn(3, 30, 0.01)
    between = estimate(history([value + 0.4 * (number == 15) for number, value in enumerate(quiet)]))
    assert between.beyond(KEY) > 0.4
    assert estimate(history(quiet)).beyond(KEY) < 0.1


def test_the_fewer_baselines_the_farther_a_change_must_be() -> None:
    own = {KEY: 0.01}
    few, many = BetweenRuns(8, own, {}, 4.0), BetweenRuns(20, own, {}, 4.0)
    assert few.beyond(KEY) == pytest.approx(0.12)
    assert many.beyond(KEY) == pytest.approx(0.072)


def test_a_noisy_benchmark_is_taken_for_noisier_than_its_siblings() -> None:
    noisy: Key = ("./p", "BenchmarkNoisy", "sec/op")
    quiet = [("./p", f"Benchmark{number}", "sec/op") for number in range(5)]
    runs = [
        {noisy: math.exp(large), **{key: math.exp(small) for key in quiet}}
        for large, small in zip(drawn(4, 30, 0.2), drawn(5, 30, 0.01), strict=True)
    ]
    between = estimate(Snapshot(samples.FINGERPRINT, medians) for medians in runs)
    assert between.of(noisy) > 0.1
    assert between.of(quiet[0]) < 0.05
    assert between.of(("./p", "BenchmarkNew", "sec/op")) == between.by_unit["sec/op"] < 0.05
    assert between.of(("./p", "BenchmarkNew", "p99-sec")) == PRIOR


def test_neighbours_of_another_kernel_are_left_out_and_older_files_are_not() -> None:
    other = {**samples.FINGERPRINT, "kernel": "6.8"}
    older = {name: value for name, value in samples.FINGERPRINT.items() if name != "architecture"}
    values = [0.0, 0.01, 1.0, 1.01, 1.0]
    prints = [samples.FINGERPRINT, older, other, other, other]
    between = estimate(
        Snapshot(fingerprint, {KEY: math.exp(value)})
        for fingerprint, value in zip(prints, values, strict=True)
    )
    assert between.baselines == 5
    assert between.of(KEY) < PRIOR


def test_a_value_without_a_logarithm_and_a_missing_benchmark_say_nothing() -> None:
    snapshots = history([0.0, 0.01] * 10)
    broken = [Snapshot(samples.FINGERPRINT, {KEY: value}) for value in (0.0, math.inf, math.nan)]
    gone = Snapshot(samples.FINGERPRINT, {})
    assert estimate([*snapshots, *broken, gone]).of(KEY) == pytest.approx(
        estimate(snapshots).of(KEY), rel=0.1
    )
