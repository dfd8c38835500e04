"""Four runs as values: one in which all went well, one full of failures, one that measured nothing, one that lied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from perf.errors import ExitCode, Lacking
from perf.model import (
    RUN_RECORD_VERSION,
    BaselineResult,
    BenchmarksResult,
    Comparison,
    IntegrationResult,
    Job,
    LoadResult,
    LoadRound,
    Missing,
    ObjectiveRow,
    Outcome,
    Problem,
    ProblemKind,
    RegressionResult,
    ResourceSample,
    RunRecord,
    Series,
    Side,
    Status,
    StressResult,
    TimedTest,
    Verdict,
)

MIB: Final = 2**20
FINGERPRINT: Final[dict[str, str | int]] = {
    "cpu_model": "Example CPU @ 2.50GHz",
    "cpu_flags": "0123abcd",
    "cores": 2,
    "memory_gib": 8,
    "kernel": "6.18.0",
    "virtualised": "yes",
    "governor": "unknown",
    "go_version": "go1.26.8",
}
HEAD: Final = Side("1f" * 20, "copy: reuse the buffer")
BASE: Final = Side("2e" * 20, "copy: mount shared layers")
AWKWARD: Final = "BenchmarkCopy/a|b_`tick`_<script>alert(1)</script>\n*bold*_[link](http://x)\\|" + "x" * 240


def record(scenario: str, code: ExitCode, *outcomes: Outcome, target: str = "skiff") -> RunRecord:
    return RunRecord(
        version=RUN_RECORD_VERSION,
        id=f"20260304-101112-{scenario}-abcd",
        scenario=scenario,
        target=target,
        target_sha=HEAD.sha,
        target_subject=HEAD.subject,
        target_dirty=False,
        started="2026-03-04T10:11:12+00:00",
        seconds=161.0,
        seed=7,
        versions={"perf": "0.1.0", "python": "3.11.7", "registries": "distribution v3.0.0"},
        machine="example-cpu-2c-0123abcd",
        fingerprint=FINGERPRINT,
        command=("python", "-m", "perf", scenario, "--target", target),
        effort="quick",
        exit_code=code,
        outcomes=outcomes,
    )


def series(package: str, name: str, **metrics: tuple[float, ...]) -> tuple[Series, ...]:
    """`sec` is sec/op, `bytes` B/op, `allocs` allocs/op, `rate` B/s; others keep their name with "_per_" as "/"."""
    units = {"sec": "sec/op", "bytes": "B/op", "allocs": "allocs/op", "rate": "B/s"}
    return tuple(
        Series(package, name, units.get(key, key.replace("_per_", "/")), values, (1000,) * len(values))
        for key, values in metrics.items()
    )


def load_round(
    *,
    images: int = 48,
    verified: int | None = None,
    seconds: float = 2.0,
    workers: int = 4,
    returncode: int = 0,
    timed_out: int = 0,
    first_error: str = "",
    missing: tuple[Missing, ...] = (),
    requests: dict[str, int] | None = None,
    uploaded_share: float | None = 1.0,
    cpu_share: float = 0.9,
    busy: float | None = 0.62,
    peak_rss_bytes: int | None = None,
    copy_seconds: tuple[float, ...] | None = None,
) -> LoadRound:
    arrived = images if verified is None else verified
    jobs = tuple(
        Job(
            name=f"copy-{number}",
            started_seconds=number * 0.01,
            seconds=seconds / 4,
            cpu_seconds=seconds * cpu_share / images,
            returncode=-9 if number < timed_out else returncode,
            timed_out=number < timed_out,
            copies=1,
            first_error=first_error,
            output=f"load/round-1/copy-{number}.log",
        )
        for number in range(images)
    )
    verified_bytes = arrived * 4 * MIB
    return LoadRound(
        workers=workers,
        images=images,
        verified=arrived,
        seconds=seconds,
        verified_bytes=verified_bytes,
        content_bytes=images * 4 * MIB,
        uploaded_bytes=None if uploaded_share is None else round(verified_bytes * uploaded_share),
        jobs=jobs,
        missing=missing,
        copy_seconds=tuple(0.08 + 0.002 * number for number in range(arrived))
        if copy_seconds is None
        else copy_seconds,
        copy_seconds_source="one process an image",
        samples=(
            ResourceSample(0.0, 1, 20 * MIB, 0.0, 5, 12),
            ResourceSample(0.5, 4, 96 * MIB, 1.7, 31, 64),
        ),
        peak_rss_bytes=(90 + workers * 4) * MIB if peak_rss_bytes is None else peak_rss_bytes,
        requests=requests or {},
        busy_fraction=busy,
    )


def load(*rounds: LoadRound) -> LoadResult:
    return LoadResult(
        workload="quick",
        drive="copy",
        images=rounds[0].images,
        content_bytes=rounds[0].content_bytes,
        registries="two CNCF distribution v3.0.0",
        storage="tmpfs",
        rounds=rounds,
        reused_images=True,
    )


def comparison(
    name: str, change: float | None, verdict: Verdict, reason: str = "", unit: str = "sec/op"
) -> Comparison:
    base = (1e-3, 1.1e-3, 1.05e-3)
    head = tuple(value * (1 + (change or 0.0)) for value in base)
    low, high = (None, None) if change is None else (change - 0.01, change + 0.01)
    return Comparison("skiff/pkg/copy", name, unit, base, head, change, low, high, verdict, reason)


def everything_fine() -> RunRecord:
    copy = series(
        "skiff/pkg/copy",
        "BenchmarkCopyImage/layers=4",
        sec=(4.1e-3, 4.2e-3, 4.05e-3, 4.3e-3, 4.15e-3),
        bytes=(65536.0,) * 5,
        allocs=(412.0, 412.0, 413.0, 412.0, 412.0),
        rate=(812e6, 800e6, 820e6, 790e6, 805e6),
    )
    digest = series(
        "skiff/pkg/copy", "BenchmarkDigest", sec=(3.2e-8,) * 5, bytes=(0.0,) * 5, allocs=(0.0,) * 5
    )
    scheduler = series(
        "skiff/pkg/replication", "BenchmarkSchedule-2", sec=(1.2e-6,) * 4, jobs_per_sec=(83412.0,) * 4
    )
    benchmarks = BenchmarksResult(
        (*copy, *digest, *scheduler),
        (Problem("skiff/pkg/slow", "", ProblemKind.LEFT_OUT, "sleeps 10 s an operation"),),
        processes=5,
        benchtime="50ms",
        packages=2,
        go_version="go1.26.8",
    )
    kinds = {
        "source GET blobs 200": 200,
        "destination HEAD blobs 404": 96,
        "destination PUT manifests 201": 48,
        "destination PATCH uploads 202": 190,
    }
    rounds = tuple(load_round(seconds=seconds, requests=kinds) for seconds in (1.4, 1.5, 1.45))
    stress = StressResult(
        "quick",
        tuple(
            (load_round(workers=workers, seconds=seconds),)
            for workers, seconds in ((1, 3.0), (2, 1.6), (4, 1.5), (8, 1.52))
        ),
        "throughput grew by less than 5 % in two steps",
        4,
    )
    regression = RegressionResult(
        BASE,
        HEAD,
        "base",
        (
            comparison("BenchmarkCopyImage/layers=4", 0.004, Verdict.UNCHANGED),
            comparison("BenchmarkDigest", -0.12, Verdict.IMPROVEMENT),
            comparison("BenchmarkRetry", None, Verdict.UNKNOWN, "needs at least 10 pairs"),
        ),
        proven=("skiff/pkg/registry", "skiff/pkg/metrics"),
        only_base=(),
        only_head=("BenchmarkNew",),
        problems=(),
        rounds=10,
        seed=20260304,
        dirty=False,
    )
    integration = IntegrationResult(
        ("make", "test-integration"),
        (
            TimedTest("skiff/tests/integration", "TestCopiesAnIndex", "passed", 0.41, ""),
            TimedTest("skiff/tests/integration", "TestMounts", "passed", 1.2, ""),
            TimedTest("skiff/tests/integration", "TestNeedsDocker", "skipped", 0.0, "no docker"),
        ),
        no_tests=False,
        returncode=0,
        seconds=6.2,
        tail="ok",
    )
    objectives = (
        ObjectiveRow("throughput", ">= 125 MB/s", 138.8e6, "B/s", True),
        ObjectiveRow("response_time", "< 200 ms", 0.17, "s", True, "P95 of a copy"),
        ObjectiveRow("error_rate", "< 5 %", 0.0, "fraction", True),
        ObjectiveRow("availability", ">= 99.5 %", 1.0, "fraction", True),
    )
    fine = Status.PASSED, ExitCode.FINE
    return record(
        "all",
        ExitCode.FINE,
        Outcome("benchmarks", *fine, "3 benchmarks in 2 packages", 21.0, benchmarks),
        Outcome(
            "load",
            *fine,
            "138.8 MB/s verified, 3 rounds of 48 images",
            14.0,
            load(*rounds),
            objectives,
            ("another process used 0.4 cores meanwhile",),
        ),
        Outcome("stress", *fine, "no more throughput beyond 4 workers", 18.0, stress),
        Outcome(
            "baseline",
            *fine,
            "3 benchmarks kept",
            0.1,
            BaselineResult("baselines/skiff/example/1f.json", HEAD.sha, False, 3),
        ),
        Outcome("regression", *fine, "nothing slower", 60.0, regression),
        Outcome("integration", *fine, "2 passed, 1 skipped", 6.2, integration),
    )


def full_of_failures() -> RunRecord:
    units = {f"custom{number}_per_op": (float(number),) for number in range(1, 6)}
    benchmarks = BenchmarksResult(
        (
            *series("github.com/example/project/pkg/helper/util", AWKWARD, sec=(0.5,), **units),
            *series("p|q", "BenchmarkOnlyCustom", custom1_per_op=(12345678.0, 12345679.0)),
        ),
        (
            Problem(
                "skiff/pkg/copy",
                "BenchmarkPanics",
                ProblemKind.PANICKED,
                "index out of range [3]",
                "copy_test.go:41",
            ),
            Problem("skiff/pkg/copy", AWKWARD, ProblemKind.GARBLED, "12 | ns/op\nmore", "raw.txt:7"),
            Problem("skiff/broken", "", ProblemKind.NOT_BUILT, "undefined: x", "broken.go:3"),
            Problem("skiff/pkg/copy", "BenchmarkHangs", ProblemKind.TIMED_OUT, "no number after 60 s"),
            Problem(
                "skiff/pkg/copy",
                "BenchmarkSkips",
                ProblemKind.SKIPPED,
                "needs a | network",
                "copy_test.go:90",
            ),
        ),
        processes=1,
        benchtime="1000x",
        packages=3,
        go_version="go1.26.8",
    )
    missing = (
        Missing("perf/a", "v1", "manifest 404 MANIFEST_UNKNOWN | <none>"),
        Missing("perf/b", "v2", "config blob 404 although the tag stands"),
    )
    rounds = (
        load_round(
            verified=46,
            seconds=2.0,
            returncode=1,
            first_error="PUT 503 <busy>",
            missing=missing,
            uploaded_share=None,
        ),
        load_round(verified=47, seconds=4.0, timed_out=1, missing=missing[:1]),
        load_round(verified=48, seconds=2.2, uploaded_share=1.3, cpu_share=1.8),
    )
    comparisons = [
        comparison("BenchmarkA", 0.05, Verdict.REGRESSION),
        comparison("BenchmarkB", 0.5, Verdict.REGRESSION, "confirmed with fresh processes"),
        comparison(AWKWARD, 0.2, Verdict.REGRESSION),
        comparison("BenchmarkD", -0.3, Verdict.REGRESSION, unit="B/s"),
        comparison("BenchmarkE", 0.001, Verdict.UNCHANGED),
    ]
    regression = RegressionResult(
        BASE,
        HEAD,
        "stored",
        tuple(comparisons),
        proven=(),
        only_base=("BenchmarkGone",),
        only_head=(),
        problems=(
            Problem("skiff/pkg/copy", "BenchmarkPanics", ProblemKind.PANICKED, "at base", "copy_test.go:41"),
        ),
        rounds=6,
        seed=7,
        dirty=True,
    )
    integration = IntegrationResult(
        ("go", "test", "-run", "Test A", "./..."),
        (
            TimedTest("skiff/tests/integration", "TestFails", "failed", 2.0, "want 1\n```\ngot 2\x1b[31m"),
            *(
                TimedTest("skiff/tests", f"TestPasses{number}", "passed", number / 10, "")
                for number in range(22)
            ),
        ),
        no_tests=False,
        returncode=1,
        seconds=9.0,
        tail="FAIL",
    )
    failed = Status.FAILED, ExitCode.FAILED
    no_docker = Lacking("no Docker engine answers", cause="it is not running", next_command="invoke doctor")
    return record(
        "all",
        ExitCode.FAILED,
        Outcome("benchmarks", *failed, "4 benchmarks gave no number", 21.0, benchmarks),
        Outcome(
            "load",
            *failed,
            "92.3 MB/s verified, 3 rounds of 48 images; exit 1 in 48 of 48 processes, but 46 of 48 arrived",
            14.0,
            load(*rounds),
            (
                ObjectiveRow("throughput", ">= 125 MB/s", 80.4e6, "B/s", False),
                ObjectiveRow("response_time", "< 200 ms", None, "s", None, "copies are not timed apart"),
                ObjectiveRow("error_rate", "< 5 %", 0.0208, "fraction", True),
            ),
        ),
        Outcome("stress", Status.UNKNOWN, ExitCode.LACKING, no_docker.what, 0.2, error=str(no_docker)),
        Outcome("baseline", Status.LEFT_OUT, ExitCode.FINE, "tracked files are changed: a.go", 0.0),
        Outcome("regression", *failed, "4 regressions", 60.0, regression),
        Outcome("integration", *failed, "1 of 23 tests failed", 9.0, integration),
    )


def nothing_measured() -> RunRecord:
    error = Lacking("no Go toolchain", cause="go is not on PATH", next_command="./noxw")
    return record(
        "load",
        ExitCode.LACKING,
        Outcome("load", Status.UNKNOWN, ExitCode.LACKING, error.what, 0.0, error=str(error)),
    )


def nothing_arrived() -> RunRecord:
    """What Freightliner does: exit 0, and no image with a layer at the destination."""
    error = "http: ContentLength=1048576 with Body length 65801"
    images = 40
    missing = tuple(
        Missing(f"perf/{number // 4:02d}", f"v{number % 4}", "manifest 404 MANIFEST_UNKNOWN")
        for number in range(images)
    )
    rounds = tuple(
        load_round(images=images, verified=0, seconds=seconds, first_error=error, missing=missing)
        for seconds in (0.9, 1.0)
    )
    stress = StressResult(
        "quick",
        ((load_round(images=images, verified=0, first_error=error),),),
        "100 % of the images were missing",
        None,
    )
    integration = IntegrationResult(
        ("make", "test-integration"), (), True, 0, 1.1, "testing: warning: no tests to run\nPASS"
    )
    objectives = (
        ObjectiveRow("throughput", ">= 125 MB/s", 0.0, "B/s", False),
        ObjectiveRow("response_time", "< 200 ms", None, "s", None, "no image arrived"),
        ObjectiveRow("error_rate", "< 5 %", 1.0, "fraction", False),
        ObjectiveRow("availability", ">= 99.5 %", 1.0, "fraction", True, "the replicator's own claim"),
    )
    failed = Status.FAILED, ExitCode.FAILED
    return record(
        "all",
        ExitCode.FAILED,
        Outcome(
            "load",
            *failed,
            f"exit 0, 0 of 40 images arrived (perf/00:v0: {missing[0].evidence}); its first error: {error}",
            4.0,
            load(*rounds),
            objectives,
        ),
        Outcome("stress", *failed, "exit 0, 0 of 40 images arrived; nothing to raise", 2.0, stress),
        Outcome("integration", *failed, "no tests to run, exit 0", 1.1, integration),
        target="freightliner",
    )


RECORDS: Final[dict[str, Callable[[], RunRecord]]] = {
    "fine": everything_fine,
    "failures": full_of_failures,
    "nothing-measured": nothing_measured,
    "nothing-arrived": nothing_arrived,
}
