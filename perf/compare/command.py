"""`python -m perf compare`: what was typed in, the board out, and its exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click
from rich.console import Console

from perf.compare import export, render
from perf.compare.board import compare
from perf.compare.judge import Limits
from perf.compare.keys import keys, term
from perf.compare.model import Asked, Board, Sort
from perf.compare.sources import inputs, read_all
from perf.errors import ExitCode, UsageError
from perf.units import parse_quantity

WIDTH_OF_A_FILE = 200


def run(
    files: Sequence[str],
    *,
    paired: bool = False,
    alpha: str = "1 %",
    least_effect: str = "3 %",
    between_runs: str = "2 %",
    col: str = ".file",
    row: str = ".fullname",
    ignore: Sequence[str] = (),
    base: str = "",
    filters: Sequence[str] = (),
    unit: Sequence[str] = (),
    sort: Sort = "verdict",
    output: str = "text",
) -> ExitCode:
    """Compare, print in the format `output` (text, markdown, json, csv) and give the exit code of perf.compare."""
    asked = Asked(
        columns=keys(col),
        rows=keys(row),
        ignored=tuple(key for text in ignore for key in keys(text)),
        terms=tuple(map(term, filters)),
        units=tuple(unit),
        base=base,
        sort=sort,
        limits=Limits(
            alpha=_fraction("--alpha", alpha),
            least_effect=_fraction("--least-effect", least_effect),
            between_runs=_fraction("--between-runs", between_runs, zero=True),
            paired=paired,
        ),
    )
    wanted = inputs(files)
    board = compare(read_all(wanted, sys.stdin.buffer), asked)
    if output == "csv":
        for warning in board.warnings:
            click.echo(f"perf: warning: {warning}", err=True)
    click.echo(_rendered(board, output), nl=False)
    return board.exit_code


def _rendered(board: Board, output: str) -> str:
    if output == "text":
        console = Console()
        width = console.width if console.is_terminal else WIDTH_OF_A_FILE
        return render.text(board, width, colour=console.is_terminal and not console.no_color)
    return {"markdown": render.markdown, "json": export.json_text, "csv": export.csv_text}[output](board)


def _fraction(option: str, text: str, *, zero: bool = False) -> float:
    """ "1 %" and ".01" are the same; below 1, and above 0 if not `zero`."""
    try:
        value = parse_quantity(text, "fraction", "number").value
    except ValueError as error:
        raise UsageError(f"{option}: {error}", next_command=f"{option} '3 %', or {option} 0.03") from error
    if not (value < 1.0 and (value > 0.0 or zero)):
        raise UsageError(f"{option} {text} is not a share of 1", next_command=f"{option} '{text} %'")
    return value
