"""Whole invocations of `python -m perf`, as a user types them: a small real Go target, real registries."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from perf import everything, invocation
from perf.context import Context, Options, Plan
from perf.errors import ExitCode, Lacking
from perf.model import Outcome, Status
from perf.registry import distribution
from perf.report import exports
from perf.system import files, guardian
from perf.system.go import Go
from perf.system.places import Places
from perf.system.processes import Processes
from perf.system.progress import Progress
from tests.fakes.targets import REPLICATOR
from tests.report.gates import red

ROOT = Path(__file__).parent.parent
PATIENCE_SECONDS = 120.0

GO_FILES = {
    "mini/go.mod": "module mini\n\ngo 1.21\n",
    "mini/mini.go": """package mini

func Sum(n int) (s int) {
	for i := range make([]int, n) {
		s += i
	}
	return s
}
""",
    "mini/mini_test.go": """package mini

import (
	"os"
	"testing"
)

func BenchmarkSum(b *testing.B) {
	for i := 0; i < b.N; i++ {
		Sum(1000)
	}
}

func TestIntegrationAddresses(t *testing.T) {
	if os.Getenv("SOURCE") == "" || os.Getenv("DESTINATION") == "" {
		t.Fatal("no addresses")
	}
}
""",
}

PERF_TOML = """
[target.skiff]
path = "mini"
[target.skiff.replicator]
build = ["cp", "REPLICATOR", "{bin}"]
copy = ["PYTHON", "-I", "{bin}", "FAULT", "copy", "{source}/{repository}:{tag}", "{destination}/{to}:{tag}"]
environment = { PIDS = "PIDS_DIRECTORY" }
[target.skiff.integration]
command = ["go", "test", "-run", "Integration", "./..."]
environment = { SOURCE = "{source}", DESTINATION = "{destination}" }
[workload.small]
images = 6
layers = { count = 2, size = "uniform(1KiB, 4KiB)", shared = 0.5 }
tags_per_repository = 2
indexes = 0.34
workers = 2
timeout = "60 s"
[objective]
throughput = ">= 1 B/s"
error_rate = "< 5 %"
[effort.quick]
processes = 2
benchtime = "10x"
workload = "small"
load_rounds = 2
stress_workload = "small"
stress_workers = 2
regression_rounds = 6
regression_budget = "5 s"
"""


@dataclass(frozen=True)
class Project:
    root: Path
    environment: dict[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "perf", *arguments],
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def perf(self, *arguments: str) -> tuple[int, str]:
        child = self.start(*arguments)
        output, _ = child.communicate(timeout=PATIENCE_SECONDS)
        return child.returncode, output

    def records(self) -> list[dict[str, object]]:
        found = sorted((self.root / ".perf" / "runs").glob("*/outcome.json"))
        return [json.loads(path.read_text("utf-8")) for path in found]


@pytest.fixture
def project(
    git_repository: Callable[..., Path],
    tmp_path: Path,
    places: Places,
    processes: Processes,
    toolchain: Go,
) -> Callable[[str], Project]:
    """`project(fault)`: a checkout of two commits whose replicator is the stand-in with that fault."""
    program = distribution.install(places, processes, toolchain, Progress(quiet=True))
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "registries").symlink_to(program.parent.parent)

    def make(fault: str) -> Project:
        text = PERF_TOML.replace("REPLICATOR", str(REPLICATOR)).replace("PYTHON", sys.executable)
        (tmp_path / "pids").mkdir()
        text = text.replace("PIDS_DIRECTORY", str(tmp_path / "pids"))
        first = {**GO_FILES, "perf.toml": text.replace("FAULT", fault)}
        root = git_repository(first, {"README.md": "only words"}, name="suite")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "PERF_CACHE_DIR": str(cache),
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "100",
        }
        return Project(root, environment)

    return make


@pytest.mark.registry
@pytest.mark.go
def test_all_measures_verifies_stores_and_reports(project: Callable[[str], Project]) -> None:
    made = project("none")
    code, output = made.perf("all")
    assert code == ExitCode.FINE, output

    (record,) = made.records()
    statuses = {each["scenario"]: each["status"] for each in record["outcomes"]}  # type: ignore[attr-defined]
    assert statuses == dict.fromkeys(
        ("benchmarks", "load", "stress", "baseline", "regression", "integration"), "passed"
    )

    (report,) = (made.root / "docs").glob("performance-test-*.md")
    text = report.read_text("utf-8")
    sections = [
        "Executive Summary",
        "Benchmark Results",
        "Load Test Results",
        "Bottleneck Analysis",
        "Recommendations",
    ]
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == sections
    assert "BenchmarkSum" in text
    assert "TestIntegrationAddresses" in text

    (baseline,) = (made.root / "baselines").glob("*/*/*.json")
    assert baseline.stem == record["target_sha"]
    shown = subprocess.run(
        [sys.executable, "-m", "pyperf", "show", str(baseline)], capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr


@pytest.mark.registry
@pytest.mark.go
def test_exit_0_with_nothing_copied_fails_the_run(project: Callable[[str], Project]) -> None:
    made = project("nothing copied")
    code, output = made.perf("load")
    assert code == ExitCode.FAILED
    assert "exit 0, 0 of 6 images arrived" in output


@pytest.mark.registry
@pytest.mark.go
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_what_it_measured_and_leaves_nothing_running(
    project: Callable[[str], Project], number: signal.Signals
) -> None:
    made = project("hang")
    running = made.start("load")
    assert running.stdout is not None
    for line in running.stdout:
        if "load round 1" in line:
            break
    owner = f"{running.pid}-"
    running.send_signal(number)
    output, _ = running.communicate(timeout=PATIENCE_SECONDS)
    assert running.returncode == ExitCode.INTERRUPTED, output
    assert number.name in output

    (record,) = made.records()
    assert [each["status"] for each in record["outcomes"]] == ["interrupted"]  # type: ignore[attr-defined]
    left = [
        process.pid
        for process in psutil.process_iter()
        if any(
            part.startswith(f"{guardian.OWNER_VARIABLE}={owner}".encode())
            for part in environment_of(process.pid)
        )
    ]
    assert left == []


def environment_of(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


@pytest.mark.registry
@pytest.mark.go
def test_a_second_run_at_once_is_refused_and_the_first_goes_on(project: Callable[[str], Project]) -> None:
    made = project("hang")
    first = made.start("load")
    assert first.stdout is not None
    for line in first.stdout:
        if "load round 1" in line:
            break
    code, output = made.perf("benchmarks")
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=PATIENCE_SECONDS)
    assert code == ExitCode.LACKING
    assert f"load in {made.root} (process {first.pid})" in output


@pytest.mark.go
def test_a_dry_run_shows_every_scenario_and_measures_nothing(project: Callable[[str], Project]) -> None:
    made = project("none")
    code, output = made.perf("all", "--dry-run")
    assert code == ExitCode.FINE
    for name in ("benchmarks", "load", "stress", "baseline", "regression", "integration"):
        assert f"{name}:" in output
    assert made.records() == []


@pytest.mark.go
def test_a_wrong_pair_of_registries_is_refused_before_anything_is_built(
    project: Callable[[str], Project],
) -> None:
    made = project("none")
    code, output = made.perf("all", "--source", "http://127.0.0.1:1")
    assert code == ExitCode.USAGE
    assert "--destination is missing" in output
    assert "building" not in output
    assert made.records() == []


def test_what_was_measured_is_shown_when_its_record_cannot_be_written(
    context_for: Callable[..., Context],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    measured = Outcome("load", Status.PASSED, ExitCode.FINE, "all that was hoped for", 1.0)
    load = everything.Scenario(lambda _: Plan((), 0.0), lambda _: measured)
    monkeypatch.setattr(everything, "SCENARIOS", {"load": load})

    def full(*_: object) -> None:
        raise Lacking("no space left while writing outcome.json")

    monkeypatch.setattr(files, "write_atomically", full)
    with pytest.raises(Lacking, match="no space left"):
        invocation._measure(invocation.Request("load", Options()), context_for(tmp_path))
    assert "all that was hoped for" in capsys.readouterr().out


@pytest.mark.go
def test_a_second_report_of_a_day_does_not_replace_the_first(project: Callable[[str], Project]) -> None:
    made = project("none")
    perf_toml = made.root / "perf.toml"
    perf_toml.write_text(
        perf_toml.read_text("utf-8").split("[target.skiff.replicator]")[0]
        + "[workload.small]"
        + perf_toml.read_text("utf-8").split("[workload.small]")[1],
        "utf-8",
    )
    for _ in range(2):
        made.perf("all")
    names = sorted(path.name for path in (made.root / "docs").iterdir())
    assert len(names) == 2
    assert names[0].endswith("-2.md")


@pytest.mark.go
@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("regression", "--pairs", "7"), "7 rounds of pairs"),
        (("benchmarks", "--processes", "3"), "3 processes each"),
        (("benchmarks", "--bench", "Sum$"), "BenchmarkSum"),
        (("load", "--rounds", "9", "--workers", "5"), "9 rounds, 5 at once"),
        (("load", "--workload", "small"), "workload small"),
        (("load", "--drive", "copy"), "driven by copy"),
        (("stress", "--workers", "1", "--rounds", "4"), "workers 1 with 4 round(s) each"),
        (("integration",), "go test -run Integration ./..."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_every_option_reaches_its_scenario(
    project: Callable[[str], Project], arguments: tuple[str, ...], shown: str
) -> None:
    code, output = project("none").perf(*arguments, "--dry-run")
    assert code == ExitCode.FINE
    assert shown in output


# -- exports ------------------------------------------------------------------------------------------------------


@pytest.fixture
def judged(
    context_for: Callable[..., Context], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Context]:
    """`judged(**environment)`: a context in which `regression` ends as the reports' example does."""
    (outcome,) = red().outcomes
    scenario = everything.Scenario(lambda _: Plan((), 0.0), lambda _: outcome)
    monkeypatch.setattr(everything, "SCENARIOS", {"regression": scenario})

    def make(**environment: str) -> Context:
        return dataclasses.replace(context_for(tmp_path), caller=environment)

    return make


def measure(context: Context) -> ExitCode:
    return invocation._measure(invocation.Request("regression", Options()), context)


def test_the_exports_of_a_regression_lie_beside_its_record_and_one_line_says_so(
    judged: Callable[..., Context], capsys: pytest.CaptureFixture[str]
) -> None:
    context = judged()
    assert measure(context) == ExitCode.FAILED
    found = {path.name for path in context.run_directory.iterdir()}
    assert found == {"outcome.json", *exports.NAMES}
    assert (context.run_directory / "summary.md").read_text("utf-8").startswith("### ❌ 3 regressions")
    output = capsys.readouterr().out
    assert output.count("summary.md, comment.md, junit.xml, sarif.json and regression.json in ") == 1
    assert "::error" not in output


def _guarded(lines: list[str]) -> tuple[list[str], list[str]]:
    """What GitHub takes no command from, and what it does: the token that ends the first is the one that began it."""
    begin, token = next(
        (place, line.removeprefix("::stop-commands::"))
        for place, line in enumerate(lines)
        if line.startswith("::stop-commands::")
    )
    end = lines.index(f"::{token}::")
    assert len(token) >= 32
    return lines[begin + 1 : end], [*lines[:begin], *lines[end + 1 :]]


def test_github_is_told_in_its_log_and_in_the_summary_of_the_job(
    judged: Callable[..., Context], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = tmp_path / "step-summary.md"
    summary.write_text("## another tool", "utf-8")
    context = judged(GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    measure(context)
    lines = capsys.readouterr().out.splitlines()
    guarded, told = _guarded(lines)
    assert any("regression" in line for line in guarded)
    commands = [line for line in told if line.startswith("::")]
    assert commands[0].startswith("::error file=examples/skiff/pkg/copy/digest_test.go,line=12,title=")
    assert [line.split(" ")[0] for line in commands] == ["::error", "::error", "::warning"]
    written = (context.run_directory / "summary.md").read_text("utf-8")
    assert summary.read_text("utf-8") == f"## another tool\n{written}"


def test_a_job_summary_that_cannot_be_written_changes_no_verdict(
    judged: Callable[..., Context], tmp_path: Path
) -> None:
    context = judged(GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(tmp_path / "no" / "such" / "place"))
    assert measure(context) == ExitCode.FAILED


def test_github_without_a_summary_file_gets_its_annotations(
    judged: Callable[..., Context], capsys: pytest.CaptureFixture[str]
) -> None:
    measure(judged(GITHUB_ACTIONS="true"))
    assert "::error " in capsys.readouterr().out
