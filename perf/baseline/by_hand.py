"""What one does with baselines by hand: list, show, prune, verify."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import click

from perf import targets
from perf.baseline import inventory, store
from perf.baseline.inventory import Entry
from perf.context import ResolvedTarget
from perf.errors import ExitCode, PerfError, UsageError
from perf.invocation import doors, read_suite
from perf.suite import Suite
from perf.system import clock, commits, files, git, host
from perf.system.git import Checkout
from perf.system.places import Places
from perf.system.progress import Progress
from perf.units import format_size


@dataclass(frozen=True, slots=True)
class _Asked:
    """The baselines that a command is about, by target, and the checkouts that are here."""

    places: Places
    targets: tuple[str, ...]
    checkouts: dict[str, Checkout]


def baseline_list(target: str | None = None) -> ExitCode:
    """Every baseline, newest first; of one target where one is named."""
    with doors() as (places, _, progress):
        asked = _asked(places, target, progress)
        entries = inventory.find(places, asked.targets)
        click.echo(inventory.listing(entries, _subjects(asked, entries)))
    return ExitCode.FINE


def baseline_show(revision: str = "HEAD", target: str | None = None) -> ExitCode:
    """The figures of one commit: of this machine, else of another that measured it. Raises UsageError without one."""
    with doors() as (places, _, progress):
        found = targets.resolve(places, read_suite(places), target, progress)
        if found.checkout is None:
            raise UsageError(
                f"{found.directory} is not in a git repository, so no commit of it has a baseline",
                next_command="git clone the target and give that path: --target PATH",
            )
        commit = git.resolve(found.checkout, revision)
        path = _path_of(places, found, commit.sha)
        baseline = store.load(path)
        click.echo(inventory.figures(baseline, commit.subject))
        click.echo(f"\n{path}: {format_size(path.stat().st_size)}")
        if words := inventory.older(baseline):
            click.echo(words)
    return ExitCode.FINE


def baseline_prune(
    keep: int | None = None,
    older_than_days: int | None = None,
    target: str | None = None,
    *,
    yes: bool = False,
) -> ExitCode:
    """Show what would be removed, and with `yes` remove it. What git tracks, and what is no baseline, stays.

    Raises UsageError when neither `keep` nor `older_than_days` says which.
    """
    if keep is None and older_than_days is None:
        raise UsageError(
            "baseline prune needs to know which", next_command="give --keep N, --older-than DAYS, or both"
        )
    with doors() as (places, _, progress):
        asked = _asked(places, target, progress)
        entries = inventory.find(places, asked.targets)
        older_than = None if older_than_days is None else timedelta(days=older_than_days)
        chosen, in_git = inventory.prunable(
            entries, commits.tracked(store.root(places)), clock.now(), keep=keep, older_than=older_than
        )
        if chosen:
            click.echo(inventory.listing(chosen, _subjects(asked, chosen)))
        if in_git:
            click.echo(f"{len(in_git)} more stay, since git tracks them: git rm is for those")
        size = format_size(sum(each.size_bytes for each in chosen))
        if not yes:
            more = "; with --yes they are removed" if chosen else ""
            click.echo(f"would remove {len(chosen)} baselines, {size}{more}")
            return ExitCode.FINE
        for each in chosen:
            with files.disk_errors(each.path):
                each.path.unlink(missing_ok=True)
        click.echo(f"removed {len(chosen)} baselines, {size}")
    return ExitCode.FINE


def baseline_verify(target: str | None = None) -> ExitCode:
    """Read every baseline whole and say what is amiss; exit 1 when something is."""
    with doors() as (places, _, progress):
        asked = _asked(places, target, progress)
        entries = inventory.find(places, asked.targets)
        known = _subjects(asked, entries)
        amiss = 0
        for each in entries:
            faults, note = _examine(asked, each, known)
            amiss += bool(faults)
            for words in faults:
                click.echo(f"amiss: {_shown(places, each.path)}: {words}")
            if note:
                click.echo(f"note: {_shown(places, each.path)}: {note}")
        for name in asked.targets:
            if name not in asked.checkouts:
                click.echo(f"note: {name}: no checkout of it is here, so its commits are not looked up")
            elif git.is_shallow(asked.checkouts[name]):
                click.echo(
                    f"note: {name}: the clone is shallow, so commits it lacks are not held against a baseline"
                )
        click.echo(f"{len(entries)} files, {amiss} amiss" if entries else "no baselines")
    return ExitCode.FAILED if amiss else ExitCode.FINE


def _examine(asked: _Asked, entry: Entry, known: dict[str, str]) -> tuple[list[str], str]:
    """What is amiss in a file, and what is merely to be told of it."""
    if store.sha_in(entry.path) is None:
        if entry.path.suffix == ".json" and not entry.path.name.startswith("."):
            return ["it is not named after a full commit hash, so it is never found"], ""
        return [], "is no baseline"
    try:
        baseline = store.load(entry.path)
    except PerfError as error:
        return [error.what.removeprefix(f"{entry.path} ")], ""
    faults = inventory.faults(entry, baseline)
    checkout = asked.checkouts.get(entry.target)
    if checkout and baseline.sha not in known and not git.is_shallow(checkout):
        faults.append(f"its commit is not in {checkout.root}")
    return faults, inventory.older(baseline)


def _asked(places: Places, target: str | None, progress: Progress) -> _Asked:
    """A target by the name its baselines lie under, or as a scenario takes it; all that have any without a word."""
    suite, here = read_suite(places), store.targets(places)
    named = None if target is None or target in here else targets.resolve(places, suite, target, progress)
    names = here if target is None else (target,) if named is None else (_directory(places, named.name),)
    found = [each for each in (named, *_local(places, suite, progress)) if each is not None]
    checkouts = {_directory(places, each.name): each.checkout for each in reversed(found) if each.checkout}
    return _Asked(places, names, checkouts)


def _local(places: Places, suite: Suite, progress: Progress) -> list[ResolvedTarget]:
    """The targets that need no network to be found: the one that a scenario takes without a word, and those by path."""
    found = []
    for name in (None, *(name for name, declared in suite.target.items() if declared.path is not None)):
        try:
            found.append(targets.resolve(places, suite, name, progress))
        except PerfError as error:
            progress.note(error.what)
    return found


def _directory(places: Places, target: str) -> str:
    return store.target_directory(places, target).name


def _subjects(asked: _Asked, entries: tuple[Entry, ...]) -> dict[str, str]:
    shas: dict[str, list[str]] = {}
    for each in entries:
        if each.summary is not None:
            shas.setdefault(each.target, []).append(each.summary.sha)
    told: dict[str, str] = {}
    for name, checkout in asked.checkouts.items():
        told |= commits.subjects(checkout, shas.get(name, ()))
    return told


def _path_of(places: Places, target: ResolvedTarget, sha: str) -> Path:
    """This machine's file of the commit, else another's, else that of a dirty tree; raises UsageError without one."""
    directory = store.target_directory(places, target.name)
    here = directory / host.fingerprint("").machine()
    machines = [here, *(each for each in store.machines(directory) if each != here)]
    for dirty in (False, True):
        for machine in machines:
            if (path := machine / store.file_name(sha, dirty=dirty)).exists():
                return path
    raise UsageError(
        f"{sha[:12]} has no baseline in {_shown(places, directory)}",
        cause="it was not measured, or pruned",
        next_command="measure it: ./noxw -s baseline; or see what there is: python -m perf baseline list",
    )


def _shown(places: Places, path: Path) -> str:
    return os.path.relpath(path, places.root) if path.is_relative_to(places.root) else str(path)
