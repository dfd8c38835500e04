"""A baseline as the text of a pyperf file. Pure.

One pyperf benchmark for each Go benchmark, one run for each process; the run's value is seconds per operation. What
pyperf cannot hold as a value (zeros, rates, other units than one) is numeric metadata of the run under the unit's name.
A metric of other processes than the time's (instructions are counted in runs of their own) is a pyperf benchmark of
its own, `<package>:<benchmark> [<unit>]`. Load stands in it as `load/<workload>/round`, the replicator's own seconds
for a round that arrived whole, and `load/<workload>/copy`, the seconds of each image's copy.

The checksum in the metadata is the SHA-256 of the whole text with zeros in its own place, so that what was edited by
hand is noticed. Files of version 1 have none. perf.baseline.reading reads them back.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyperf  # type: ignore[import-untyped]

from perf.model import LoadResult, LoadRound, Series

VERSION: Final = 2
VERSION_KEY: Final = "perf_version"

CHECKSUM_KEY: Final = "perf_checksum"
NO_CHECKSUM: Final = "0" * 64
FINGERPRINT: Final = "fingerprint."
# pyperf's own keys and ours have no "/": a unit with one stands as it is, another behind this.
METRIC: Final = "metric:"
_PYPERF_UNITS: Final = {"sec/op": "second", "B/op": "byte"}


@dataclass(frozen=True, slots=True)
class StoredLoad:
    """The rounds of a workload that arrived whole; `copy_seconds` has one tuple per round, empty when not measured."""

    workload: str
    drive: str
    workers: int
    images: int
    seconds: tuple[float, ...]
    bytes_per_second: tuple[float, ...]
    copy_seconds: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class StoredBaseline:
    """What one file holds. `date` is aware; `fingerprint` has the fields of perf.system.host.Fingerprint.

    `counter` is what counted the instructions ("valgrind 3.19.0"), "" where nothing did.
    """

    sha: str
    dirty: bool
    target: str
    machine: str
    fingerprint: dict[str, str | int]
    date: datetime
    series: tuple[Series, ...]
    load: tuple[StoredLoad, ...]
    counter: str = ""


def whole_rounds(result: LoadResult) -> StoredLoad | None:
    """The rounds of which every image was verified; None when there is none: a part that arrived is no time to keep."""
    rounds = [each for each in result.rounds if each.verified == each.images and each.seconds > 0]
    if not rounds:
        return None
    return StoredLoad(
        result.workload,
        result.drive,
        rounds[0].workers,
        result.images,
        tuple(each.seconds for each in rounds),
        tuple(each.bytes_per_second for each in rounds),
        tuple(_positive(each) for each in rounds),
    )


def storable(series: Iterable[Series]) -> tuple[tuple[Series, ...], tuple[str, ...]]:
    """The series pyperf can hold, and the names of what it cannot: it takes no value that is not above zero."""
    kept: list[Series] = []
    lost: list[str] = []
    for (package, name), metrics in _by_benchmark(series).items():
        groups, rest = _groups(metrics)
        kept += [each for each in metrics if each not in rest]
        told = _benchmark_name(package, name)
        lost += [f"{told} {each.unit}" for each in rest] if groups else [told]
    return tuple(kept), tuple(lost)


def to_text(baseline: StoredBaseline) -> str:
    """The file's text; of `series` only what `storable` keeps. Raises ValueError when nothing is to be stored."""
    common = {
        "date": baseline.date.isoformat(),
        VERSION_KEY: VERSION,
        CHECKSUM_KEY: NO_CHECKSUM,
        "perf_sha": baseline.sha,
        "perf_dirty": int(baseline.dirty),
        "perf_target": baseline.target,
        "perf_machine": baseline.machine,
        **({"perf_counter": baseline.counter} if baseline.counter else {}),
        **{FINGERPRINT + name: value for name, value in baseline.fingerprint.items()},
    }
    benchmarks = [
        _go_benchmark(
            _benchmark_name(package, name) + (f" [{chosen.unit}]" if number else ""), chosen, riders, common
        )
        for (package, name), metrics in _by_benchmark(baseline.series).items()
        for number, (chosen, riders) in enumerate(_groups(metrics)[0])
    ]
    for load in baseline.load:
        benchmarks += _load_benchmarks(load, common)
    text = io.StringIO()
    pyperf.BenchmarkSuite(benchmarks).dump(text)
    unsigned = text.getvalue()
    return with_checksum(unsigned, NO_CHECKSUM, checksum(unsigned))


def checksum(unsigned: str) -> str:
    """Of a text that has zeros in the checksum's place."""
    return hashlib.sha256(unsigned.encode()).hexdigest()


def with_checksum(text: str, old: str, new: str) -> str:
    """The text with another checksum in its place: as JSON no name in it can look like that place."""
    return text.replace(f'"{CHECKSUM_KEY}":"{old}"', f'"{CHECKSUM_KEY}":"{new}"', 1)


def _by_benchmark(series: Iterable[Series]) -> dict[tuple[str, str], list[Series]]:
    grouped: dict[tuple[str, str], list[Series]] = {}
    for each in series:
        grouped.setdefault((each.package, each.name), []).append(each)
    return grouped


def _groups(metrics: Sequence[Series]) -> tuple[list[tuple[Series, list[Series]]], list[Series]]:
    """A pyperf benchmark each: the metric that gives the values, and those of the same processes; what is left over."""
    groups: list[tuple[Series, list[Series]]] = []
    rest = list(metrics)
    while (chosen := _value_metric(rest)) is not None:
        riders = [
            each
            for each in rest
            if each is not chosen and each.iterations == chosen.iterations[: len(each.iterations)]
        ]
        groups.append((chosen, riders))
        rest = [each for each in rest if each is not chosen and each not in riders]
    return groups, rest


def _value_metric(metrics: Sequence[Series]) -> Series | None:
    """The metric that becomes the runs' values: time where there is one, else the first above zero throughout."""
    possible = [
        each for each in metrics if each.values and all(0 < value < math.inf for value in each.values)
    ]
    return min(possible, key=lambda each: each.unit != "sec/op", default=None)


def _benchmark_name(package: str, name: str) -> str:
    return f"{package}:{name}"


def _go_benchmark(
    shown: str, chosen: Series, riders: Sequence[Series], common: Mapping[str, str | int]
) -> pyperf.Benchmark:
    runs = []
    for number, (value, iterations) in enumerate(zip(chosen.values, chosen.iterations, strict=True)):
        metadata = {
            **common,
            "name": shown,
            "unit": _PYPERF_UNITS.get(chosen.unit, "integer"),
            "loops": max(1, iterations),
            "perf_kind": "benchmark",
            "go_package": chosen.package,
            "go_name": chosen.name,
            "go_unit": chosen.unit,
            **{_metric_key(each.unit): each.values[number] for each in riders if number < len(each.values)},
        }
        runs.append(pyperf.Run([value], metadata=metadata, collect_metadata=False))
    return pyperf.Benchmark(runs)


def _load_benchmarks(load: StoredLoad, common: Mapping[str, str | int]) -> list[pyperf.Benchmark]:
    shared = {
        **common,
        "unit": "second",
        "loops": 1,
        "perf_workload": load.workload,
        "perf_drive": load.drive,
        "perf_workers": load.workers,
        "perf_images": load.images,
    }
    rounds = [
        pyperf.Run(
            [seconds],
            metadata={
                **shared,
                "name": f"load/{load.workload}/round",
                "perf_kind": "round",
                "bytes_per_second": bytes_per_second,
            },
            collect_metadata=False,
        )
        for seconds, bytes_per_second in zip(load.seconds, load.bytes_per_second, strict=True)
    ]
    copies = [
        pyperf.Run(
            list(seconds),
            metadata={
                **shared,
                "name": f"load/{load.workload}/copy",
                "perf_kind": "copy",
                "perf_round": number,
            },
            collect_metadata=False,
        )
        for number, seconds in enumerate(load.copy_seconds)
        if seconds
    ]
    return [pyperf.Benchmark(runs) for runs in (rounds, copies) if runs]


def _metric_key(unit: str) -> str:
    return unit if "/" in unit else METRIC + unit


def _positive(each: LoadRound) -> tuple[float, ...]:
    return tuple(seconds for seconds in each.copy_seconds if seconds > 0)
