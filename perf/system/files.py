"""The door to files that must not be half written, and to locks between processes."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from perf.errors import Lacking


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write beside and rename: a reader sees the old file or the new one. Raises Lacking when the disk is full."""
    make_directory(path.parent)
    with disk_errors(path):
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            raise


@contextmanager
def disk_errors(path: Path | None) -> Iterator[None]:
    """Turn a full disk, an exceeded quota, a place that is read-only, forbidden or below a plain file into Lacking.

    Without a `path` the error's own is named, or, where it has none, what is printed.
    """
    try:
        yield
    except OSError as error:
        if (told := disk_error(error, path)) is not None:
            raise told from error
        raise


def disk_error(error: OSError, path: Path | None) -> Lacking | None:
    """What `error` says of the disk that holds `path`; None when it is of another kind."""
    place = path or error.filename or "what is printed"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Lacking(
            f"no space left while writing {place}",
            cause="the disk is full; what was written before is kept",
            next_command="free some space there (invoke cache.clear, old runs in .perf/runs), then run again",
        )
    if error.errno == errno.EROFS:
        return Lacking(
            f"cannot write {place}: {error.strerror}",
            cause="its file system is mounted read-only",
            next_command="make it writable, or set PERF_CACHE_DIR to a place that is",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        # Whether it was to be read or written the error does not say.
        return Lacking(
            f"no permission for {place}: {error.strerror}",
            cause="this user may not read or write it, or not enter a directory above it",
            next_command="give this user the permission; what is of the cache can lie elsewhere: set PERF_CACHE_DIR",
        )
    if error.errno == errno.ENOTDIR:
        return _no_directory(place)
    return None


def _no_directory(place: object) -> Lacking:
    return Lacking(
        f"a plain file stands at or above {place}, where a directory is wanted",
        cause="a setting such as PERF_CACHE_DIR names a file, or a place below one",
        next_command="set it to a directory, or move that file away",
    )


def make_directory(path: Path) -> Path:
    """Create `path` and its parents; disk errors, and a file in its place, are told as such."""
    with disk_errors(path):
        try:
            path.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise _no_directory(path) from error
    return path


def remove_tree(path: Path) -> None:
    """Remove a directory whatever its modes are (Go's module cache is read-only); a missing one is fine."""

    def make_writable(_function: object, name: str, _error: object) -> None:
        with suppress(FileNotFoundError):
            os.chmod(os.path.dirname(name), 0o700)
            os.chmod(name, 0o700)
            os.unlink(name) if not os.path.isdir(name) else shutil.rmtree(name, ignore_errors=True)

    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path, onerror=make_writable)


def tree_bytes(path: Path) -> int:
    """Bytes of all files below `path`; 0 when it does not exist. Files that vanish meanwhile are left out."""
    total = 0
    for directory, _, names in os.walk(path):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.lstat(os.path.join(directory, name)).st_size
    return total


@contextmanager
def build_once(path: Path) -> Iterator[Path | None]:
    """Guard what is built once and shared: yields a directory to build in, or None when `path` stands.

    The directory becomes `path` by a rename when the block ends well, so `path` exists whole or not at all.
    A second process waits on the lock and then finds it built.
    """
    if path.exists():
        yield None
        return
    make_directory(path.parent)
    with exclusive(path.parent / f".{path.name}.lock"):
        if path.exists():
            yield None
            return
        unfinished = path.parent / f".{path.name}.unfinished"
        remove_tree(unfinished)
        make_directory(unfinished)
        try:
            yield unfinished
            os.replace(unfinished, path)
        except BaseException:
            # A full disk should not be kept full by what nobody can use.
            remove_tree(unfinished)
            raise


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path`, waiting for it; the kernel lets go when the process ends."""
    with _opened(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[IO[str]]:
    """Open a lock's file. Errors of the disk are told of opening it only, not of what is done under the lock."""
    make_directory(path.parent)
    with ExitStack() as stack:
        with disk_errors(path):
            file = stack.enter_context(open(path, mode, encoding="utf-8"))
        yield file


@contextmanager
def only_run(path: Path, description: str) -> Iterator[None]:
    """One measurement at a time on this machine; raises Lacking that names the other run."""
    with _opened(path, "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise Lacking(
                f"another run is measuring on this machine: {_holder(file.read())}",
                cause="two runs at once would measure each other",
                next_command="wait for it to end, or stop it, then run again",
            ) from error
        with disk_errors(path):
            file.truncate(0)
            file.write(json.dumps({"pid": os.getpid(), "what": description}))
            file.flush()
        yield


def _holder(text: str) -> str:
    try:
        holder = json.loads(text)
        return f"{holder['what']} (process {holder['pid']})"
    except (ValueError, KeyError, TypeError):
        return "its name could not be read"
