"""The nouns that cross rooms: what was measured, what was concluded. Base units throughout; None is "not measured"."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from perf.errors import ExitCode


class Status(StrEnum):
    """How a scenario ended. LEFT_OUT is not a pass: it says why nothing was measured."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    LEFT_OUT = "left out"
    INTERRUPTED = "interrupted"


# How a scenario that judged what it measured ends.
JUDGED_EXITS: Final = {
    Status.PASSED: ExitCode.FINE,
    Status.FAILED: ExitCode.FAILED,
    Status.UNKNOWN: ExitCode.UNKNOWN,
}


class Verdict(StrEnum):
    """What a comparison says; UNKNOWN is an answer.

    MORE_WORK: more instructions with time proven no worse. BENCHMARK_CHANGED: its own code differs between the sides,
    so the numbers are shown and mean nothing about the program. Neither is ever red or green.
    """

    REGRESSION = "regression"
    IMPROVEMENT = "improvement"
    UNCHANGED = "unchanged"
    UNKNOWN = "unknown"
    MORE_WORK = "more work"
    BENCHMARK_CHANGED = "benchmark changed"


# -- benchmarks ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of one benchmark: a value per process, in base units ("sec/op", "B/op", "allocs/op", "B/s", …)."""

    package: str
    name: str
    unit: str
    values: tuple[float, ...]
    iterations: tuple[int, ...]


class ProblemKind(StrEnum):
    FAILED = "failed"
    PANICKED = "panicked"
    TIMED_OUT = "timed out"
    SKIPPED = "skipped"
    GARBLED = "garbled"
    NOT_BUILT = "does not build"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class Problem:
    """A benchmark or a package that gave no number, and why; `position` is file:line where known."""

    package: str
    name: str
    kind: ProblemKind
    text: str
    position: str = ""

    @property
    def counts(self) -> bool:
        """Whether the run failed by it: what was left out or skipped on purpose does not."""
        return self.kind not in (ProblemKind.LEFT_OUT, ProblemKind.SKIPPED)


@dataclass(frozen=True, slots=True)
class BenchmarksResult:
    series: tuple[Series, ...]
    problems: tuple[Problem, ...]
    processes: int
    benchtime: str
    packages: int
    go_version: str


# -- load and stress ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Missing:
    """One tag that did not arrive whole, with the destination's words for it."""

    repository: str
    tag: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Job:
    """One process of the replicator. `copies` is how many tags it had to copy; `output` names a file of the run."""

    name: str
    started_seconds: float
    seconds: float
    cpu_seconds: float
    returncode: int
    timed_out: bool
    copies: int
    first_error: str
    output: str

    @property
    def claims_success(self) -> bool:
        return self.returncode == 0 and not self.timed_out


@dataclass(frozen=True, slots=True)
class ResourceSample:
    """The replicator's process tree at one moment; `cpu_cores` is use since the sample before."""

    at_seconds: float
    processes: int
    rss_bytes: int
    cpu_cores: float
    threads: int
    descriptors: int


@dataclass(frozen=True, slots=True)
class LoadRound:
    """One pass of a workload into an empty destination.

    `seconds` is the replicator's own time, first start to last end. `verified_bytes` counts each distinct blob and
    manifest of verified images once; `uploaded_bytes` is what the destination received, None when it cannot be asked.
    `copy_seconds` holds one time per image copied by a process of its own, or read from the registries' access
    logs (`copy_seconds_source` says which). `busy_fraction` is how much of all the machine's cores was in use,
    `others_fraction` how much by neither the replicator, the registries nor the suite (None with standing registries).
    `answered` counts the images whose process ended in time with exit 0 and that did arrive.
    """

    workers: int
    images: int
    verified: int
    seconds: float
    verified_bytes: int
    content_bytes: int
    uploaded_bytes: int | None
    jobs: tuple[Job, ...]
    missing: tuple[Missing, ...]
    copy_seconds: tuple[float, ...]
    copy_seconds_source: str
    samples: tuple[ResourceSample, ...]
    peak_rss_bytes: int | None
    requests: dict[str, int] = field(default_factory=dict)
    busy_fraction: float | None = None
    others_fraction: float | None = None
    answered: int = 0

    @property
    def bytes_per_second(self) -> float:
        return self.verified_bytes / self.seconds if self.seconds else 0.0

    @property
    def images_per_second(self) -> float:
        return self.verified / self.seconds if self.seconds else 0.0

    @property
    def error_rate(self) -> float:
        """Share of images that did not arrive whole."""
        return 1.0 - self.verified / self.images

    @property
    def cpu_seconds(self) -> float:
        return sum(job.cpu_seconds for job in self.jobs)


@dataclass(frozen=True, slots=True)
class LoadResult:
    workload: str
    drive: str
    images: int
    content_bytes: int
    registries: str
    storage: str
    rounds: tuple[LoadRound, ...]
    reused_images: bool


@dataclass(frozen=True, slots=True)
class StressResult:
    """Steps of the worker ramp in order; several rounds a step are one LoadRound each."""

    workload: str
    steps: tuple[tuple[LoadRound, ...], ...]
    reason: str
    best_workers: int | None


# -- baseline and regression --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BaselineResult:
    path: str
    sha: str
    dirty: bool
    benchmarks: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """One benchmark and metric on both sides. `change` and its interval are fractions of the base (.05: 5 % more).

    `smallest_seen` is the smallest change, as such a fraction, that rounds as noisy and as many would have found in
    four runs of five; None where it was not timed. `more_rounds` is about how many more would decide an unknown row.
    `position` is the benchmark's file:line in the head, "" where it is not known.
    """

    package: str
    name: str
    unit: str
    base: tuple[float, ...]
    head: tuple[float, ...]
    change: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    reason: str
    smallest_seen: float | None = None
    more_rounds: int | None = None
    position: str = ""


@dataclass(frozen=True, slots=True)
class Touch:
    """A commit between the sides that changed lines of a function."""

    sha: str
    subject: str
    author: str


@dataclass(frozen=True, slots=True)
class GrownFunction:
    """A function that costs more at the head. `base` and `head` are its cost per operation: its own instructions, or
    time and allocations with those of the libraries it called.

    `share` is its part of all that grew (0 to 1), 0 where it was touched and may call what grew; `position` its
    file:line in the head's repository, "" outside of it.
    """

    function: str
    position: str
    base: float
    head: float
    share: float
    touched_by: tuple[Touch, ...] = ()


@dataclass(frozen=True, slots=True)
class Blame:
    """What grew in a confirmed regression. `unit` is that of the figures ("instructions/op", "cpu-sec/op", "B/op").

    `files` are the profiles of both sides, relative to the run's directory; `command` shows the difference again.
    """

    package: str
    name: str
    unit: str
    functions: tuple[GrownFunction, ...]
    files: tuple[str, ...] = ()
    command: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Culprit:
    """Which commit a confirmed regression came from: one, several that nothing tells apart, none where not found out.

    `chance` is how likely it is one of them; `summary` says how the search ended, `command` does it again.
    """

    package: str
    name: str
    unit: str
    commits: tuple[Touch, ...]
    chance: float
    summary: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a regression run."""

    sha: str
    subject: str


@dataclass(frozen=True, slots=True)
class RegressionResult:
    """`proven` are packages with identical test binaries; `only_base`, `only_head` name benchmarks of one side.

    `counter` names what counted instructions ("valgrind 3.19.0"), "" where nothing could; `counting_seconds` is how
    long the first counting took. `rounds` are the most that a benchmark was given; `resume` is the command that goes
    on where the time ended, "" when there is nothing left to do.
    """

    base: Side
    head: Side
    against: str
    comparisons: tuple[Comparison, ...]
    proven: tuple[str, ...]
    only_base: tuple[str, ...]
    only_head: tuple[str, ...]
    problems: tuple[Problem, ...]
    rounds: int
    seed: int
    dirty: bool
    counter: str = ""
    counting_seconds: float | None = None
    blames: tuple[Blame, ...] = ()
    resume: str = ""
    culprits: tuple[Culprit, ...] = ()


# -- integration --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TimedTest:
    """One test of the target's own: passed, failed or skipped; `seconds` is None if it never ended."""

    package: str
    name: str
    status: str
    seconds: float | None
    output: str


@dataclass(frozen=True, slots=True)
class IntegrationResult:
    command: tuple[str, ...]
    tests: tuple[TimedTest, ...]
    no_tests: bool
    returncode: int
    seconds: float
    tail: str


# -- objectives and outcomes --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ObjectiveRow:
    """One line of the objectives table; `current` and `holds` are None when it was not measured."""

    metric: str
    target: str
    current: float | None
    unit: str
    holds: bool | None
    note: str = ""


Result = (
    BenchmarksResult
    | LoadResult
    | StressResult
    | BaselineResult
    | RegressionResult
    | IntegrationResult
    | None
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one scenario came to. `summary` is one line for a person; `error` the text of the error it ended in."""

    scenario: str
    status: Status
    exit_code: ExitCode
    summary: str
    seconds: float
    result: Result = None
    objectives: tuple[ObjectiveRow, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One invocation, as `.perf/runs/<id>/outcome.json` keeps it. `version` changes when the form does."""

    version: int
    id: str
    scenario: str
    target: str
    target_sha: str | None
    target_subject: str
    target_dirty: bool
    started: str
    seconds: float
    seed: int
    versions: dict[str, str]
    machine: str
    fingerprint: dict[str, str | int]
    command: tuple[str, ...]
    effort: str
    exit_code: ExitCode
    outcomes: tuple[Outcome, ...]


RUN_RECORD_VERSION = 2
