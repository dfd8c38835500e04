"""Figure 4 of the gate: how long a pull request waits for it, builds included.

    python benchmarks/gate_time.py [--times 3]

In a copy of examples/skiff one function is changed (its result stays), each of several in turn, and the whole gate is
run with the defaults of perf.toml: at most 2 minutes for all benchmarks. Then a commit that touches documentation
alone: at most 10 seconds with warm caches. Prints the wall time of each command and how it ended; exits 1 when one is
missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.skiff_copy import ROOT, Edit, SkiffCopy
from perf.invocation import doors
from perf.system import clock
from perf.system.processes import Processes

MOST_SECONDS = 120.0
MOST_DOCUMENTATION_SECONDS = 10.0
_PARSE = "func ParseReference(s string) (name.Reference, error) {"
_MANIFEST = "func (c *Client) GetManifest(ctx context.Context, ref name.Reference) (m *Manifest, err error) {"
CHANGES = {
    "ParseReference (every package but one depends on it)": Edit(
        "pkg/registry/reference.go", _PARSE, f"{_PARSE}\n\ts = string([]byte(s))"
    ),
    "GetManifest": Edit(
        "pkg/registry/manifest.go", _MANIFEST, f'{_MANIFEST}\n\t_ = strings.Contains(ref.Identifier(), ":")'
    ),
    "a comment that moves lines": Edit("pkg/registry/reference.go", _PARSE, f"// moved\n//\n{_PARSE}"),
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=1)
    asked = parser.parse_args(arguments)
    missed = False
    with doors() as (_, processes, _), tempfile.TemporaryDirectory(prefix="gate-time-") as room:
        skiff = SkiffCopy(processes, Path(room) / "skiff")
        start = skiff.commit("nothing yet", Edit("NOTES.md", "", "commits to judge\n"))
        for name, edit in CHANGES.items():
            for number in range(asked.times):
                skiff.go_back(start)
                skiff.commit(f"{name}, {number}", edit)
                missed |= judged(processes, skiff.directory, name, MOST_SECONDS)
        skiff.go_back(start)
        skiff.commit("documentation", Edit("NOTES.md", "commits to judge\n", "words\n"))
        judged(processes, skiff.directory, "documentation, caches cold for its binaries", MOST_SECONDS)
        missed |= judged(processes, skiff.directory, "documentation", MOST_DOCUMENTATION_SECONDS)
    return int(missed)


def judged(processes: Processes, target: Path, name: str, most_seconds: float) -> bool:
    """Run the gate, print its time and its last words; whether it took too long."""
    started = clock.monotonic_seconds()
    command = [sys.executable, "-m", "perf", "regression", "--target", str(target), "--seed", "1"]
    done = processes.run(command, environment=dict(os.environ), cwd=ROOT)
    seconds = clock.monotonic_seconds() - started
    said = next((line.strip() for line in done.stdout.splitlines() if "→" in line), done.text[-300:])
    print(
        f"{name}: {seconds:.1f} s (at most {most_seconds:.0f}), exit {done.ended.returncode}\n  {said}",
        flush=True,
    )
    return seconds > most_seconds


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
