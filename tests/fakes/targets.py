"""Targets whose replicator is the stand-in of this directory, and a suite small enough for tests."""

from __future__ import annotations

import sys
from pathlib import Path

from perf.suite import Suite, Target, parse_suite

REPLICATOR = Path(__file__).parent / "replicator.py"

_SUITE = """
[workload.small]
images = {images}
layers = {{ count = 2, size = "uniform(1KiB, 4KiB)", shared = 0.5 }}
tags_per_repository = 2
indexes = 0.34
workers = 2
timeout = "{timeout}"
[objective]
throughput = ">= 1 kB/s"
error_rate = "< 5 %"
availability = ">= 99.5 %"
[effort.quick]
processes = 1
benchtime = "1x"
workload = "small"
load_rounds = 2
stress_workload = "small"
stress_workers = 4
regression_rounds = 6
regression_budget = "1 s"
"""


def small_suite(images: int = 6, timeout: str = "60 s") -> Suite:
    return parse_suite(_SUITE.format(images=images, timeout=timeout))


def replicating(fault: str, environment: dict[str, str] | None = None) -> Target:
    """A target that is "built" by a copy of the stand-in; `fault` is one that it knows, or "none"."""
    program = [sys.executable, "-I", "{bin}", fault]
    return Target.model_validate(
        {
            "replicator": {
                "build": ["cp", str(REPLICATOR), "{bin}"],
                "copy": [*program, "copy", "{source}/{repository}:{tag}", "{destination}/{to}:{tag}"],
                "tree": [*program, "tree", "{source}/{prefix}", "{destination}/{to}"],
                "environment": environment or {},
            }
        }
    )


def target_directory(base: Path) -> Path:
    """A Go module without code: enough to be a target."""
    directory = base / "stand-in"
    directory.mkdir()
    (directory / "go.mod").write_text("module stand-in\n\ngo 1.21\n", "utf-8")
    return directory
