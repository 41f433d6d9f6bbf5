"""The forward and the backward pass of one or two directions over a batch, on NumPy arrays and several threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from rnn_apps.arrays import Array
from rnn_apps.environment import threads
from rnn_apps.kernels.compiler import Kernels
from rnn_apps.kernels.matmul import PANEL, padded
from rnn_apps.kernels.packing import Shard, split
from rnn_apps.kernels.recurrence import BLOCK_ROWS
from rnn_apps.kernels.workspace import pool, run_all

ROWS_WORTH_A_THREAD = 8
LARGE = 1 << 18
"""Elements of weights from which on packing them is shared among the threads."""


@dataclass(frozen=True)
class Direction:
    """One cell and the direction it reads in.

    Attributes:
        kernels: its compiled loops.
        units: width of a state.
        states: how many it has.
        offset: first column of the pre-activations that the recurrent kernel adds to.
        backwards: whether it reads from the end.
    """

    kernels: Kernels
    units: int
    states: int
    offset: int
    backwards: bool


@dataclass
class Weights:
    """A direction's weights: W (features, columns), U (units, columns) and the bias of all pre-activations."""

    W: Array
    U: Array
    bias: Array


@dataclass
class Saved:
    """What the way back needs of one direction: gates and the states before each step, (packed steps, width)."""

    gates: Array
    before: Array


class Batch:
    """A batch of inputs, and who works on which of its rows.

    Args:
        x: inputs, (batch, time, features).
        mask: (batch, time), true where a step counts, or an empty array where all do.
        directions: how many directions read it.
    """

    def __init__(self, x: Array, mask: Any, directions: int) -> None:
        self.size, self.time, self.features = x.shape
        self.x = x.reshape(self.size * self.time, self.features)
        self.padding = mask.size > 0
        self.mask = mask if self.padding else np.ones((self.size, self.time), np.bool_)
        lengths = self.mask.sum(axis=1, dtype=np.int64)
        count = max(1, min(threads(), self.size // ROWS_WORTH_A_THREAD))
        self.shards = split(lengths, count)
        self.steps = int(lengths.sum())
        # few rows: rather a thread for each direction, at the price of a second array of input gradients
        self.side_by_side = directions > 1 and count < threads()

    def run(self, work: Callable[[int, int], None], directions: int) -> None:
        """Calls `work(direction, shard)` for each pair, on several threads."""
        if self.side_by_side:
            run_all([partial(work, d, p) for p in range(len(self.shards)) for d in range(directions)])
        else:

            def in_turn(p: int) -> None:
                for d in range(directions):
                    work(d, p)

            run_all([partial(in_turn, p) for p in range(len(self.shards))])

    def index(self, direction: Direction, shard: Shard) -> Any:
        """Where each packed step of the shard stands in the batch."""
        index = np.empty(shard.count, np.int64)
        direction.kernels.index_steps(self.mask, shard.rows, shard.alive, direction.backwards, index)
        return index

    def block_rows(self, shard: Shard) -> int:
        """Room for one block of packed steps."""
        return max(BLOCK_ROWS, len(shard.rows))


def forward(
    directions: Sequence[Direction],
    x: Array,
    mask: Any,
    weights: Sequence[Weights],
    initial: Sequence[Sequence[Array]] | None,
    keep: bool,
    sequences: bool,
) -> tuple[Array, list[list[Array]], list[Saved]]:
    """The forward pass.

    Args:
        directions: one or two cells.
        x: inputs, (batch, time, features).
        mask: (batch, time), or empty.
        weights: one for each direction.
        initial: the initial states of each direction, (batch, units) each; None for zeros.
        keep: whether to keep what the way back needs.
        sequences: whether the outputs of all steps are wanted.

    Returns:
        The outputs (batch, time, all units), empty if not wanted; the final states of each direction; what was kept.
    """
    batch = Batch(x, mask, len(directions))
    W = [_panels(w.W) for w in weights]
    U = [_panels(w.U) for w in weights]
    _pack_all(
        [partial(d.kernels.pack, w.W, p) for d, w, p in zip(directions, weights, W, strict=True)]
        + [partial(d.kernels.pack, w.U, p) for d, w, p in zip(directions, weights, U, strict=True)],
        weights,
    )
    bias = [_padded_bias(d, w) for d, w in zip(directions, weights, strict=True)]
    columns = np.cumsum([0] + [d.units for d in directions])
    y = pool.empty(batch.size * batch.time, int(columns[-1])) if sequences else np.empty((0, 0), np.float32)
    finals = _room_for_states(directions, batch)
    steps = batch.steps if keep else 0
    kept = [
        Saved(pool.empty(steps, len(b)), pool.empty(steps, d.states * padded(d.units)))
        for d, b in zip(directions, bias, strict=True)
    ]

    def work(d: int, p: int) -> None:
        direction, shard = directions[d], batch.shards[p]
        index, room = batch.index(direction, shard), batch.block_rows(shard)
        state = _gather_states(direction, None if initial is None else initial[d], shard)
        own = slice(shard.start, shard.start + shard.count)
        gates = kept[d].gates[own] if keep else pool.empty(room, len(bias[d]))
        direction.kernels.forward(
            batch.x,
            index,
            shard.alive,
            W[d],
            U[d],
            bias[d],
            direction.offset,
            state,
            gates,
            kept[d].before[own],
            keep,
            y,
            int(columns[d]),
            pool.empty(room, batch.features),
        )
        _scatter_states(direction, state, finals[d], shard)
        if sequences and batch.padding and d == 0:
            direction.kernels.clear_masked(batch.mask, shard.rows, y)

    batch.run(work, len(directions))
    return y.reshape(batch.size, batch.time, int(columns[-1])) if sequences else y, finals, kept


def backward(
    directions: Sequence[Direction],
    x: Array,
    mask: Any,
    weights: Sequence[Weights],
    kept: Sequence[Saved],
    dy: Array,
    dfinals: Sequence[Sequence[Array]] | None,
) -> tuple[Array, list[Weights], list[list[Array]]]:
    """The backward pass.

    Args:
        directions, x, mask, weights: as in `forward`.
        kept: what `forward` kept.
        dy: gradients of the outputs, or empty.
        dfinals: gradients of the final states, or None for zeros.

    Returns:
        Gradients of x, of the weights, and of the initial states.
    """
    batch = Batch(x, mask, len(directions))
    WT = [_panels(w.W.T) for w in weights]
    UT = [_panels(w.U.T) for w in weights]
    _pack_all(
        [partial(d.kernels.pack_transposed, w.W, p) for d, w, p in zip(directions, weights, WT, strict=True)]
        + [partial(d.kernels.pack_transposed, w.U, p) for d, w, p in zip(directions, weights, UT, strict=True)],
        weights,
    )
    columns = np.cumsum([0] + [d.units for d in directions])
    dy = dy.reshape(batch.size * batch.time, -1) if dy.size else np.empty((0, 0), np.float32)
    dx = [pool.empty(*batch.x.shape) for _ in range(len(directions) if batch.side_by_side else 1)]
    dinitial = _room_for_states(directions, batch)
    sums: list[list[Weights]] = [
        [_zero_gradients(d, w) for _ in batch.shards] for d, w in zip(directions, weights, strict=True)
    ]

    def work(d: int, p: int) -> None:
        direction, shard = directions[d], batch.shards[p]
        index, room = batch.index(direction, shard), batch.block_rows(shard)
        dstate = _gather_states(direction, None if dfinals is None else dfinals[d], shard)
        own = slice(shard.start, shard.start + shard.count)
        first = batch.side_by_side or d == 0
        target = dx[d] if batch.side_by_side else dx[0]
        gradient = sums[d][p]
        direction.kernels.backward(
            batch.x,
            index,
            shard.alive,
            WT[d],
            UT[d],
            direction.offset,
            kept[d].gates[own],
            kept[d].before[own],
            dy,
            int(columns[d]),
            dstate,
            target,
            not first,
            gradient.W,
            gradient.U,
            gradient.bias,
            pool.empty(room, batch.features),
            pool.empty(room, len(gradient.bias)),
            pool.empty(room, padded(batch.features)),
        )
        _scatter_states(direction, dstate, dinitial[d], shard)
        if first and batch.padding:
            direction.kernels.clear_masked(batch.mask, shard.rows, target)

    batch.run(work, len(directions))
    for other in dx[1:]:
        dx[0] += other
    gradients = [_total(shards, w) for shards, w in zip(sums, weights, strict=True)]
    return dx[0].reshape(x.shape), gradients, dinitial


def _panels(matrix: Array) -> Array:
    """Room for a matrix in panels."""
    rows, columns = matrix.shape
    return pool.empty(padded(columns) // PANEL, rows, PANEL)


def _pack_all(tasks: Sequence[Callable[[], None]], weights: Sequence[Weights]) -> None:
    if sum(w.W.size + w.U.size for w in weights) >= LARGE:
        run_all(tasks)
    else:
        for task in tasks:
            task()


def _width(direction: Direction, weights: Weights) -> int:
    """Columns of the pre-activations with room for whole panels."""
    width = max(padded(weights.W.shape[1]), direction.offset + padded(weights.U.shape[1]))
    # an odd number of cache lines: rows a power of two apart fall on the same few places of the cache
    return padded(width) + 16


def _padded_bias(direction: Direction, weights: Weights) -> Array:
    bias = pool.empty(_width(direction, weights))
    bias[: len(weights.bias)] = weights.bias
    bias[len(weights.bias) :] = 0
    return bias


def _room_for_states(directions: Sequence[Direction], batch: Batch) -> list[list[Array]]:
    return [[np.empty((batch.size, d.units), np.float32) for _ in range(d.states)] for d in directions]


def _gather_states(direction: Direction, states: Sequence[Array] | None, shard: Shard) -> Array:
    """The states of the shard's rows side by side, each filled up to whole panels; zeros if there are none."""
    width = padded(direction.units)
    packed = pool.empty(len(shard.rows), direction.states * width)
    packed[...] = 0
    for s, state in enumerate(states or ()):
        packed[:, s * width : s * width + direction.units] = state[shard.rows]
    return packed


def _scatter_states(direction: Direction, packed: Array, states: Sequence[Array], shard: Shard) -> None:
    width = padded(direction.units)
    for s, state in enumerate(states):
        state[shard.rows] = packed[:, s * width : s * width + direction.units]


def _zero_gradients(direction: Direction, weights: Weights) -> Weights:
    W = pool.empty(weights.W.shape[0], padded(weights.W.shape[1]))
    U = pool.empty(weights.U.shape[0], padded(weights.U.shape[1]))
    bias = pool.empty(_width(direction, weights))
    for gradient in (W, U, bias):
        gradient[...] = 0
    return Weights(W, U, bias)


def _total(shards: Sequence[Weights], weights: Weights) -> Weights:
    """The sum over the shards, always in the same order, without the columns that fill up panels."""

    def total(name: str) -> Array:
        shape = getattr(weights, name).shape
        first, *others = (getattr(shard, name)[..., : shape[-1]] for shard in shards)
        if not others and first.flags.c_contiguous:
            return first
        result = pool.empty(*shape)
        np.add(first, others[0], out=result) if others else np.copyto(result, first)
        for other in others[1:]:
            result += other
        return result

    return Weights(total("W"), total("U"), total("bias"))
