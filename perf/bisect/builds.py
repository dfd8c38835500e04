"""Test binaries of places, built when they are asked for: several at a time, and never beside a measurement.

The benchmark's files are held at one version along the whole range, so that a commit which edits the benchmark is not
taken for one that slows the program. All binaries run in the good end's package directory: test data is held, too.
Commits that change nothing a binary is made of share one build.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Final, Literal

from perf.benchmarks.binaries import TestBinary
from perf.bisect.modules import hint_of, packages_declaring
from perf.bisect.revisions import Range
from perf.bisect.sources import FULL, Place, Source, changed_code, link, read
from perf.context import Context
from perf.errors import Interrupted, PerfError, RunFailed, Undecided
from perf.system import host, ranges, trees
from perf.system.inputs import Inputs
from perf.system.parallel import in_parallel

Held = Literal["good", "bad", "own"]
HELD: Final[tuple[Held, ...]] = ("good", "bad", "own")
_AGAIN_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Built:
    """A place's binary; or None and the reason why it has none."""

    binary: TestBinary | None
    reason: str = ""

    @property
    def digest(self) -> str:
        return self.binary.digest if self.binary is not None else ""


class Builds:
    """The binaries of one package along a range. `held` says whose test files they have."""

    def __init__(
        self, context: Context, asked: Range, package: str, good: Path, bad: Path, scratch: Path
    ) -> None:
        self._context, self._range, self._package = context, asked, package
        self._scratch = scratch
        self._known: dict[int, Built] = {}
        self._given_up: dict[str, str] = {}
        self._neighbours: Mapping[int, Sequence[tuple[int, Sequence[str]]]] | None = None
        self._free: list[Path] = []
        self._slots = count()
        self._lock = threading.Lock()
        self._building, self._stopped = 0, False
        self._one_ended = threading.Condition()
        self._completed = 0
        self._hint = ""
        self.held: Held = "good"
        self.linked = 0
        self._notes: list[str] = []
        # Found again where the target lies below the repository's root.
        up = len(Path(asked.checkout.subdirectory).parts)
        roots = {
            end: directory.resolve().parents[up - 1] if up else directory.resolve()
            for end, directory in (("good", good), ("bad", bad))
        }
        hints = (hint_of(self._place(root).directory, root) for root in roots.values())
        self._hint = next((hint for hint in hints if hint), "")
        self._ends = {end: self._read_end(end, root) for end, root in roots.items()}

    @property
    def directory(self) -> Path:
        """Where the binaries run."""
        return self._ends["good"].package.listed.directory

    @property
    def relative(self) -> Path:
        """Where the package lies in the target's directory."""
        return Path(self._package)

    @property
    def names(self) -> tuple[str, ...]:
        """The benchmark functions of the version that is held."""
        return self._ends["bad" if self.held == "bad" else "good"].package.names

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of how they were built."""
        if not self._completed:
            return tuple(self._notes)
        told = f"{self._completed} built with -mod=mod in a copy: their go.mod and go.sum are incomplete"
        return (*self._notes, told)

    def ends(self) -> tuple[Built, Built]:
        """Build both ends, and choose whose test files are held: the good end's, else the bad end's, else their own.

        Raises Undecided, in the compiler's words, when an end does not build with any.
        """
        last = self._range.line.bad
        first: tuple[Built, Built] | None = None
        for held in HELD:
            self.held, self._known = held, {}
            self.ensure([0, last])
            found = (self._known[0], self._known[last])
            first = first or found
            if all(each.binary is not None for each in found):
                if held != "good":
                    self._notes.append(_HELD_NOTES[held])
                if held != "own" and changed_code(self._ends["good"], self._ends["bad"], held=False):
                    self._notes.append(_EDITED.format(held))
                return found
        assert first is not None
        ends = zip(("good", "bad"), first, strict=True)
        name, broken = next((name, each) for name, each in ends if each.binary is None)
        raise Undecided(
            f"the {name} end cannot be measured: {broken.reason}",
            cause="the ends of a search must build",
            next_command=f"name another end: --{name} REV",
        )

    def ensure(self, places: Sequence[int]) -> None:
        """Have these built, as many at a time as there are cores; one of those that must have the same binary."""
        left = [place for place in dict.fromkeys(places) if place not in self._known]
        wanted, cores = len(left), host.cores()
        while left:
            # Far apart: neighbours are likeliest to be the same.
            few = (
                [left[number * len(left) // cores] for number in range(cores)] if len(left) > cores else left
            )
            built = in_parallel(self._build, few, cores, on_failure=self._stop_builds)
            self.linked += len(few)
            for place, (found, inputs) in zip(few, built, strict=True):
                each = self._judged(found)
                self._known[place] = each
                if inputs is not None:
                    self._known.update(dict.fromkeys(self._same_source(place, inputs), each))
            left = [place for place in left if place not in self._known]
            self._context.progress.count("test binaries built", wanted - len(left), wanted)

    def at(self, place: int) -> Built:
        """What was built of a place; builds it where nothing was yet."""
        self.ensure([place])
        return self._known[place]

    def known(self) -> dict[int, Built]:
        return dict(self._known)

    def give_up(self, digest: str, reason: str) -> None:
        """A binary that builds and cannot be measured is as one that does not build."""
        self._given_up[digest] = reason
        self._known = {place: self._judged(each) for place, each in self._known.items()}

    def changed_between(self, before: int, after: int) -> bool:
        """Whether the benchmark's own code, or data in it, is another in the binaries of these places.

        Never where one version is held, but for what tests and program both embed.
        """
        held = self.held != "own"
        if held and not any(each.package.listed.test_embeds for each in self._ends.values()):
            return False
        with self._opened(before) as one, self._opened(after) as other:
            old, new = (read(self._context, self._place(root)) for root in (one, other))
            return changed_code(old, new, held=held)

    @contextmanager
    def checked_out(self, place: int) -> Iterator[Path]:
        """The target's directory as this place has it."""
        with self._opened(place) as root:
            yield root / self._range.checkout.subdirectory

    @contextmanager
    def _opened(self, place: int) -> Iterator[Path]:
        with self._lock:
            where = self._scratch / f"{next(self._slots):06}"
        with trees.exported(self._range.checkout, self._range.commits[place].sha, where):
            yield where.resolve()

    @contextmanager
    def _slot(self, place: int) -> Iterator[Path]:
        """The repository's files at this place, in a directory that is used again: only what differs is written."""
        with self._lock:
            where = self._free.pop() if self._free else self._scratch / f"{next(self._slots):06}"
        try:
            trees.fill(self._range.checkout, self._range.commits[place].sha, where)
            yield where.resolve()
        finally:
            with self._lock:
                self._free.append(where)

    def _stop_builds(self) -> None:
        """A build is several processes, one after the other: those that begin after the first are stopped are, too."""
        with self._one_ended:
            self._stopped = True
            while self._building:
                self._context.processes.stop_running()
                self._one_ended.wait(_AGAIN_SECONDS)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._one_ended:
            if self._stopped:
                raise Interrupted("the search is ending; nothing more is built")
            self._building += 1
        try:
            yield
        finally:
            with self._one_ended:
                self._building -= 1
                self._one_ended.notify_all()

    def _build(self, place: int) -> tuple[Built, Inputs | None]:
        try:
            with self._counted(), self._slot(place) as root:
                return self._build_in(root)
        except PerfError as error:
            # A full disk, and an interrupted run, are no property of a commit.
            if isinstance(error, Interrupted) or error.cause.startswith(FULL):
                raise
            return Built(None, error.what.splitlines()[0]), None

    def _build_in(self, root: Path) -> tuple[Built, Inputs | None]:
        held = None if self.held == "own" else self._ends[self.held]
        try:
            linked = link(self._context, self._place(root), held)
        except RunFailed as error:
            return Built(None, f"{error.what}{self._moved(root)}"), None
        if linked.binary is None:
            what = "does not compile" if ".go:" in linked.reason else "does not build"
            return Built(None, f"{what}: {linked.reason}"), None
        with self._lock:
            self._completed += linked.completed
        return Built(replace(linked.binary, directory=self.directory)), linked.inputs

    def _judged(self, built: Built) -> Built:
        reason = self._given_up.get(built.digest)
        return built if reason is None else Built(None, reason)

    def _same_source(self, place: int, inputs: Inputs) -> list[int]:
        """Unbuilt places around this one, reached through commits that change nothing of what its binary is made of."""
        if self._neighbours is None:
            self._neighbours = self._list_neighbours()
        found: dict[int, None] = {}
        reached = [place]
        while reached:
            for other, paths in self._neighbours.get(reached.pop(), ()):
                if other in self._known or other in found or any(map(inputs.may_read, paths)):
                    continue
                found[other] = None
                reached.append(other)
        return list(found)

    def _list_neighbours(self) -> dict[int, list[tuple[int, Sequence[str]]]]:
        """For each place those that one commit lies between, with the paths it changed."""
        commits = self._range.commits
        places = {commit.sha: place for place, commit in enumerate(commits)}
        told = ranges.touched(
            self._range.checkout,
            commits[0].sha,
            commits[-1].sha,
            all_parents=bool(self._range.line.parents),
        )
        found: dict[int, list[tuple[int, Sequence[str]]]] = {}
        for sha, each in told.items():
            place, parent = places.get(sha), places.get(each.parent)
            if place is not None and parent is not None:
                found.setdefault(place, []).append((parent, each.paths))
                found.setdefault(parent, []).append((place, each.paths))
        return found

    def _place(self, root: Path) -> Place:
        directory = root / self._range.checkout.subdirectory / self._package
        return Place(self._package, directory, root, self._hint)

    def _read_end(self, end: str, root: Path) -> Source:
        try:
            return read(self._context, self._place(root))
        except RunFailed as error:
            raise Undecided(
                f"{error.what} at the {end} end{self._moved(root)}",
                cause="it was added, moved or removed in the range",
                next_command=f"name another end: --{end} REV",
            ) from error

    def _moved(self, root: Path) -> str:
        """Where the benchmark is instead."""
        bench = self._context.options.bench
        others = packages_declaring(root / self._range.checkout.subdirectory, bench)
        return f", but {bench!r} chooses benchmarks of {others[0]} there" if others else ""


_EDITED: Final = (
    "the benchmark itself was edited in the range; the {} end's code of it ran everywhere, so what that edit does to "
    "its figures is not seen here"
)
_HELD_NOTES: Final[dict[Held, str]] = {
    "good": "",
    "bad": "the good end's benchmark files do not compile at the bad end: the bad end's are used along the range",
    "own": "no version of the benchmark's files compiles at both ends: each commit runs its own",
}
