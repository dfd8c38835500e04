"""A search that is ended while it builds, in whatever way, leaves no process, no files, nothing in the repository."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from perf.system import guardian
from tests.bisect.histories import BASE, CODE, git, history

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60.0
HOLDER = """
    import os, sys
    from pathlib import Path
    from perf.bisect.builds import Builds
    from perf.bisect.revisions import find_range
    from perf.context import Context, Options, ResolvedTarget
    from perf.suite import Target, parse_suite
    from perf.system import git, go, host, trees
    from perf.system.places import Places
    from perf.system.processes import Processes, interruptible
    from perf.system.progress import Progress

    root, base, suite = map(Path, sys.argv[1:])
    checkout, quiet = git.find_checkout(root), Progress(quiet=True)
    places = Places(base, base / "state", base / "cache")
    with interruptible(), Processes(base / "scratch") as processes:
        toolchain = go.find_go(places, processes, quiet, os.environ)
        context = Context(
            places, parse_suite(suite.read_text()), ResolvedTarget("target", root, Target(), checkout), "quick",
            Options(), processes, quiet, toolchain, host.fingerprint(toolchain.version), base / "run", os.environ,
        )
        asked = find_range(context, "HEAD~1", "HEAD", all_parents=False)
        scratch = processes.scratch / "worktrees"
        with (
            trees.exported(checkout, asked.commits[0].sha, scratch / "good") as good,
            trees.exported(checkout, asked.commits[1].sha, scratch / "last") as bad,
        ):
            Builds(context, asked, "./a", good, bad, scratch).ends()
"""
# Go, but a build does not end by itself; each says that it has begun.
SLOW = """#!/bin/sh
if [ "$1" = test ]; then echo begun > "$BEGUN"; exec sleep 1000; fi
exec "$GO" "$@"
"""


@pytest.mark.go
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_search_that_is_ended_while_it_builds_leaves_nothing(
    number: signal.Signals, git_repository: Callable[..., Path], tmp_path: Path
) -> None:
    root = history(git_repository, BASE, {"a/a.go": CODE.replace("n)", "n/2)")})
    (root / "a" / "a.go").write_text("uncommitted", "utf-8")
    before = {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    real = shutil.which("go")
    assert real is not None
    begun, base, programs = tmp_path / "begun", tmp_path / "base", tmp_path / "programs"
    for directory in (base, programs):
        directory.mkdir()
    os.mkfifo(begun)
    (programs / "go").write_text(SLOW.replace("$BEGUN", str(begun)).replace("$GO", real), "utf-8")
    (programs / "go").chmod(0o755)
    holder = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLDER), str(root), str(base), str(ROOT / "perf.toml")],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        stderr=subprocess.DEVNULL,
    )
    try:
        with begun.open("r", encoding="utf-8") as told:
            assert told.readline() == "begun\n"
        (scratch,) = (base / "scratch").iterdir()
        owner = scratch.name.removeprefix("perf-run-")
        assert guardian.processes_of(owner)
        everyone = psutil.process_iter(["cmdline"])
        watching = [each for each in everyone if owner in (each.info["cmdline"] or [])]
        # The other build may be about to say so, too.
        reader = os.open(begun, os.O_RDONLY | os.O_NONBLOCK)
        holder.send_signal(number)
        assert holder.wait(PATIENCE_SECONDS) != 0
        os.close(reader)
    finally:
        holder.kill()
        holder.wait()
    psutil.wait_procs(watching, timeout=PATIENCE_SECONDS)
    assert guardian.processes_of(owner) == []
    assert list((base / "scratch").iterdir()) == []
    assert {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    assert len(git(root, "worktree", "list").splitlines()) == 1
