"""A baseline from the text of its file. Pure. Read without pyperf, which takes five times as long."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from perf.baseline.pyperf_file import (
    CHECKSUM_KEY,
    FINGERPRINT,
    METRIC,
    NO_CHECKSUM,
    VERSION_KEY,
    StoredBaseline,
    StoredLoad,
    checksum,
    with_checksum,
)
from perf.model import Series

_CHECKSUM_SINCE: Final = 2


def version_of(raw: Any) -> int | None:
    """The form's version, which stands in the metadata that all runs share; None when it cannot be told."""
    version = _suite_metadata(raw).get(VERSION_KEY)
    return version if isinstance(version, int) else None


def checksum_holds(text: str, raw: Any) -> bool | None:
    """Whether the text is as it was written; None where its version had no checksum yet. `raw` is the text decoded."""
    claimed = _suite_metadata(raw).get(CHECKSUM_KEY)
    if claimed is None and (version_of(raw) or 0) < _CHECKSUM_SINCE:
        return None
    if not isinstance(claimed, str):
        return False
    return checksum(with_checksum(text, claimed, NO_CHECKSUM)) == claimed


def from_text(text: str) -> StoredBaseline:
    """Read what `to_text` wrote; raises ValueError, LookupError, TypeError or AttributeError when it is another's."""
    return from_raw(json.loads(text))


def from_raw(raw: Any) -> StoredBaseline:
    """`from_text` of what was decoded already."""
    series: list[Series] = []
    rounds: dict[str, list[_Run]] = {}
    copies: dict[str, list[_Run]] = {}
    suite = _suite_metadata(raw)
    shared: dict[str, Any] = {}
    for benchmark in raw["benchmarks"]:
        shared = {**suite, **benchmark.get("metadata", {})}
        runs = [_Run(run.get("metadata", {}), run["values"]) for run in benchmark["runs"]]
        kind = shared["perf_kind"]
        if kind == "benchmark":
            series += _read_series(shared, runs)
        else:
            merged = [_Run({**shared, **run.metadata}, run.values) for run in runs]
            (rounds if kind == "round" else copies)[shared["perf_workload"]] = merged
    date = datetime.fromisoformat(shared["date"])
    if date.tzinfo is None:
        raise ValueError(f"its date {shared['date']} has no time zone")
    return StoredBaseline(
        sha=str(shared["perf_sha"]),
        dirty=bool(shared["perf_dirty"]),
        target=str(shared["perf_target"]),
        machine=str(shared["perf_machine"]),
        fingerprint={
            key.removeprefix(FINGERPRINT): value
            for key, value in shared.items()
            if key.startswith(FINGERPRINT)
        },
        date=date,
        series=tuple(series),
        load=tuple(_read_load(workload, runs, copies.get(workload, ())) for workload, runs in rounds.items()),
        counter=str(shared.get("perf_counter", "")),
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """One process as the file has it; what all runs of a benchmark share stands outside."""

    metadata: Mapping[str, Any]
    values: Sequence[float]


def _suite_metadata(raw: Any) -> dict[str, Any]:
    metadata = raw.get("metadata") if isinstance(raw, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def _read_series(shared: Mapping[str, Any], runs: Sequence[_Run]) -> list[Series]:
    """The metrics of one pyperf benchmark. What is equal in all runs stands in `shared`, loops and metrics included."""
    package, name, unit = str(shared["go_package"]), str(shared["go_name"]), str(shared["go_unit"])
    if not runs:
        raise ValueError(f"{package}:{name} has no runs")
    loops = [int(run.metadata["loops"] if "loops" in run.metadata else shared["loops"]) for run in runs]
    metrics: dict[str, tuple[list[float], list[int]]] = {}
    for key, value in shared.items():
        if _is_metric(key):
            metrics[key] = [float(value)] * len(runs), loops
    for run, iterations in zip(runs, loops, strict=True):
        for key, value in run.metadata.items():
            if _is_metric(key):
                values, its_loops = metrics.setdefault(key, ([], []))
                values.append(float(value))
                its_loops.append(iterations)
    named = {unit: ([float(run.values[0]) for run in runs], loops)}
    named |= sorted((key.removeprefix(METRIC), found) for key, found in metrics.items())
    return [Series(package, name, each, tuple(values), tuple(its)) for each, (values, its) in named.items()]


def _is_metric(key: str) -> bool:
    return "/" in key or key.startswith(METRIC)


def _read_load(workload: str, rounds: Sequence[_Run], copies: Sequence[_Run]) -> StoredLoad:
    copy_seconds = {run.metadata["perf_round"]: tuple(run.values) for run in copies}
    first = rounds[0].metadata
    return StoredLoad(
        workload,
        first["perf_drive"],
        first["perf_workers"],
        first["perf_images"],
        tuple(run.values[0] for run in rounds),
        tuple(run.metadata["bytes_per_second"] for run in rounds),
        tuple(copy_seconds.get(number, ()) for number in range(len(rounds))),
    )
