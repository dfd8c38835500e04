"""Counts of earlier runs, by the content of what was counted: counting the same base again costs nothing."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from perf.benchmarks.binaries import TestBinary
from perf.context import Context
from perf.system import files
from perf.system.counters import Counter
from perf.work.lengths import Lengths, Run, Side

ROOM: Final = "counts"
# What is counted, and with which flags: a change of either makes all that is kept another thing.
_METHOD: Final = 1
# Of the machine and of this run, not of what is counted; GO* of Go's own that only builds read.
_NOT_COUNTED: Final = (
    *(
        "PATH",
        "HOME",
        "TMPDIR",
        "LANG",
        "GOPATH",
        "GOPROXY",
        "GOSUMDB",
        "GOPRIVATE",
        "GONOPROXY",
        "GONOSUMDB",
    ),
    *("GOINSECURE", "GOFLAGS", "GOMODCACHE", "GOCACHE", "GOTOOLCHAIN", "GOTELEMETRY"),
)
_STRIP_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Kept:
    """The counts of one benchmark of one binary, in a small file. `what` is all that they depend on."""

    path: Path
    what: Mapping[str, object]
    lengths: Lengths | None
    counts: Mapping[int, tuple[int, ...]]

    def runs(self, side: Side) -> dict[Run, int]:
        """The counts as processes of that side."""
        return {
            Run(side, iterations, number): count
            for iterations, counts in self.counts.items()
            for number, count in enumerate(counts)
        }


def look_up(
    context: Context,
    counter: Counter,
    binary: TestBinary,
    data_digest: str,
    benchmark: str,
    environment: Mapping[str, str],
) -> Kept:
    """What is known of a benchmark; nothing where its file is not whole. `data_digest` is of what it reads."""
    what: dict[str, object] = {
        "method": _METHOD,
        "counter": counter.name,
        "prefix": list(counter.prefix),
        "cpu": [context.fingerprint.cpu_model, context.fingerprint.cpu_flags],
        "binary": binary.digest,
        "data": data_digest,
        "benchmark": benchmark,
        "environment": {name: value for name, value in environment.items() if name not in _NOT_COUNTED},
    }
    key = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
    path = context.places.cache / ROOM / key[:2] / f"{key}.json"
    try:
        known = json.loads(path.read_text("utf-8"))
        lengths = Lengths(*map(int, known["lengths"])) if known["lengths"] else None
        counts = {int(length): tuple(map(int, each)) for length, each in known["counts"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        lengths, counts = None, {}
    return Kept(path, what, lengths, counts)


def keep(known: Kept, lengths: Lengths | None, counts: Mapping[int, Sequence[int]]) -> Kept:
    """Keep the counts for the runs to come; raises Lacking when the disk refuses."""
    now = replace(known, lengths=lengths, counts={length: tuple(each) for length, each in counts.items()})
    if now != known:
        content = {
            "what": known.what,
            "lengths": [lengths.short, lengths.long] if lengths else None,
            "counts": {str(length): each for length, each in now.counts.items()},
        }
        files.write_atomically(known.path, json.dumps(content))
    return now


def stripped(context: Context, binary: TestBinary) -> Path:
    """The binary without its symbols, which start a fifth faster under valgrind; itself where it cannot be stripped."""
    assert binary.path is not None, "a binary that was not built cannot be counted"
    place = binary.path.with_name(f"{binary.path.name}.stripped")
    environment = context.target_environment()
    if shutil.which("strip", path=environment["PATH"]) is None:
        return binary.path
    try:
        with files.build_once(place) as directory:
            if directory is not None:
                argv = ["strip", "-o", str(directory / binary.path.name), str(binary.path)]
                done = context.processes.run(argv, environment=environment, timeout_seconds=_STRIP_SECONDS)
                if not done.ok:
                    raise _NotStripped
    except _NotStripped:
        return binary.path
    return place / binary.path.name


class _NotStripped(Exception):
    """Leaves the block of build_once, which then keeps nothing."""
