"""How fast `perf compare` is: parsing a million benchmark lines, and comparing 2,000 benchmarks of 20 rounds.

    python benchmarks/compare_speed.py [--lines 1000000] [--benchmarks 2000] [--rounds 20] [--seed 1]

The lines are made up with a fixed seed (time, B/op and allocs/op, as -benchmem prints them), written to a temporary
file and read from there. The comparison is timed from the files to the printed text. Wall and CPU seconds are printed:
on a busy machine the wall says less of the code. Exits 1 when a wall time is over its limit (10 s, 5 s).
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from perf.compare import render
from perf.compare.board import compare
from perf.compare.model import Asked, Board
from perf.compare.sources import inputs, read_all

MOST_PARSING_SECONDS = 10.0
MOST_COMPARING_SECONDS = 5.0
HEADER = "goos: linux\ngoarch: amd64\npkg: example.com/made/up\ncpu: Made Up CPU @ 2.00GHz\n"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--benchmarks", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    draw = random.Random(asked.seed)
    with tempfile.TemporaryDirectory(prefix="compare-speed-") as directory:
        long, old, new = (Path(directory) / name for name in ("long.txt", "old.txt", "new.txt"))
        write(long, draw, asked.benchmarks, -(-asked.lines // asked.benchmarks), asked.lines)
        for path, slower in ((old, 1.0), (new, 1.1)):
            write(path, draw, asked.benchmarks, asked.rounds, asked.benchmarks * asked.rounds, slower)
        parsing = timed(
            f"parse {asked.lines:,} lines",
            MOST_PARSING_SECONDS,
            lambda: (
                f"{sum(each.lines for each in read_all(inputs([str(long)]), io.BytesIO())[0].samples):,} read"
            ),
        )
        comparing = timed(
            f"compare {asked.benchmarks:,} benchmarks × {asked.rounds} rounds",
            MOST_COMPARING_SECONDS,
            lambda: whole(str(old), str(new)),
        )
    return 0 if parsing and comparing else 1


def whole(old: str, new: str) -> str:
    """The whole command but its printing; what it came to."""
    board: Board = compare(read_all(inputs([f"old={old}", f"new={new}"]), io.BytesIO()), Asked())
    text = render.text(board, 200)
    return f"{len(board.rows):,} rows, {text.count(chr(10)):,} lines of text"


def timed(what: str, most_seconds: float, work: Callable[[], str]) -> bool:
    """Do the work, print its times; whether it kept the limit."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    holds = wall <= most_seconds
    print(
        f"{what}: {wall:.2f} s wall, {cpu:.2f} s CPU ({result}); at most {most_seconds:g} s: "
        f"{'holds' if holds else 'missed'}",
        flush=True,
    )
    return holds


def write(
    path: Path, draw: random.Random, benchmarks: int, rounds: int, lines: int, slower: float = 1.0
) -> None:
    """Rounds of all benchmarks, one after the other, `lines` in all; each 20th benchmark `slower` times as slow."""
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER)
        for number, line in enumerate(made_up(draw, benchmarks, rounds, slower)):
            if number == lines:
                break
            file.write(line)


def made_up(draw: random.Random, benchmarks: int, rounds: int, slower: float) -> Iterator[str]:
    for _ in range(rounds):
        for index in range(benchmarks):
            nanoseconds = 1000.0 * (index + 1) * draw.lognormvariate(0.0, 0.02)
            if index % 20 == 0:
                nanoseconds *= slower
            count = max(1, round(1e9 / nanoseconds))
            yield (
                f"BenchmarkThing{index}/size={index % 7}-8 \t{count:8d}\t{nanoseconds:12.1f} ns/op\t"
                f"{64 * (index % 9):8d} B/op\t{index % 9:8d} allocs/op\n"
            )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
