"""Which examples go together, and how they become one array.

Examples of like length share a batch, so that little is padding; the order stays random where it matters.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from rnn_apps.arrays import Arrays
from rnn_apps.data.store import ArrayStore, read_rows

Item = TypeVar("Item")
Numbers = npt.NDArray[np.int64]
Change = Callable[[int, Arrays], Arrays]

# Batches whose examples are sorted by length together: more wastes less padding, fewer mixes better.
_POOL = 32


def plan_batches(
    lengths: npt.NDArray[np.int32], batch_size: int, batch_tokens: int, rng: np.random.Generator | None = None
) -> list[Numbers]:
    """Divides examples into batches of like length.

    Args:
        lengths: time steps of each example, shape (examples,).
        batch_size: examples in a batch at most.
        batch_tokens: examples times longest example in a batch at most; a longer example stands alone.
        rng: shuffles examples and batches; without it all is sorted by length, longest first.

    Returns:
        the example numbers of each batch; every example is in exactly one.
    """
    order = np.argsort(-lengths, kind="stable") if rng is None else rng.permutation(len(lengths))
    pool_size = len(order) if rng is None else batch_size * _POOL
    batches: list[Numbers] = []
    for start in range(0, len(order), max(pool_size, 1)):
        pool = order[start : start + pool_size]
        batches += _cut(pool[np.argsort(-lengths[pool], kind="stable")], lengths, batch_size, batch_tokens)
    if rng is not None:
        batches = [batches[i] for i in rng.permutation(len(batches))]
    return batches


def _cut(sorted_pool: Numbers, lengths: npt.NDArray[np.int32], batch_size: int, batch_tokens: int) -> list[Numbers]:
    batches = []
    start = 0
    while start < len(sorted_pool):
        longest = max(int(lengths[sorted_pool[start]]), 1)
        stop = start + max(1, min(batch_size, batch_tokens // longest))
        batches.append(sorted_pool[start:stop])
        start = stop
    return batches


def pad_batch(rows: Sequence[Arrays]) -> Arrays:
    """Stacks encoded examples into a batch: every array gets the shape of the largest, zeros behind.

    Args:
        rows: dicts with the same names; arrays of one name have one number of dimensions.

    Returns:
        arrays of shape (len(rows), longest first dimension, ...).
    """
    batch: Arrays = {}
    for name, first in rows[0].items():
        arrays = [row[name] for row in rows]
        if not first.ndim:
            batch[name] = np.stack(arrays)
            continue
        shape = np.max([array.shape for array in arrays], axis=0)
        batch[name] = np.zeros((len(rows), *shape), first.dtype)
        for target, array in zip(batch[name], arrays, strict=True):
            target[tuple(map(slice, array.shape))] = array
    return batch


def load_batches(
    store: ArrayStore, plan: Sequence[Numbers], ahead: int = 4, change: Change | None = None
) -> Iterator[Arrays]:
    """Streams the batches of a plan, read and padded by a thread that runs `ahead` batches in front.

    Args:
        store: the encoded examples.
        plan: the example numbers of each batch.
        ahead: batches that wait, ready, at most.
        change: (number, example) -> the example as it is to be seen.
    """
    ready: queue.Queue[Arrays | BaseException | None] = queue.Queue(maxsize=ahead)
    stopped = threading.Event()

    def put(item: Arrays | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                return ready.put(item, timeout=0.1)
            except queue.Full:
                continue

    def produce() -> None:
        try:
            for numbers in plan:
                if stopped.is_set():
                    return
                rows = read_rows(store, numbers)
                if change:
                    rows = [change(int(number), row) for number, row in zip(numbers, rows, strict=True)]
                put(pad_batch(rows))
            put(None)
        except BaseException as error:
            put(error)

    thread = threading.Thread(target=produce, name="batches", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()


def chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Streams lists of `size` items, the last one maybe shorter."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
