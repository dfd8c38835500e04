"""Where baselines lie: baselines/<target>/<machine>/<full sha>.json, each written whole or not at all."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

from perf.baseline.machines import differences
from perf.baseline.pyperf_file import VERSION, StoredBaseline, to_text
from perf.baseline.reading import checksum_holds, from_raw, version_of
from perf.context import Context
from perf.errors import Lacking, PerfError, Undecided, UsageError
from perf.system import files
from perf.system.places import Places

_MEASURE_AGAIN: Final = "measure it again: ./noxw -s baseline"
_DIRTY: Final = "-dirty"
_NAME: Final = re.compile(rf"([0-9a-f]{{40}}|[0-9a-f]{{64}})(?:{_DIRTY})?\.json")
_KINDS: Final[tuple[tuple[Callable[[int], bool], str], ...]] = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a directory"),
    (lambda mode: not stat.S_ISREG(mode), "neither a file nor a directory"),
)


def root(places: Places) -> Path:
    """Where the baselines of all targets lie."""
    return places.output_root / "baselines"


def target_directory(places: Places, target: str) -> Path:
    """Where the baselines of one target lie, a directory for each machine."""
    return root(places) / (re.sub(r"[^A-Za-z0-9._-]+", "-", target).strip(".-") or "target")


def directory(context: Context) -> Path:
    """Where the baselines of this target and this machine lie."""
    return target_directory(context.places, context.target.name) / context.fingerprint.machine()


def path_for(context: Context, sha: str, *, dirty: bool = False) -> Path:
    """The file of one commit; what a dirty tree gave stands apart and is never taken for the commit."""
    return directory(context) / file_name(sha, dirty=dirty)


def file_name(sha: str, *, dirty: bool = False) -> str:
    return f"{sha}{_DIRTY if dirty else ''}.json"


def sha_in(path: Path) -> str | None:
    """The commit that a baseline's file is named after; None when this is no such name."""
    match = _NAME.fullmatch(path.name)
    return match[1] if match else None


def save(path: Path, baseline: StoredBaseline) -> None:
    """Write the file beside and rename it; one that stands is replaced. Raises Lacking when the disk refuses."""
    text = to_text(baseline)
    try:
        files.write_atomically(path, text)
    except OSError as error:
        raise Lacking(
            f"cannot write {path}: {error.strerror}",
            cause="something else stands in its place",
            next_command=f"remove it and {_MEASURE_AGAIN}",
        ) from error


def load(path: Path) -> StoredBaseline:
    """Read the baseline of the commit that the file's name tells.

    Raises UsageError where there is none, Undecided where it is not whole, another's or edited by hand, Lacking where
    it is newer. A link is not followed: what it points to is not what was measured here.
    """
    text = _text(path)
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _bad(f"{path} is not whole: {error}", "it was truncated or edited by hand") from error
    version = version_of(raw)
    if version is not None and version > VERSION:
        raise Lacking(
            f"{path} was made by a newer perf (its form is version {version}, this perf reads {VERSION})",
            cause="the suite was updated elsewhere",
            next_command="update: git pull",
        )
    try:
        baseline = from_raw(raw)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _bad(
            f"{path} is not a baseline: {type(error).__name__}: {error}",
            "it holds no runs, or another program wrote it",
        ) from error
    if checksum_holds(text, raw) is False:
        raise _bad(
            f"{path} was changed after it was measured: its checksum is another",
            "it was edited by hand, or another program wrote it anew",
        )
    if baseline.sha != path.stem.removesuffix(_DIRTY):
        raise _bad(
            f"{path} holds figures of {baseline.sha}, not of the commit in its name",
            "it was renamed or edited by hand",
        )
    return baseline


def nearest(context: Context, shas: Iterable[str]) -> Path | None:
    """The file of the first of these commits that was measured on this machine.

    Where none was, of the first that was measured on any: the one whose fingerprint differs in the fewest fields. Its
    times say nothing here, its counts may.
    """
    shas = tuple(shas)
    paths = (path_for(context, sha) for sha in shas)
    if (here := next((path for path in paths if path.exists()), None)) is not None:
        return here
    others = machines(target_directory(context.places, context.target.name))
    for sha in shas:
        if elsewhere := [path for each in others if (path := each / file_name(sha)).exists()]:
            return min(elsewhere, key=lambda path: _strangeness(context, path))
    return None


def every_file(directory: Path) -> Iterator[Path]:
    """What lies in the directories of a target's machines, in order; links to directories are not followed."""
    for machine in machines(directory):
        yield from sorted(machine.iterdir())


def targets(places: Places) -> tuple[str, ...]:
    """The targets that have baselines, by their directories' names."""
    return tuple(each.name for each in _directories(root(places)))


def machines(directory: Path) -> list[Path]:
    """The directories of a target's machines, in order."""
    return _directories(directory)


def _directories(place: Path) -> list[Path]:
    if not place.is_dir():
        return []
    return sorted(each for each in place.iterdir() if each.is_dir() and not each.is_symlink())


def _strangeness(context: Context, path: Path) -> float:
    try:
        return len(differences(load(path).fingerprint, asdict(context.fingerprint)))
    except PerfError:
        return float("inf")


def _text(path: Path) -> str:
    try:
        mode = path.lstat().st_mode
        # Reading a pipe would wait for a writer, and a link's file is another's.
        for is_kind, kind in _KINDS:
            if is_kind(mode):
                raise _bad(f"{path} cannot be read: it is {kind}", "something else stands in its place")
        return path.read_text("utf-8")
    except FileNotFoundError as error:
        raise UsageError(
            f"there is no baseline {path}",
            cause="this commit was not measured on this machine",
            next_command=_MEASURE_AGAIN,
        ) from error
    except OSError as error:
        raise _bad(f"{path} cannot be read: {error.strerror}", "this user may not read it") from error
    except ValueError as error:
        raise _bad(f"{path} is not whole: {error}", "it was truncated or edited by hand") from error


def _bad(what: str, cause: str) -> Undecided:
    return Undecided(what, cause=cause, next_command=f"remove it and {_MEASURE_AGAIN}")
