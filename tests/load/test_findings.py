"""What rounds say: objectives, status, summary and warnings, over values alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perf.load import findings
from perf.model import Job, LoadRound, Missing, Status
from perf.suite import Objective

OBJECTIVE = Objective.model_validate(
    {
        "throughput": ">= 100 MB/s",
        "response_time": "< 200 ms",
        "error_rate": "< 20 %",
        "availability": ">= 99 %",
    }
)
LENIENT = OBJECTIVE.model_copy(update={"availability": None})
JOB = Job("a", 0.0, 0.1, 0.1, 0, False, 1, "", "output/1.log")


def a_round(
    verified: int = 10,
    megabytes_per_second: float = 120.0,
    jobs: tuple[Job, ...] = (JOB,) * 10,
    copies: tuple[float, ...] = (0.1,) * 10,
    uploaded: int | None = None,
    others: float | None = 0.0,
) -> LoadRound:
    size = int(megabytes_per_second * 1e6)
    return LoadRound(
        workers=2,
        images=10,
        verified=verified,
        seconds=1.0,
        verified_bytes=size if verified else 0,
        content_bytes=size,
        uploaded_bytes=uploaded,
        jobs=jobs,
        missing=tuple(Missing("to/a", f"v{number}", "manifest: 404") for number in range(10 - verified)),
        copy_seconds=copies if verified else (),
        copy_seconds_source="one process each",
        samples=(),
        peak_rss_bytes=None,
        others_fraction=others,
        answered=min(verified, sum(job.claims_success for job in jobs)),
    )


def rows_of(
    *rounds: LoadRound, objective: Objective = OBJECTIVE
) -> dict[str, tuple[float | None, bool | None]]:
    return {row.metric: (row.current, row.holds) for row in findings.objective_rows(objective, rounds)}


def test_each_objective_is_judged_over_all_rounds() -> None:
    rounds = [a_round(megabytes_per_second=rate) for rate in (90.0, 110.0, 300.0)]
    assert rows_of(*rounds) == {
        "throughput": (110e6, True),
        "response time": (0.1, True),
        "error rate": (0.0, True),
        "availability": (1.0, True),
    }


def test_response_time_is_the_percentile_of_all_copies_not_a_mean_of_percentiles() -> None:
    slow, quick = a_round(copies=(1.0,) * 10), a_round(copies=(0.1,) * 190)
    assert rows_of(quick, slow)["response time"] == (0.1, True)
    assert rows_of(quick, slow, slow)["response time"] == (1.0, False)


def test_the_error_rate_counts_images_that_did_not_arrive() -> None:
    current, holds = rows_of(a_round(), a_round(verified=4))["error rate"]
    assert current == pytest.approx(0.3)
    assert holds is False


def test_availability_counts_what_arrived_and_was_claimed_in_time() -> None:
    failed, hung = replace(JOB, returncode=1), replace(JOB, timed_out=True)
    assert rows_of(a_round(jobs=(JOB,) * 8 + (failed, hung)))["availability"] == (0.8, False)
    assert rows_of(a_round(jobs=(JOB,) * 5))["availability"] == (0.5, False)


def test_a_replicator_that_claims_success_and_copies_nothing_is_not_available() -> None:
    lying = a_round(verified=0)
    assert rows_of(lying)["availability"] == (0.0, False)
    assert findings.claimed_success([lying]) == 1.0


@pytest.mark.parametrize(
    ("others", "holds", "status"),
    [(0.3, None, Status.UNKNOWN), (0.1, False, Status.FAILED), (None, False, Status.FAILED)],
)
def test_a_time_objective_missed_while_other_work_held_the_machine_is_unknown(
    others: float | None, holds: bool | None, status: Status
) -> None:
    slow = a_round(megabytes_per_second=50.0, copies=(1.0,) * 10, others=others)
    rows = findings.objective_rows(OBJECTIVE, [slow])
    assert {row.metric: row.holds for row in rows} == {
        "throughput": holds,
        "response time": holds,
        "error rate": True,
        "availability": True,
    }
    assert findings.status(OBJECTIVE, [slow], rows) is status


def test_other_work_excuses_no_missing_image_and_no_met_objective_is_doubted() -> None:
    rows = rows_of(a_round(verified=4, others=0.9))
    assert rows["error rate"][1] is False
    assert rows["throughput"][1] is True


def test_the_summary_says_what_was_not_judged() -> None:
    said = summary_of(a_round(megabytes_per_second=50.0, others=0.3))
    assert said.endswith("not judged on this busy machine: throughput >= 100 MB/s")


def test_what_was_not_measured_neither_holds_nor_fails() -> None:
    assert rows_of(a_round(verified=0))["response time"] == (None, None)
    assert rows_of()["throughput"] == (None, None)
    assert rows_of()["availability"] == (None, None)


def test_only_declared_objectives_have_rows() -> None:
    assert rows_of(a_round(), objective=Objective()) == {}


@pytest.mark.parametrize(
    ("rounds", "objective", "status"),
    [
        ([a_round()], OBJECTIVE, Status.PASSED),
        ([a_round(verified=9)], LENIENT, Status.PASSED),
        ([a_round(), a_round(verified=7)], OBJECTIVE, Status.FAILED),
        ([a_round(verified=9)], Objective(), Status.FAILED),
        ([a_round()], Objective(), Status.PASSED),
        ([a_round(verified=0)], Objective.model_validate({"error_rate": "<= 100 %"}), Status.FAILED),
        ([a_round(megabytes_per_second=50.0)], OBJECTIVE, Status.FAILED),
    ],
)
def test_the_status(rounds: list[LoadRound], objective: Objective, status: Status) -> None:
    assert findings.status(objective, rounds, findings.objective_rows(objective, rounds)) is status


def summary_of(*rounds: LoadRound) -> str:
    return findings.summary(rounds, findings.objective_rows(OBJECTIVE, rounds))


def test_exit_0_with_nothing_arrived_is_said_in_so_many_words() -> None:
    lying = replace(JOB, first_error="ERROR: Failed to copy tag")
    assert summary_of(a_round(verified=0, jobs=(lying,) * 10)) == (
        "exit 0, 0 of 10 images arrived (to/a:v0: manifest: 404); its first error: ERROR: Failed to copy tag"
    )


def test_a_good_run_says_its_throughput() -> None:
    assert summary_of(a_round(), a_round()) == "120.0 MB/s verified, 2 rounds of 10 images"


def test_a_missed_objective_and_missing_images_are_said() -> None:
    assert summary_of(a_round(verified=7, megabytes_per_second=50.0)) == (
        "50.0 MB/s verified, 1 round of 10 images; exit 0, but 7 of 10 arrived (to/a:v0: manifest: 404); "
        "missed: throughput >= 100 MB/s, error rate < 20 %, availability >= 99 %"
    )


@pytest.mark.parametrize(
    ("jobs", "says"),
    [
        ((JOB, JOB), "exit 0"),
        (
            (JOB, replace(JOB, returncode=3), replace(JOB, returncode=-6)),
            "exit -6 in 1 of 3 processes, exit 3 in 1",
        ),
        ((JOB, replace(JOB, timed_out=True, returncode=-15)), "1 of 2 processes ran into the timeout"),
        ((), "no process was started"),
    ],
)
def test_claims_are_the_processes_own_exits(jobs: tuple[Job, ...], says: str) -> None:
    assert findings.claims(a_round(jobs=jobs)).startswith(says)


STEADY = [a_round(megabytes_per_second=rate) for rate in (100.0, 104.0, 108.0)]


@pytest.mark.parametrize(
    ("rounds", "asked", "says"),
    [
        (STEADY[:2], 2, "2 rounds cannot show the spread: need ≥ 3"),
        (STEADY[:1], 1, "1 round cannot show the spread"),
        (
            [*STEADY, a_round(megabytes_per_second=90.0)],
            4,
            "throughput spread by 17.6 % over 4 rounds (90.0 MB/s to",
        ),
        (STEADY, 5, "3 of 5 rounds were measured"),
        ([*STEADY, replace(STEADY[0], uploaded_bytes=10_000_000)], 4, "round 4: 10 MB of 100 MB were moved"),
        (
            [*STEADY, a_round(verified=9, megabytes_per_second=104.0)],
            4,
            "round 4: 1 of 10 images missing (to/a:v0",
        ),
        ([*STEADY, a_round(verified=0, jobs=(JOB,) * 4)], 4, "round 4: 6 of 10 copies were not started"),
    ],
)
def test_a_warning_says_what_to_know(rounds: list[LoadRound], asked: int, says: str) -> None:
    (warning,) = findings.warnings(rounds, asked)
    assert says in warning


def test_a_steady_run_whose_bytes_were_moved_has_no_warning() -> None:
    assert findings.warnings([replace(each, uploaded_bytes=each.verified_bytes) for each in STEADY], 3) == ()
