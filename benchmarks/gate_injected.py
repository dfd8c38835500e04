"""Figure 3 of the gate: what is planted in the bundled target is found, and nothing else turns red.

    python benchmarks/gate_injected.py [--times 20] [--only instructions|cpu|allocation|wait]

Each kind is planted in a copy of examples/skiff as a commit of its own and judged `--times` times by the whole gate
(`python -m perf regression`, its own process, nothing counted before), while another process burns one core:

- instructions: about +0.5 % in SelectTags, a benchmark of low jitter; its first counting must take at most 6 s;
- cpu: about +10 % in MapRepositories;
- allocation: one more in ParseReference;
- wait: 2 ms where the base waits 1 ms, in GetManifest.

Beside the benchmark that was changed an innocent one of its package is judged, but for the first kind: the seconds of
counting are to be those of one benchmark. The gate has 25 s after the builds, 45 s for the wait. Prints how often the
planted one was red (or, proven no slower, told as more work), how often another was, and the seconds of counting. Exits
1 when a figure is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.skiff_copy import ROOT, SPIN, Edit, SkiffCopy, busy_neighbour
from perf.invocation import doors
from perf.system import clock
from perf.system.processes import Processes

MOST_COUNTING_SECONDS = 6.0
_TREE = "pkg/replication/mapping.go"


@dataclass(frozen=True, slots=True)
class Planted:
    """What is planted where; `base` edits stand on both sides. `units` are the rows that may turn red."""

    kind: str
    benchmark: str
    bench: str
    base: tuple[Edit, ...]
    head: tuple[Edit, ...]
    least: int
    budget: str = "25s"


@dataclass(frozen=True, slots=True)
class Judged:
    """One run: whether the planted benchmark was red, which others were, what counting took of it alone."""

    found: bool
    others: tuple[str, ...]
    change: float | None
    counting_seconds: float | None
    seconds: float


def planted(skiff: Path) -> tuple[Planted, ...]:
    select = _declared(skiff, "pkg/replication", "func (f TagFilter) Select(tags []string) []string {")
    mapping = _declared(
        skiff, "pkg/replication", "func MapRepository(repository, from, to string) (string, bool) {"
    )
    parse = "func ParseReference(s string) (name.Reference, error) {"
    manifest = (
        "func (c *Client) GetManifest(ctx context.Context, ref name.Reference) (m *Manifest, err error) {"
    )
    spin = Edit("pkg/replication/spin.go", "", SPIN.format(package="replication"))
    allocate = "package registry\nvar perfSink *int64\n\n//go:noinline\nfunc perfAllocate() { perfSink = new(int64) }\n"
    wait = 'package registry\n\nimport "time"\n\n//go:noinline\nfunc perfWait(d time.Duration) { time.Sleep(d) }\n'
    return (
        Planted(
            "instructions",
            "BenchmarkSelectTags",
            "SelectTags",
            (spin,),
            (Edit(select, *_first_line(SELECT, "perfSpin(18000)")),),
            20,
        ),
        Planted(
            "cpu",
            "BenchmarkMapRepositories",
            "SelectTags|MapRepositories",
            (spin,),
            (Edit(mapping, *_first_line(MAP, "perfSpin(2)")),),
            20,
        ),
        Planted(
            "allocation",
            "BenchmarkParseReference",
            "ParseReference/Tag|Backoff",
            (Edit("pkg/registry/planted.go", "", allocate),),
            (Edit("pkg/registry/reference.go", *_first_line(parse, "perfAllocate()")),),
            20,
        ),
        Planted(
            "wait",
            "BenchmarkGetManifest",
            "GetManifest|Backoff",
            (
                Edit("pkg/registry/planted.go", "", wait),
                Edit("pkg/registry/manifest.go", *_first_line(manifest, "perfWait(1e6)")),
            ),
            (Edit("pkg/registry/manifest.go", "perfWait(1e6)", "perfWait(2e6)"),),
            19,
            "45s",
        ),
    )


SELECT = "func (f TagFilter) Select(tags []string) []string {"
MAP = "func MapRepository(repository, from, to string) (string, bool) {"


def _first_line(declaration: str, statement: str) -> tuple[str, str]:
    return declaration, f"{declaration}\n\t{statement}"


def _declared(skiff: Path, package: str, declaration: str) -> str:
    for path in sorted((skiff / package).glob("*.go")):
        if declaration in path.read_text("utf-8"):
            return f"{package}/{path.name}"
    raise SystemExit(f"{package} declares no {declaration}")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--only", default="")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    missed = False
    with doors() as (_, processes, _), tempfile.TemporaryDirectory(prefix="gate-injected-") as room:
        skiff = SkiffCopy(processes, Path(room) / "skiff")
        start = skiff.commit("nothing yet", Edit("NOTES.md", "", "planted commits\n"))
        for each in planted(skiff.directory):
            if asked.only and each.kind != asked.only:
                continue
            skiff.go_back(start)
            base = skiff.commit("both sides", *each.base)
            skiff.commit(f"planted: {each.kind}", *each.head)
            with busy_neighbour(processes):
                runs = [
                    judge(processes, skiff.directory, each, base, asked.seed + number, Path(room))
                    for number in range(asked.times)
                ]
            missed |= told(each, runs, asked.times)
    return int(missed)


def judge(processes: Processes, target: Path, each: Planted, base: str, seed: int, room: Path) -> Judged:
    """The whole gate once, in a process of its own, with nothing counted before."""
    cache = room / "cache"
    shutil.rmtree(cache / "counts", ignore_errors=True)
    started = clock.monotonic_seconds()
    command = [
        *(sys.executable, "-m", "perf", "regression", "--target", str(target), "--base", base),
        *("--bench", each.bench, "--seed", str(seed), "--budget", each.budget),
    ]
    done = processes.run(command, environment={**os.environ, "PERF_CACHE_DIR": str(cache)}, cwd=ROOT)
    seconds = clock.monotonic_seconds() - started
    if done.ended.returncode not in (0, 1, 4):
        raise SystemExit(done.text)
    outcome = json.loads(_record(done.stdout).read_text("utf-8"))["outcomes"][0]
    rows = outcome["result"]["comparisons"]
    red = [row for row in rows if row["verdict"] == "regression"]
    own = [row for row in red if row["name"].split("/")[0] == each.benchmark]
    # Work that grew while time is proven no worse is found, and rightly not red.
    more = [row for row in rows if row["verdict"] == "more work"]
    own += [row for row in more if row["name"].split("/")[0] == each.benchmark]
    counted = [row for row in rows if row["name"].split("/")[0] == each.benchmark]
    changes = [row["change"] for row in counted if row["unit"] == "instructions/op"]
    return Judged(
        found=bool(own),
        others=tuple(f"{row['name']} {row['unit']}" for row in red if row not in own),
        change=changes[0] if changes else None,
        counting_seconds=outcome["result"].get("counting_seconds"),
        seconds=seconds,
    )


def _record(stdout: str) -> Path:
    """outcome.json of the run whose directory the command names."""
    line = next(line for line in stdout.splitlines() if line.startswith("raw results: "))
    return ROOT / line.removeprefix("raw results: ") / "outcome.json"


def told(each: Planted, runs: list[Judged], times: int) -> bool:
    """Print one kind's figures; whether one is missed."""
    found = sum(run.found for run in runs)
    others = [other for run in runs for other in run.others]
    changes = [run.change for run in runs if run.change is not None]
    seconds = sorted(run.seconds for run in runs)
    print(f"{each.kind}: found {found} of {times}, another red {len(others)} {sorted(set(others))}")
    if changes:
        print(f"  instructions/op {min(changes):+.2%} to {max(changes):+.2%}")
    print(f"  a run takes {seconds[0]:.0f} to {seconds[-1]:.0f} s")
    missed = found < each.least * times / 20 or bool(others)
    counting = [run.counting_seconds for run in runs if run.counting_seconds is not None]
    if counting:
        print(f"  counting takes {min(counting):.1f} to {max(counting):.1f} s", flush=True)
    return missed or (each.kind == "instructions" and max(counting, default=0.0) > MOST_COUNTING_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
