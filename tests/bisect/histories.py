"""Small Go histories in real repositories, and the builds of a range of one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from perf.bisect.builds import Builds
from perf.bisect.revisions import find_range
from perf.context import Context
from perf.system import trees

Repository = Callable[..., Path]
ContextFor = Callable[..., Context]
# What a commit writes by path; None removes.
Change = Mapping[str, str | None]

GO_MOD = "module example.test/target\n\ngo 1.21\n"
CODE = "package a\n\nfunc Fill(n int) []byte { return make([]byte, n) }\n"
BENCHMARK = """package a

import "testing"

func BenchmarkFill(b *testing.B) {
	for i := 0; i < b.N; i++ {
		Fill(64)
	}
}
"""
BASE = {"go.mod": GO_MOD, "a/a.go": CODE, "a/a_test.go": BENCHMARK}


def git(root: Path, *arguments: str) -> str:
    person = ("-c", "user.name=Test", "-c", "user.email=test@example.invalid")
    done = subprocess.run(["git", *person, *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def history(repository: Repository, first: Mapping[str, str], *changes: Change) -> Path:
    """A commit of `first`, and one for each of the changes."""
    root = repository(first)
    for number, change in enumerate(changes, start=1):
        for name, text in change.items():
            path = root / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
        git(root, "add", "--all")
        git(root, "commit", "--allow-empty", "-m", f"commit {number}")
    return root


@contextmanager
def builds_of(
    context: Context, package: str = "./a", good: str | None = None, *, all_parents: bool = False
) -> Iterator[Builds]:
    """Of the range from `good`, else the first commit, to HEAD."""
    checkout = context.target.checkout
    assert checkout is not None
    first = good or git(checkout.root, "rev-list", "--max-parents=0", "HEAD")
    asked = find_range(context, first, "HEAD", all_parents=all_parents)
    scratch = context.processes.scratch / "worktrees"
    with (
        trees.exported(checkout, asked.commits[0].sha, scratch / "good") as before,
        trees.exported(checkout, asked.commits[-1].sha, scratch / "last") as after,
    ):
        yield Builds(context, asked, package, before, after, scratch)
