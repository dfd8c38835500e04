"""Errors are part of the interface: what, likely cause, next command, one exit code each."""

from __future__ import annotations

import pytest

from perf.errors import MEANINGS, ExitCode, Interrupted, Lacking, PerfError, RunFailed, Undecided, UsageError


def test_a_message_has_what_happened_the_likely_cause_and_what_to_type() -> None:
    error = Lacking("no Go on PATH", cause="it is not installed", next_command="install Go")
    assert str(error) == "no Go on PATH\n  likely cause: it is not installed\n  next: install Go"


def test_what_cannot_be_said_honestly_is_left_out() -> None:
    assert str(RunFailed("it broke")) == "it broke"


@pytest.mark.parametrize(
    ("kind", "code"), [(RunFailed, 1), (UsageError, 2), (Lacking, 3), (Undecided, 4), (Interrupted, 130)]
)
def test_each_kind_has_an_exit_code_of_its_own(kind: type[PerfError], code: int) -> None:
    assert kind("x").exit_code == code


def test_every_exit_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(ExitCode)
