"""The two tables of verdicts, row by row, and how often a whole run is wrong when nothing changed."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.model import Comparison, Verdict
from perf.regression.comparisons import (
    Benchmark,
    Limits,
    Pair,
    Row,
    alarms,
    conclude,
    judge_pairs,
    one_sided_units,
    unmeasured,
)
from perf.regression.verdicts import COUNTED, TIMED

COPY = Benchmark("./pkg/copy", "CopyImage/small")
LIMITS = Limits(least_effect=0.03, false_alarms=0.01)
JITTER = (0.002, -0.001, 0.0, 0.001, -0.002, 0.0015, -0.0015, 0.0005, -0.0005, 0.0)


def higher_is_better(unit: str) -> bool:
    return unit.endswith("/s")


def pairs(unit: str, base: Iterable[float], head: Iterable[float]) -> list[Pair]:
    return [Pair({unit: b}, {unit: h}) for b, h in zip(base, head, strict=True)]


def judged(unit: str, base: Sequence[float], head: Sequence[float]) -> Comparison:
    """The first look at one benchmark and metric."""
    (row,) = judge_pairs({COPY: pairs(unit, base, head)}, LIMITS, higher_is_better)
    return row.comparison()


def noisy(centre: float, jitter: Sequence[float] = JITTER) -> list[float]:
    return [centre * math.exp(each) for each in jitter]


@pytest.mark.parametrize(
    ("unit", "base", "head", "verdict", "reason"),
    [
        ("sec/op", noisy(1.0), noisy(1.10, JITTER[::-1]), Verdict.REGRESSION, "+"),
        ("sec/op", noisy(1.0), noisy(0.90, JITTER[::-1]), Verdict.IMPROVEMENT, "−"),
        ("B/s", noisy(1.0), noisy(0.90, JITTER[::-1]), Verdict.REGRESSION, "−"),
        ("B/s", noisy(1.0), noisy(1.10, JITTER[::-1]), Verdict.IMPROVEMENT, "+"),
        ("sec/op", noisy(1.0), noisy(1.02, JITTER[::-1]), Verdict.UNCHANGED, "within ± 3 %"),
        ("sec/op", noisy(1.0), noisy(1.0, JITTER[::-1]), Verdict.UNCHANGED, "within ± 3 %"),
        ("sec/op", [1.0] * 6, [1.0] * 6, Verdict.UNCHANGED, "every value is equal"),
        ("sec/op", [0.0] * 6, [0.0] * 6, Verdict.UNCHANGED, "every value is equal"),
        ("sec/op", [1.0] * 5, [2.0] * 5, Verdict.UNKNOWN, "needs ≥ 6 rounds, has 5"),
        ("sec/op", [0.0] * 6, [1.0] * 6, Verdict.UNKNOWN, "6 of 6 rounds gave zero or no number"),
        (
            "sec/op",
            [1.0] * 6,
            [1.0] * 5 + [math.nan],
            Verdict.UNKNOWN,
            "1 of 6 rounds gave zero or no number",
        ),
        (
            "sec/op",
            noisy(1.0),
            noisy(1.0, [each * 50 for each in JITTER[::-1]]),
            Verdict.UNKNOWN,
            "more rounds",
        ),
        (
            "sec/op",
            noisy(1.0),
            [5.0, 0.2, 7.0, 0.1, 9.0, 0.3, 4.0, 0.25, 3.0, 0.4],
            Verdict.UNKNOWN,
            "too noisy here to tell",
        ),
        ("goroutines", [7.0] * 6, [8.0] * 6, Verdict.REGRESSION, "+14.3 %"),
    ],
)
def test_timed_metrics(
    unit: str, base: list[float], head: list[float], verdict: Verdict, reason: str
) -> None:
    found = judged(unit, base, head)
    assert found.verdict is verdict
    assert reason in found.reason


@pytest.mark.parametrize(
    ("unit", "base", "head", "verdict", "reason"),
    [
        ("allocs/op", [5.0] * 6, [5.0] * 6, Verdict.UNCHANGED, "counted the same"),
        ("allocs/op", [0.0] * 6, [0.0] * 6, Verdict.UNCHANGED, "counted the same"),
        ("allocs/op", [5.0] * 6, [6.0] * 6, Verdict.REGRESSION, "base 5 allocs/op, head 6 allocs/op"),
        ("allocs/op", [0.0] * 6, [1.0] * 6, Verdict.REGRESSION, "base 0 allocs/op, head 1 allocs/op"),
        ("allocs/op", [6.0] * 6, [5.0] * 6, Verdict.IMPROVEMENT, "base 6"),
        ("allocs/op", [5000.0] * 6, [5001.0] * 6, Verdict.UNCHANGED, "counted the same"),
        ("B/op", [64.0] * 6, [80.0] * 6, Verdict.REGRESSION, "head 80 B/op"),
        ("B/op", [64.0] * 6, [71.0] * 6, Verdict.UNCHANGED, "counted the same"),
        ("B/op", [64.0] * 3, [64.0] * 3, Verdict.UNCHANGED, "counted the same"),
        ("B/op", [64.0] * 3, [80.0] * 3, Verdict.UNKNOWN, "needs ≥ 5 rounds, has 3"),
        ("B/op", [64.0] * 5, [80.0] * 5, Verdict.REGRESSION, "head 80 B/op"),
        ("B/op", [64.0, 64.0, 64.0, 64.0, 72.0], [80.0] * 5, Verdict.UNKNOWN, "needs ≥ 6 rounds, has 5"),
        ("B/op", [64.0, 64.0, 64.0, 64.0, 65.0], [64.0] * 5, Verdict.UNCHANGED, "counted the same"),
        (
            "B/op",
            [640, 648, 640, 648, 640, 648],
            [640] * 6,
            Verdict.UNCHANGED,
            "jitters: base 640 B/op to 648",
        ),
        (
            "B/op",
            [100, 900, 100, 900, 100, 900],
            [800] * 6,
            Verdict.UNKNOWN,
            "jitters by more than it changes",
        ),
        ("B/op", [64.0] * 6, [64.0] * 5 + [math.nan], Verdict.UNKNOWN, "not a number"),
    ],
)
def test_counted_metrics(
    unit: str, base: list[float], head: list[float], verdict: Verdict, reason: str
) -> None:
    found = judged(unit, base, head)
    assert found.verdict is verdict
    assert reason in found.reason


def test_a_counted_change_is_that_of_the_medians_and_has_no_interval() -> None:
    found = judged("allocs/op", [5.0] * 6, [6.0] * 6)
    assert found.change == pytest.approx(0.2)
    assert (found.low, found.high) == (None, None)


def test_a_change_from_zero_has_no_percentage() -> None:
    assert judged("allocs/op", [0.0] * 6, [1.0] * 6).change is None


@pytest.mark.parametrize("table", [TIMED, COUNTED])
def test_only_changes_are_alarms(table: Sequence[object]) -> None:
    for rule in table:
        changed = rule.verdict in (Verdict.REGRESSION, Verdict.IMPROVEMENT)  # type: ignore[attr-defined]
        assert rule.alarm is changed  # type: ignore[attr-defined]


def look(unit: str, base: Sequence[float], head: Sequence[float]) -> tuple[Row, ...]:
    return judge_pairs({COPY: pairs(unit, base, head)}, LIMITS, higher_is_better)


SLOWER = (noisy(1.0), noisy(1.2, JITTER[::-1]))
SAME = (noisy(1.0), noisy(1.0, JITTER[::-1]))
FASTER = (noisy(1.0), noisy(0.8, JITTER[::-1]))


def test_a_slowdown_that_repeats_on_fresh_rounds_is_a_regression_with_the_fresh_values() -> None:
    fresh = (noisy(1.0), noisy(1.1, JITTER[::-1]))
    (row,) = conclude(look("sec/op", *SLOWER), look("sec/op", *fresh))
    assert row.judgement.verdict is Verdict.REGRESSION
    assert "confirmed on fresh rounds" in row.judgement.reason
    assert row.comparison().change == pytest.approx(0.1, abs=0.002)


@pytest.mark.parametrize("fresh", [SAME, FASTER])
def test_a_slowdown_that_does_not_repeat_is_unknown(fresh: tuple[list[float], list[float]]) -> None:
    (row,) = conclude(look("sec/op", *SLOWER), look("sec/op", *fresh))
    assert row.judgement.verdict is Verdict.UNKNOWN
    assert "not confirmed" in row.judgement.reason


def test_an_alarm_without_fresh_rounds_is_unknown() -> None:
    (row,) = conclude(look("sec/op", *SLOWER), ())
    assert row.judgement.verdict is Verdict.UNKNOWN
    assert "no time for fresh rounds" in row.judgement.reason


def test_fresh_rounds_leave_alone_what_raised_no_alarm() -> None:
    first = look("sec/op", *SAME)
    assert alarms(first) == ()
    assert conclude(first, look("sec/op", *SLOWER)) == first


def test_a_metric_that_one_side_reports_is_listed_and_not_compared() -> None:
    both = [Pair({"sec/op": 1.0, "old": 1.0}, {"sec/op": 1.0, "new": 2.0})] * 6
    assert [row.unit for row in judge_pairs({COPY: both}, LIMITS, higher_is_better)] == ["sec/op"]
    assert one_sided_units(both) == (("old",), ("new",))


def test_a_rate_that_is_only_the_time_again_has_no_row() -> None:
    same_bytes = [Pair({"sec/op": 1.0, "B/s": 64.0}, {"sec/op": 2.0, "B/s": 32.0})] * 6
    assert [row.unit for row in judge_pairs({COPY: same_bytes}, LIMITS, higher_is_better)] == ["sec/op"]


def test_a_rate_of_other_bytes_is_judged_by_itself() -> None:
    more_bytes = [Pair({"sec/op": 1.0, "B/s": 64.0}, {"sec/op": 2.0, "B/s": 64.0})] * 6
    rows = judge_pairs({COPY: more_bytes}, LIMITS, higher_is_better)
    assert [(row.unit, row.judgement.verdict) for row in rows] == [
        ("sec/op", Verdict.REGRESSION),
        ("B/s", Verdict.UNCHANGED),
    ]


def test_a_benchmark_that_gave_nothing_is_unknown_with_its_reason() -> None:
    found = unmeasured(COPY, "fails at the head: panic").comparison()
    assert (found.verdict, found.reason, found.change) == (Verdict.UNKNOWN, "fails at the head: panic", None)


@given(st.lists(st.tuples(st.floats(), st.floats()), max_size=12), st.sampled_from(["sec/op", "B/op", "B/s"]))
def test_no_value_however_odd_breaks_the_verdict(values: list[tuple[float, float]], unit: str) -> None:
    for row in judge_pairs({COPY: [Pair({unit: b}, {unit: h}) for b, h in values]}, LIMITS, higher_is_better):
        assert row.comparison().reason


Noise = Callable[[random.Random], float]


def spiky(source: random.Random) -> float:
    burst = source.choice((-1, 1)) * source.uniform(0.2, 1.0) if source.random() < 0.15 else 0.0
    return source.gauss(0, 0.04) + burst


NOISES: dict[str, Noise] = {
    "normal": lambda source: source.gauss(0, 0.12),
    "heavy-tailed": lambda source: 0.05 * source.gauss(0, 1) / math.sqrt(source.gammavariate(1.5, 2) / 3),
    "spiky": spiky,
    "bimodal": lambda source: source.gauss(0, 0.02) + source.choice((-0.06, 0.0, 0.06)),
}


def whole_run(noise: Noise, source: random.Random, rounds: int, slowdown: float = 0.0) -> tuple[Row, ...]:
    """A gate's whole run on 20 simulated benchmarks, the first of them slower by `slowdown`."""

    def measure(benchmarks: Iterable[Benchmark]) -> dict[Benchmark, list[Pair]]:
        return {
            each: [
                Pair(
                    {"sec/op": 1.0},
                    {"sec/op": math.exp(noise(source)) * (1 + (slowdown if each.name == "0" else 0.0))},
                )
                for _ in range(rounds)
            ]
            for each in benchmarks
        }

    first = judge_pairs(
        measure(Benchmark(".", str(number)) for number in range(20)), LIMITS, higher_is_better
    )
    again = alarms(first)
    fresh = measure(dict.fromkeys(benchmark for benchmark, _ in again))
    return conclude(first, judge_pairs(fresh, LIMITS, higher_is_better, again))


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("rounds", [6, 10])
def test_of_two_hundred_runs_without_a_change_at_most_one_percent_is_red(name: str, rounds: int) -> None:
    source = random.Random(f"{name}/{rounds}")
    red = sum(
        any(row.judgement.verdict is Verdict.REGRESSION for row in whole_run(NOISES[name], source, rounds))
        for _ in range(200)
    )
    assert red <= 2


def test_ten_percent_slower_at_four_percent_noise_is_found_within_ten_rounds() -> None:
    source = random.Random(5)
    runs = [whole_run(lambda each: each.gauss(0, 0.04), source, 10, slowdown=0.10) for _ in range(60)]
    assert sum(run[0].judgement.verdict is Verdict.REGRESSION for run in runs) >= 54
