"""A recurrent layer's way through packed time and back: the loops around a cell's compiled step.

`forward_step` and `backward_step` stand for the steps of the cell at hand; `compiler.py` puts them in and compiles.
With Z the pre-activations of all gates, a cell is two products and a step:

    Z<t> = X<t> W + b + H<t-1> U,      H<t>, gates<t> = step(Z<t>, H<t-1>)

and backpropagation through time is the step's derivative and four products:

    dZ<t> = step'(dH<t>),   dH<t-1> = dZ<t> Uᵀ + …,   dX = dZ Wᵀ,   dW = Xᵀ dZ,   dU = H<t-1>ᵀ dZ

Only those with U are bound to one step. The others are taken for several steps at once (a block), few enough that
the block stays in the processor's cache.

W fills the first columns of Z, U the last ones from `offset` on; where a cell keeps the two products apart they
overlap in part only. Rows of Z and of the states are filled up to whole panels (`matmul.padded`).
"""

from __future__ import annotations

from typing import Any

from rnn_apps.arrays import Array
from rnn_apps.kernels.matmul import add_product, add_transposed_product, prefetch

BLOCK_ROWS = 192
"""Packed steps in a block, unless one time step alone has more rows."""


def forward_step(z: Array, state: Array, units: int) -> None:
    """Stands for the cell's step."""
    raise NotImplementedError


def backward_step(gates: Array, before: Array, dstate: Array, dz: Array, units: int) -> None:
    """Stands for the cell's backward step."""
    raise NotImplementedError


def forward(
    x: Array,
    index: Any,
    alive: Any,
    W: Array,
    U: Array,
    bias: Array,
    offset: int,
    state: Array,
    gates: Array,
    before: Array,
    keep: bool,
    y: Array,
    column: int,
    block: Array,
) -> None:
    """Runs one direction of a layer over the rows of one part.

    Args:
        x: inputs, (batch * time, features).
        index: where each packed step stands in x and y.
        alive: rows that still run at each step.
        W, U: kernels in panels; bias: (width of Z,).
        offset: first column of Z that U adds to.
        state: (rows, states * padded units), initial states in, final states out.
        gates: output, (packed steps, width of Z), or room for one block if `keep` is false.
        before: output if `keep`: states before each step, (packed steps, states * padded units).
        keep: whether to keep what the way back needs.
        y: output, (batch * time, at least column + units), or empty if nobody wants the sequence.
        column: first column of this direction in y.
        block: room for a block of inputs, (block rows, features).
    """
    units = U.shape[1]
    features = x.shape[1]
    last = 0
    stop = 0
    while stop < len(alive):
        step, first = stop, last
        while stop < len(alive) and (stop == step or last + alive[stop] - first <= block.shape[0]):
            last += alive[stop]
            stop += 1
        Z = gates[first:last] if keep else gates[: last - first]
        for r in range(last - first):
            prefetch(x, index[first + r], 0, features)
            if len(y):
                prefetch(y, index[first + r], column, column + units)
        for r in range(last - first):
            for j in range(features):
                block[r, j] = x[index[first + r], j]
            for j in range(len(bias)):
                Z[r, j] = bias[j]
        add_product(Z, block[: last - first], W)
        r = 0
        for t in range(step, stop):
            n = alive[t]
            if keep:
                for q in range(n):
                    for j in range(state.shape[1]):
                        before[first + r + q, j] = state[q, j]
            add_product(Z[r : r + n, offset:], state[:n, :units], U)
            forward_step(Z[r : r + n], state[:n], units)
            if len(y):
                for q in range(n):
                    for j in range(units):
                        y[index[first + r + q], column + j] = state[q, j]
            r += n


def backward(
    x: Array,
    index: Any,
    alive: Any,
    WT: Array,
    UT: Array,
    offset: int,
    gates: Array,
    before: Array,
    dy: Array,
    column: int,
    dstate: Array,
    dx: Array,
    add: bool,
    dW: Array,
    dU: Array,
    db: Array,
    block: Array,
    dz: Array,
    dblock: Array,
) -> None:
    """Runs one direction of a layer back over the rows of one part.

    Args:
        x, index, alive, offset, gates, before, column: as in `forward`.
        WT, UT: transposed kernels in panels.
        dy: gradients of y, (batch * time, …), or empty.
        dstate: (rows, states * padded units), gradients of the final states in, of the initial states out.
        dx: gradients of x, added to if `add`, else written.
        dW, dU, db: gradients of the weights are added to these; columns as in Z, filled up to whole panels.
        block, dz, dblock: room for a block of inputs, of gradients of Z, and of gradients of inputs.
    """
    units = dU.shape[0]
    features = x.shape[1]
    step = len(alive)
    first = len(index)
    while step > 0:
        stop, last = step, first
        while step > 0 and (stop == step or last - first + alive[step - 1] <= block.shape[0]):
            step -= 1
            first -= alive[step]
        if len(dy):
            for r in range(last - first):
                prefetch(dy, index[first + r], column, column + units)
        r = last - first
        for t in range(stop - 1, step - 1, -1):
            n = alive[t]
            r -= n
            if len(dy):
                for q in range(n):
                    for j in range(units):
                        dstate[q, j] += dy[index[first + r + q], column + j]
            backward_step(
                gates[first + r : first + r + n], before[first + r : first + r + n], dstate[:n], dz[r : r + n], units
            )
            add_product(dstate[:n], dz[r : r + n, offset : offset + UT.shape[1]], UT)
        rows = last - first
        for r in range(rows):
            prefetch(x, index[first + r], 0, features)
            prefetch(dx, index[first + r], 0, features)
        for r in range(rows):
            for j in range(features):
                block[r, j] = x[index[first + r], j]
            for j in range(dblock.shape[1]):
                dblock[r, j] = 0
            for j in range(len(db)):
                db[j] += dz[r, j]
        add_product(dblock[:rows], dz[:rows, : WT.shape[1]], WT)
        for r in range(rows):
            i = index[first + r]
            if add:
                for j in range(features):
                    dx[i, j] += dblock[r, j]
            else:
                for j in range(features):
                    dx[i, j] = dblock[r, j]
        add_transposed_product(dW, block[:rows], dz[:rows])
        add_transposed_product(dU, before[first:last, :units], dz[:rows, offset:])
