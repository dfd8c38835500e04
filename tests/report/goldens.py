"""The renderings that tests/report/testdata keeps. After a wanted change: `python -m tests.report.goldens --write`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from perf.model import RunRecord
from perf.report import exports, markdown, terminal
from tests.report.gates import GATES
from tests.report.plain import plain, write_asked
from tests.report.records import RECORDS

TESTDATA: Final = Path(__file__).parent / "testdata"
WIDTHS: Final = (60, 80, 120, 200)
ALL: Final = {**RECORDS, **GATES}


def in_terminal(record: RunRecord, width: int) -> str:
    """What a terminal without colours shows."""
    return plain(terminal.summary(record, width), width)


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
    write_asked(__doc__, TESTDATA, renderings())
