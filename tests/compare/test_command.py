from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from perf.compare.command import run
from perf.errors import ExitCode, UsageError
from perf.report.escape import shorten
from tests.compare.outputs import HEADER, lines, steady


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """OLD, and NEW that is 10 % slower."""
    old, new = tmp_path / "old.txt", tmp_path / "new.txt"
    old.write_text(HEADER + lines("BenchmarkA-2", steady(100.0)), "utf-8")
    new.write_text(HEADER + lines("BenchmarkA-2", steady(110.0)), "utf-8")
    return f"old={old}", f"new={new}"


def test_two_files_are_compared_and_the_exit_code_says_how(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(files) is ExitCode.FAILED
    shown = capsys.readouterr().out
    assert "❌ regression  BenchmarkA-2" in shown
    assert shown.rstrip().endswith("exit 1, a regression, a missed objective, or a run that failed")


@pytest.mark.parametrize(
    ("output", "start"), [("markdown", "**1 regression"), ("json", "{"), ("csv", "verdict,")]
)
def test_every_format_stands_alone_on_standard_output(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str], output: str, start: str
) -> None:
    run(files, output=output)
    assert capsys.readouterr().out.startswith(start)


def test_warnings_go_beside_csv(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    run(files, output="csv")
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 2
    assert "perf: warning: the sides were measured one after the other" in shown.err


def test_standard_input_is_a_side(
    files: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = Path(files[0].partition("=")[2]).read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert run([files[0], "-"], between_runs="0 %", output="json") is ExitCode.FINE
    assert json.loads(capsys.readouterr().out)["columns"] == ["standard input"]


def test_the_options_reach_the_comparison(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    code = run(
        files,
        paired=True,
        alpha="5 %",
        least_effect="0.2",
        between_runs="1 %",
        col=".file",
        row=".name",
        ignore=["cpu,goos", "goarch"],
        base="new",
        filters=["A"],
        unit=["ns/op"],
        sort="name",
        output="json",
    )
    read = json.loads(capsys.readouterr().out)
    assert code is ExitCode.FINE
    assert (read["base"], read["columns"], read["rows"][0]["benchmark"]) == ("new", ["old"], "BenchmarkA")
    assert read["rule"] == {"alpha": 0.05, "least_effect": 0.2, "between_runs": 0.01, "paired": True}
    assert read["settings"] == {}


@pytest.mark.parametrize("option", ["alpha", "least_effect", "between_runs"])
@pytest.mark.parametrize("text", ["3", "100 %", "much", "3 ms", "-1 %"])
def test_a_share_that_is_none_is_wrong_use(files: tuple[str, str], option: str, text: str) -> None:
    wrong = {option: text}
    with pytest.raises(UsageError, match="--" + option.replace("_", "-")):
        run(files, **wrong)  # type: ignore[arg-type]


def test_no_alpha_at_all_is_wrong_use(files: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match="--alpha 0"):
        run(files, alpha="0")


def test_a_terminal_is_filled_and_not_overrun(
    files: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "64")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    run(files)
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 64
    assert shorten("regression", 64) in shown
