"""Which examples go together, and how they become one array.

Examples of like length share a batch, so that little is padding; the order stays random where it matters.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rnn_apps.arrays import Arrays
from rnn_apps.data.store import OpenStore, Store, read_rows

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
    shapes = {name: np.max([row[name].shape for row in rows], axis=0).astype(int) for name in rows[0]}
    return _padded(rows, shapes, rows[0])


def _padded(rows: Sequence[Arrays], shapes: Mapping[str, Iterable[int]], like: Arrays) -> Arrays:
    """Stacks rows, of which there may be none, in arrays of these shapes."""
    batch: Arrays = {}
    for name, shape in shapes.items():
        batch[name] = np.zeros((len(rows), *shape), like[name].dtype)
        for number, row in enumerate(rows):
            batch[name][number, ...][tuple(map(slice, row[name].shape))] = row[name]
    return batch


class Share(NamedTuple):
    """Which rows of every batch a process takes.

    Attributes:
        number: the first of them.
        processes: how many share a batch; this one takes every so-manieth row.
    """

    number: int = 0
    processes: int = 1


WHOLE = Share()
"""Of a process that trains alone."""


class Batch(NamedTuple):
    """A padded batch, or a share of one.

    Attributes:
        arrays: its rows, padded to the longest of the whole batch.
        examples: of the whole batch.
        steps: time steps of the whole batch in each array, without padding.
    """

    arrays: Arrays
    examples: int
    steps: dict[str, int]


@dataclass
class Plan:
    """The batches of one pass over a store.

    Where its examples are more than can be open together, the parts are shuffled, and the examples within each group of
    parts that is open.

    Attributes:
        store: the encoded examples.
        batch_size: see `plan_batches`.
        batch_tokens: see `plan_batches`.
        seed: of the order; without one all is sorted by length, longest first.
        balanced: draw the examples, with repetition, so that each class is seen as often.
    """

    store: Store
    batch_size: int
    batch_tokens: int
    seed: Sequence[int] | None = None
    balanced: bool = False
    _open: tuple[int, OpenStore, list[Numbers]] | None = field(default=None, init=False)

    @cached_property
    def groups(self) -> list[list[int]]:
        """The parts that are open together, group after group."""
        return self.store.groups(None if self.seed is None else np.random.default_rng(self.seed))

    @cached_property
    def longest(self) -> list[list[int]]:
        """Time steps of the longest example of each batch, group by group."""
        found = []
        for group in range(len(self.groups)):
            opened, plan = self._plan_of(group)
            found.append([int(opened.lengths[numbers].max()) for numbers in plan])
        return found

    def __len__(self) -> int:
        return sum(map(len, self.longest))

    def batches(self, start: int = 0) -> Iterator[tuple[OpenStore, Numbers]]:
        """Yields the examples of each batch, from the batch `start`, and where they are read."""
        for group, longest in enumerate(self.longest):
            if start < len(longest):
                opened, plan = self._plan_of(group)
                yield from ((opened, numbers) for numbers in plan[start:])
            start = max(start - len(longest), 0)

    def _plan_of(self, group: int) -> tuple[OpenStore, list[Numbers]]:
        """Opens a group; the last one stays open, so that data of one group is planned once."""
        if self._open is None or self._open[0] != group:
            opened, seed = self.store.open(self.groups[group]), self.seed
            if seed is not None and len(self.groups) > 1:
                seed = [*seed, group]
            rng, lengths, rows = None if seed is None else np.random.default_rng(seed), opened.lengths, None
            if self.balanced and rng is not None:
                shares = 1.0 / np.bincount(opened.classes)[opened.classes]
                rows = rng.choice(len(lengths), len(lengths), p=shares / shares.sum())
                lengths = lengths[rows]
            plan = plan_batches(lengths, self.batch_size, self.batch_tokens, rng)
            self._open = group, opened, plan if rows is None else [rows[numbers] for numbers in plan]
        return self._open[1:]


def load_batches(
    batches: Iterable[tuple[OpenStore, Numbers]], ahead: int = 4, change: Change | None = None, share: Share = WHOLE
) -> Iterator[Batch]:
    """Streams the batches of a plan, read and padded by a thread that runs `ahead` batches in front.

    Args:
        batches: of `Plan.batches`.
        ahead: batches that wait, ready, at most.
        change: (number in the whole store, example) -> the example as it is to be seen; the shapes stay.
        share: which rows of each are read.
    """
    ready: queue.Queue[Batch | BaseException | None] = queue.Queue(maxsize=ahead)
    stopped = threading.Event()

    def put(item: Batch | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                return ready.put(item, timeout=0.1)
            except queue.Full:
                continue

    def produce() -> None:
        try:
            for store, numbers in batches:
                if stopped.is_set():
                    return
                put(_read(store, numbers, change, share))
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


def _read(store: OpenStore, numbers: Numbers, change: Change | None, share: Share) -> Batch:
    own = numbers[share.number :: share.processes]
    rows = read_rows(store, own)
    if change:
        rows = [change(store.place(int(number)), row) for number, row in zip(own, rows, strict=True)]
    return Batch(_padded(rows, store.largest(numbers), store.nothing()), len(numbers), store.steps(numbers))
