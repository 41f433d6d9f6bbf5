"""Rows sorted by length and packed in time order, so that padding is never computed.

    lengths 2, 4, 1       packed (row of the batch, step)
    row 0: a b . .        step 0: row 1, row 0, row 2
    row 1: c d e f        step 1: row 1, row 0
    row 2: g . . .        step 2: row 1
                          step 3: row 1

At each step the rows that still run are the first `alive[step]` ones, so a step works on one contiguous block. Steps
that a mask leaves out need not stand at the end: a row's steps are those that count, in their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


@dataclass
class Shard:
    """Rows of a batch that one thread works on.

    Attributes:
        rows: their numbers in the batch, longest first.
        alive: how many of them still run at each step.
        start: where their packed steps begin among those of all shards.
        count: how many packed steps they have.
    """

    rows: Indices
    alive: Indices
    start: int
    count: int


def split(lengths: Indices, shards: int) -> list[Shard]:
    """Deals the rows of a batch out to `shards` shards, alternately by length, so that all have about the same work."""
    order = np.argsort(-lengths, kind="stable")
    result = []
    start = 0
    for p in range(shards):
        rows = np.ascontiguousarray(order[p::shards])
        own = lengths[rows]
        steps = int(own[0]) if len(own) else 0
        # rows longer than s steps, for s = 0, 1, …
        alive = len(own) - np.searchsorted(own[::-1], np.arange(steps), side="right")
        count = int(own.sum())
        result.append(Shard(rows, np.ascontiguousarray(alive, dtype=np.int64), start, count))
        start += count
    return result


def index_steps(mask: npt.NDArray[Any], rows: Indices, alive: Indices, backwards: bool, index: Indices) -> None:
    """Fills in where each packed step stands in the batch.

    Args:
        mask: (batch, time), nonzero where a step counts.
        rows: the shard's rows, longest first.
        alive: rows that still run at each step.
        backwards: whether a row's steps are taken from its end.
        index: output, (count,): row * time + step of each packed step.
    """
    time = mask.shape[1]
    for q in range(len(rows)):
        row = rows[q]
        step = 0
        position = q
        for s in range(time):
            t = time - 1 - s if backwards else s
            if mask[row, t]:
                index[position] = row * time + t
                position += alive[step]
                step += 1


def clear_masked(mask: npt.NDArray[Any], rows: Indices, values: npt.NDArray[np.float32]) -> None:
    """Sets to zero what stands at the steps that do not count.

    Args:
        mask: (batch, time), nonzero where a step counts.
        rows: the rows to look at.
        values: (batch * time, width).
    """
    time = mask.shape[1]
    for q in range(len(rows)):
        for t in range(time):
            if not mask[rows[q], t]:
                for j in range(values.shape[1]):
                    values[rows[q] * time + t, j] = 0
