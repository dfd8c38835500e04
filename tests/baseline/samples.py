"""Results to keep, made up to the last digit."""

from __future__ import annotations

from datetime import UTC, datetime

from perf.baseline.pyperf_file import StoredBaseline
from perf.errors import ExitCode
from perf.model import BenchmarksResult, LoadResult, LoadRound, Outcome, Problem, Series, Status

SHA = "0123456789abcdef0123456789abcdef01234567"
FINGERPRINT: dict[str, str | int] = {
    "cpu_model": "Some CPU @ 2.00GHz",
    "cpu_flags": "12ab34cd",
    "cores": 2,
    "memory_gib": 8,
    "kernel": "6.1",
    "virtualised": "yes",
    "governor": "unknown",
    "go_version": "go1.26.8",
    "gomaxprocs": 2,
    "architecture": "x86_64",
}
SERIES = (
    Series("./pkg/copy", "BenchmarkCopy/Level_-1", "sec/op", (1e-6, 1.5e-6, 1.25e-6), (100, 90, 95)),
    Series("./pkg/copy", "BenchmarkCopy/Level_-1", "B/op", (0.0, 0.0, 16.0), (100, 90, 95)),
    Series("./pkg/copy", "BenchmarkCopy/Level_-1", "B/s", (1e6, 2e6, 3e6), (100, 90, 95)),
    Series("./pkg/copy", "BenchmarkCopy/Level_-1", "allocs/op", (0.0, 0.0, 1.0), (100, 90, 95)),
    Series(".", "BenchmarkAll", "sec/op", (0.25, 0.5, 0.125), (1, 1, 1)),
    Series(".", "BenchmarkAll", "loops", (3.0, 4.0, 5.0), (1, 1, 1)),
)


def load_round(
    *, verified: int = 4, seconds: float = 2.0, copies: tuple[float, ...] = (0.5, 0.25)
) -> LoadRound:
    return LoadRound(
        workers=2,
        images=4,
        verified=verified,
        seconds=seconds,
        verified_bytes=verified * 1000,
        content_bytes=4000,
        uploaded_bytes=None,
        jobs=(),
        missing=(),
        copy_seconds=copies,
        copy_seconds_source="one process per image",
        samples=(),
        peak_rss_bytes=None,
    )


def load_result(*rounds: LoadRound) -> LoadResult:
    return LoadResult("quick", "copy", 4, 4000, "distribution", "memory", rounds, False)


def benchmarks_outcome(series: tuple[Series, ...] = SERIES, problems: tuple[Problem, ...] = ()) -> Outcome:
    result = BenchmarksResult(series, problems, 3, "50ms", 2, "go1.26.8")
    return Outcome("benchmarks", Status.PASSED, ExitCode.FINE, "2 benchmarks", 1.0, result)


def load_outcome(*rounds: LoadRound) -> Outcome:
    return Outcome("load", Status.PASSED, ExitCode.FINE, "arrived", 1.0, load_result(*rounds))


def baseline(**changes: object) -> StoredBaseline:
    given: dict[str, object] = {
        "sha": SHA,
        "dirty": False,
        "target": "skiff",
        "machine": "some-cpu-2c-deadbeef",
        "fingerprint": FINGERPRINT,
        "date": datetime(2026, 11, 23, 12, 30, tzinfo=UTC),
        "series": SERIES,
        "load": (),
        **changes,
    }
    return StoredBaseline(**given)  # type: ignore[arg-type]
