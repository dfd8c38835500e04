"""Figure 1 of the gate: false alarms on this machine, while another process burns one of its cores.

    python benchmarks/gate_null.py [--rounds 45] [--runs 400] [--builds 50]

Time. Every benchmark of the bundled target is timed against itself for `--rounds` rounds of pairs, in fresh processes
as the gate does it. `--runs` runs of the gate's timing are then drawn from the recorded pairs: stretches of
neighbouring rounds from random places, sides exchanged at random (perf/regression/redraw.py says why that is fair); a
run is red when any row of it is, after its own confirmation. At most 1 % may be red.

Work. `--builds` times a package of a copy of the target is built afresh at two paths, every second time with a
function added that nothing calls; where the binaries differ at all, instructions, allocations and bytes per operation
are counted on both sides and judged as the gate does. None may alarm. Nothing that was counted before is used.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.skiff_copy import Edit, SkiffCopy, busy_neighbour
from perf.benchmarks.format import higher_is_better
from perf.calibrate import command
from perf.calibrate.advice import EFFECTS, Rate, pair_sd
from perf.context import Context, Options
from perf.errors import ExitCode
from perf.invocation import Request, with_context
from perf.model import RegressionResult, Verdict
from perf.regression import scenario
from perf.regression.comparisons import limits_of, timed_units
from perf.regression.looks import LOOKS
from perf.regression.redraw import draw_run
from perf.system import git
from perf.system.git import find_checkout
from perf.units import format_fraction

MOST_RED = 0.01
POWER_RUNS = 20
PACKAGES = ("metrics", "registry", "replication", "testing/load", "copy")
UNUSED = "package {package}\n\nfunc perfUnused{number}(n int) int {{ return n * {number} }}\n"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=45)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--builds", type=int, default=50)
    parser.add_argument(
        "--recorded", type=Path, help="samples.jsonl of an earlier measurement of the same seed"
    )
    parser.add_argument("--bench", default=".")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    options = Options(bench=asked.bench, seed=asked.seed)

    def act(context: Context) -> ExitCode:
        with busy_neighbour(context.processes):
            missed = asked.rounds > 0 and time_is_red(context, asked.rounds, asked.runs, asked.recorded)
            missed |= asked.builds > 0 and work_alarms(context, asked.builds)
        return ExitCode.FAILED if missed else ExitCode.FINE

    return int(with_context(Request("calibrate", options, "skiff"), act))


def time_is_red(context: Context, rounds: int, runs: int, earlier: Path | None) -> bool:
    """Print the share of red runs, with its interval; whether it is above what is allowed."""
    timing = command.measure(context, rounds, earlier)
    recorded = {benchmark: pairs for benchmark, pairs in timing.pairs.items() if pairs}
    keys = [(benchmark, unit) for benchmark, pairs in recorded.items() for unit in timed_units(pairs)]
    draw = partial(
        draw_run,
        recorded,
        limits=limits_of(context.suite.gate),
        higher_is_better=higher_is_better,
        looks=LOOKS,
        units=len(keys),
    )
    print(f"A/A, a core burnt: {len(recorded)} benchmarks, {rounds} pairs each, {len(keys)} time rows")
    for unit in dict.fromkeys(unit for _, unit in keys):
        noises = sorted(pair_sd(recorded[benchmark], unit) for benchmark, each in keys if each == unit)
        print(
            f"  {unit}: pair sd {format_fraction(noises[0])} to {format_fraction(noises[-1])}, "
            f"median {format_fraction(noises[len(noises) // 2])}",
            flush=True,
        )
    drawn = [draw(seed=f"{context.options.seed}/{run}") for run in range(runs)]
    alarms = Rate(sum(run.red for run in drawn), runs)
    low, high = alarms.interval
    print(
        f"  red: {alarms.count} of {runs} runs drawn ({format_fraction(low)} to {format_fraction(high)}; "
        f"at most {format_fraction(MOST_RED)})"
    )
    rounds_taken = [given for run in drawn for given in run.rounds.values()]
    print(f"  {sum(rounds_taken) / len(rounds_taken):.1f} rounds an unchanged benchmark", flush=True)
    for effect in EFFECTS:
        slower = [
            draw(seed=f"{context.options.seed}/{effect}/{run}", effect=effect) for run in range(POWER_RUNS)
        ]
        verdicts = [row.judgement.verdict for run in slower for row in run.rows]
        print(
            f"  +{format_fraction(effect)} in every row: {verdicts.count(Verdict.REGRESSION) / len(verdicts):.0%} red, "
            f"{verdicts.count(Verdict.UNCHANGED) / len(verdicts):.0%} called unchanged",
            flush=True,
        )
    return alarms.share > MOST_RED


def work_alarms(context: Context, builds: int) -> bool:
    """Print how many of the A/A builds alarmed; whether one did."""
    said: Counter[str] = Counter()
    rows = 0
    alarmed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="gate-null-") as room:
        for number in range(builds):
            package = PACKAGES[number // 2 % len(PACKAGES)]
            place = Path(room) / f"skiff-{number}"
            skiff = SkiffCopy(context.processes, place)
            # Even the same source is another commit, and stands at another path for each side.
            edits = [Edit(f"pkg/{package}/NOTES.md", "", f"{number}\n")]
            if number % 2:
                name = package.rpartition("/")[2]
                edits.append(Edit(f"pkg/{package}/unused.go", "", UNUSED.format(package=name, number=number)))
            skiff.commit("a twin", *edits)
            found = judged(context, place, package, number, Path(room))
            kinds = [each.verdict for each in found.comparisons]
            rows += len(kinds)
            said["proven" if not kinds else "counted"] += 1
            alarmed += [
                f"{each.package} {each.name} {each.unit}: {each.verdict} {each.reason}"
                for each in found.comparisons
                if each.verdict not in (Verdict.UNCHANGED,)
            ]
    print(
        f"A/A builds: {builds}, of which {said['proven']} proven by equal binaries, {said['counted']} counted"
    )
    red = [each for each in alarmed if ": regression" in each or ": improvement" in each]
    print(
        f"  work rows: {rows}, alarmed: {Rate(len(red), max(rows, 1)).count}, not unchanged: {len(alarmed)}"
    )
    for each in alarmed:
        print(f"    {each}", flush=True)
    return bool(red)


def judged(context: Context, place: Path, package: str, seed: int, room: Path) -> RegressionResult:
    """The gate by work alone, with nothing counted before."""
    target = replace(context.target, name=f"twin-{seed}", directory=place, checkout=find_checkout(place))
    here = replace(
        context,
        target=replace(
            target, declared=target.declared.model_copy(update={"packages": (f"./pkg/{package}",)})
        ),
        places=replace(context.places, cache=room / f"cache-{seed}"),
        options=Options(seed=seed, time="never", base=git.ancestors(find_checkout(place), "HEAD", 2)[1]),
        run_directory=context.run_directory / f"twin-{seed}",
    )
    result = scenario.run(here).result
    if not isinstance(result, RegressionResult):
        raise SystemExit(f"twin {seed} could not be judged")
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
