"""Memory and threads of the compiled loops."""

from __future__ import annotations

import math
import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from rnn_apps.environment import threads

ALIGNMENT = 64
"""Bytes: a cache line, a vector register, and what TensorFlow wants of memory that it takes over without a copy."""

SMALLEST_POOLED = 1 << 16
"""Bytes; below this the allocator is fast by itself."""

LARGEST_IDLE_SHARE = 0.25
"""A free block may be larger than what is asked for by this share of its size."""


class Pool:
    """Float32 arrays in memory that is used again, because fresh memory costs a page fault every 4 KiB.

    A block is free once nothing refers to it but this pool: no array, no tensor made of one, no gradient that waits
    for its turn. So nobody has to give a block back, and none is handed out while somebody can still read it.
    """

    def __init__(self) -> None:
        self.blocks: list[npt.NDArray[np.uint8]] = []
        self.lock = threading.Lock()

    def empty(self, *shape: int) -> Any:
        """An aligned float32 array of this shape with whatever stands in the memory."""
        needed = 4 * math.prod(shape) + ALIGNMENT
        if needed < SMALLEST_POOLED:
            return _aligned(np.empty(needed, np.uint8), shape)
        with self.lock:
            return _aligned(self._free_block(needed), shape)

    def _free_block(self, needed: int) -> npt.NDArray[np.uint8]:
        # 2: the list here, and the argument of getrefcount
        free = [n for n in range(len(self.blocks)) if sys.getrefcount(self.blocks[n]) == 2]
        fitting = [n for n in free if needed <= len(self.blocks[n]) <= needed / (1 - LARGEST_IDLE_SHARE)]
        if fitting:
            return self.blocks[min(fitting, key=lambda n: len(self.blocks[n]))]
        if free:
            # what is free does not fit what comes now: keep no more idle memory than is asked for
            del self.blocks[max(free, key=lambda n: len(self.blocks[n]))]
        self.blocks.append(np.empty(needed, np.uint8))
        return self.blocks[-1]


def _aligned(block: npt.NDArray[np.uint8], shape: tuple[int, ...]) -> Any:
    address = block.__array_interface__["data"][0]
    return np.ndarray(shape, np.float32, block, -address % ALIGNMENT)


@cache
def _executor(process: int) -> ThreadPoolExecutor:
    """The threads of this process; a forked one gets its own."""
    return ThreadPoolExecutor(threads(), thread_name_prefix="rnn_apps")


def run_all(tasks: Sequence[Callable[[], None]]) -> None:
    """Runs tasks at the same time and waits for all of them.

    All layers of a process share the threads, so that two of them at once do not crowd the processor. A single
    task runs where it is.
    """
    if len(tasks) == 1 or threads() == 1:
        for task in tasks:
            task()
        return
    for future in [_executor(os.getpid()).submit(task) for task in tasks]:
        future.result()


def share_out(work: Callable[[int, int], None], count: int) -> None:
    """Calls `work(first, last)` for parts of the numbers 0 to `count`, a part a thread, none empty; waits for all."""
    bounds = [count * part // threads() for part in range(threads() + 1)]
    run_all([partial(work, first, last) for first, last in pairwise(bounds) if first < last])


pool = Pool()
