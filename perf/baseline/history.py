"""What the baselines of many commits say, in brief: each file is read once, and its summary kept in the cache.

A summary is never a source of truth: it holds for the very file it was made of (size, time of change, inode), and is
made again when that is another.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from perf.baseline import store
from perf.baseline.between_runs import Key, Snapshot
from perf.baseline.machines import WORK_FIELDS
from perf.baseline.pyperf_file import StoredBaseline
from perf.context import Context
from perf.errors import Lacking, PerfError
from perf.model import Series
from perf.system import files
from perf.system.places import Places

# Newer ones say more of the machine as it is now, and so many are read within a second without a summary.
MOST_BASELINES: Final = 20
# Part of a summary's name in the cache: another when what it holds, or what reading checks, changes.
_VERSION: Final = 1
# Known from the time: b.SetBytes makes it of that.
_RATE: Final = "B/s"


@dataclass(frozen=True, slots=True)
class Summary:
    """One baseline without its samples. `medians` are those of what is timed."""

    sha: str
    dirty: bool
    target: str
    machine: str
    date: datetime
    benchmarks: int
    workloads: tuple[str, ...]
    snapshot: Snapshot


def recent(context: Context, shas: Iterable[str], most: int = MOST_BASELINES) -> tuple[Snapshot, ...]:
    """The baselines of the first `most` of these commits that were measured on this machine, in their order.

    A file that cannot be read is passed over: `baseline verify` names it.
    """
    found: list[Snapshot] = []
    for sha in shas:
        if len(found) == most:
            break
        path = store.path_for(context, sha)
        if path.exists():
            with suppress(PerfError):
                found.append(summary(context.places, path).snapshot)
    return tuple(found)


def summary(places: Places, path: Path) -> Summary:
    """The file in brief, from the cache where that knows it. Raises as `store.load` does."""
    place = places.cache / "baselines" / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.json"
    stamp = _stamp(path)
    with suppress(OSError, ValueError, LookupError, TypeError):
        kept = json.loads(place.read_text("utf-8"))
        if kept["stamp"] == stamp:
            return _decoded(kept)
    made = summarise(store.load(path))
    # A cache that cannot be written costs time only; half a summary is no JSON, and made again.
    with suppress(OSError, Lacking):
        files.make_directory(place.parent)
        place.write_text(json.dumps({"stamp": stamp, **_encoded(made)}), "utf-8")
    return made


def summarise(baseline: StoredBaseline) -> Summary:
    """The baseline without its samples."""
    return Summary(
        baseline.sha,
        baseline.dirty,
        baseline.target,
        baseline.machine,
        baseline.date,
        len({(each.package, each.name) for each in baseline.series}),
        tuple(each.workload for each in baseline.load),
        Snapshot(baseline.fingerprint, _medians(baseline.series)),
    )


def _medians(series: Sequence[Series]) -> dict[Key, float]:
    return {
        (each.package, each.name, each.unit): statistics.median(each.values)
        for each in series
        if each.values and each.unit not in WORK_FIELDS and each.unit != _RATE
    }


def _stamp(path: Path) -> list[int]:
    with suppress(OSError):
        found = path.lstat()
        return [_VERSION, found.st_size, found.st_mtime_ns, found.st_ino]
    return [_VERSION]


def _encoded(made: Summary) -> dict[str, Any]:
    return {
        "sha": made.sha,
        "dirty": made.dirty,
        "target": made.target,
        "machine": made.machine,
        "date": made.date.isoformat(),
        "benchmarks": made.benchmarks,
        "workloads": made.workloads,
        "fingerprint": dict(made.snapshot.fingerprint),
        "medians": [[*key, value] for key, value in made.snapshot.medians.items()],
    }


def _decoded(kept: Mapping[str, Any]) -> Summary:
    return Summary(
        kept["sha"],
        kept["dirty"],
        kept["target"],
        kept["machine"],
        datetime.fromisoformat(kept["date"]),
        kept["benchmarks"],
        tuple(kept["workloads"]),
        Snapshot(
            kept["fingerprint"],
            {(package, name, unit): value for package, name, unit, value in kept["medians"]},
        ),
    )
