"""The renderings that tests/report/testdata keeps. After a wanted change: `python -m tests.report.goldens --write`."""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rich.console import Console

from perf.model import RunRecord
from perf.report import exports, markdown, terminal
from tests.report.gates import GATES
from tests.report.records import RECORDS

TESTDATA: Final = Path(__file__).parent / "testdata"
WIDTHS: Final = (60, 80, 120, 200)
ALL: Final = {**RECORDS, **GATES}


def in_terminal(record: RunRecord, width: int) -> str:
    """What a terminal without colours shows."""
    console = Console(
        file=io.StringIO(), width=width, highlight=False, color_system=None, legacy_windows=False
    )
    console.print(terminal.summary(record, width))
    shown = console.file
    assert isinstance(shown, io.StringIO)
    return "".join(f"{line.rstrip()}\n" for line in shown.getvalue().splitlines())


def renderings() -> Iterator[tuple[str, str]]:
    """File name and text of each golden."""
    for name, make in ALL.items():
        yield f"{name}.md", markdown.report(make())
        for width in WIDTHS:
            yield f"{name}-{width}.txt", in_terminal(make(), width)
    for name, make in GATES.items():
        for file, text in exports.exports(make()).items():
            yield f"{name}-{file}", text
        yield f"{name}-commands.txt", "".join(f"{line}\n" for line in exports.github_commands(make()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", required=True)
    parser.parse_args()
    TESTDATA.mkdir(exist_ok=True)
    for name, text in renderings():
        (TESTDATA / name).write_text(text, "utf-8")
