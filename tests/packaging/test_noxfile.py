"""The noxfile, run by the real nox; noxw is replaced by a script that records how it was called."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCENARIOS = ["benchmarks", "load", "stress", "baseline", "regression", "integration", "all"]

RECORDING_NOXW = """
import json, os, signal, sys
def stop(number, frame):
    open("stopped", "w").write(signal.Signals(number).name)
    sys.exit(130)
signal.signal(signal.SIGTERM, stop)
with open("calls", "a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
print("recorded", flush=True)
signal.alarm(60)  # whatever happens to the test, this ends
if "--wait" in sys.argv:
    signal.pause()
sys.exit(4 if "--unknown" in sys.argv or "--check" in sys.argv and os.path.exists("unformatted") else 0)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "noxfile.py", tmp_path)
    (tmp_path / "noxw").write_text(RECORDING_NOXW)
    return tmp_path


def nox_command(project: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "nox", "-f", str(project / "noxfile.py"), *arguments]


def nox(project: Path, *arguments: str, expect: int = 0) -> str:
    done = subprocess.run(nox_command(project, *arguments), capture_output=True, text=True, check=False)
    assert done.returncode == expect, done.stderr
    return done.stdout


def calls(project: Path) -> list[list[str]]:
    return [json.loads(line) for line in (project / "calls").read_text().splitlines()]


def test_every_session_is_listed_with_one_line_that_explains_it(project: Path) -> None:
    listed = dict(re.findall(r"^[*-] (\S+) -> (.+)$", nox(project, "--list"), flags=re.MULTILINE))
    assert set(listed) == {*SCENARIOS, "tests", "lint", "docs"}
    assert all(20 < len(line) <= 100 for line in listed.values()), listed


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_session_runs_perf_with_the_arguments_after_the_dashes(project: Path, name: str) -> None:
    nox(project, "-s", name, "--", "--target", "../free light", "--dry-run")
    assert calls(project) == [
        ["--run", "python", "-m", "perf", name, "--target", "../free light", "--dry-run"]
    ]


def test_without_a_session_named_everything_is_measured(project: Path) -> None:
    nox(project)
    assert calls(project) == [["--run", "python", "-m", "perf", "all"]]


def test_a_scenario_that_does_not_end_well_fails_its_session(project: Path) -> None:
    nox(project, "-s", "regression", "--", "--unknown", expect=1)


def test_the_tests_session_lints_first_then_measures_coverage(project: Path) -> None:
    nox(project, "-s", "tests")
    programs = [(call[0], call[1]) for call in calls(project)]
    assert programs == [("--run-dev", name) for name in ("ruff", "ruff", "mypy", "lint-imports", "pytest")]
    assert "--cov" in calls(project)[-1]


def test_the_tests_session_runs_no_test_after_a_failed_lint(project: Path) -> None:
    (project / "unformatted").touch()
    nox(project, "-s", "tests", expect=1)
    assert calls(project)[-1] == ["--run-dev", "ruff", "format", "--check", "."]


def test_chosen_tests_run_alone_and_owe_no_coverage(project: Path) -> None:
    nox(project, "-s", "tests", "--", "tests/load", "-k", "verify")
    assert calls(project)[-1] == ["--run-dev", "pytest", "tests/load", "-k", "verify"]


def test_a_terminated_nox_stops_its_scenario_and_waits_for_it(project: Path) -> None:
    command = nox_command(project, "-s", "load", "--", "--wait")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=dict(os.environ)
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "recorded\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 130
    assert (project / "stopped").read_text() == "SIGTERM"
