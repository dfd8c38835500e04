"""What measuring costs: verified MB/s under the suite against the same replicator command run bare from a shell.

    python benchmarks/overhead_load.py [--target skiff] [--drive copy|tree] [--pairs 8] [--workload quick] [--workers 4]

Both sides copy the same images between the same registries into an emptied destination, back to back, in random order.
Bare, `copy` is `xargs -P WORKERS` over the same argument lists, and `tree` is the command itself. Both sides are
verified, so that both count the same bytes. Prints the ratio suite/bare with its 95 % interval (Student's t on the log
ratios of the pairs); it must be at least 0.97. Exits 1 when it certainly is not.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from perf import targets
from perf.context import Context, Options
from perf.invocation import doors, read_suite
from perf.load import scenario, verify
from perf.load.bench import Bench, open_bench, set_up
from perf.regression.statistics import t_quantile
from perf.system import go, host

LEAST_RATIO = 0.97


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", default="skiff")
    parser.add_argument("--drive", choices=["copy", "tree"], default="copy")
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--workload")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    options = Options(workload=asked.workload, workers=asked.workers, drive=asked.drive, seed=asked.seed)
    with doors() as (places, processes, progress), tempfile.TemporaryDirectory() as run_directory:
        suite = read_suite(places)
        toolchain = go.find_go(places, processes, progress, os.environ)
        context = Context(
            places=places,
            suite=suite,
            target=targets.resolve(places, suite, asked.target, progress),
            effort_name="quick",
            options=options,
            processes=processes,
            progress=progress,
            go=toolchain,
            fingerprint=host.fingerprint(toolchain.version),
            run_directory=Path(run_directory),
            caller=dict(os.environ),
        )
        setup = set_up(context, scenario.NAME, context.effort.workload)
        if setup is None:
            print(scenario.left_out_reason(context))
            return 2
        with open_bench(context, setup) as bench:
            return compare(
                bench, asked.pairs, asked.workers or setup.workload.workers, random.Random(asked.seed)
            )


def compare(bench: Bench, pairs: int, workers: int, order: random.Random) -> int:
    """Run the pairs and print them; the exit code."""
    sides = {"suite": under_the_suite, "bare": bare}
    ratios = []
    print(f"{'pair':>4} {'suite MB/s':>11} {'bare MB/s':>11} {'ratio':>7}")
    for pair in range(1, pairs + 1):
        rates = {}
        for step, side in enumerate(order.sample(sorted(sides), 2)):
            rates[side] = sides[side](bench, 2 * pair - 1 + step, workers)
        ratios.append(rates["suite"] / rates["bare"])
        print(
            f"{pair:>4} {rates['suite'] / 1e6:>11.1f} {rates['bare'] / 1e6:>11.1f} {ratios[-1]:>7.3f}",
            flush=True,
        )
    centre, low, high = interval(ratios)
    verdict = (
        "holds"
        if low >= LEAST_RATIO
        else "missed"
        if high < LEAST_RATIO
        else "undecided: more pairs are needed"
    )
    print(
        f"suite/bare {centre:.3f} (95 % interval {low:.3f} to {high:.3f}); at least {LEAST_RATIO}: {verdict}"
    )
    return 1 if verdict == "missed" else 0


def under_the_suite(bench: Bench, number: int, workers: int) -> float:
    """Verified bytes per second as the suite reports them."""
    measured = bench.round(number, workers)
    if measured.missing:
        raise SystemExit(f"{len(measured.missing)} images missing: {measured.missing[0].evidence}")
    return measured.bytes_per_second


def bare(bench: Bench, number: int, workers: int) -> float:
    """Verified bytes per second of the same processes started by xargs, or of the one process."""
    if number > 1:
        bench.pair.renew_destination()
    route = bench.route(number)
    jobs = bench.jobs(route, workers, number)
    with bench.home() as (home, environment), tempfile.TemporaryFile() as lists:
        argv = list(jobs[0].argv)
        if len(jobs) > 1:
            program, *arguments = jobs[0].argv
            lists.write(b"".join(f"{argument}\0".encode() for job in jobs for argument in job.argv[1:]))
            lists.seek(0)
            argv = ["xargs", "-0", "-P", str(workers), "-n", str(len(arguments)), program]
        ended = bench.context.processes.start(argv, environment=environment, cwd=home, stdin=lists).wait()
    found = verify.verify(bench.pair.destination, bench.images, route.destination_repository)
    if found.missing:
        raise SystemExit(f"bare: {len(found.missing)} images missing: {found.missing[0].evidence}")
    return found.verified_bytes / ended.seconds


def interval(ratios: list[float]) -> tuple[float, float, float]:
    """Geometric mean and its 95 % interval; one pair has none."""
    logs = [math.log(ratio) for ratio in ratios]
    centre = statistics.fmean(logs)
    if len(logs) < 2:
        return math.exp(centre), 0.0, math.inf
    point = t_quantile(0.95, len(logs) - 1)
    half = point * statistics.stdev(logs) / math.sqrt(len(logs))
    return math.exp(centre), math.exp(centre - half), math.exp(centre + half)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
