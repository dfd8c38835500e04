"""What the rounds of a load run say: objectives, warnings, the status and one line for a person. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from perf.load.latency import percentile
from perf.model import LoadRound, ObjectiveRow, Status
from perf.suite import Objective
from perf.units import Limit, format_fraction, format_rate, format_size

FEWEST_ROUNDS: Final = 3
WIDEST_SPREAD: Final = 0.10
# Moved bytes below this share of the verified ones were mounted, skipped or compressed: not a transfer rate.
LEAST_MOVED: Final = 0.95
# From here on other work on the machine may be why a time objective was missed: that is then unknown, not red.
BUSY_WITH_OTHERS: Final = 0.15
_TIMED: Final = ("throughput", "response time")


def objective_rows(objective: Objective, rounds: Sequence[LoadRound]) -> tuple[ObjectiveRow, ...]:
    """The objectives that are declared, judged over all rounds.

    Throughput is the median of the rounds; response time the 95th percentile of all copies of all rounds together
    (never a mean of percentiles); error rate and availability are shares over all rounds. A throughput or response
    time that misses its limit while other work held the machine's cores is not judged: `holds` is None.
    """
    others = others_fraction(rounds) or 0.0
    copies = [seconds for each in rounds for seconds in each.copy_seconds]
    sources = ", ".join(dict.fromkeys(each.copy_seconds_source for each in rounds if each.copy_seconds))
    measured: tuple[tuple[str, Limit | None, float | None, str, str], ...] = (
        (
            "throughput",
            objective.throughput,
            statistics.median(each.bytes_per_second for each in rounds) if rounds else None,
            "B/s",
            f"median of {_rounds(len(rounds))}, verified bytes only",
        ),
        (
            "response time",
            objective.response_time,
            percentile(copies, 0.95) if copies else None,
            "sec",
            f"95th percentile of {len(copies)} copies ({sources})" if copies else "no copy's time is known",
        ),
        (
            "error rate",
            objective.error_rate,
            error_rate(rounds),
            "fraction",
            "images that did not arrive whole",
        ),
        (
            "availability",
            objective.availability,
            availability(rounds),
            "fraction",
            "images that arrived and whose copy ended in time with exit 0",
        ),
    )
    rows = (
        ObjectiveRow(
            metric, limit.text, current, unit, None if current is None else limit.holds(current), note
        )
        for metric, limit, current, unit, note in measured
        if limit is not None
    )
    return tuple(_doubted(row, others) for row in rows)


def _doubted(row: ObjectiveRow, others: float) -> ObjectiveRow:
    if row.holds is not False or row.metric not in _TIMED or others < BUSY_WITH_OTHERS:
        return row
    why = f"not judged: other work held {format_fraction(others)} of the machine; {row.note}"
    return replace(row, holds=None, note=why)


def error_rate(rounds: Sequence[LoadRound]) -> float | None:
    """Share of images that did not arrive whole, over all rounds; None when there was none."""
    images = sum(each.images for each in rounds)
    return 1.0 - sum(each.verified for each in rounds) / images if images else None


def availability(rounds: Sequence[LoadRound]) -> float | None:
    """Share of images that arrived and whose process ended in time with exit 0: a success that is no lie."""
    images = sum(each.images for each in rounds)
    return sum(each.answered for each in rounds) / images if images else None


def claimed_success(rounds: Sequence[LoadRound]) -> float | None:
    """Share of copies whose process ended in time with exit 0: a claim. What was not even started claims nothing."""
    images = sum(each.images for each in rounds)
    claimed = sum(job.copies for each in rounds for job in each.jobs if job.claims_success)
    return claimed / images if images else None


def others_fraction(rounds: Sequence[LoadRound]) -> float | None:
    """Median share of the machine's cores that other work held during the rounds; None where it is not known."""
    known = [each.others_fraction for each in rounds if each.others_fraction is not None]
    return statistics.median(known) if known else None


def too_many_errors(objective: Objective, each: LoadRound) -> bool:
    """Whether a round fails by what did not arrive; without an objective every missing image does."""
    if each.verified == 0:
        return True
    if objective.error_rate is None:
        return each.verified < each.images
    return not objective.error_rate.holds(each.error_rate)


def status(objective: Objective, rounds: Sequence[LoadRound], rows: Sequence[ObjectiveRow]) -> Status:
    """FAILED when images are missing beyond the objective in any round, or an objective is missed."""
    failed = any(too_many_errors(objective, each) for each in rounds) or any(
        row.holds is False for row in rows
    )
    if failed:
        return Status.FAILED
    doubted = any(row.current is not None and row.holds is None for row in rows)
    return Status.UNKNOWN if doubted else Status.PASSED


def summary(rounds: Sequence[LoadRound], rows: Sequence[ObjectiveRow]) -> str:
    """One line: what arrived, how fast, and what was missed."""
    last = rounds[-1]
    if all(each.verified == 0 for each in rounds):
        return f"{claims(last)}, 0 of {last.images} images arrived{_why(last)}"
    worst = min(rounds, key=lambda each: each.verified)
    rates = [each.bytes_per_second for each in rounds]
    said = f"{format_rate(statistics.median(rates))} verified, {_rounds(len(rounds))} of {last.images} images"
    if worst.verified < worst.images:
        said += f"; {claims(worst)}, but {worst.verified} of {worst.images} arrived{_why(worst)}"
    missed = [f"{row.metric} {row.target}" for row in rows if row.holds is False]
    doubted = [f"{row.metric} {row.target}" for row in rows if row.current is not None and row.holds is None]
    said += f"; missed: {', '.join(missed)}" if missed else ""
    return f"{said}; not judged on this busy machine: {', '.join(doubted)}" if doubted else said


def claims(each: LoadRound) -> str:
    """What the processes' own exits say, in few words: "exit 0", "exit 1 in 3 of 48 processes", …"""
    timed_out = sum(job.timed_out for job in each.jobs)
    codes: dict[int, int] = {}
    for job in each.jobs:
        if not job.timed_out:
            codes[job.returncode] = codes.get(job.returncode, 0) + 1
    if not timed_out and set(codes) == {0}:
        return "exit 0"
    total = len(each.jobs)
    parts = [
        f"exit {code} in {number} of {total} processes" for code, number in sorted(codes.items()) if code
    ]
    if timed_out:
        parts.append(f"{timed_out} of {total} processes ran into the timeout")
    return ", ".join(parts) or "no process was started"


def warnings(rounds: Sequence[LoadRound], asked: int) -> tuple[str, ...]:
    """What a reader must know before believing the numbers. `asked` is how many rounds were wanted."""
    said = []
    if len(rounds) < asked:
        said.append(f"{len(rounds)} of {_rounds(asked)} were measured")
    rates = [each.bytes_per_second for each in rounds if each.verified]
    if rates and len(rates) < FEWEST_ROUNDS:
        said.append(f"{_rounds(len(rates))} cannot show the spread: need ≥ {FEWEST_ROUNDS}")
    elif rates:
        spread = (max(rates) - min(rates)) / statistics.median(rates)
        if spread > WIDEST_SPREAD:
            said.append(
                f"throughput spread by {format_fraction(spread)} over {_rounds(len(rates))} "
                f"({format_rate(min(rates))} to {format_rate(max(rates))}): the machine is noisy"
            )
    for number, each in enumerate(rounds, start=1):
        if each.uploaded_bytes is not None and each.uploaded_bytes < LEAST_MOVED * each.verified_bytes:
            said.append(
                f"round {number}: {format_size(each.uploaded_bytes)} of {format_size(each.verified_bytes)} were "
                "moved by the destination's count; the rest was mounted, skipped or sent in chunks of unknown length"
            )
        if (started := sum(job.copies for job in each.jobs)) < each.images:
            said.append(
                f"round {number}: {each.images - started} of {each.images} copies were not started, because the "
                "first ones all ran into the timeout"
            )
        if 0 < each.verified < each.images:
            said.append(
                f"round {number}: {each.images - each.verified} of {each.images} images missing{_why(each)}"
            )
    return tuple(said)


def _why(each: LoadRound) -> str:
    """The destination's evidence for the first missing image, and the replicator's first error."""
    said = ""
    if each.missing:
        first = each.missing[0]
        said = f" ({first.repository}:{first.tag}: {first.evidence})"
    error = next((job.first_error for job in each.jobs if job.first_error), "")
    return f"{said}; its first error: {error}" if error else said


def _rounds(count: int) -> str:
    return f"{count} round" if count == 1 else f"{count} rounds"
