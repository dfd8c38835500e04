"""Renderings as text, and the files that hold what they should be."""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console, RenderableType


def plain(shown: RenderableType, width: int) -> str:
    """What a terminal without colours shows."""
    file = io.StringIO()
    Console(file=file, width=width, highlight=False, color_system=None, legacy_windows=False).print(
        shown, crop=False
    )
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


def write_asked(description: str | None, place: Path, renderings: Iterable[tuple[str, str]]) -> None:
    """Write the goldens anew, where the command line says --write."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--write", action="store_true", required=True)
    parser.parse_args()
    place.mkdir(exist_ok=True)
    for name, text in renderings:
        (place / name).write_text(text, "utf-8")
