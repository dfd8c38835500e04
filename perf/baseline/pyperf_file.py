"""A baseline as the text of a pyperf file, and back. Pure.

One pyperf benchmark for each Go benchmark, one run for each process; the run's value is seconds per operation. What
pyperf cannot hold as a value (zeros, rates, other units than one) is numeric metadata of the run under the unit's name.
Load stands in it as `load/<workload>/round`, the replicator's own seconds for a round that arrived whole, and
`load/<workload>/copy`, the seconds of each image's copy.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pyperf  # type: ignore[import-untyped]

from perf.model import LoadResult, LoadRound, Series

VERSION: Final = 1
VERSION_KEY: Final = "perf_version"

_FINGERPRINT: Final = "fingerprint."
# pyperf's own keys and ours have no "/": a unit with one stands as it is, another behind this.
_METRIC: Final = "metric:"
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
    """What one file holds. `date` is aware; `fingerprint` has the fields of perf.system.host.Fingerprint."""

    sha: str
    dirty: bool
    target: str
    machine: str
    fingerprint: dict[str, str | int]
    date: datetime
    series: tuple[Series, ...]
    load: tuple[StoredLoad, ...]


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
    """The series pyperf can hold, and the names of benchmarks it cannot: it takes no value that is not above zero."""
    kept: list[Series] = []
    lost: list[str] = []
    for (package, name), metrics in _by_benchmark(series).items():
        if _value_metric(metrics) is None:
            lost.append(_benchmark_name(package, name))
        else:
            kept += metrics
    return tuple(kept), tuple(lost)


def to_text(baseline: StoredBaseline) -> str:
    """The file's text; of `series` only what `storable` keeps. Raises ValueError when nothing is to be stored."""
    common = {
        "date": baseline.date.isoformat(),
        VERSION_KEY: VERSION,
        "perf_sha": baseline.sha,
        "perf_dirty": int(baseline.dirty),
        "perf_target": baseline.target,
        "perf_machine": baseline.machine,
        **{_FINGERPRINT + name: value for name, value in baseline.fingerprint.items()},
    }
    benchmarks = [
        _go_benchmark(package, name, metrics, common)
        for (package, name), metrics in _by_benchmark(storable(baseline.series)[0]).items()
    ]
    for load in baseline.load:
        benchmarks += _load_benchmarks(load, common)
    text = io.StringIO()
    pyperf.BenchmarkSuite(benchmarks).dump(text)
    return text.getvalue()


def from_text(text: str) -> StoredBaseline:
    """Read what `to_text` wrote; raises ValueError, KeyError or TypeError when it is something else."""
    series: list[Series] = []
    rounds: dict[str, Sequence[pyperf.Run]] = {}
    copies: dict[str, Sequence[pyperf.Run]] = {}
    metadata: dict[str, Any] = {}
    for benchmark in pyperf.BenchmarkSuite.loads(text).get_benchmarks():
        runs = benchmark.get_runs()
        metadata = runs[0].get_metadata()
        match metadata["perf_kind"]:
            case "benchmark":
                series += _read_series(metadata["go_package"], metadata["go_name"], runs)
            case "round":
                rounds[metadata["perf_workload"]] = runs
            case _:
                copies[metadata["perf_workload"]] = runs
    return StoredBaseline(
        sha=metadata["perf_sha"],
        dirty=bool(metadata["perf_dirty"]),
        target=metadata["perf_target"],
        machine=metadata["perf_machine"],
        fingerprint={
            key.removeprefix(_FINGERPRINT): value
            for key, value in metadata.items()
            if key.startswith(_FINGERPRINT)
        },
        date=datetime.fromisoformat(metadata["date"]),
        series=tuple(series),
        load=tuple(_read_load(workload, runs, copies.get(workload, ())) for workload, runs in rounds.items()),
    )


def _by_benchmark(series: Iterable[Series]) -> dict[tuple[str, str], list[Series]]:
    grouped: dict[tuple[str, str], list[Series]] = {}
    for each in series:
        grouped.setdefault((each.package, each.name), []).append(each)
    return grouped


def _value_metric(metrics: Sequence[Series]) -> Series | None:
    """The metric that becomes the runs' values: time where there is one, else the first above zero throughout."""
    possible = [
        each for each in metrics if each.values and all(0 < value < math.inf for value in each.values)
    ]
    return min(possible, key=lambda each: each.unit != "sec/op", default=None)


def _benchmark_name(package: str, name: str) -> str:
    return f"{package}:{name}"


def _go_benchmark(
    package: str, name: str, metrics: Sequence[Series], common: Mapping[str, str | int]
) -> pyperf.Benchmark:
    chosen = _value_metric(metrics)
    assert chosen is not None, "storable keeps only benchmarks with such a metric"
    runs = []
    for number, (value, iterations) in enumerate(zip(chosen.values, chosen.iterations, strict=True)):
        metadata = {
            **common,
            "name": _benchmark_name(package, name),
            "unit": _PYPERF_UNITS.get(chosen.unit, "integer"),
            "loops": max(1, iterations),
            "perf_kind": "benchmark",
            "go_package": package,
            "go_name": name,
            "go_unit": chosen.unit,
            **{
                _metric_key(each.unit): each.values[number]
                for each in metrics
                if each is not chosen and number < len(each.values)
            },
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


def _read_series(package: str, name: str, runs: Sequence[pyperf.Run]) -> list[Series]:
    values: dict[str, list[float]] = {}
    iterations: dict[str, list[int]] = {}
    for run in runs:
        metadata = run.get_metadata()
        others = {unit: value for key, value in metadata.items() if (unit := _unit_of(key)) is not None}
        metrics = {metadata["go_unit"]: run.values[0], **dict(sorted(others.items()))}
        for unit, value in metrics.items():
            values.setdefault(unit, []).append(float(value))
            iterations.setdefault(unit, []).append(metadata["loops"])
    return [Series(package, name, unit, tuple(values[unit]), tuple(iterations[unit])) for unit in values]


def _read_load(workload: str, rounds: Sequence[pyperf.Run], copies: Sequence[pyperf.Run]) -> StoredLoad:
    metadata = [run.get_metadata() for run in rounds]
    copy_seconds = {run.get_metadata()["perf_round"]: tuple(run.values) for run in copies}
    return StoredLoad(
        workload,
        metadata[0]["perf_drive"],
        metadata[0]["perf_workers"],
        metadata[0]["perf_images"],
        tuple(run.values[0] for run in rounds),
        tuple(each["bytes_per_second"] for each in metadata),
        tuple(copy_seconds.get(number, ()) for number in range(len(rounds))),
    )


def _metric_key(unit: str) -> str:
    return unit if "/" in unit else _METRIC + unit


def _unit_of(key: str) -> str | None:
    """The unit of a metric's key; None for every other key."""
    if key.startswith(_METRIC):
        return key.removeprefix(_METRIC)
    return key if "/" in key else None


def _positive(each: LoadRound) -> tuple[float, ...]:
    return tuple(seconds for seconds in each.copy_seconds if seconds > 0)
