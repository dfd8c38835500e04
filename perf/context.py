"""What every scenario is given: places, suite, target, effort, the doors, and the directory of this run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from perf.errors import UsageError
from perf.suite import Effort, Suite, Target
from perf.system.files import disk_errors, make_directory
from perf.system.git import Checkout, redacted
from perf.system.go import Go
from perf.system.host import Fingerprint
from perf.system.places import Places
from perf.system.processes import Processes
from perf.system.progress import Progress


@dataclass(frozen=True, slots=True)
class Options:
    """What a person asked for on the command line; None is "as perf.toml says". `seed` orders all that is random."""

    workload: str | None = None
    workers: int | None = None
    rounds: int | None = None
    pairs: int | None = None
    drive: str | None = None
    bench: str = "."
    processes: int | None = None
    base: str | None = None
    against: str = "base"
    seed: int = 0
    registry: str = "distribution"
    source: str | None = None
    destination: str | None = None
    apart: bool = False
    time: str = "needed"
    budget_seconds: float | None = None
    resume: str | None = None
    bisect: bool = False


@dataclass(frozen=True, slots=True)
class ResolvedTarget:
    """A target found on disk. `directory` holds its go.mod; `checkout` is None outside a git repository.

    `asked` is what a person typed to name it, None where nothing was.
    """

    name: str
    directory: Path
    declared: Target
    checkout: Checkout | None
    note: str = ""
    asked: str | None = None

    @property
    def option(self) -> tuple[str, ...]:
        """The words that name it again in a command, without credentials; () where nothing was typed."""
        return () if self.asked is None else ("--target", redacted(self.asked))


@dataclass(frozen=True, slots=True)
class Context:
    """Handed to every scenario. Directories made through `room` belong to this run and are kept."""

    places: Places
    suite: Suite
    target: ResolvedTarget
    effort_name: str
    options: Options
    processes: Processes
    progress: Progress
    go: Go
    fingerprint: Fingerprint
    run_directory: Path
    caller: Mapping[str, str]

    @property
    def effort(self) -> Effort:
        """Raises UsageError where perf.toml does not declare the one that was asked for."""
        declared = self.suite.effort.get("full" if self.effort_name == "full" else "quick")
        if declared is None:
            raise UsageError(
                f"perf.toml has no [effort.{self.effort_name}]",
                cause="only [effort.quick] must be there",
                next_command=f"add that table, or leave --{self.effort_name} out",
            )
        return declared

    def room(self, name: str) -> Path:
        """A directory of this run for one scenario's raw results."""
        return make_directory(self.run_directory / name)

    def keep(self, path: Path, text: str) -> None:
        """Write raw results at once, as they come."""
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")

    def target_environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """What the target's processes see: PATH, a home of their own, GO*, what perf.toml says."""
        return {**self.go.run_environment, **self.target.declared.environment, **(extra or {})}

    def shown(self, path: Path) -> str:
        """A path as a person in the project's directory would type it."""
        root = self.places.root
        return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a scenario would do, in lines for a person, with the seconds of measuring it expects (builds apart)."""

    lines: tuple[str, ...]
    expected_seconds: float
