"""Work spread over threads, which ends at once when one of them fails or the run is interrupted."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Final, TypeVar

_WAKES_EVERY_SECONDS: Final = 0.5

T = TypeVar("T")
R = TypeVar("R")


def in_parallel(
    function: Callable[[T], R],
    items: Iterable[T],
    threads: int,
    *,
    on_failure: Callable[[], None] = lambda: None,
) -> list[R]:
    """`function` of every item, in the items' order; raises the first error after the threads have ended.

    What has not begun by then is not begun; `on_failure` is called to make what has begun end sooner.
    """
    pool = ThreadPoolExecutor(max(1, threads))
    try:
        futures = [pool.submit(function, item) for item in items]
        left = set(futures)
        while left:
            # The kernel may hand a signal to a thread of the pool; Python acts on it once the main thread wakes.
            done, left = wait(left, timeout=_WAKES_EVERY_SECONDS, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        return [future.result() for future in futures]
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        on_failure()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def once_readable(descriptors: Sequence[int], act: Callable[[], None]) -> Iterator[None]:
    """Within the block: call `act`, in a thread, as soon as one of the descriptors is readable (a pidfd: has ended)."""
    left = os.eventfd(0, os.EFD_CLOEXEC)
    poller = select.poll()
    for descriptor in (left, *descriptors):
        poller.register(descriptor, select.POLLIN)

    def watch() -> None:
        if all(descriptor != left for descriptor, _ in poller.poll()):
            act()

    thread = threading.Thread(target=watch, name="watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.eventfd_write(left, 1)
        thread.join()
        os.close(left)
