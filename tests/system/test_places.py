"""Where things lie: found from below, the cache by the environment, read-only places respected."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from perf.errors import UsageError
from perf.system import places


def test_the_project_is_found_from_a_directory_below_it(tmp_path: Path) -> None:
    (tmp_path / "perf.toml").touch()
    (tmp_path / "a" / "b").mkdir(parents=True)
    found = places.find_places(tmp_path / "a" / "b", {"HOME": str(tmp_path)})
    assert found.root == tmp_path
    assert found.state == tmp_path / ".perf"
    assert found.output_root == tmp_path
    assert found.runs == tmp_path / ".perf" / "runs"


def test_without_perf_toml_it_says_where_to_go(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no perf.toml in"):
        places.find_places(tmp_path, {})


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"PERF_CACHE_DIR": "/a/b", "XDG_CACHE_HOME": "/x"}, "/a/b"),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/freightliner-perf"),
        ({"HOME": "/h"}, "/h/.cache/freightliner-perf"),
    ],
)
def test_the_cache_follows_the_environment(environment: dict[str, str], expected: str) -> None:
    assert places.cache_directory(environment) == Path(expected)


def test_state_and_results_of_a_read_only_project_go_to_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "perf.toml").touch()
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = places.find_places(tmp_path, {"PERF_CACHE_DIR": str(tmp_path / "cache")})
    assert not found.writable
    assert found.state.parent == tmp_path / "cache" / "state"
    assert found.output_root == found.state
