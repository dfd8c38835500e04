"""Figure 3 of bisect: how long choosing the next commit takes, with three hundred values taken.

    python benchmarks/bisect_choice.py [--times 15]

The median of a few calls, in this process: what is believed of 10,000 commits in a line, of 2,000 with branches that
are merged (all parents), and the place that is measured next; and whether one is found already, which is asked each
time too. Exits 1 where 10,000 take more than 50 ms.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as on a machine whose other cores are at work
sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from benchmarks.gate_simulated import table
from perf.bisect.belief import Value, believe
from perf.bisect.choice import answer, next_place
from perf.bisect.line import Line
from perf.system import clock

VALUES = 300
STEP = 1.0  # a smaller one is in doubt for long, and only the ends are measured then
MOST_SECONDS = 0.05


def merged(size: int, source: random.Random) -> Line:
    """A main line into which branches of one to eight commits are merged."""
    parents: list[tuple[int, ...]] = [()]
    while len(parents) < size:
        start = tip = len(parents) - 1
        for _ in range(source.randint(1, 8)):
            parents.append((tip,))
            tip = len(parents) - 1
        parents.append((start,))
        parents.append((len(parents) - 1, tip))
    return Line(len(parents) - 1, tuple(parents))


def taken(line: Line, source: random.Random) -> list[Value]:
    """Values as a search for a step as large as the noise leaves them: many places, most beside it."""
    culprit = source.randint(1, line.size)
    values = []
    for number in range(VALUES):
        near = culprit + round(source.gauss(0.0, line.size / 4 / (1 + number / 10)))
        near = min(max(0, near), line.size)
        place = source.choice((0, line.bad, near, near, near))
        bad = bool(line.made_bad_by([place])[0, culprit - 1])
        values.append(Value(place, STEP * bad + source.gauss(0.0, 1.0)))
    return values


def seconds(line: Line, source: random.Random, times: int) -> tuple[float, float, int]:
    """Of believing and choosing, of asking for the answer; and how many distinct places had values."""
    values = taken(line, source)
    counts = Counter(each.place for each in values)
    measurable, prior = np.ones(line.size + 1, np.bool_), np.ones(line.size)
    choosing, answering = [], []
    assert believe(line, prior, values).none < 0.01, "the step is in doubt: there is nothing to choose"
    for _ in range(times):
        began = clock.monotonic_seconds()
        belief = believe(line, prior, values)
        next_place(line, belief, counts, measurable, random.Random(1))
        chosen = clock.monotonic_seconds()
        answer(line, belief.culprits, measurable)
        choosing.append(chosen - began)
        answering.append(clock.monotonic_seconds() - chosen)
    return statistics.median(choosing), statistics.median(answering), len(counts)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=15)
    times = parser.parse_args(arguments).times
    source = random.Random(1)
    lines = {"in a line": Line(10_000), "all parents": merged(2_000, source)}
    found = {name: seconds(line, source, times) for name, line in lines.items()}
    heads = ("commits", "places with values", "believing and choosing", "answering")
    rows = [
        (f"{lines[name].size:,}, {name}", str(places), f"{1e3 * chosen:.1f} ms", f"{1e3 * told:.1f} ms")
        for name, (chosen, told, places) in found.items()
    ]
    print(table(heads, rows))
    slowest = found["in a line"][0]
    if slowest > MOST_SECONDS:
        print(f"missed: choosing among 10,000 commits takes {1e3 * slowest:.0f} ms, at most 50 ms")
    return int(slowest > MOST_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
