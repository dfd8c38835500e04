"""The bench that load and stress measure on: replicator built, images seeded, two registries up, rounds on demand."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from perf.context import Context
from perf.errors import RunFailed, UsageError
from perf.load import verify
from perf.load.drive import Driven, drive
from perf.load.images import Image, distinct_bytes, from_json, to_json
from perf.load.jobs import JobPlan, Route, choose_drive, fill, plan_jobs
from perf.load.observe import Observer, Running
from perf.load.seed import kept_images, seed_registry
from perf.load.workload import content_key, describe, plan_images, planned_bytes
from perf.model import LoadRound
from perf.registry import access_log, metrics
from perf.registry.model import Registry, Request
from perf.registry.pair import Pair, open_pair
from perf.suite import Drive, Replicator, Workload
from perf.system import go, usage
from perf.system.files import make_directory, remove_tree
from perf.units import format_size

# Both registries hold the images, and the disk should not be full to the brim.
_STORAGE_NEED: Final = 2.2


@dataclass(frozen=True, slots=True)
class Setup:
    """What is to be measured, checked before anything is built."""

    scenario: str
    name: str
    workload: Workload
    target: str
    replicator: Replicator
    drive: Drive


@dataclass(frozen=True, slots=True)
class Bench:
    """All that rounds need. `content_bytes` counts each distinct blob and manifest once."""

    context: Context
    setup: Setup
    images: tuple[Image, ...]
    content_bytes: int
    reused_images: bool
    binary: Path
    pair: Pair
    room: Path

    def round(self, number: int, workers: int) -> LoadRound:
        """One pass into an empty destination, verified; its raw results lie in `room`/round-<number>.

        `number` counts from 1 over the life of the bench. Raises RunFailed when a registry died.
        """
        if number > 1:
            self.pair.renew_destination()
        room = make_directory(self.room / f"round-{number}")
        route = self.route(number)
        logs = _LogMark.of(self.pair.source), _LogMark.of(self.pair.destination)
        uploaded_before = metrics.uploaded_bytes(self.pair.destination)
        running = Running()
        jobs = self.jobs(route, workers, number)
        before = _Cores.now(self.pair)
        with Observer(running) as observer:
            driven = self._drive(jobs, workers, room, running)
        spent = _Cores.now(self.pair).since(before)
        self.pair.check()
        uploaded_after = metrics.uploaded_bytes(self.pair.destination)
        source_requests, destination_requests = logs[0].requests(), logs[1].requests()
        verified = verify.verify(self.pair.destination, self.images, route.destination_repository)
        self.pair.check()
        if self.setup.drive == "copy" and all(job.copies == 1 for job in driven.jobs):
            took, timed_by = {job.name: job.seconds for job in driven.jobs}, "one process each"
        else:
            repositories = {
                route.source_repository(image): route.destination_repository(image) for image in self.images
            }
            by_source = access_log.copy_times(source_requests, destination_requests, repositories)
            took = {name.removeprefix(route.source_prefix): seconds for name, seconds in by_source.items()}
            timed_by = "the registries' access logs"
        uploaded = (
            None if uploaded_before is None or uploaded_after is None else uploaded_after - uploaded_before
        )
        measured = LoadRound(
            workers=workers,
            images=len(self.images),
            verified=len(verified.arrived),
            seconds=driven.seconds,
            verified_bytes=verified.verified_bytes,
            content_bytes=self.content_bytes,
            uploaded_bytes=uploaded,
            jobs=driven.jobs,
            missing=verified.missing,
            copy_seconds=tuple(took[image.name] for image in verified.arrived if image.name in took),
            copy_seconds_source=timed_by,
            samples=observer.samples,
            peak_rss_bytes=observer.peak_rss_bytes,
            requests={
                **access_log.count_by(source_requests, "source"),
                **access_log.count_by(destination_requests, "destination"),
            },
            busy_fraction=spent.busy / spent.every if spent.every else None,
            others_fraction=spent.others_fraction,
            answered=_answered(jobs, driven, verified),
        )
        self.context.keep(room / "round.json", json.dumps(asdict(measured), indent=1))
        return measured

    def route(self, number: int) -> Route:
        """From the source to where round `number` writes: no round writes where another did, as standing registries
        are not wiped."""
        prefix = self.pair.prefix(self.context.run_directory.name)
        return Route(
            self.pair.source.host,
            self.pair.destination.host,
            prefix,
            f"{prefix}{self.setup.scenario}-{number}",
        )

    def jobs(self, route: Route, workers: int, number: int) -> tuple[JobPlan, ...]:
        """The processes of round `number`, in their random order."""
        setup = self.setup
        seed = f"{self.context.options.seed}/{number}"
        return plan_jobs(setup.replicator, setup.drive, self.images, route, str(self.binary), workers, seed)

    @contextmanager
    def home(self) -> Iterator[tuple[Path, dict[str, str]]]:
        """A new home for the replicator and its environment: what it remembers of blobs would change what it does."""
        home = Path(tempfile.mkdtemp(dir=self.context.processes.scratch, prefix="home-"))
        try:
            yield (
                home,
                self.context.target_environment({"HOME": str(home), **self.setup.replicator.environment}),
            )
        finally:
            remove_tree(home)

    def _drive(self, jobs: tuple[JobPlan, ...], workers: int, room: Path, running: Running) -> Driven:
        with self.home() as (home, environment):
            return drive(
                self.context.processes,
                jobs,
                workers=workers if self.setup.drive == "copy" else 1,
                timeout_seconds=self.setup.workload.timeout,
                environment=environment,
                cwd=home,
                room=room,
                running=running,
                ends_with=self.pair.descriptors(),
            )


@contextmanager
def open_bench(context: Context, setup: Setup) -> Iterator[Bench]:
    """Build, seed and start what `setup` needs, in that order; all is stopped at the end."""
    room = context.room(setup.scenario)
    binary = build_replicator(context, setup)
    plans = plan_images(setup.name, setup.workload)
    key = content_key(setup.name, setup.workload)
    progress = context.progress
    needed = planned_bytes(plans)

    def count(done: int, total: int) -> None:
        progress.count("layers", done, total)

    if context.options.source is None and context.options.destination is None:
        place = context.places.cache / "images" / key
        with progress.step(f"images of workload {setup.name} ({format_size(needed)}; kept for later runs)"):
            images, reused = kept_images(place, plans, count)
        with open_pair(
            context, needed_bytes=round(needed * _STORAGE_NEED), source_content=place / "storage"
        ) as pair:
            try:
                require_whole_source(pair.source, images)
            except RunFailed:
                # A registry that died says nothing of the images.
                pair.check()
                remove_tree(place)
                raise
            yield Bench(context, setup, images, distinct_bytes(images), reused, binary, pair, room)
        return
    with open_pair(context, needed_bytes=round(needed * _STORAGE_NEED)) as pair:
        prefix = pair.prefix(context.run_directory.name)
        # load and stress of one run share what was seeded.
        seeded = context.processes.scratch / f"seeded-{key}.json"
        reused = seeded.exists()
        if not reused:
            with progress.step(f"seeding {pair.source.host} below {prefix} ({format_size(needed)})"):
                images = seed_registry(pair.source, prefix, context.processes.scratch, plans, count)
            context.keep(seeded, to_json(images))
        images = from_json(seeded.read_text("utf-8"))
        yield Bench(context, setup, images, distinct_bytes(images), reused, binary, pair, room)


def set_up(context: Context, scenario: str, workload_name: str) -> Setup | None:
    """What to measure by the options and perf.toml; None for a target without a replicator. Raises UsageError."""
    replicator = context.target.declared.replicator
    if replicator is None:
        return None
    name = context.options.workload or workload_name
    if name not in context.suite.workload:
        raise UsageError(
            f"no workload {name!r} in perf.toml",
            cause=f"declared: {', '.join(context.suite.workload)}",
            next_command="choose one of these with --workload, or declare it",
        )
    drive = choose_drive(context.target.name, replicator, context.options.drive)
    workload = context.suite.workload[name]
    plan_images(name, workload.model_copy(update={"images": 1}))
    return Setup(scenario, name, workload, context.target.name, replicator, drive)


def describe_setup(setup: Setup) -> tuple[str, ...]:
    """Lines of a plan: the workload, and the command as declared."""
    command = setup.replicator.copy_ if setup.drive == "copy" else setup.replicator.tree
    return (
        f"workload {setup.name}: {describe(setup.name, setup.workload)}",
        f"driven by {setup.drive}: {' '.join(command or ())}",
    )


def expected_round_seconds(setup: Setup) -> float:
    """A rough expectation for a plan: 150 MB/s and 30 images/s at most, then verifying, then a new destination."""
    plans = plan_images(setup.name, setup.workload)
    size = planned_bytes(plans)
    return max(size / 150e6, len(plans) / 30.0) + size / 300e6 + len(plans) / 100.0 + 0.5


def build_replicator(context: Context, setup: Setup) -> Path:
    """Run the declared build, always: Go itself knows what is up to date. Raises as perf.system.go.build does."""
    directory = context.target.directory
    go.check_version(context.go, directory)
    key = hashlib.sha256(json.dumps([str(directory), setup.replicator.build]).encode()).hexdigest()[:16]
    binary = make_directory(context.places.cache / "bin" / key) / setup.target
    with context.progress.step(f"building the replicator {setup.target} (first time up to a minute)"):
        argv = fill("build", setup.replicator.build, {"bin": str(binary)})
        go.build(context.go, context.processes, argv, directory)
    if not binary.is_file():
        raise UsageError(
            f"the build of {setup.target} ended well but made no {binary}",
            cause="target.*.replicator.build in perf.toml does not write to {bin}",
            next_command='for example: build = ["go", "build", "-o", "{bin}", "."]',
        )
    return binary


def require_whole_source(source: Registry, images: tuple[Image, ...]) -> None:
    """Raise RunFailed when the source does not serve every image: the replicator must not be blamed for it."""

    def same(image: Image) -> str:
        return image.repository

    found = verify.decide(images, same, verify.ask(source, images, same, with_content=False))
    if found.missing:
        first = found.missing[0]
        raise RunFailed(
            f"the source serves {len(found.arrived)} of {len(images)} images whole; "
            f"{first.repository}:{first.tag}: {first.evidence}",
            cause="the kept images were damaged; they are removed now",
            next_command="run again: they are made anew",
        )


@dataclass(frozen=True, slots=True)
class _LogMark:
    """A place in a registry's access log: what comes after it belongs to the round."""

    registry: Registry
    offset: int

    @classmethod
    def of(cls, registry: Registry) -> _LogMark:
        log = registry.access_log
        return cls(registry, log.stat().st_size if log is not None and log.exists() else 0)

    def requests(self) -> tuple[Request, ...]:
        if self.registry.access_log is None:
            return ()
        with open(self.registry.access_log, encoding="utf-8", errors="replace") as file:
            file.seek(self.offset)
            return tuple(access_log.parse(file).requests)


@dataclass(frozen=True, slots=True)
class _Cores:
    """CPU seconds of the whole machine (busy, and all there were) and of what belongs to the run.

    `ours` holds the suite with its ended children, so the replicator, and the registries; None when these are not ours.
    """

    busy: float
    every: float
    ours: float | None

    @classmethod
    def now(cls, pair: Pair) -> _Cores:
        pids = pair.pids().values()
        ours = usage.own_cpu_seconds() + usage.cpu_seconds_of(pids) if pids else None
        return cls(*usage.busy_and_all_seconds(), ours)

    def since(self, before: _Cores) -> _Cores:
        ours = None if self.ours is None or before.ours is None else self.ours - before.ours
        return _Cores(self.busy - before.busy, self.every - before.every, ours)

    @property
    def others_fraction(self) -> float | None:
        """The share of all cores that went elsewhere: other programs, and what the host took for other machines."""
        if self.ours is None or not self.every:
            return None
        return max(0.0, self.busy - self.ours) / self.every


def _answered(jobs: Sequence[JobPlan], driven: Driven, verified: verify.Verification) -> int:
    """Images that arrived and whose process said so, in time."""
    said = {job.name for job in driven.jobs if job.claims_success}
    arrived = {image.name for image in verified.arrived}
    return sum(image.name in arrived for plan in jobs if plan.name in said for image in plan.images)
