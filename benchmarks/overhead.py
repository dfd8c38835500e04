"""What measuring costs, printed: the suite against the same work done bare, in turn, in random order.

    python benchmarks/overhead.py [load|benchmarks] [OPTIONS]

`load`: reported MB/s against the same replicator command started by a shell's own means; at least 0.97.
`benchmarks`: wall time against plain `go test -bench` with the same counts; at most 1.05.
Without a word both run with their defaults. Exits 1 when a bound is certainly missed.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import overhead_benchmarks, overhead_load

SIDES = {"load": overhead_load.main, "benchmarks": overhead_benchmarks.main}


def main(arguments: list[str]) -> int:
    if not arguments:
        return max(main([name]) for name in SIDES)
    if arguments[0] not in SIDES:
        print(__doc__)
        return 0 if arguments[0] in ("-h", "--help") else 2
    print(f"{arguments[0]}:", flush=True)
    return SIDES[arguments[0]](arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
