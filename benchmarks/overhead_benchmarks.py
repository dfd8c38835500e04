"""What measuring costs: the wall time of `perf benchmarks` against plain `go test -bench` with the same counts.

    python benchmarks/overhead_benchmarks.py [--target skiff] [--pairs 4] [--processes 5]

Plain is `go test -run ^$ -bench . -benchmem -count=1 -benchtime=… PATTERNS`, as many times as the suite has processes;
the suite's side is its whole command, from the start of Python to its end. Build caches are warm on both sides; a pair
is measured back to back in random order. Prints the ratio suite/plain with its 95 % interval (Student's t on the log
ratios of the pairs); it must be at most 1.05. Exits 1 when it certainly is not. For a target without `leave_out`
rows of single benchmarks: plain runs every benchmark of the packages that the suite runs.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.overhead_load import interval
from perf import targets
from perf.benchmarks.binaries import left_out_reason, package_path
from perf.context import ResolvedTarget
from perf.invocation import doors, read_suite
from perf.system import clock, go
from perf.system.processes import Processes

MOST_RATIO = 1.05


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", default="skiff")
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    with doors() as (places, processes, progress):
        suite = read_suite(places)
        toolchain = go.find_go(places, processes, progress, os.environ)
        target = targets.resolve(places, suite, asked.target, progress)
        plain = [
            *(toolchain.program, "test", "-run=^$", "-bench=.", "-benchmem", "-count=1"),
            f"-benchtime={suite.effort['quick'].benchtime}",
            *([f"-tags={target.declared.tags}"] if target.declared.tags else []),
            *_packages(toolchain, processes, target),
        ]
        measured = [
            *(sys.executable, "-m", "perf", "benchmarks"),
            *("--target", asked.target, "--processes", str(asked.processes)),
        ]
        sides: dict[str, Callable[[], float]] = {
            "suite": lambda: seconds(processes, measured, places.root, 1),
            "plain": lambda: seconds(processes, plain, target.directory, asked.processes),
        }
        return compare(sides, asked.pairs, random.Random(asked.seed))


def compare(sides: dict[str, Callable[[], float]], pairs: int, order: random.Random) -> int:
    """Warm both sides up, run the pairs and print them; the exit code."""
    for side in sides.values():
        side()
    ratios = []
    print(f"{'pair':>4} {'suite s':>9} {'plain s':>9} {'ratio':>7}")
    for pair in range(1, pairs + 1):
        taken = {name: sides[name]() for name in order.sample(sorted(sides), 2)}
        ratios.append(taken["suite"] / taken["plain"])
        print(f"{pair:>4} {taken['suite']:>9.2f} {taken['plain']:>9.2f} {ratios[-1]:>7.3f}", flush=True)
    centre, low, high = interval(ratios)
    verdict = (
        "holds"
        if high <= MOST_RATIO
        else "missed"
        if low > MOST_RATIO
        else "undecided: more pairs are needed"
    )
    print(
        f"suite/plain {centre:.3f} (95 % interval {low:.3f} to {high:.3f}); at most {MOST_RATIO}: {verdict}"
    )
    return 1 if verdict == "missed" else 0


def seconds(processes: Processes, argv: list[str], directory: Path, times: int) -> float:
    """Wall time of running a command so many times; a command that fails ends the comparison."""
    started = clock.monotonic_seconds()
    for _ in range(times):
        done = processes.run(argv, environment=dict(os.environ), cwd=directory)
        if not done.ok:
            raise SystemExit(
                f"{' '.join(argv)} ended with {done.ended.returncode}:\n{go.first_lines(done.text)}"
            )
    return clock.monotonic_seconds() - started


def _packages(toolchain: go.Go, processes: Processes, target: ResolvedTarget) -> list[str]:
    """The target's packages that are not left out, those without benchmarks too, as plain `./...` has them."""
    declared, root = target.declared, target.directory.resolve()
    listed = go.list_packages(toolchain, processes, root, declared.packages, declared.tags)
    paths = [package_path(each.directory, root) for each in listed]
    return [path for path in paths if not left_out_reason(declared.leave_out, path)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
