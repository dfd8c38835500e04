"""What a person and a log see while waiting."""

from __future__ import annotations

import io
import re

import pytest

from perf.system import clock, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(clock, "monotonic_seconds", lambda: now[0])
    return now


def test_a_log_gets_a_line_at_the_start_and_one_at_the_end_of_what_took_long(seconds: list[float]) -> None:
    log = io.StringIO()
    shown = progress.Progress(log)
    with shown.step("building [the] registry"):
        seconds[0] += 65
    with shown.step("quick"):
        seconds[0] += 1
    assert log.getvalue() == "building [the] registry\nbuilding [the] registry: 65 s\nquick\n"


def test_a_log_gets_counts_at_most_every_ten_seconds(seconds: list[float]) -> None:
    log = io.StringIO()
    shown = progress.Progress(log)
    for done in range(1, 31):
        seconds[0] += 1
        shown.count("rounds", done, 30)
    assert log.getvalue().split() == ["rounds", "10/30", "rounds", "20/30", "rounds", "30/30"]


def test_a_terminal_gets_the_time_of_every_step_and_every_count(
    seconds: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    shown = progress.Progress(terminal)
    with shown.step("a step"):
        pass
    shown.count("rounds", 1, 2)
    shown.count("rounds", 2, 2)
    assert "a step: 0 ns" in terminal.getvalue()
    assert re.search(r"rounds 1/2 *\r", terminal.getvalue())
    assert re.search(r"rounds 2/2 *\n", terminal.getvalue())


def test_quiet_says_nothing() -> None:
    log = io.StringIO()
    progress.Progress(log, quiet=True).note("x")
    assert log.getvalue() == ""
