"""The documentation cannot drift: commands are accepted, tables are those of the code, links lead somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import tasks
from perf import cli
from perf.errors import MEANINGS

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text("utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
PAGES = sorted(
    [*ROOT.glob("*.md"), ROOT / "docs" / "architecture.md", ROOT / "examples" / "skiff" / "README.md"]
)


def commands(page: str) -> list[list[str]]:
    """Each line of a console block that begins with `$`, without its comment, as words."""
    blocks = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    lines = [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [shlex.split(line, comments=True) for line in lines]


def test_the_two_commands_stand_at_the_top() -> None:
    assert commands(README)[:2] == [["./noxw"], ["./noxw", "-s", "tests"]]


def test_ci_runs_the_test_command_of_the_readme_and_nothing_else() -> None:
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert [line for line in lines if "noxw" in line] == ["exec ./noxw -s tests"]


@pytest.mark.parametrize("words", commands(README), ids=" ".join)
def test_every_command_of_the_readme_is_accepted(words: list[str]) -> None:
    assert words[0] == "./noxw"
    match words[1:]:
        case ["-s", session, "--", *arguments]:
            cli.perf.commands[session].make_context(session, arguments)
        case ["--run", "invoke", task, *_] if not task.startswith("-"):
            assert task in tasks.namespace.task_names
        case ["--run", "python", "-m", "perf", command, *arguments]:
            cli.perf.commands[command].make_context(command, arguments)
        case ["-s", session]:
            assert session in noxfile_sessions()
        case rest:
            assert rest in ([], ["-l"], ["--run", "invoke", "--list"])


@cache
def noxfile_sessions() -> set[str]:
    listed = subprocess.run(
        [sys.executable, "-m", "nox", "--list"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(re.findall(r"^[-*] (\w+) -> ", listed.stdout, re.MULTILINE))


def test_the_sessions_of_the_readme_are_those_of_the_noxfile_and_the_command_line() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)
    assert set(listed) == set(cli.SCENARIOS)
    assert set(listed) <= noxfile_sessions()


def test_the_exit_codes_of_the_readme_are_those_of_the_code() -> None:
    listed = [int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)]
    assert listed == [int(code) for code in MEANINGS]


def test_the_rooms_of_the_architecture_exist() -> None:
    rooms = re.findall(r"`((?:perf|examples)/[\w/.]*)`", ARCHITECTURE)
    assert len(rooms) > 15
    assert [room for room in rooms if not (ROOT / room).exists()] == []


def test_every_library_that_is_needed_has_its_reason() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    needed = re.findall(r'"([\w-]+)>=', project.split("dependencies = [")[1].split("]")[0])
    listed = {name.lower() for name in re.findall(r"^\| ([\w-]+) \| ", ARCHITECTURE, re.MULTILINE)}
    assert set(needed) <= listed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
