"""The verdict tables as docs/regression.md shows them; `python -m tests.docs.verdict_tables --write` renews them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from perf.regression.confirmed import CONFIRMED
from perf.regression.one_look import ONE_LOOK
from perf.regression.timed import TIMED
from perf.regression.verdicts import COUNTED, Rule
from perf.regression.worked import WORKED

PAGE: Final = Path(__file__).parent.parent.parent / "docs" / "regression.md"
BEGIN: Final = "<!-- verdict tables -->\n\n"
END: Final = "<!-- end of verdict tables -->"

TABLES: Final[tuple[tuple[str, Sequence[Rule[Any]]], ...]] = (
    ("Time, first rounds", TIMED),
    ("Time, fresh rounds after an alarm", CONFIRMED),
    ("Instructions per operation", WORKED),
    ("Allocations and bytes per operation", COUNTED),
    ("Time in files and stored baselines, which cannot be measured again", ONE_LOOK),
)


def rendered() -> str:
    """All of them, as they stand between the marks."""
    return "".join(_table(title, rules, again=rules is not ONE_LOOK) for title, rules in TABLES)


def _table(title: str, rules: Sequence[Rule[Any]], *, again: bool) -> str:
    lines = [f"| {rule.when} | {_verdict(rule, again=again)} |" for rule in rules]
    return "\n".join([f"**{title}**", "", "| when | verdict |", "| --- | --- |", *lines, "", ""])


def _verdict(rule: Rule[Any], *, again: bool) -> str:
    return f"{rule.verdict}, once fresh values confirm it" if rule.alarm and again else str(rule.verdict)


def shown(page: str) -> str:
    return page.partition(BEGIN)[2].partition(END)[0]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", required=True)
    parser.parse_args()
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}{rendered()}{END}{rest.partition(END)[2]}", "utf-8")
