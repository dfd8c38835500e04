"""Fixtures shared by all rooms: places of their own, the doors, and small targets made of real git and real Go."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from perf.context import Context, Options, ResolvedTarget
from perf.registry import pair
from perf.suite import Suite, Target, parse_suite
from perf.system import git, go, host
from perf.system.places import Places, cache_directory
from perf.system.processes import Processes
from perf.system.progress import Progress

ROOT = Path(__file__).parent.parent

# No deadline: a busy machine is no defect. In CI the examples are the same every time.
settings.register_profile("perf", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("perf")


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A project of its own; the cache is the user's, so that Go tools are built once."""
    root = tmp_path / "project"
    (root / ".perf").mkdir(parents=True)
    (root / "perf.toml").write_text((ROOT / "perf.toml").read_text("utf-8"), "utf-8")
    return Places(root, root / ".perf", cache_directory(dict(os.environ)))


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    with Processes(tmp_path / "scratch-base") as started:
        yield started


@pytest.fixture
def suite() -> Suite:
    return parse_suite((ROOT / "perf.toml").read_text("utf-8"))


@pytest.fixture
def toolchain(places: Places, processes: Processes) -> go.Go:
    return go.find_go(places, processes, Progress(quiet=True), os.environ)


@pytest.fixture(autouse=True)
def own_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ports that no other test wants: two run at a time, and a port that is let go for a moment would be taken."""
    monkeypatch.setattr(pair, "SOURCE_PORT", host.free_port())
    monkeypatch.setattr(pair, "DESTINATION_PORT", host.free_port())


ContextFor = Callable[..., Context]


@pytest.fixture
def context_for(places: Places, processes: Processes, suite: Suite, toolchain: go.Go) -> ContextFor:
    """`context_for(directory, declared=Target(), options=Options())`: a whole context for a target on disk."""

    def make(
        directory: Path, declared: Target | None = None, options: Options | None = None, suite: Suite = suite
    ) -> Context:
        inside = subprocess.run(
            ["git", "-C", str(directory), "rev-parse", "--git-dir"], capture_output=True, check=False
        )
        checkout = git.find_checkout(directory) if inside.returncode == 0 else None
        run_directory = places.runs / "test"
        run_directory.mkdir(parents=True, exist_ok=True)
        return Context(
            places=places,
            suite=suite,
            target=ResolvedTarget(directory.name, directory, declared or Target(), checkout),
            effort_name="quick",
            options=options or Options(),
            processes=processes,
            progress=Progress(quiet=True),
            go=toolchain,
            fingerprint=host.fingerprint(toolchain.version),
            run_directory=run_directory,
            caller=dict(os.environ),
        )

    return make


@pytest.fixture
def git_repository(tmp_path: Path) -> Callable[..., Path]:
    """`git_repository({"a.go": "…"}, {"a.go": "…"})`: a repository with one commit per mapping, on main."""

    def make(*commits: dict[str, str], name: str = "target") -> Path:
        root = tmp_path / name
        root.mkdir()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "GIT_CONFIG_NOSYSTEM": "1",
            **{
                f"GIT_{role}_{field}": value
                for role in ("AUTHOR", "COMMITTER")
                for field, value in (("NAME", "Test"), ("EMAIL", "test@example.invalid"))
            },
        }

        def run(*arguments: str) -> None:
            subprocess.run(["git", *arguments], cwd=root, env=environment, check=True, capture_output=True)

        run("init", "--initial-branch=main")
        for number, files in enumerate(commits):
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, "utf-8")
            run("add", "--all")
            run("commit", "--allow-empty", "-m", f"commit {number}")
        return root

    return make
