"""How long looking up stored baselines takes, among 1,000 commits × 200 benchmarks of 20 values each.

    python benchmarks/baseline_lookup.py [--commits 1000] [--benchmarks 200] [--values 20] [--seed 1]

A repository and its baselines are made up in a temporary directory, with a fixed seed. What `regression --against
stored` asks is timed, with an empty cache and again: (a) the nearest measured ancestor of a commit, found and loaded;
(b) what two runs of equal code differ by, from the newest 20 of its ancestors. Then what `baseline list` asks, (c): all
baselines in brief, here for the history of one benchmark; each is read once, and from then on its summary. All files
were just written, so the disk itself is not timed. Exits 1 when (a) and (b) together with an empty cache, or (c) with a
filled one, take over a second of wall time.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from dataclasses import asdict

from perf.baseline import between_runs, history, store
from perf.baseline.pyperf_file import NO_CHECKSUM, StoredBaseline, checksum, to_text, with_checksum
from perf.context import Context, Options, ResolvedTarget
from perf.model import Series
from perf.suite import Target, parse_suite
from perf.system import git, host
from perf.system.go import Go
from perf.system.places import Places
from perf.system.processes import Processes
from perf.system.progress import Progress

MOST_SECONDS = 1.0
MOST_ANCESTORS = 200
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--commits", type=int, default=1000)
    parser.add_argument("--benchmarks", type=int, default=200)
    parser.add_argument("--values", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="baseline-lookup-") as name, Processes() as processes:
        context = made_up(Path(name), processes, asked.commits)
        assert context.target.checkout is not None
        head = git.head(context.target.checkout).sha
        shas = git.ancestors(context.target.checkout, head, asked.commits + 1)[1:]
        write(context, shas, asked.benchmarks, asked.values, random.Random(asked.seed))
        return 0 if look_up(context, head, shas, asked.benchmarks // 2) else 1


def look_up(context: Context, head: str, shas: tuple[str, ...], number: int) -> bool:
    """Time every question; whether those that are held to a second kept it."""
    wanted = (*named(number), "sec/op")

    def nearest() -> str:
        assert context.target.checkout is not None
        path = store.nearest(context, git.ancestors(context.target.checkout, head, MOST_ANCESTORS)[1:])
        assert path is not None
        return f"{path.name[:12]}, {len(store.load(path).series)} series"

    def deviation() -> str:
        assert context.target.checkout is not None
        ancestors = git.ancestors(context.target.checkout, head, MOST_ANCESTORS)[1:]
        return between_runs.estimate(history.recent(context, ancestors)).words(wanted)

    def one_history() -> str:
        medians = [each.medians[wanted] for each in history.recent(context, shas, len(shas))]
        return f"{len(medians)} medians"

    first = timed("(a) nearest measured ancestor, found and loaded", nearest)
    second = timed("(b) between-run deviation, empty cache", deviation)
    timed("(a) again", nearest)
    timed("(b) again", deviation)
    print(f"(a) + (b), empty cache: {verdict(first + second)}", flush=True)
    timed("(c) one benchmark's history over all, those of (b) apart read anew", one_history)
    third = timed("(c) again, from the summaries", one_history)
    print(f"(c) from the summaries: {verdict(third)}", flush=True)
    return max(first + second, third) <= MOST_SECONDS


def timed(what: str, work: Callable[[], str]) -> float:
    """Do the work, print and give its wall seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what}: {wall:.3f} s wall, {cpu:.3f} s CPU ({result})", flush=True)
    return wall


def verdict(seconds: float) -> str:
    return f"{seconds:.3f} s; at most {MOST_SECONDS:g} s: {'holds' if seconds <= MOST_SECONDS else 'missed'}"


def made_up(directory: Path, processes: Processes, commits: int) -> Context:
    """A project and a target of so many commits and one more, under `directory`."""
    project, target = directory / "project", directory / "target"
    (project / ".perf").mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(target)], check=True)
    stream = "".join(
        f"commit refs/heads/main\ncommitter Made Up <made.up@example.invalid> {1767225600 + number} +0000\n"
        f"data 1\n.\n"
        for number in range(commits + 1)
    )
    subprocess.run(["git", "-C", str(target), "fast-import", "--quiet"], input=stream.encode(), check=True)
    suite = parse_suite((Path(__file__).parent.parent / "perf.toml").read_text("utf-8"))
    return Context(
        places=Places(project, project / ".perf", directory / "cache"),
        suite=suite,
        target=ResolvedTarget("made-up", target, Target(), git.find_checkout(target)),
        effort_name="quick",
        options=Options(),
        processes=processes,
        progress=Progress(quiet=True),
        go=Go("go", "go1.26.8", {}, {}),
        fingerprint=host.fingerprint("go1.26.8"),
        run_directory=project / ".perf" / "runs" / "lookup",
        caller={},
    )


def write(context: Context, shas: tuple[str, ...], benchmarks: int, values: int, draw: random.Random) -> None:
    """A baseline for each commit. The first is written as the suite does; the others are it with other numbers."""
    started = time.perf_counter()
    text = to_text(first(context, shas[0], benchmarks, values))
    directory = store.directory(context)
    directory.mkdir(parents=True)
    for number, sha in enumerate(shas):
        raw = json.loads(text)
        raw["metadata"] |= {
            "perf_sha": sha,
            "perf_checksum": NO_CHECKSUM,
            "date": (BEGUN + timedelta(hours=len(shas) - number)).isoformat(),
        }
        for benchmark in raw["benchmarks"]:
            jitter(benchmark, draw)
        unsigned = json.dumps(raw, separators=(",", ":"), sort_keys=True) + "\n"
        (directory / f"{sha}.json").write_text(with_checksum(unsigned, NO_CHECKSUM, checksum(unsigned)))
    size = sum(path.stat().st_size for path in directory.iterdir())
    print(
        f"{len(shas):,} baselines of {benchmarks} benchmarks × {values} values, 3 metrics each: "
        f"{size / 1e6:,.0f} MB, made in {time.perf_counter() - started:.0f} s",
        flush=True,
    )


def jitter(benchmark: dict[str, Any], draw: random.Random) -> None:
    """Two runs of equal code differ by 3 %, the processes of one by 2 %."""
    day = draw.lognormvariate(0.0, 0.03)
    for run in benchmark["runs"]:
        run["values"] = [value * day * draw.lognormvariate(0.0, 0.02) for value in run["values"]]


def first(context: Context, sha: str, benchmarks: int, values: int) -> StoredBaseline:
    """A baseline in which no two runs are alike, so that none of it can stand once for all."""
    series = [
        Series(
            *named(number),
            unit,
            tuple(scale * (number + 1) * (1.0 + index / 1000.0) for index in range(values)),
            tuple(range(1000, 1000 + values)),
        )
        for number in range(benchmarks)
        for unit, scale in (("sec/op", 1e-7), ("B/op", 64.0), ("allocs/op", 3.0))
    ]
    return StoredBaseline(
        sha,
        False,
        context.target.name,
        context.fingerprint.machine(),
        asdict(context.fingerprint),
        BEGUN,
        tuple(series),
        (),
    )


def named(number: int) -> tuple[str, str]:
    return f"./package{number % 7}", f"BenchmarkThing{number}/size={number % 5}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
