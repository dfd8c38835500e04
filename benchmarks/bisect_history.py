"""Figure 2 of the bisect: the culprits of a generated history are found, through a busy neighbour's noise.

    python benchmarks/bisect_history.py [--times 10] [--only cpu|allocs] [--seed 1] [--no-neighbour]

Each time a copy of examples/skiff gets a history of its own of 100 commits (benchmarks/skiff_history.py): 44 of
documentation and tests; 48 refactorings, most of them of the package that is searched; three that cannot be measured (a
compile error, a panic at start, a benchmark that fails), each repaired by the next; one that costs BenchmarkVerify
about 10 % CPU time and one that costs BenchmarkParseReference an allocation. The order follows from the seed. Then
`python -m perf bisect`, a process of its own, is asked for one culprit by `--metric cpu` and for the other by
`--metric allocs`, while another process burns one core.

Measurements are the processes that the search started for values, failed ones too. Probes are those of them that ran
commits between the ends. Neither holds the few that calibrate the benchmark's iterations and the time of its start;
seconds are those of the whole command.

Right is an answer that names the planted commit alone: none beside it need be left in doubt. Exits 1 when an answer is
not right, a search by cpu takes more than 15 minutes, or one by allocs more than 8 probes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.skiff_copy import ROOT, SkiffCopy, busy_neighbour
from benchmarks.skiff_history import ALLOCATION, ALLOCATION_BENCHMARK, CPU, CPU_BENCHMARK, History, generate
from perf.invocation import doors
from perf.system import clock
from perf.system.processes import Processes

MOST_SECONDS = 900.0
MOST_PROBES = 8
BENCHMARKS = {CPU: CPU_BENCHMARK, ALLOCATION: ALLOCATION_BENCHMARK}
_ENDED = (0, 4)


@dataclass(frozen=True, slots=True)
class Searched:
    """One search. `words` say how it ended, `change` what it found as a fraction; None where it found none."""

    metric: str
    right: bool
    words: str
    measurements: int
    probes: int
    builds: int
    change: float | None
    seconds: float

    @property
    def missed(self) -> bool:
        dear = self.seconds > MOST_SECONDS if self.metric == CPU else self.probes > MOST_PROBES
        return dear or not self.right


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--only", choices=BENCHMARKS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--neighbour", action=argparse.BooleanOptionalAction, default=True)
    asked = parser.parse_args(arguments)
    metrics = [asked.only] if asked.only else list(BENCHMARKS)
    found: list[Searched] = []
    with doors() as (_, processes, _), tempfile.TemporaryDirectory(prefix="bisect-history-") as room:
        for seed in range(asked.seed, asked.seed + asked.times):
            skiff = SkiffCopy(processes, Path(room) / f"skiff-{seed}")
            history = generate(skiff, seed)
            with busy_neighbour(processes) if asked.neighbour else nullcontext():
                for metric in metrics:
                    found.append(search(processes, skiff.directory, history, metric, seed, Path(room)))
                    tell(found[-1], history, seed)
    told = [missed(metric, [each for each in found if each.metric == metric]) for metric in metrics]
    return int(any(told))


def search(
    processes: Processes, target: Path, history: History, metric: str, seed: int, room: Path
) -> Searched:
    """The whole command once, over the whole history."""
    started = clock.monotonic_seconds()
    command = [
        *(sys.executable, "-m", "perf", "bisect", "--target", str(target), "--good", history.good),
        *("--benchmark", BENCHMARKS[metric], "--metric", metric, "--seed", str(seed)),
    ]
    environment = {**os.environ, "PERF_CACHE_DIR": str(room / "cache")}
    done = processes.run(command, environment=environment, cwd=ROOT)
    seconds = clock.monotonic_seconds() - started
    if done.ended.returncode not in _ENDED:
        raise SystemExit(done.text)
    return judged(json.loads(_kept(done.stdout).read_text("utf-8")), history, metric, seconds)


def judged(result: dict[str, Any], history: History, metric: str, seconds: float) -> Searched:
    """The command's answer beside what was planted. Raises SystemExit where the history is not what it should be."""
    levels = result["levels"]
    skipped = {each["place"]: each["reason"] for each in levels if each["state"] == "cannot be measured"}
    if unplanned := skipped.keys() - history.broken:
        raise SystemExit(
            f"the history has commits that cannot be measured: {[skipped[k] for k in unplanned]}"
        )
    planted = history.commits[history.place(metric) - 1].sha
    named = [levels[place]["commit"]["sha"] for place in result["culprits"]]
    at_ends = sum(len(levels[place]["values"]) for place in (0, -1))
    return Searched(
        metric=metric,
        right=result["ending"] == "found" and named == [planted],
        words=f"{result['ending']}: {', '.join(map(str, result['culprits'])) or 'none'}",
        measurements=result["measurements"],
        probes=result["measurements"] - at_ends,
        builds=result["builds"],
        change=result["change"]["fraction"] if result["change"] else None,
        seconds=seconds,
    )


def _kept(stdout: str) -> Path:
    """bisect.json in the directory that the command names last."""
    line = next(line for line in reversed(stdout.splitlines()) if line.startswith("kept: "))
    return ROOT / line.removeprefix("kept: ").rpartition(" (")[0] / "bisect.json"


def tell(each: Searched, history: History, seed: int) -> None:
    change = f"{each.change:+.1%}" if each.change is not None else "no change"
    print(
        f"seed {seed} {each.metric}: {'right' if each.right else 'WRONG'} ({each.words}; planted "
        f"{history.place(each.metric)}), {change}, {each.measurements} measurements, {each.probes} of them probes, "
        f"{each.builds} builds, {each.seconds:.0f} s{' MISSED' if each.missed else ''}",
        flush=True,
    )


def missed(metric: str, found: Sequence[Searched]) -> bool:
    """Print one metric's figures; whether any is missed."""
    columns = {
        "measurements": [each.measurements for each in found],
        "probes": [each.probes for each in found],
        "builds": [each.builds for each in found],
        "s": [round(each.seconds) for each in found],
    }
    ranges = ", ".join(f"{min(column)} to {max(column)} {name}" for name, column in columns.items())
    print(f"{metric}: right {sum(each.right for each in found)} of {len(found)}; {ranges}")
    return any(each.missed for each in found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
