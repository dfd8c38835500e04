"""Load and stress as tables and sentences: what arrived, how fast, at which cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from perf.load.findings import claimed_success, claims, error_rate, others_fraction
from perf.load.latency import percentile
from perf.model import LoadRound, Missing, StressResult
from perf.report.tables import ABSENT, Column, Kind, Table, table
from perf.report.words import change, count, joined
from perf.units import format_fraction, format_rate, format_seconds, format_size

Rounds = Sequence[LoadRound]
MISSING_SHOWN: Final = 10
ERRORS_SHOWN: Final = 5


def copy_percentile(rounds: Rounds, fraction: float) -> float | None:
    """The percentile of a copy's time over the copies of all `rounds` together; None where nothing arrived."""
    times = [each for one in rounds if one.verified for each in one.copy_seconds]
    return percentile(times, fraction) if times else None


def cpu_seconds_per_gb(one: LoadRound) -> float | None:
    return one.cpu_seconds / (one.verified_bytes / 1e9) if one.verified_bytes and one.jobs else None


def cores_used(one: LoadRound) -> float | None:
    """Processor seconds of the replicator per second of the round."""
    return one.cpu_seconds / one.seconds if one.seconds and one.jobs else None


def median_of(rounds: Rounds, figure: Callable[[LoadRound], float | None]) -> float | None:
    values = [value for one in rounds if (value := figure(one)) is not None]
    return median(values) if values else None


def highest_of(rounds: Rounds, figure: Callable[[LoadRound], float | None]) -> float | None:
    return max((value for one in rounds if (value := figure(one)) is not None), default=None)


def throughput(one: LoadRound) -> float:
    return one.bytes_per_second


@dataclass(frozen=True, slots=True)
class _Figure:
    """One line of the load table: its value over any rounds, how it is written, and whether a zero is worth a line."""

    title: str
    value: Callable[[Rounds], float | None]
    show: Callable[[float], str]
    tells_zero: bool = True

    def worth_a_line(self, rounds: Rounds) -> bool:
        value = self.value(rounds)
        return value is not None and (value != 0 or self.tells_zero)

    def text(self, rounds: Rounds) -> str:
        value = self.value(rounds)
        return ABSENT if value is None else self.show(value)


def _median(figure: Callable[[LoadRound], float | None]) -> Callable[[Rounds], float | None]:
    return lambda rounds: median_of(rounds, figure)


def _highest(figure: Callable[[LoadRound], float | None]) -> Callable[[Rounds], float | None]:
    return lambda rounds: highest_of(rounds, figure)


def _of_copies(fraction: float) -> Callable[[Rounds], float | None]:
    return lambda rounds: copy_percentile(rounds, fraction)


def _plain(value: float) -> str:
    return f"{value:,.1f}" if value >= 10 else f"{value:.2f}"


def _whole(value: float) -> str:
    return f"{value:,.0f}"


# One table of what is shown of a round, in this order. Rates and costs: the median of the rounds; peaks: the highest.
_FIGURES: Final = (
    _Figure("throughput, verified", _median(throughput), format_rate),
    _Figure("images/s, verified", _median(lambda one: one.images_per_second), _plain),
    _Figure("tags/min, verified", _median(lambda one: 60.0 * one.images_per_second), _whole),
    _Figure("P50 of a copy", _of_copies(0.50), format_seconds),
    _Figure("P95 of a copy", _of_copies(0.95), format_seconds),
    _Figure("P99 of a copy", _of_copies(0.99), format_seconds),
    _Figure("replicator's time", _median(lambda one: one.seconds), format_seconds),
    _Figure("not arrived", error_rate, format_fraction),
    _Figure("claimed success", claimed_success, format_fraction),
    _Figure(
        "timed out",
        lambda rounds: sum(job.timed_out for one in rounds for job in one.jobs),
        _whole,
        tells_zero=False,
    ),
    _Figure("verified bytes", _median(lambda one: float(one.verified_bytes)), format_size),
    _Figure("uploaded bytes", _median(lambda one: one.uploaded_bytes), format_size),
    _Figure("CPU-seconds per GB", _median(cpu_seconds_per_gb), _plain),
    _Figure("cores used", _median(cores_used), _plain),
    _Figure("machine busy", _median(lambda one: one.busy_fraction), format_fraction),
    _Figure("of it by others", others_fraction, format_fraction),
    _Figure("peak RSS", _highest(lambda one: one.peak_rss_bytes), format_size),
    _Figure(
        "most threads",
        _highest(lambda one: max((sample.threads for sample in one.samples), default=None)),
        _whole,
    ),
    _Figure(
        "most descriptors",
        _highest(lambda one: max((sample.descriptors for sample in one.samples), default=None)),
        _whole,
    ),
)


def arrived(rounds: Rounds) -> str:
    return f"{sum(one.verified for one in rounds):,} of {sum(one.images for one in rounds):,}"


def round_table(rounds: Rounds) -> Table:
    """A line a figure: all rounds, then each. Figures that no round measured are left out."""
    apart = [[one] for one in rounds] if len(rounds) > 1 else []
    titles = [f"round {number}" for number in range(1, len(apart) + 1)]
    rows = [("images arrived", arrived(rounds), *(arrived(one) for one in apart))]
    rows += [
        (figure.title, figure.text(rounds), *(figure.text(one) for one in apart))
        for figure in _FIGURES
        if figure.worth_a_line(rounds)
    ]
    return table(
        (Column("figure", Kind.TEXT), Column("all rounds" if apart else "the round"), *map(Column, titles)),
        rows,
    )


def range_table(rounds: Rounds) -> Table:
    """The same for a narrow place: all rounds, the lowest and the highest round."""
    rows = [("images arrived", arrived(rounds), ABSENT, ABSENT)]
    for figure in filter(lambda each: each.worth_a_line(rounds), _FIGURES):
        values = [value for one in rounds if (value := figure.value([one])) is not None]
        apart = (figure.show(min(values)), figure.show(max(values))) if len(rounds) > 1 else (ABSENT, ABSENT)
        rows.append((figure.title, figure.text(rounds), *apart))
    columns = (
        Column("figure", Kind.TEXT),
        Column("all rounds"),
        Column("lowest", rank=1),
        Column("highest", rank=1),
    )
    return table(columns, rows).without_empty_columns()


def step_table(result: StressResult) -> Table:
    """A line a step of the ramp; `gain` is the throughput against the step before."""
    rates = [median_of(step, throughput) for step in result.steps]
    rows = []
    for index, step in enumerate(result.steps):
        workers = step[0].workers if step else 0
        before, now = rates[index - 1] if index else None, rates[index]
        times = [copy_percentile(step, fraction) for fraction in (0.50, 0.95, 0.99)]
        cores, rss, lost = (
            median_of(step, cores_used),
            highest_of(step, lambda one: one.peak_rss_bytes),
            error_rate(step),
        )
        rows.append(
            (
                f"{workers:,}",
                ABSENT if now is None else format_rate(now),
                change(now / before - 1.0) if before and now is not None else ABSENT,
                _plain(median_of(step, lambda one: one.images_per_second) or 0.0),
                *(ABSENT if each is None else format_seconds(each) for each in times),
                arrived(step),
                ABSENT if lost is None else format_fraction(lost),
                ABSENT if rss is None else format_size(rss),
                ABSENT if cores is None else _plain(cores),
                "best" if workers == result.best_workers else ABSENT,
            )
        )
    columns = (
        Column("workers"),
        Column("throughput"),
        Column("gain", rank=1),
        Column("images/s", rank=5),
        Column("P50", rank=3),
        Column("P95"),
        Column("P99", rank=2),
        Column("arrived"),
        Column("lost", rank=4),
        Column("peak RSS", rank=2),
        Column("cores", rank=3),
        Column("note", Kind.WORD),
    )
    return table(columns, rows).without_empty_columns()


def claim_against_truth(rounds: Rounds) -> str:
    """What the exits claimed beside what arrived, for the round in which least did; "" where all arrived.

    "exit 0, 0 of 40 images arrived": the sentence this suite exists for.
    """
    short = [one for one in rounds if one.verified < one.images]
    if not short:
        return ""
    worst = min(short, key=lambda one: one.verified / one.images)
    said = f"{claims(worst)}, {worst.verified:,} of {count(worst.images, 'image')} arrived"
    if len(rounds) == 1:
        return said
    alike = sum((one.verified, one.images) == (worst.verified, worst.images) for one in rounds)
    return (
        f"{said} in each of {alike} rounds"
        if alike == len(rounds)
        else f"{said} in the worst of {len(rounds)} rounds"
    )


def all_claim_success(rounds: Rounds) -> bool:
    jobs = [job for one in rounds for job in one.jobs]
    return bool(jobs) and all(job.claims_success for job in jobs)


def first_errors(rounds: Rounds) -> list[tuple[str, int]]:
    """The replicator's own first errors with how often each was seen, the commonest first."""
    errors = Counter(job.first_error for one in rounds for job in one.jobs if job.first_error)
    return errors.most_common(ERRORS_SHOWN)


def missing_table(rounds: Rounds) -> tuple[Table, int]:
    """The first images that did not arrive with the destination's evidence, and how many more there are."""
    found: dict[tuple[str, str], list[tuple[int, Missing]]] = {}
    for number, one in enumerate(rounds, start=1):
        for each in one.missing:
            found.setdefault((each.repository, each.tag), []).append((number, each))
    rows = [
        (f"{repository}:{tag}", joined(str(number) for number, _ in seen), seen[0][1].evidence)
        for (repository, tag), seen in list(found.items())[:MISSING_SHOWN]
    ]
    columns = (
        Column("image", Kind.NAME),
        Column("rounds", Kind.TEXT, rank=1),
        Column("at the destination", Kind.TEXT),
    )
    return table(columns, rows), max(0, len(found) - MISSING_SHOWN)


def requests(rounds: Rounds) -> dict[str, int]:
    """The destination's and source's requests by kind, over all rounds, the commonest first."""
    total: Counter[str] = Counter()
    for one in rounds:
        total.update(one.requests)
    return dict(total.most_common())


def request_table(rounds: Rounds) -> Table:
    images = sum(one.images for one in rounds)
    rows = [
        (kind, f"{number:,}", _plain(number / images) if images else ABSENT)
        for kind, number in requests(rounds).items()
    ]
    return table((Column("request", Kind.TEXT), Column("all rounds"), Column("per image")), rows)


def sources(rounds: Iterable[LoadRound]) -> str:
    """Where the times of the copies were read."""
    return joined(dict.fromkeys(one.copy_seconds_source for one in rounds if one.copy_seconds_source))
