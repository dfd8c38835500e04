"""The renderings that testdata keeps of before.txt against after.txt. After a wanted change:
`python -m tests.compare.goldens --write`, which makes both the inputs and the renderings again."""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from perf.compare import export, render
from perf.compare.board import compare
from perf.compare.model import Asked, Board
from perf.compare.sources import Input, read_all
from tests.compare.outputs import HEADER, lines, noisy, several, steady

TESTDATA: Final = Path(__file__).parent / "testdata"
WIDTHS: Final = (60, 100, 200)


def before() -> str:
    return "".join(
        [
            HEADER.replace("cpu: A", "cpu: Example CPU @ 2.00GHz") + "commit: 1111111\n",
            lines("BenchmarkSlower-2", steady(1234.0)),
            lines("BenchmarkFaster-2", steady(8.5)),
            lines("BenchmarkSame/size=1k-2", steady(1e6)),
            lines("BenchmarkNoisy-2", noisy(5e3, 1)),
            lines("BenchmarkFew-2", steady(70.0, 3)),
            several(
                "BenchmarkAllocates-2",
                [{"ns/op": value, "B/op": 48, "allocs/op": 1} for value in steady(90.0)],
            ),
            several("BenchmarkRate-2", [{"ns/op": 1e6, "MB/s": 100 + step} for step in range(10)]),
            lines("BenchmarkGone-2", steady(3.0)),
            lines("BenchmarkCopy/size_1024-2", steady(4.0)),
            lines("BenchmarkFails-2", steady(5.0)),
            lines("BenchmarkZero-2", [0] * 10),
            several("BenchmarkUnit-2", [{"ns/op": value, "rows/op": 3} for value in steady(6.0)]),
            lines("BenchmarkOdd/`a|b`<b>*=1+1&_é_-2", steady(7.0)),
            "PASS\nok  \texample.com/p\t12.3s\n",
        ]
    )


def after() -> str:
    return "".join(
        [
            HEADER.replace("cpu: A", "cpu: Example CPU @ 2.00GHz") + "commit: 2222222\n",
            lines("BenchmarkSlower-2", steady(1357.0)),
            lines("BenchmarkFaster-2", steady(6.5)),
            lines("BenchmarkSame/size=1k-2", steady(1.001e6)),
            lines("BenchmarkNoisy-2", noisy(5.1e3, 2)),
            lines("BenchmarkFew-2", steady(90.0, 3)),
            several(
                "BenchmarkAllocates-2",
                [{"ns/op": value, "B/op": 64, "allocs/op": 2} for value in steady(90.0)],
            ),
            several("BenchmarkRate-2", [{"ns/op": 1e6, "MB/s": 100 + step} for step in range(10)]),
            lines("BenchmarkNew-2", steady(3.0)),
            lines("BenchmarkCopy/size=1024-2", steady(4.0)),
            "--- FAIL: BenchmarkFails-2\n    p_test.go:12: connection refused\n",
            lines("BenchmarkZero-2", [*[0] * 5, "NaN", *steady(2.0, 4)]),
            several("BenchmarkUnit-2", [{"ns/op": value, "krows/op": 3} for value in steady(6.0)]),
            lines("BenchmarkOdd/`a|b`<b>*=1+1&_é_-2", steady(7.7)),
            "FAIL\nexit status 1\nFAIL\texample.com/p\t12.3s\n",
        ]
    )


def made() -> Board:
    wanted = [Input(f"{name}.txt", str(TESTDATA / f"{name}.txt")) for name in ("before", "after")]
    return compare(read_all(wanted, io.BytesIO()), Asked())


def renderings() -> Iterator[tuple[str, str]]:
    """File name and text of each golden."""
    board = made()
    for width in WIDTHS:
        yield f"board-{width}.golden", render.text(board, width)
    yield "board.md", render.markdown(board)
    yield "board.json", export.json_text(board)
    yield "board.csv", export.csv_text(board)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", required=True)
    parser.parse_args()
    TESTDATA.mkdir(exist_ok=True)
    for name, text in (("before.txt", before()), ("after.txt", after())):
        (TESTDATA / name).write_text(text, "utf-8")
    for name, text in renderings():
        (TESTDATA / name).write_text(text, "utf-8")
