"""The command line: help without heavy imports, every error with its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from perf import cli, invocation
from perf.baseline import by_hand
from perf.bisect import command
from perf.bisect.model import Metric
from perf.bisect.resume import Wanted
from perf.context import Options
from perf.errors import ExitCode

ROOT = Path(__file__).parent.parent


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_help_lists_every_scenario_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == ExitCode.FINE
    shown = capsys.readouterr().out
    assert all(name in shown for name in (*cli.SCENARIOS, "doctor", "registry", "cache"))
    assert "130" in shown
    assert all(sentence in shown for sentence, _ in cli.SCENARIOS.values()), "a sentence was cut"


@pytest.mark.parametrize("name", cli.SCENARIOS)
def test_every_scenario_explains_its_options(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([name, "--help"]) == ExitCode.FINE
    shown = capsys.readouterr().out
    assert "--target" in shown
    assert "--dry-run" in shown


def test_help_loads_nothing_heavy() -> None:
    """`python -m perf --help` answers at once: what takes long to import waits until a command runs."""
    program = (
        "import sys\nfrom perf.cli import main\nmain(['--help'])\nprint(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for heavy in ("pydantic", "git", "httpx", "rich", "pyperf", "psutil", "tabulate"):
        assert f"'{heavy}'" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["load", "--workers", "0"], ["load", "--drive", "fly"], ["benchmarks", "--nope"]],
)
def test_wrong_arguments_are_wrong_use(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == ExitCode.USAGE
    assert capsys.readouterr().err


def test_credentials_of_a_url_do_not_reach_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[invocation.Request] = []
    monkeypatch.setattr(invocation, "invoke", asked.append)
    cli.main(["load", "--target", "https://me:secret@host/x", "--source=http://me:secret@127.0.0.1:1"])
    assert asked[0].target == "https://me:secret@host/x"
    assert "secret" not in " ".join(asked[0].command)


def test_outside_the_project_it_says_where_to_go(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["load", "--dry-run"]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert "no perf.toml in" in said
    assert "next: cd to the directory" in said
    assert "exit 2: wrong use or configuration" in said


def test_a_slip_in_perf_toml_is_told_with_its_line(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (elsewhere / "perf.toml").write_text((ROOT / "perf.toml").read_text("utf-8") + "\n[gaet]\n", "utf-8")
    assert cli.main(["benchmarks", "--dry-run"]) == ExitCode.USAGE
    assert "gaet: unknown key (did you mean 'gate'?)" in capsys.readouterr().err


def test_a_stream_that_knows_few_characters_is_no_error(tmp_path: Path) -> None:
    """With LANG=C "✅" and "ü" cannot be printed: a "?" stands for them."""
    (tmp_path / "würfel").mkdir()
    (tmp_path / "perf.toml").write_text((ROOT / "perf.toml").read_text("utf-8"), "utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "PYTHONIOENCODING": "ascii:strict",
    }
    done = subprocess.run(
        [sys.executable, "-m", "perf", "load", "--dry-run", "--target", "würfel"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == ExitCode.FINE, done.stderr
    assert b"target w?rfel declares no replicator" in done.stdout


def test_python_dash_m_passes_the_exit_code_on(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "perf", "load"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == ExitCode.USAGE


@pytest.mark.parametrize(
    ("typed", "field", "value"),
    [
        (["--budget", "10m"], "budget_seconds", 600.0),
        (["--budget", "1.5 min"], "budget_seconds", 90.0),
        ([], "budget_seconds", None),
        (["--resume"], "resume", "latest"),
        (["--resume", "20261123-1"], "resume", "20261123-1"),
        ([], "resume", None),
        (["--time", "always"], "time", "always"),
        ([], "time", "needed"),
    ],
)
def test_the_options_of_the_gate_reach_it(
    typed: list[str], field: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[invocation.Request] = []
    monkeypatch.setattr(invocation, "invoke", lambda request: asked.append(request) or 0)
    assert cli.main(["regression", *typed]) == 0
    assert getattr(asked[0].options, field) == value


@pytest.mark.parametrize("time", ["10", "0 s", "10 MB", "soon"])
def test_a_budget_needs_a_time_with_its_unit(time: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["regression", "--budget", time]) == ExitCode.USAGE
    assert "--budget" in capsys.readouterr().err


def test_baseline_alone_measures_and_with_a_word_behind_it_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr(invocation, "invoke", lambda request: called.append(request.scenario) or 0)
    for name in ("list", "show", "prune", "verify"):
        monkeypatch.setattr(
            by_hand, f"baseline_{name}", lambda *_, name=name, **__: called.append(f"baseline {name}") or 0
        )
    for typed in (["--apart"], ["list"], ["show", "HEAD~1"], ["prune", "--keep", "3"], ["verify"]):
        assert cli.main(["baseline", *typed]) == 0
    assert called == ["baseline", "baseline list", "baseline show", "baseline prune", "baseline verify"]


def test_the_options_of_bisect_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, Options, Wanted]] = []

    def with_context(request: invocation.Request, act: Callable[[object], ExitCode]) -> ExitCode:
        monkeypatch.setattr(
            command, "run", lambda _, wanted: asked.append((str(request.target), request.options, wanted))
        )
        act(None)
        return ExitCode.FINE

    monkeypatch.setattr(invocation, "with_context", with_context)
    words = "bisect --repo x --good a --bad b --benchmark Copy --package ./p --metric wall --confidence 0.99"
    more = "--improvement --all-parents --budget 5m --scan --verify --tags t --seed 3"
    assert cli.main([*words.split(), *more.split()]) == ExitCode.FINE
    assert asked == [
        (
            "x",
            Options(bench="Copy", seed=3, budget_seconds=300.0),
            Wanted("a", "b", "./p", Metric.WALL, 0.99, True, True, True, True, "t"),
        )
    ]


def test_a_bisect_that_goes_on_takes_nothing_that_would_contradict_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["bisect", "--resume", "latest", "--good", "a", "--metric", "cpu"]) == ExitCode.USAGE
    assert "takes no good, no metric" in capsys.readouterr().err


def test_no_chance_is_no_confidence(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bisect", "--benchmark", "Copy", "--confidence", "nan"]) == ExitCode.USAGE
    assert "nan is no chance" in capsys.readouterr().err


def test_bisect_must_know_which_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bisect", "--good", "HEAD~3"]) == ExitCode.USAGE
    assert "--benchmark REGEX names it" in capsys.readouterr().err


def printed(directory: Path, redirected: str, command: str = "load --dry-run") -> tuple[int, str]:
    """The exit code of a command whose streams go where the shell sends them, and what was read of them."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f'"$0" -m perf {command} {redirected}', sys.executable],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "redirected", ["> >(exec true)", ">&-", ">&- 2>&- <&-", "1</dev/null", "2>/dev/full"]
)
def test_who_reads_what_is_printed_does_not_change_the_exit_code(tmp_path: Path, redirected: str) -> None:
    code, read = printed(tmp_path, redirected)
    assert code == ExitCode.FINE
    assert "Traceback" not in read
    assert "Exception ignored" not in read
    assert ("load: about" in read) == (redirected == "2>/dev/full")


def test_an_error_that_cannot_be_told_keeps_its_exit_code(tmp_path: Path) -> None:
    code, read = printed(tmp_path, "--workers 0 2>/dev/full")
    assert (code, read) == (ExitCode.USAGE, "")


@pytest.mark.parametrize("command", ["load --dry-run", "load --help"])
def test_a_full_disk_under_what_is_printed_is_told_once(tmp_path: Path, command: str) -> None:
    code, read = printed(tmp_path, ">/dev/full", command)
    assert code == ExitCode.LACKING
    assert read.count("perf: no space left while writing what is printed") == 1
    assert "Exception ignored" not in read


def test_a_cache_below_a_plain_file_is_told(tmp_path: Path) -> None:
    (tmp_path / ".cache").touch()
    code, read = printed(tmp_path, "")
    assert code == ExitCode.LACKING
    assert f"a plain file stands at or above {tmp_path}/.cache/" in read
    assert "Traceback" not in read
