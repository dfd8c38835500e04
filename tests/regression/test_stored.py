"""Against a stored baseline: unknown rather than red by time, and counts wherever they mean the same."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from random import Random
from statistics import median

import pytest

from perf.baseline.between_runs import BetweenRuns, Snapshot, estimate
from perf.model import Series, Verdict
from perf.regression.comparisons import Limits, Row
from perf.regression.stored import judge_stored

QUIET = (1.0, 1.001, 0.999, 1.0005, 0.9995, 1.0)
LIMITS = Limits(0.03, 0.01)
SHA = "c" * 40
KEY = ("./p", "BenchmarkA", "sec/op")
# Ten baselines that differed by half a percent, and never jumped far.
CALM = BetweenRuns(10, {}, {"sec/op": 0.005}, 1.0)


def series(unit: str, values: Sequence[float], iterations: int = 100, name: str = "BenchmarkA") -> Series:
    return Series("./p", name, unit, tuple(values), (iterations,) * len(values))


def judge(base: Sequence[Series], head: Sequence[Series], **given: object) -> dict[tuple[str, str], Row]:
    arguments: dict[str, object] = {
        "differences": (),
        "base_sha": SHA,
        "limits": LIMITS,
        "higher_is_better": lambda unit: unit.endswith("/s"),
        **given,
    }
    rows = judge_stored(base, head, **arguments)  # type: ignore[arg-type]
    return {(row.benchmark.name, row.unit): row for row in rows}


def judged(
    unit: str, base: Sequence[float], head: Sequence[float], *, iterations: int = 100, **given: object
) -> Row:
    before = [series(unit, base), series(unit, base, name="BenchmarkOld")]
    (row,) = judge(before, [series(unit, head, iterations)], **given).values()
    return row


def slower(by: float, factor: Mapping[str, float], between: BetweenRuns) -> Row:
    """BenchmarkA made slower `by`, among siblings that moved by their factors."""
    names = ["BenchmarkA", *factor]
    base = [series("sec/op", QUIET, name=name) for name in names]
    factors = {**factor, "BenchmarkA": by}
    head = [series("sec/op", [factors[name] * value for value in QUIET], name=name) for name in names]
    return judge(base, head, between=between)["BenchmarkA", "sec/op"]


STILL = {f"Benchmark{number}": 1.0 for number in range(5)}


def test_without_a_history_a_large_slowdown_is_unknown_and_says_how_to_decide() -> None:
    row = judged("sec/op", QUIET, [2 * value for value in QUIET])
    assert row.judgement.verdict is Verdict.UNKNOWN
    for words in (
        "regression (",
        "5 % between runs, mostly assumed: 0 of 8 baselines stand",
        f"--base {SHA[:12]}",
    ):
        assert words in row.judgement.reason


def test_with_a_history_a_slowdown_beyond_all_it_shows_is_red() -> None:
    row = slower(1.1, STILL, CALM)
    assert row.judgement.verdict is Verdict.REGRESSION
    assert "0.5 % between runs, estimated from 10 baselines" in row.judgement.reason
    assert not row.judgement.alarm
    assert slower(0.9, STILL, CALM).judgement.verdict is Verdict.IMPROVEMENT


@pytest.mark.parametrize(
    ("by", "siblings", "between", "why"),
    [
        (1.1, STILL, BetweenRuns(7, {}, {"sec/op": 0.005}), "7 of 8 baselines stand"),
        (1.1, dict.fromkeys(STILL, 1.06), CALM, "the benchmarks together moved by +6 %: the machine's day"),
        (1.1, {"BenchmarkB": 1.0}, CALM, "under 5 benchmarks cannot tell the code from the machine's day"),
        (
            1.1,
            STILL,
            BetweenRuns(16, {}, {"sec/op": 0.005}, 12.0),
            "jump so far without a cause (up to 12.7 %)",
        ),
    ],
)
def test_a_slowdown_that_the_machine_may_have_made_is_unknown_and_says_why(
    by: float, siblings: Mapping[str, float], between: BetweenRuns, why: str
) -> None:
    row = slower(by, siblings, between)
    assert row.judgement.verdict is Verdict.UNKNOWN
    assert "regression (" in row.judgement.reason
    assert why in row.judgement.reason
    assert f"--base {SHA[:12]}" in row.judgement.reason


def test_a_slowdown_within_the_spread_of_its_own_history_is_not_sure() -> None:
    noisy = BetweenRuns(10, {KEY: 0.1}, {"sec/op": 0.005}, 1.0)
    row = slower(1.1, STILL, noisy)
    assert row.judgement.verdict is Verdict.UNKNOWN
    assert "10 % between runs" in row.judgement.reason


def test_equal_times_are_proven_equal_only_as_far_as_the_history_goes() -> None:
    assert judged("sec/op", QUIET, QUIET[::-1]).judgement.verdict is Verdict.UNKNOWN
    assert (
        judged("sec/op", QUIET, QUIET[::-1], limits=Limits(0.2, 0.01)).judgement.verdict is Verdict.UNCHANGED
    )
    assert judged("sec/op", QUIET, QUIET[::-1], between=CALM).judgement.verdict is Verdict.UNCHANGED


def test_a_rate_that_is_the_time_again_has_no_row_and_one_that_stands_alone_has() -> None:
    time, rate = series("sec/op", QUIET), series("B/s", QUIET)
    assert set(judge([time, rate], [time, rate])) == {("BenchmarkA", "sec/op")}
    assert set(judge([rate], [rate])) == {("BenchmarkA", "B/s")}


def test_another_allocation_is_red_also_against_a_stored_run() -> None:
    assert judged("allocs/op", (5.0,) * 6, (6.0,) * 6).judgement.verdict is Verdict.REGRESSION
    assert judged("allocs/op", (5.0,) * 6, (5.0,) * 6).judgement.verdict is Verdict.UNCHANGED


def test_counts_of_other_iteration_counts_are_not_compared() -> None:
    row = judged("B/op", (64.0,) * 6, (96.0,) * 6, iterations=50)
    assert row.judgement.verdict is Verdict.UNKNOWN
    assert "iteration counts differ" in row.judgement.reason


KERNEL = ("kernel: 6.1 then, 6.8 now",)


@pytest.mark.parametrize("unit", ["sec/op", "allocs/op", "instructions/op"])
def test_another_machine_is_unknown_with_the_fields_that_differ(unit: str) -> None:
    row = judged(unit, (5.0,) * 6, (9.0,) * 6, differences=KERNEL)
    assert row.judgement.verdict is Verdict.UNKNOWN
    assert "kernel: 6.1 then, 6.8 now" in row.judgement.reason


def test_what_is_counted_is_judged_on_another_machine_where_that_is_sound() -> None:
    sound = {"allocs/op": (), "instructions/op": ("cpu_flags: a then, b now",)}
    base = [series("sec/op", QUIET), series("allocs/op", (5.0,) * 6), series("instructions/op", (5e6,) * 6)]
    head = [series("sec/op", QUIET), series("allocs/op", (6.0,) * 6), series("instructions/op", (9e6,) * 6)]
    rows = judge(base, head, differences=KERNEL, work_differences=sound)
    verdicts = {unit: row.judgement.verdict for (_, unit), row in rows.items()}
    assert verdicts == {
        "sec/op": Verdict.UNKNOWN,
        "allocs/op": Verdict.REGRESSION,
        "instructions/op": Verdict.UNKNOWN,
    }
    assert "cpu_flags" in rows["BenchmarkA", "instructions/op"].judgement.reason


COUNTS = (1_000_000.0, 1_000_400.0, 999_700.0)
MORE = tuple(1.02 * value for value in COUNTS)


def test_the_same_instructions_are_unchanged() -> None:
    assert judged("instructions/op", COUNTS, COUNTS[::-1]).judgement.verdict is Verdict.UNCHANGED


def test_more_instructions_are_red_once_fresh_counts_say_the_same() -> None:
    first = judged("instructions/op", COUNTS, MORE)
    assert (first.judgement.verdict, first.judgement.alarm) == (Verdict.UNKNOWN, True)
    assert f"--base {SHA[:12]}" in first.judgement.reason
    again = judged("instructions/op", COUNTS, MORE, fresh=[series("instructions/op", MORE)])
    assert again.judgement.verdict is Verdict.REGRESSION
    assert again.head == MORE + MORE
    gone = judged("instructions/op", COUNTS, MORE, fresh=[series("instructions/op", COUNTS)])
    assert gone.judgement.verdict is not Verdict.REGRESSION
    assert not gone.judgement.alarm


def test_instructions_that_jitter_too_much_to_tell_have_no_row() -> None:
    jittery = series("instructions/op", (85_000.0, 103_000.0, 109_000.0))
    assert judge([jittery], [jittery]) == {}


def spiky(random: Random) -> float:
    """Half a percent of noise, and one run in twenty that is slower by a burst of up to some 40 %."""
    return random.gauss(0.0, 0.005) + (random.random() < 0.05) * abs(random.gauss(0.0, 0.2))


def simulated(seed: int, baselines: int, benchmarks: int = 40) -> dict[tuple[str, str], Row]:
    """Runs of equal code on days that differ by 2 %: all but the last are the history, the last is the head."""
    random = Random(seed)
    runs = []
    for _ in range(baselines + 1):
        day = random.gauss(0.0, 0.02)
        runs.append(
            [
                series(
                    "sec/op",
                    [math.exp(level + random.gauss(0.0, 0.01)) for _ in range(6)],
                    name=f"Benchmark{number}",
                )
                for number in range(benchmarks)
                for level in [day + spiky(random)]
            ]
        )
    history = [
        Snapshot({}, {(each.package, each.name, each.unit): median(each.values) for each in run})
        for run in runs[:-1]
    ]
    return judge(runs[-2], runs[-1], between=estimate(history))


@pytest.mark.parametrize("baselines", [8, 20])
def test_runs_of_equal_code_are_hardly_ever_red(baselines: int) -> None:
    """Forty benchmarks, days that differ, bursts that the robust scale does not see: of 60 runs at most one is red."""
    red = [
        seed
        for seed in range(60)
        if any(row.judgement.verdict is Verdict.REGRESSION for row in simulated(seed, baselines).values())
    ]
    assert len(red) <= 1
