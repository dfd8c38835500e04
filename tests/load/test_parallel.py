"""Work in threads: results in order, the first error at once, nothing begun after it."""

from __future__ import annotations

import threading

import pytest

from perf.load.parallel import in_parallel


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
