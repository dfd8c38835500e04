"""Where baselines lie: baselines/<target>/<machine>/<full sha>.json, each written whole or not at all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from perf.baseline.pyperf_file import VERSION, VERSION_KEY, StoredBaseline, from_text, to_text
from perf.context import Context
from perf.errors import Lacking, Undecided, UsageError
from perf.system import files

_MEASURE_AGAIN = "measure it again: ./noxw -s baseline"
_DIRTY = "-dirty"


def directory(context: Context) -> Path:
    """Where the baselines of this target and this machine lie."""
    target = re.sub(r"[^A-Za-z0-9._-]+", "-", context.target.name).strip(".-") or "target"
    return context.places.output_root / "baselines" / target / context.fingerprint.machine()


def path_for(context: Context, sha: str, *, dirty: bool = False) -> Path:
    """The file of one commit; what a dirty tree gave stands apart and is never taken for the commit."""
    return directory(context) / f"{sha}{_DIRTY if dirty else ''}.json"


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

    Raises UsageError where there is none, Undecided where it is not whole or another's, Lacking where it is newer.
    """
    try:
        text = path.read_text("utf-8")
        raw = json.loads(text)
    except FileNotFoundError as error:
        raise UsageError(
            f"there is no baseline {path}",
            cause="this commit was not measured on this machine",
            next_command=_MEASURE_AGAIN,
        ) from error
    except OSError as error:
        raise Undecided(
            f"{path} cannot be read: {error.strerror}",
            cause="something else stands in its place, or this user may not read it",
            next_command=f"remove it and {_MEASURE_AGAIN}",
        ) from error
    except (ValueError, RecursionError) as error:
        raise Undecided(
            f"{path} is not whole: {error}",
            cause="it was truncated or edited by hand",
            next_command=f"remove it and {_MEASURE_AGAIN}",
        ) from error
    version = _version(raw)
    if version is not None and version > VERSION:
        raise Lacking(
            f"{path} was made by a newer perf (its form is version {version}, this perf reads {VERSION})",
            cause="the suite was updated elsewhere",
            next_command="update: git pull",
        )
    try:
        baseline = from_text(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Undecided(
            f"{path} is not a baseline: {type(error).__name__}: {error}",
            cause="it holds no runs, or another program wrote it",
            next_command=f"remove it and {_MEASURE_AGAIN}",
        ) from error
    if baseline.sha != path.stem.removesuffix(_DIRTY):
        raise Undecided(
            f"{path} holds figures of {baseline.sha}, not of the commit in its name",
            cause="it was renamed or edited by hand",
            next_command=f"remove it and {_MEASURE_AGAIN}",
        )
    return baseline


def nearest(context: Context, shas: Iterable[str]) -> Path | None:
    """The file of the first of these commits that was measured on this machine."""
    paths = (path_for(context, sha) for sha in shas)
    return next((path for path in paths if path.exists()), None)


def differences(stored: Mapping[str, str | int], here: Mapping[str, str | int]) -> tuple[str, ...]:
    """The fields in which two fingerprints differ: "kernel: 6.1 then, 6.8 now". Empty on the same machine."""
    return tuple(
        f"{name}: {stored.get(name, 'not recorded')} then, {here.get(name, 'not recorded')} now"
        for name in sorted({*stored, *here})
        if stored.get(name) != here.get(name)
    )


def _version(raw: Any) -> int | None:
    """The form's version, which stands in the metadata that all runs share; None when it cannot be told."""
    metadata = raw.get("metadata") if isinstance(raw, dict) else None
    version = metadata.get(VERSION_KEY) if isinstance(metadata, dict) else None
    return version if isinstance(version, int) else None
