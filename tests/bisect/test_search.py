"""The search over histories whose truth is known."""

from __future__ import annotations

import math
import random

import pytest

from perf.bisect.line import Line
from perf.bisect.model import Ending, Metric
from perf.bisect.scan import scan
from perf.bisect.search import Search, search_counted, search_timed, tolerance_of
from perf.model import Problem, ProblemKind
from perf.regression.process import Measurement
from tests.bisect.searches import noisy, search, step

LEAST_WORK = 0.003


def counted(made: Search) -> tuple[Ending, tuple[int, ...]]:
    found = search_counted(made, LEAST_WORK)
    return found.ending, found.answer.places


# -- counted ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("culprit", [1, 2, 63, 64, 65, 127, 128])
def test_a_counted_step_is_found_with_one_measurement_a_halving(culprit: int) -> None:
    made = search(128, step(culprit))
    assert counted(made) == (Ending.FOUND, (culprit,))
    assert made.measurements <= 4 + 7


def test_the_change_is_told_from_the_levels_of_the_ends() -> None:
    change = search_counted(search(8, step(3, 10.0, 12.0)), LEAST_WORK).change
    assert change is not None
    assert (change.before, change.after, round(change.fraction, 9)) == (10.0, 12.0, 0.2)


def test_commits_that_do_not_build_are_named_with_the_one_after_them() -> None:
    broken = dict.fromkeys((41, 42), "does not compile")
    assert counted(search(64, step(42), broken=broken)) == (Ending.FOUND, (41, 42, 43))


def test_a_binary_whose_benchmark_fails_is_stepped_over_after_a_second_try() -> None:
    def cost(place: int, rng: random.Random) -> float | str:
        return "FAILED: no luck" if place == 32 else step(40)(place, rng)

    made = search(64, cost)
    assert counted(made) == (Ending.FOUND, (40,))
    assert made.builds.known()[32].reason == "FAILED: no luck"


def test_a_commit_with_the_binary_of_an_end_is_not_measured() -> None:
    """Places 1 to 40 have the good end's binary: only what follows can be the culprit."""
    made = search(64, step(41), same=dict.fromkeys(range(1, 41), 0))
    assert counted(made) == (Ending.FOUND, (41,))
    assert not set(made.values) & set(range(1, 41))


def test_nothing_between_two_commits_of_the_same_binary_is_the_culprit() -> None:
    """A change and its revert: place 20 has the binary of place 60 again."""
    made = search(64, step(62), same={60: 20})
    made.builds.ensure([20, 60])
    made.take_in()
    assert counted(made) == (Ending.FOUND, (62,))
    assert not made.prior[20:60].any()


def test_equal_ends_are_told_after_two_counts_of_each() -> None:
    made = search(64, step(100))
    assert counted(made) == (Ending.NO_SHIFT, ())
    assert made.measurements == 4


def test_a_change_the_other_way_is_none_that_was_asked_for() -> None:
    assert counted(search(64, step(9, 12.0, 10.0)))[0] is Ending.NO_SHIFT
    assert counted(search(64, step(9, 12.0, 10.0), improvement=True)) == (Ending.FOUND, (9,))


def test_a_level_that_is_neither_ends_is_told() -> None:
    made = search(64, lambda place, _: 10.0 + (place >= 20) * 4.0 + (place >= 40) * 9.0)
    assert counted(made) == (Ending.FOUND, (40,))
    assert "more than one commit changed it" in made.notes[0]


def test_the_change_is_the_culprits_own_where_others_changed_it_too() -> None:
    made = search(64, lambda place, _: 10.0 + (place >= 20) * 4.0 + (place >= 40) * 9.0)
    change = search_counted(made, LEAST_WORK).change
    assert change is not None
    assert (change.before, change.after) == (14.0, 23.0)


def test_an_end_that_fails_leaves_it_undecided() -> None:
    assert (
        counted(search(8, lambda place, _: "FAILED: no luck" if place == 8 else 1.0))[0] is Ending.UNDECIDED
    )


def test_a_merged_branch_is_searched_inside() -> None:
    """0 ─ 1 ─ 2 ─────── 6: the branch 3, 4, 5 left at 1 and is merged by 6; 4 did it."""
    line = Line(6, ((), (0,), (1,), (1,), (3,), (4,), (2, 5)))
    made = search(6, lambda place, _: 11.0 if place in (4, 5, 6) else 10.0, line=line)
    assert counted(made) == (Ending.FOUND, (4,))


def test_a_merge_that_takes_over_what_its_branch_did_is_no_step_of_a_scan() -> None:
    line = Line(6, ((), (0,), (1,), (1,), (3,), (4,), (2, 5)))
    made = search(6, lambda place, _: 11.0 if place in (4, 5, 6) else 10.0, line=line)
    assert [each.places for each in scan(made, LEAST_WORK)[1]] == [(4,)]
    own = search(6, lambda place, _: 12.0 if place == 6 else 11.0 if place in (4, 5) else 10.0, line=line)
    assert [each.places for each in scan(own, LEAST_WORK)[1]] == [(4,), (6,)]


def test_what_counts_of_the_same_program_may_differ_by() -> None:
    assert tolerance_of(Metric.ALLOCS, 1000.0, LEAST_WORK) == 0.5
    assert tolerance_of(Metric.BYTES, 10_000.0, LEAST_WORK) == 100.0
    assert tolerance_of(Metric.INSTRUCTIONS, 1e6, LEAST_WORK) == pytest.approx(9000.0)


# -- timed --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("culprit", [1, 50, 128])
def test_a_timed_step_is_found_through_noise_of_its_own_size(culprit: int) -> None:
    found = search_timed(search(128, noisy(culprit, 0.15), Metric.CPU))
    assert (found.ending, found.answer.places) == (Ending.FOUND, (culprit,))
    assert found.answer.chance >= 0.95


def test_the_interval_of_a_timed_change_holds_the_truth() -> None:
    change = search_timed(search(64, noisy(20, 0.25), Metric.CPU)).change
    assert change is not None
    assert change.low is not None
    assert change.high is not None
    assert change.low < 0.25 < change.high


def test_a_speed_up_is_searched_downwards() -> None:
    found = search_timed(search(64, noisy(20, -0.3), Metric.WALL, improvement=True))
    assert (found.ending, found.answer.places) == (Ending.FOUND, (20,))


def test_ends_that_do_not_differ_are_told_early() -> None:
    made = search(128, noisy(1000, 0.0), Metric.CPU)
    assert search_timed(made).ending is Ending.NO_SHIFT
    assert made.measurements < 300


def test_time_that_ends_leaves_it_undecided_and_keeps_the_likeliest() -> None:
    made = search(128, noisy(64, 0.02), Metric.CPU, deadline_seconds=-math.inf)
    found = search_timed(made)
    assert found.ending is Ending.UNDECIDED
    assert made.measurements == 0


def test_unbuildable_commits_beside_a_timed_culprit_are_named_with_it() -> None:
    broken = dict.fromkeys((20, 21, 22), "does not compile")
    found = search_timed(search(64, noisy(21, 0.5), Metric.CPU, broken=broken))
    assert (found.ending, found.answer.places) == (Ending.FOUND, (20, 21, 22, 23))


def test_the_same_seed_and_values_ask_for_the_same_places() -> None:
    one, other = (search(64, noisy(20, 0.2), Metric.CPU) for _ in range(2))
    search_timed(one)
    search_timed(other)
    assert one.order == other.order


def test_a_second_step_of_time_is_told() -> None:
    made = search(
        64,
        lambda place, rng: (
            1e-3 * (1.0 + 0.5 * (place >= 30) + 0.5 * (place >= 60)) * rng.lognormvariate(0.0, 0.05)
        ),
        Metric.CPU,
    )
    found = search_timed(made)
    assert found.answer.places in {(30,), (60,)}
    assert "another commit changed it too" in made.notes[0]


def test_values_of_the_ends_that_ran_before_seed_the_search() -> None:
    from perf.bisect.search import Seeds

    made = search(64, noisy(20, 0.5), Metric.WALL)
    failed = Measurement({}, 0.0, None, Problem("./pkg", "BenchmarkX", ProblemKind.FAILED, "no luck"))
    runs = [(bad, Measurement({"sec/op": 1.5e-3 if bad else 1e-3}, 0.1, None, None)) for bad in (False, True)]
    made.begin_with(Seeds(10, (*runs, (True, failed))))
    assert {place: len(values) for place, values in made.values.items()} == {0: 1, 64: 1}
