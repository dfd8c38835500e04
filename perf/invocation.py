"""One invocation from its arguments to its exit code: find everything, run, keep the record, show it."""

from __future__ import annotations

import os
import platform
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from rich.console import Console

from perf import __version__, everything, targets
from perf.context import Context, Options
from perf.errors import ExitCode, PerfError
from perf.model import RUN_RECORD_VERSION, Outcome, RunRecord
from perf.registry import distribution, external
from perf.report import exports, markdown, plan, record, terminal
from perf.suite import Suite, parse_suite
from perf.system import clock, files, git, go, host
from perf.system.places import Places, find_places
from perf.system.processes import Processes, interruptible
from perf.system.progress import Progress

LOG_WIDTH = 120


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked on the command line."""

    scenario: str
    options: Options
    target: str | None = None
    full: bool = False
    dry_run: bool = False
    command: tuple[str, ...] = ()


def read_suite(places: Places) -> Suite:
    return parse_suite(places.configuration.read_text("utf-8", "replace"), "perf.toml")


@contextmanager
def doors() -> Iterator[tuple[Places, Processes, Progress]]:
    """Places, processes and progress of one invocation; signals clean up."""
    with interruptible():
        git.leave_callers_repository()
        places = find_places(Path.cwd(), dict(os.environ))
        with Processes() as processes:
            yield places, processes, Progress()


def invoke(request: Request) -> ExitCode:
    """Run what was asked; the exit code. Errors that no scenario caught pass upward as PerfError."""
    with files.disk_errors(None), doors() as (places, processes, progress):
        context = _context(request, places, processes, progress)
        if request.dry_run:
            return _show_plan(request, context)
        with files.only_run(places.cache / "locks" / "measuring", f"{request.scenario} in {places.root}"):
            return _measure(request, context)


def with_context(request: Request, act: Callable[[Context], ExitCode]) -> ExitCode:
    """Do something by hand that measures: with the target found, alone on the machine; no record is kept."""
    with files.disk_errors(None), doors() as (places, processes, progress):
        context = _context(request, places, processes, progress)
        with files.only_run(places.cache / "locks" / "measuring", f"{request.scenario} in {places.root}"):
            return act(context)


def _context(request: Request, places: Places, processes: Processes, progress: Progress) -> Context:
    suite = read_suite(places)
    external.check_options(request.options.source, request.options.destination)
    target = replace(targets.resolve(places, suite, request.target, progress), asked=request.target)
    if target.note:
        progress.note(target.note)
    if not places.writable:
        progress.note(f"{places.root} is read-only: results go to {places.state}")
    toolchain = go.find_go(places, processes, progress, os.environ)
    identity = f"{clock.now():%Y%m%d-%H%M%S}-{request.scenario}-{secrets.token_hex(2)}"
    return Context(
        places=places,
        suite=suite,
        target=target,
        effort_name="full" if request.full else "quick",
        options=request.options,
        processes=processes,
        progress=progress,
        go=toolchain,
        fingerprint=host.fingerprint(toolchain.version, target.declared.environment),
        run_directory=places.runs / identity,
        caller=dict(os.environ),
    )


def _show_plan(request: Request, context: Context) -> ExitCode:
    """In `all` a scenario that cannot run is a line among the others; alone it is the answer."""
    plans: dict[str, tuple[tuple[str, ...], float]] = {}
    for name in everything.names_of(request.scenario):
        try:
            planned = everything.SCENARIOS[name].plan(context)
            # In `all` the baseline keeps what benchmarks and load have measured: that takes no time of its own.
            free = request.scenario == "all" and name == "baseline"
            plans[name] = (planned.lines[-1:], 0.0) if free else (planned.lines, planned.expected_seconds)
        except PerfError as error:
            if request.scenario != "all":
                raise
            plans[name] = (tuple(str(error).splitlines()), 0.0)
    Console(soft_wrap=True, highlight=False, markup=False).print(plan.text(plans))
    return ExitCode.FINE


def _measure(request: Request, context: Context) -> ExitCode:
    started, started_seconds = clock.now(), clock.monotonic_seconds()
    identity = _target_identity(context)
    kept: list[RunRecord] = []

    def keep(outcomes: tuple[Outcome, ...]) -> None:
        seconds = clock.monotonic_seconds() - started_seconds
        kept.append(_record(request, context, identity, started, seconds, outcomes))
        files.write_atomically(context.run_directory / "outcome.json", record.dump(kept[-1]))
        for name, text in exports.exports(kept[-1]).items():
            files.write_atomically(context.run_directory / name, text)

    try:
        everything.run_scenarios(context, request.scenario, keep)
        report = _write_report(context, kept[-1]) if request.scenario == "all" else None
    except PerfError:
        # An interruption, or no disk for the record or the report: what was measured is shown at least.
        if kept:
            _show(context, kept[-1], None)
        raise
    _show(context, kept[-1], report)
    return kept[-1].exit_code


@dataclass(frozen=True, slots=True)
class _Identity:
    sha: str | None
    subject: str
    dirty: bool


def _target_identity(context: Context) -> _Identity:
    checkout = context.target.checkout
    if checkout is None or not git.has_commits(checkout):
        return _Identity(None, "", dirty=False)
    commit = git.head(checkout)
    return _Identity(commit.sha, commit.subject, git.is_dirty(checkout))


def _record(
    request: Request,
    context: Context,
    identity: _Identity,
    started: datetime,
    seconds: float,
    outcomes: tuple[Outcome, ...],
) -> RunRecord:
    return RunRecord(
        version=RUN_RECORD_VERSION,
        id=context.run_directory.name,
        scenario=request.scenario,
        target=context.target.name,
        target_sha=identity.sha,
        target_subject=identity.subject,
        target_dirty=identity.dirty,
        started=started.isoformat(timespec="seconds"),
        seconds=seconds,
        seed=context.options.seed,
        versions=_versions(),
        machine=context.fingerprint.machine(),
        fingerprint=asdict(context.fingerprint),
        command=request.command,
        effort=context.effort_name,
        exit_code=everything.exit_code(request.scenario, outcomes),
        outcomes=outcomes,
    )


def _versions() -> dict[str, str]:
    """What took part in the measuring, besides the target: Go's stands in the fingerprint."""
    return {
        "perf": __version__,
        "python": platform.python_version(),
        "distribution": distribution.VERSION,
    }


def _write_report(context: Context, done: RunRecord) -> Path:
    """docs/performance-test-<date>.md; a second run of a day gets a number, nothing is overwritten."""
    docs = context.places.output_root / "docs"
    stem = f"performance-test-{clock.today()}"
    names = (f"{stem}.md", *(f"{stem}-{number}.md" for number in range(2, 10_000)))
    path = next(docs / name for name in names if not (docs / name).exists())
    files.write_atomically(path, markdown.report(done))
    return path


def _show(context: Context, done: RunRecord, report: Path | None) -> None:
    # A log has no width of its own, and rich would take 80: too narrow for the tables.
    narrow = sys.stdout.isatty() or "COLUMNS" in context.caller
    console = Console(highlight=False, width=None if narrow else LOG_WIDTH)
    where = [f"raw results: {context.shown(context.run_directory)}"]
    if report is not None:
        where.append(f"report: {context.shown(report)}")
    if any((context.run_directory / name).exists() for name in exports.NAMES):
        where.append(exports.where(context.shown(context.run_directory)))
    github = context.caller.get("GITHUB_ACTIONS") == "true"
    with _no_commands() if github else nullcontext():
        console.print(terminal.summary(done, console.width), crop=False)
        for line in where:
            console.print(line, soft_wrap=True, markup=False)
    if github:
        _tell_github(context, done)


@contextmanager
def _no_commands() -> Iterator[None]:
    """GitHub takes no line printed within the block for a command: commits and compilers may say "::error" too."""
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}")
    try:
        yield
    finally:
        print(f"::{token}::")


def _tell_github(context: Context, done: RunRecord) -> None:
    """Annotations in the log, and the job's summary. A summary that cannot be written changes no verdict."""
    for line in exports.github_commands(done):
        print(line)
    if not (named := context.caller.get("GITHUB_STEP_SUMMARY")):
        return
    try:
        with open(named, "a", encoding="utf-8") as file:
            file.write(exports.step_summary(done, file.tell()))
    except OSError as error:
        context.progress.note(f"the job's summary was not written: {error}")
