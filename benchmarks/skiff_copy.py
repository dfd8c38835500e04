"""A copy of the bundled target in a repository of its own, with commits that plant what a script looks for."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
SKIFF = ROOT / "examples" / "skiff"
_GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a script",
    "GIT_AUTHOR_EMAIL": "script@example.test",
    "GIT_COMMITTER_NAME": "a script",
    "GIT_COMMITTER_EMAIL": "script@example.test",
    "PATH": os.environ["PATH"],
}
# Work that the compiler can neither remove nor inline.
SPIN = """package {package}

var perfSink uint64

//go:noinline
func perfSpin(n int) {{
	for i := range n {{
		perfSink += uint64(i)
	}}
}}
"""
BUSY = "while True: pass"


@dataclass(frozen=True, slots=True)
class Edit:
    """In `file`, `old` (which stands there once) becomes `new`; an `old` of "" makes the file."""

    file: str
    old: str
    new: str


class SkiffCopy:
    """The repository; `processes` is perf.system.processes.Processes."""

    def __init__(self, processes: object, place: Path) -> None:
        self._processes, self.directory = processes, place
        shutil.copytree(SKIFF, place)
        self._git("init", "--quiet", "--initial-branch=main")
        self.commit("skiff as it is")

    def commit(self, subject: str, *edits: Edit) -> str:
        """Apply the edits and commit; the full hash."""
        for edit in edits:
            path = self.directory / edit.file
            if edit.old:
                text = path.read_text("utf-8")
                if text.count(edit.old) != 1:
                    raise SystemExit(f"{edit.file} does not hold once: {edit.old!r}")
                path.write_text(text.replace(edit.old, edit.new), "utf-8")
            else:
                path.write_text(edit.new, "utf-8")
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", subject)
        return self._git("rev-parse", "HEAD").strip()

    def go_back(self, sha: str) -> None:
        self._git("reset", "--quiet", "--hard", sha)

    def _git(self, *arguments: str) -> str:
        done = self._processes.run(["git", *arguments], environment=_GIT, cwd=self.directory)  # type: ignore[attr-defined]
        if not done.ok:
            raise SystemExit(f"git {' '.join(arguments)}: {done.text}")
        return str(done.stdout)


@contextmanager
def busy_neighbour(processes: object) -> Iterator[None]:
    """Another process that burns one core as long as the block lasts."""
    child = processes.start([sys.executable, "-S", "-c", BUSY], environment={})  # type: ignore[attr-defined]
    try:
        yield
    finally:
        child.stop()
