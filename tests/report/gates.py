"""Three runs of the regression gate as values: one that found something, one that cannot tell, one without a base."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from perf.errors import ExitCode, Undecided
from perf.model import (
    Blame,
    Comparison,
    GrownFunction,
    Outcome,
    Problem,
    ProblemKind,
    RegressionResult,
    RunRecord,
    Status,
    Touch,
    Verdict,
)
from tests.report.records import AWKWARD, BASE, HEAD, record

COPY: Final = "skiff/pkg/copy"
LONG: Final = "BenchmarkCopyImage/registry=distribution/layers=16/size=4MiB-2"
TOUCH: Final = Touch("1f" * 20, "copy: reuse the buffer", "A. Author")


def row(
    name: str,
    unit: str,
    base: float,
    change: float | None,
    verdict: Verdict,
    reason: str = "",
    *,
    package: str = COPY,
    spread: float | None = None,
    smallest_seen: float | None = None,
    more_rounds: int | None = None,
    position: str = "",
    values: int = 10,
) -> Comparison:
    """`spread` is half the interval; a base of 0 goes to 1 at the head."""
    head = base * (1 + change) if change is not None else base + (base == 0.0)
    around = change is not None and spread is not None
    return Comparison(
        package,
        name,
        unit,
        (base,) * values,
        (head,) * values,
        change,
        change - spread if around else None,  # type: ignore[operator]
        change + spread if around else None,  # type: ignore[operator]
        verdict,
        reason,
        smallest_seen,
        more_rounds,
        position,
    )


def grew(
    function: str, position: str, base: float, head: float, share: float, *touches: Touch
) -> GrownFunction:
    return GrownFunction(function, position, base, head, share, touches)


def unchanged(number: int) -> tuple[Comparison, ...]:
    units = {"instructions/op": 1.85e6, "allocs/op": 412.0, "B/op": 65536.0}
    return tuple(
        row(f"BenchmarkSame{index}", unit, base, 0.0004, Verdict.UNCHANGED, "within 0.3 %", values=3)
        for index in range(number)
        for unit, base in units.items()
    )


def red() -> RunRecord:
    where = "examples/skiff/pkg/copy/copy_test.go:41"
    rows = (
        row(LONG, "instructions/op", 1.85e6, 0.5946, Verdict.REGRESSION, "more instructions, confirmed on fresh counts",
            position=where, values=3),
        row(LONG, "sec/op", 1.05e-3, 0.31, Verdict.REGRESSION, "slower, confirmed on 10 fresh rounds", spread=0.03,
            position=where),
        row("BenchmarkDigest", "allocs/op", 0.0, None, Verdict.REGRESSION, "one allocation where there was none",
            position="examples/skiff/pkg/copy/digest_test.go:12", values=2),
        row("BenchmarkRetry/wait=1ms", "sec/op", 1.1e-3, 0.04, Verdict.UNKNOWN, "", spread=0.09, smallest_seen=0.12,
            more_rounds=24, package="skiff/pkg/retry"),
        row("BenchmarkLedgerContended", "cpu-sec/op", 3.2e-7, -0.01, Verdict.UNKNOWN, "the two sides are bimodal",
            spread=0.15, smallest_seen=0.17, package="skiff/pkg/ledger"),
        row("BenchmarkManifest", "instructions/op", 85_300.0, 0.012, Verdict.MORE_WORK,
            "more instructions; time proven equal", package="skiff/pkg/manifest", values=3),
        row("BenchmarkScrape", "sec/op", 2.2e-5, 14.0, Verdict.BENCHMARK_CHANGED,
            "its own code differs between the sides", package="skiff/pkg/metrics"),
        row("BenchmarkParse", "instructions/op", 4.1e9, -0.12, Verdict.IMPROVEMENT,
            "fewer instructions, confirmed on fresh counts", package="skiff/pkg/manifest", values=3),
        *unchanged(14),
    )  # fmt: skip
    writer = "examples/skiff/pkg/copy/writer.go:88"
    blames = (
        Blame(
            COPY,
            LONG,
            "instructions/op",
            (
                grew("skiff/pkg/copy.(*Writer).Flush", writer, 1.1e5, 8.2e5, 0.64, TOUCH),
                grew("runtime.memmove", "", 2.0e5, 4.9e5, 0.27),
                grew("skiff/pkg/copy.Copy[...]", "examples/skiff/pkg/copy/copy.go:20", 4.0e4, 1.4e5, 0.09, TOUCH,
                     Touch("3d" * 20, "copy: count | what `arrives`", "B. Author")),
            ),
            ("regression/blame/copy-base.out", "regression/blame/copy-head.out"),
            "cg_diff .perf/runs/x/regression/blame/copy-base.out .perf/runs/x/regression/blame/copy-head.out",
        ),
        Blame(COPY, "BenchmarkDigest", "allocs/op", (), note="the profiles hold no function that allocates more"),
    )  # fmt: skip
    result = RegressionResult(
        BASE,
        HEAD,
        "base",
        rows,
        proven=("skiff/pkg/registry", "skiff/pkg/queue"),
        only_base=("skiff/pkg/copy BenchmarkGone",),
        only_head=("skiff/pkg/copy BenchmarkNew",),
        problems=(
            Problem(
                COPY, "BenchmarkPanics", ProblemKind.PANICKED, "index out of range [3]", "copy_test.go:90"
            ),
            Problem(COPY, "BenchmarkSkips", ProblemKind.SKIPPED, "needs a network"),
        ),
        rounds=30,
        seed=20260304,
        dirty=False,
        counter="valgrind 3.19.0",
        counting_seconds=5.2,
        blames=blames,
        resume="./noxw -s regression -- --resume 20260304-101112-regression-abcd",
    )
    return record(
        "regression",
        ExitCode.FAILED,
        Outcome(
            "regression",
            Status.FAILED,
            ExitCode.FAILED,
            f"{BASE.sha[:12]} → {HEAD.sha[:12]}: 3 regressions (worst: {COPY} BenchmarkDigest allocs/op from zero)",
            118.0,
            result,
            warnings=("other work held up to 48 % of the machine",),
        ),
    )


def open_question() -> RunRecord:
    """Nothing counts instructions here, and a benchmark has a name that nobody would give it."""
    rows = (
        row(AWKWARD, "sec/op", 0.5, 0.02, Verdict.UNKNOWN, "the rounds drift", spread=0.08, smallest_seen=0.09,
            more_rounds=40, position="../outside/x_test.go:3"),
        row("BenchmarkDigest", "MB/s | odd", 0.0, None, Verdict.UNKNOWN, "a value is 0", values=6),
        *unchanged(1)[1:],
    )  # fmt: skip
    result = RegressionResult(
        BASE, HEAD, "stored", rows, (), (), (), (), rounds=6, seed=7, dirty=True, counter=""
    )
    return record(
        "regression",
        ExitCode.UNKNOWN,
        Outcome(
            "regression",
            Status.UNKNOWN,
            ExitCode.UNKNOWN,
            "2 unknown, 2 unchanged",
            30.0,
            result,
            warnings=("nothing here counts instructions, so time alone is judged: apt-get install valgrind",),
        ),
    )


def no_base() -> RunRecord:
    error = Undecided(
        f"the base {BASE.sha[:12]} does not build",
        cause="pkg/copy/copy.go:7:2: undefined: x | y",
        next_command="./noxw -s regression -- --base REVISION",
    )
    return record(
        "regression",
        ExitCode.UNKNOWN,
        Outcome("regression", Status.UNKNOWN, ExitCode.UNKNOWN, error.what, 3.0, error=str(error)),
    )


GATES: Final[dict[str, Callable[[], RunRecord]]] = {
    "gate-red": red,
    "gate-open": open_question,
    "gate-no-base": no_base,
}
