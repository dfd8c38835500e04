"""Names of benchmarks: as patterns, as file names, and where they are declared."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Final

# As the testing package has it: "Benchmark" and then anything but a small letter.
DECLARATION: Final = re.compile(r"^func\s+(Benchmark(?![a-z])\w*)\s*\(", re.MULTILINE)


def exact_pattern(name: str) -> str:
    """The pattern for -test.bench that chooses this benchmark and, at its depth, no other."""
    return "/".join(f"^{re.escape(part)}$" for part in name.split("/"))


def slug(text: str) -> str:
    """A file name for people to find; what makes it unique stands before it."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:80] or "root"


def declared_at(package: str, directory: Path) -> dict[str, PurePosixPath]:
    """Benchmark functions of the package in `directory`, each with its file:line as a path below the module's root."""
    places: dict[str, PurePosixPath] = {}
    for path in sorted(directory.glob("*_test.go")):
        text = path.read_text("utf-8", "replace")
        for found in DECLARATION.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            places.setdefault(found[1], PurePosixPath(package) / f"{path.name}:{line}")
    return places
