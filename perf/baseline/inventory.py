"""The baselines that stand, told of and judged: what is listed, what is amiss in one, what may be removed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path

from tabulate import tabulate

from perf.baseline import history, store
from perf.baseline.history import Summary
from perf.baseline.machines import LATER_FIELDS
from perf.baseline.pyperf_file import StoredBaseline, StoredLoad
from perf.errors import PerfError
from perf.model import Series
from perf.system.host import Fingerprint
from perf.system.places import Places
from perf.units import format_fraction, format_quantity, format_rate, format_seconds, format_size

_FIELDS = frozenset(field.name for field in fields(Fingerprint))
_SHORT = 12


@dataclass(frozen=True, slots=True)
class Entry:
    """A file among the baselines: its `summary`, or why it has none; neither where its name is no baseline's.

    `target` and `machine` are the names of its directories.
    """

    path: Path
    target: str
    machine: str
    size_bytes: int
    summary: Summary | None = None
    fault: str = ""

    @property
    def commit(self) -> str:
        name = self.path.stem
        return name.replace(store.sha_in(self.path) or name, (store.sha_in(self.path) or name)[:_SHORT], 1)


def find(places: Places, targets: Iterable[str]) -> tuple[Entry, ...]:
    """Every file among the baselines of these targets (their directories' names), in order."""
    entries = []
    for target in targets:
        for path in store.every_file(store.root(places) / target):
            entry = Entry(path, target, path.parent.name, path.lstat().st_size)
            if store.sha_in(path) is not None:
                try:
                    entry = _with(entry, history.summary(places, path), "")
                except PerfError as error:
                    entry = _with(entry, None, error.what)
            entries.append(entry)
    return tuple(entries)


def newest_first(entries: Iterable[Entry]) -> list[Entry]:
    """By the date of measuring; those that cannot be read last."""
    dated = [each for each in entries if each.summary is not None]
    dated.sort(key=_date, reverse=True)
    return [*dated, *(each for each in entries if each.summary is None and each.fault)]


def listing(entries: Iterable[Entry], subjects: Mapping[str, str]) -> str:
    """The table of `baseline list`; `subjects` by full hash, where git knows the commit."""
    rows = [
        (
            each.target,
            each.machine,
            each.commit,
            f"{each.summary.date:%Y-%m-%d %H:%M}",
            subjects.get(each.summary.sha, "—"),
            str(each.summary.benchmarks),
            ", ".join(each.summary.workloads) or "—",
            format_size(each.size_bytes),
        )
        if each.summary
        else (
            each.target,
            each.machine,
            each.commit,
            "—",
            "cannot be read: baseline verify",
            "—",
            "—",
            format_size(each.size_bytes),
        )
        for each in newest_first(entries)
    ]
    head = ("target", "machine", "commit", "measured (UTC)", "subject", "benchmarks", "load", "size")
    return tabulate(rows, head, disable_numparse=True) if rows else "no baselines"


def figures(baseline: StoredBaseline, subject: str) -> str:
    """What `baseline show` says of one: when and where it was measured, and every median with its spread."""
    units = dict.fromkeys(each.unit for each in baseline.series)
    by_benchmark: dict[tuple[str, str], dict[str, Series]] = {}
    for each in baseline.series:
        by_benchmark.setdefault((each.package, each.name), {})[each.unit] = each
    rows = [
        (
            package,
            name,
            str(max(len(each.values) for each in metrics.values())),
            *(_median(metrics[unit]) if unit in metrics else "—" for unit in units),
        )
        for (package, name), metrics in by_benchmark.items()
    ]
    machine = ", ".join(f"{name} {value}" for name, value in sorted(baseline.fingerprint.items()))
    lines = [
        f"{baseline.target} at {baseline.sha[:_SHORT]}{' + uncommitted changes' if baseline.dirty else ''}: {subject}",
        f"measured {baseline.date:%Y-%m-%d %H:%M} UTC on {baseline.machine} ({machine})",
        *([f"instructions counted by {baseline.counter}"] if baseline.counter else []),
        *(_load(each) for each in baseline.load),
    ]
    table = tabulate(rows, ("package", "benchmark", "values", *units), disable_numparse=True) if rows else ""
    return "\n".join([*lines, *(["", table] if table else [])])


def prunable(
    entries: Iterable[Entry],
    tracked: Collection[Path],
    now: datetime,
    *,
    keep: int | None,
    older_than: timedelta | None,
) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """The baselines to remove, and those that would be but for git, which tracks them; newest first.

    Of each target and machine the newest `keep` stay, and those not `older_than`; with both a baseline must be beyond
    both. What cannot be read has no date, and stays.
    """
    seen: dict[tuple[str, str], int] = {}
    chosen = []
    for each in newest_first(entries):
        if each.summary is None:
            continue
        place = (each.target, each.machine)
        seen[place] = seen.get(place, 0) + 1
        if (keep is None or seen[place] > keep) and (
            older_than is None or now - each.summary.date > older_than
        ):
            chosen.append(each)
    return (
        tuple(each for each in chosen if each.path.resolve() not in tracked),
        tuple(each for each in chosen if each.path.resolve() in tracked),
    )


def faults(entry: Entry, baseline: StoredBaseline) -> list[str]:
    """What is amiss in a baseline that could be read whole: its place, its machine, its values."""
    said = []
    if baseline.dirty != entry.path.stem.endswith("-dirty"):
        said.append("its name does not say whether the tree was dirty, or says it wrongly")
    if baseline.machine != entry.machine:
        said.append(f"it was measured on {baseline.machine}, not on the machine of its directory")
    if missing := sorted(_FIELDS - LATER_FIELDS - baseline.fingerprint.keys()):
        said.append(f"its fingerprint lacks {', '.join(missing)}")
    elif _name_of(baseline.fingerprint) != baseline.machine:
        said.append("its fingerprint is of another machine than it names")
    wrong = [
        each for each in baseline.series if not all(_possible(value, each.unit) for value in each.values)
    ]
    said += [f"{each.package} {each.name} {each.unit} has a value that is none" for each in wrong]
    seconds = [value for load in baseline.load for value in (*load.seconds, *load.bytes_per_second)]
    if not all(_possible(value, "sec/op") for value in seconds):
        said.append("its load has a value that is none")
    return said


def older(baseline: StoredBaseline) -> str:
    """What the file could not record when it was made; "" for one of today's form."""
    lacks = sorted(LATER_FIELDS - baseline.fingerprint.keys())
    return f"made by an older perf: no checksum, and {', '.join(lacks)} not recorded" if lacks else ""


def _with(entry: Entry, summary: Summary | None, fault: str) -> Entry:
    return Entry(entry.path, entry.target, entry.machine, entry.size_bytes, summary, fault)


def _date(entry: Entry) -> datetime:
    assert entry.summary is not None
    return entry.summary.date


def _name_of(recorded: Mapping[str, str | int]) -> str:
    known = {name: recorded.get(name, "") for name in _FIELDS}
    return Fingerprint(**known).machine()  # type: ignore[arg-type]


def _possible(value: float, unit: str) -> bool:
    return math.isfinite(value) and (value > 0.0 if unit == "sec/op" else value >= 0.0)


def _median(series: Series) -> str:
    """ "1.25 µs ± 4 %": the median, and how far the farthest value is from it."""
    middle = statistics.median(series.values)
    farthest = max(abs(value - middle) for value in series.values)
    spread = f" ± {format_fraction(farthest / middle)}" if middle > 0.0 and farthest > 0.0 else ""
    return f"{format_quantity(middle, series.unit)}{spread}"


def _load(load: StoredLoad) -> str:
    rounds: Sequence[float] = load.seconds
    return (
        f"load {load.workload}: {load.images} images by {load.workers} workers ({load.drive}), {len(rounds)} rounds, "
        f"median {format_seconds(statistics.median(rounds))}, {format_rate(statistics.median(load.bytes_per_second))}"
    )
