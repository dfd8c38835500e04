"""The whole renderings of searches; tests.report.searches says how they are made again."""

from __future__ import annotations

import pytest

from tests.report.searches import TESTDATA, renderings

GOLDENS = dict(renderings())


@pytest.mark.parametrize("name", GOLDENS)
def test_the_rendering_is_the_one_that_was_reviewed(name: str) -> None:
    assert (TESTDATA / name).read_text("utf-8") == GOLDENS[name]


def test_no_golden_is_left_over() -> None:
    assert {path.name for path in TESTDATA.iterdir()} == GOLDENS.keys()
