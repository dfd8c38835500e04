"""The locks name what pyproject.toml asks for, with hashes, and nothing of the machine that made them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ["requirements.lock", "requirements-dev.lock"]


def locked(name: str) -> dict[str, tuple[str, int]]:
    """Package → (version, number of hashes)."""
    text = (ROOT / name).read_text("utf-8")
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    pins = [
        (re.match(r"([a-z0-9._-]+)==([^ ;\\]+)", block), block.count("--hash=sha256:")) for block in blocks
    ]
    assert all(pin for pin, _ in pins)
    return {pin[1]: (pin[2], hashes) for pin, hashes in pins if pin}


def asked_for(*, dev: bool) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return [
        Requirement(line)
        for line in project["dependencies"] + (project["optional-dependencies"]["dev"] if dev else [])
    ]


@pytest.mark.parametrize(("lock", "dev"), [("requirements.lock", False), ("requirements-dev.lock", True)])
def test_every_dependency_is_locked_at_a_version_that_is_allowed(lock: str, dev: bool) -> None:
    pins = locked(lock)
    for requirement in asked_for(dev=dev):
        version, _ = pins[canonicalize_name(requirement.name)]
        assert version in requirement.specifier, requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_its_hashes(lock: str) -> None:
    pins = locked(lock)
    assert len(pins) > 20
    assert [name for name, (_, hashes) in pins.items() if not hashes] == []


def test_both_locks_pin_the_same_versions() -> None:
    runtime, development = locked("requirements.lock"), locked("requirements-dev.lock")
    assert runtime == {name: development[name] for name in runtime}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_package_index_and_no_path_of_a_machine(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert re.findall(r"https?://|--index-url|--find-links|(?:^|\s)/\w+/", text) == []
