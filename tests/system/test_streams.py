"""The standard streams, whoever reads them."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from perf.system import streams

ROOT = Path(__file__).parent.parent.parent
READY = "import os, sys\nfrom perf.system import streams\nstreams.make_ready(os.environ)\n"


def ran(program: str, **redirected: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-c", READY + program],
        cwd=ROOT,
        text=True,
        check=False,
        **{"stderr": subprocess.PIPE, **redirected},
    )


def test_a_reader_that_left_is_not_minded() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = ran("print('x' * 99999, flush=True)\nprint('y')\nsys.exit(5)", stdout=writing)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (5, "")


def test_a_full_disk_is_an_error_once_and_not_again_when_python_ends() -> None:
    program = (
        "try:\n    print('x', flush=True)\nexcept OSError as error:\n    print(error.errno, file=sys.stderr)\n"
        "print('y')\nsys.exit(5)"
    )
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = ran(program, stdout=full)
    assert (done.returncode, done.stderr) == (5, "28\n")


def test_errors_are_told_nowhere_where_the_disk_of_standard_error_is_full() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = ran("print('x', file=sys.stderr)\nprint('out')", stdout=subprocess.PIPE, stderr=full)
    assert (done.returncode, done.stdout) == (0, "out\n")


def test_a_file_that_is_opened_does_not_take_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    program = (
        f"file = open({str(tmp_path / 'file')!r}, 'w')\nprint('printed', flush=True)\n"
        "import subprocess\nsubprocess.run(['echo', 'from a child'], check=True)\n"
        "print(sys.stdin.read() == '', sys.stdout.isatty(), file=file)"
    )
    closed = ["bash", "-c", '"$0" -c "$1" <&- >&- 2>&-', sys.executable, READY + program]
    assert subprocess.run(closed, cwd=ROOT, check=False).returncode == 0
    assert (tmp_path / "file").read_text("utf-8") == "True False\n"


def test_what_is_printed_arrives_and_what_a_stream_does_not_know_is_a_question_mark(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii:strict")
    done = ran("streams.make_ready(os.environ)\nprint('a ✅')", stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (0, "a ?\n")


def test_a_stand_in_for_a_stream_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stand_in)
    streams.make_ready({})
    assert sys.stdout is stand_in


@pytest.mark.parametrize(
    ("given", "kept"),
    [("0", {}), ("000", {}), ("", {}), (None, {}), ("80", {"COLUMNS": "80"}), ("100", {"COLUMNS": "100"})],
)
def test_no_columns_are_no_width(given: str | None, kept: dict[str, str]) -> None:
    environment = {} if given is None else {"COLUMNS": given}
    streams.make_ready(environment)
    assert environment == kept
