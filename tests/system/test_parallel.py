"""Work in threads: results in order, the first error at once, nothing begun after it."""

from __future__ import annotations

import os
import threading

import pytest

from perf.system.parallel import in_parallel, once_readable


def test_results_come_in_the_order_of_the_items() -> None:
    first_may_end = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            first_may_end.wait(10)
        else:
            first_may_end.set()
        return item * item

    assert in_parallel(work, range(5), 2) == [0, 1, 4, 9, 16]


def test_no_items_are_no_work() -> None:
    assert in_parallel(str, [], 4) == []


def test_the_first_error_stops_what_has_not_begun() -> None:
    begun: list[int] = []
    released = threading.Event()

    def work(item: int) -> None:
        begun.append(item)
        if item == 0:
            raise LookupError("broken")
        released.wait(10)

    with pytest.raises(LookupError, match="broken"):
        in_parallel(work, range(100), 2, on_failure=released.set)
    assert len(begun) < 10


def test_a_descriptor_that_becomes_readable_is_acted_on_at_once() -> None:
    acted = threading.Event()
    readable, writable = os.pipe()
    with once_readable([readable], acted.set):
        assert not acted.is_set()
        os.close(writable)
        assert acted.wait(10)
    os.close(readable)


def test_leaving_the_block_is_no_end_of_what_is_watched() -> None:
    readable, writable = os.pipe()
    acted = threading.Event()
    with once_readable([readable], acted.set):
        pass
    assert not acted.is_set()
    os.close(readable)
    os.close(writable)
