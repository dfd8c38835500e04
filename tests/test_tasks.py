"""What one types after `invoke` is a line of `python -m perf`."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from types import ModuleType

import pytest
from invoke import Context

from tests.conftest import ROOT


@pytest.fixture
def tasks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tasks_of_the_project", ROOT / "tasks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("task", "asked", "line"),
    [
        ("bisect", {"good": "v1", "benchmark": "Copy"}, "bisect --good v1 --benchmark Copy"),
        (
            "bisect",
            {"benchmark": "Copy", "metric": "cpu", "improvement": True, "all_parents": True, "verify": True},
            "bisect --benchmark Copy --metric cpu --improvement --all-parents --verify",
        ),
        ("bisect", {"resume": "latest", "repo": "../x"}, "bisect --resume latest --repo ../x"),
        ("calibrate", {"target": "../x"}, "calibrate --rounds 30 --bench . --target ../x"),
        ("list_", {"target": "../x"}, "baseline list --target ../x"),
        ("show_baseline", {}, "baseline show HEAD"),
        ("prune", {"keep": 3, "yes": True}, "baseline prune --keep 3 --yes"),
        ("verify", {}, "baseline verify"),
    ],
)
def test_a_task_is_a_line_of_the_command_line(
    tasks: ModuleType, monkeypatch: pytest.MonkeyPatch, task: str, asked: dict[str, object], line: str
) -> None:
    said: list[str] = []
    monkeypatch.setattr(tasks, "_perf", lambda *words: said.append(" ".join(words)))
    body: Callable[..., None] = getattr(tasks, task).body
    body(Context(), **asked)
    assert said == [line]
