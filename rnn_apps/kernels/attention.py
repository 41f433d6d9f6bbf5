"""The additive attention as one differentiable operation of compiled loops.

With plain operations, the tanh of each query with each key is an array (batch, T, S, units), the largest of a whole
model, written and read again several times on the way there and back. The loops here never hold more than one row of
it, and leave out what the mask does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from rnn_apps.arrays import MASKED, Array, Tensor
from rnn_apps.kernels import compiler
from rnn_apps.kernels.activations import exp, tanh
from rnn_apps.kernels.workspace import pool, share_out

F = np.float32
LOWEST = F(MASKED)


def attend(query: Tensor, keys: Tensor, score: Tensor, memory: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Attends with e<t,s> = v . tanh(q<t> + k<s>).

    Args:
        query: q, (batch, T, units), float32.
        keys: k, (batch, S, units).
        score: v, (units,).
        memory: (batch, S, width).
        mask: (batch, S) bool, true where a step counts.

    Returns:
        The contexts, (batch, T, width), and the weights α, (batch, T, S).
    """

    @tf.custom_gradient
    def operation(query: Tensor, keys: Tensor, score: Tensor, memory: Tensor) -> Any:
        given = [query, keys, score, memory, mask]
        contexts, weights = tf.numpy_function(_forward, given, [tf.float32] * 2)
        contexts.set_shape([*query.shape[:2], memory.shape[2]])
        weights.set_shape([*query.shape[:2], memory.shape[1]])

        def gradient(*upstream: Tensor) -> list[Tensor]:
            gradients = tf.numpy_function(_backward, [*given, weights, *upstream], [tf.float32] * 4)
            for value, like in zip(gradients, given, strict=False):
                value.set_shape(like.shape)
            return gradients

        return (contexts, weights), gradient

    return operation(query, keys, score, memory)


def _forward(query: Array, keys: Array, score: Array, memory: Array, mask: Any) -> tuple[Array, Array]:
    (batch, T, _), (_, S, width) = query.shape, memory.shape
    contexts, weights = pool.empty(batch * T, width), pool.empty(batch * T, S)
    rows = _rows(query, keys, memory)
    forward, _ = _compiled()

    def work(first: int, last: int) -> None:
        forward(first, last, *rows, score, mask, contexts, weights)

    share_out(work, batch)
    return contexts.reshape(batch, T, width), weights.reshape(batch, T, S)


def _backward(
    query: Array, keys: Array, score: Array, memory: Array, mask: Any, weights: Array, dcontexts: Array, dweights: Array
) -> list[Array]:
    rows = _rows(query, keys, memory)
    upstream = _rows(weights, dcontexts, dweights)
    dquery, dkeys, dmemory = (pool.empty(*array.shape) for array in rows)
    parts: dict[int, Array] = {}
    _, backward = _compiled()

    def work(first: int, last: int) -> None:
        parts[first] = np.zeros_like(score)
        backward(first, last, *rows, score, mask, *upstream, dquery, dkeys, parts[first], dmemory)

    share_out(work, len(query))
    # always in the same order, whichever thread was first
    dscore = sum((parts[first] for first in sorted(parts)), np.zeros_like(score))
    return [dquery.reshape(query.shape), dkeys.reshape(keys.shape), dscore, dmemory.reshape(memory.shape)]


def _rows(*arrays: Array) -> list[Array]:
    return [array.reshape(-1, array.shape[2]) for array in arrays]


def _compiled() -> list[Any]:
    return compiler.load_loops(
        "additive_attention",
        (forward, "number number read read read read_vector mask array array"),
        (backward, "number number read read read read_vector mask read read read array array vector array"),
    )


def forward(
    first: int,
    last: int,
    query: Array,
    keys: Array,
    memory: Array,
    score: Array,
    mask: Any,
    contexts: Array,
    weights: Array,
) -> None:
    """Attends in the rows `first` to `last` of a batch.

    Args:
        first, last: the rows, `last` not among them.
        query: (batch * T, units).
        keys: (batch * S, units).
        memory: (batch * S, width).
        score: v, (units,).
        mask: (batch, S).
        contexts: output, (batch * T, width).
        weights: output, (batch * T, S), zero where no step counts.
    """
    T, S = query.shape[0] // mask.shape[0], mask.shape[1]
    units, width = query.shape[1], memory.shape[1]
    for b in range(first, last):
        for i in range(b * T, (b + 1) * T):
            q, c, w = query[i], contexts[i], weights[i]
            top = LOWEST
            for s in range(S):
                w[s] = 0
                if mask[b, s]:
                    k = keys[b * S + s]
                    e = F(0)
                    for j in range(units):
                        e += score[j] * tanh(q[j] + k[j])
                    w[s] = e
                    top = e if e > top else top
            total = F(0)
            for s in range(S):
                if mask[b, s]:
                    w[s] = exp(w[s] - top)
                    total += w[s]
            for j in range(width):
                c[j] = 0
            for s in range(S):
                if mask[b, s]:
                    w[s] /= total
                    m = memory[b * S + s]
                    for j in range(width):
                        c[j] += w[s] * m[j]


def backward(
    first: int,
    last: int,
    query: Array,
    keys: Array,
    memory: Array,
    score: Array,
    mask: Any,
    weights: Array,
    dcontexts: Array,
    dweights: Array,
    dquery: Array,
    dkeys: Array,
    dscore: Array,
    dmemory: Array,
) -> None:
    """The chain rule through the same rows: from c to α and m, by the softmax to e, and from e to q, k and v.

        dα<t,s> = dc<t> . m<s> + …,     de<t,s> = α<t,s> (dα<t,s> - Σ_r α<t,r> dα<t,r>)
        dq<t> = Σ_s g<t,s>,     dk<s> = Σ_t g<t,s>,     g<t,s> = de<t,s> v (1 - tanh²(q<t> + k<s>))

    Args:
        first, last, query, keys, memory, score, mask: as in `forward`.
        weights: what `forward` found.
        dcontexts, dweights: gradients of its outputs.
        dquery, dkeys, dmemory: outputs, all rows of `first` to `last` are written.
        dscore: added to.
    """
    T, S = query.shape[0] // mask.shape[0], mask.shape[1]
    units, width = query.shape[1], memory.shape[1]
    a, da = np.empty(units, F), np.empty(S, F)
    for b in range(first, last):
        for i in range(b * S, (b + 1) * S):
            for j in range(units):
                dkeys[i, j] = 0
            for j in range(width):
                dmemory[i, j] = 0
        for i in range(b * T, (b + 1) * T):
            q, w, dc, dq = query[i], weights[i], dcontexts[i], dquery[i]
            for j in range(units):
                dq[j] = 0
            mean = F(0)
            for s in range(S):
                if mask[b, s]:
                    m, dm = memory[b * S + s], dmemory[b * S + s]
                    total = dweights[i, s]
                    for j in range(width):
                        total += dc[j] * m[j]
                    for j in range(width):
                        dm[j] += w[s] * dc[j]
                    da[s] = total
                    mean += w[s] * total
            for s in range(S):
                if mask[b, s]:
                    k, dk = keys[b * S + s], dkeys[b * S + s]
                    de = w[s] * (da[s] - mean)
                    for j in range(units):
                        a[j] = tanh(q[j] + k[j])
                    for j in range(units):
                        dscore[j] += de * a[j]
                    for j in range(units):
                        a[j] = de * score[j] * (F(1) - a[j] * a[j])
                    for j in range(units):
                        dq[j] += a[j]
                    for j in range(units):
                        dk[j] += a[j]
