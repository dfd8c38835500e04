"""The page of the gate's procedure says what the code does."""

from __future__ import annotations

import random
import re
import statistics

import pytest

from benchmarks import gate_simulated
from benchmarks.gate_noises import HARSHER, NOISES
from perf.regression.looks import FRESH_LOOKS, LOOKS
from tests.docs.verdict_tables import PAGE, rendered, shown

TEXT = PAGE.read_text("utf-8")


def test_the_tables_of_verdicts_are_those_of_the_code() -> None:
    assert shown(TEXT) == rendered()


def test_the_looks_are_those_of_the_code() -> None:
    flat = " ".join(TEXT.split())
    assert f"after {', '.join(map(str, LOOKS[:-1]))} and {LOOKS[-1]} rounds" in flat
    assert f"looked at after {FRESH_LOOKS[0]} to {FRESH_LOOKS[-1]} rounds" in flat


def test_the_figures_are_of_the_promised_cells_and_keep_the_promises() -> None:
    figures = TEXT.partition("<!-- figures -->")[2].partition("<!-- end of figures -->")[0]
    cells = [
        [cell.strip() for cell in line.strip("| ").split("|")] for line in figures.splitlines() if "|" in line
    ]
    by_name = {cell[0]: cell[1:] for cell in cells}
    for noise in NOISES:
        for sd in ("4 %", "7 %"):
            red, runs = map(int, re.findall(r"\d+", by_name[f"{noise}, {sd}"][0])[:2])
            assert runs >= 400
            assert red / runs <= gate_simulated.MOST_RED
        assert float(by_name[f"{noise}, 4 %"][3]) <= gate_simulated.MOST_ROUNDS
        for (change, sd_), least in gate_simulated.LEAST_FOUND.items():
            found = by_name[f"{noise}, +{change * 100:.0f} % at {sd_ * 100:.0f} %"][1]
            assert float(found.removesuffix(" %")) / 100.0 >= least


def test_the_simulation_runs_and_prints_its_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert gate_simulated.main(["--quick"]) == 0
    printed = capsys.readouterr().out
    assert "| normal, +5 % at 4 % |" in printed
    assert "| bursts of +50 %, 4 % |" in printed
    assert "missed" not in printed


@pytest.mark.parametrize("name", [*NOISES, "two points"])
def test_the_noises_have_the_deviation_that_they_are_scaled_by(name: str) -> None:
    source, noise = random.Random(1), (NOISES | HARSHER)[name]
    drawn = [each for _ in range(700) for each in noise(source, 30)]
    assert statistics.pstdev(drawn) == pytest.approx(1.0, abs=0.06)
    assert statistics.fmean(drawn) == pytest.approx(0.0, abs=0.03)
