"""The cross-entropy of a softmax as one differentiable operation of compiled loops.

The logits of a sequence model are its largest array: (tokens, vocabulary). The loops read them once on the way there
and once on the way back, and keep one number a token in between.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_apps.arrays import Array, Tensor
from rnn_apps.kernels import compiler
from rnn_apps.kernels.activations import exp
from rnn_apps.kernels.workspace import pool, share_out

F = np.float32
LANES = 16


def cross_entropy(logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Returns -Σ_j p<j> log softmax(z)<j> of each token, (tokens,).

    p gives 1 - smoothing to the right token, and shares `smoothing` out among all tokens alike.

    Args:
        logits: z, (tokens, vocabulary), float32.
        targets: numbers of the right tokens, int32 (tokens,).
        smoothing: from 0 to below 1.
    """

    @tf.custom_gradient
    def operation(logits: Tensor) -> Any:
        losses, totals = tf.numpy_function(partial(_forward, smoothing), [logits, targets], [tf.float32] * 2)
        losses.set_shape([logits.shape[0]])

        def gradient(upstream: Tensor) -> Tensor:
            value = tf.numpy_function(partial(_backward, smoothing), [logits, targets, totals, upstream], tf.float32)
            value.set_shape(logits.shape)
            return value

        return losses, gradient

    return operation(logits)


def _forward(smoothing: float, logits: Array, targets: Any) -> tuple[Array, Array]:
    losses, totals = np.empty(len(logits), F), np.empty(len(logits), F)
    compiled, _ = _compiled()

    def work(first: int, last: int) -> None:
        compiled(first, last, logits, targets, smoothing, losses, totals)

    share_out(work, len(logits))
    return losses, totals


def _backward(smoothing: float, logits: Array, targets: Any, totals: Array, upstream: Array) -> Array:
    dlogits = pool.empty(*logits.shape)
    _, compiled = _compiled()

    def work(first: int, last: int) -> None:
        compiled(first, last, logits, targets, smoothing, totals, upstream, dlogits)

    share_out(work, len(logits))
    return dlogits


def _compiled() -> list[Any]:
    return compiler.load_loops(
        "cross_entropy",
        (forward, "number number read tokens float vector vector"),
        (backward, "number number read tokens float read_vector read_vector array"),
    )


def forward(first: int, last: int, logits: Array, targets: Any, smoothing: Any, losses: Array, totals: Array) -> None:
    """Fills in the losses of the tokens `first` to `last`, and log Σ_j exp z<j>, which the way back needs."""
    size = logits.shape[1]
    # the maximum in as many lanes as a vector has, since LLVM keeps to the order of comparisons
    lanes = np.empty(LANES, F)
    whole = size - size % LANES
    for i in range(first, last):
        z = logits[i]
        for j in range(LANES):
            lanes[j] = z[0]
        for start in range(0, whole, LANES):
            for j in range(LANES):
                lanes[j] = z[start + j] if z[start + j] > lanes[j] else lanes[j]
        top = z[0]
        for j in range(LANES):
            top = lanes[j] if lanes[j] > top else top
        for j in range(whole, size):
            top = z[j] if z[j] > top else top
        total = F(0)
        for j in range(size):
            total += exp(z[j] - top)
        below = F(0)
        for j in range(size):
            below += top - z[j]
        totals[i] = top + np.log(total)
        # differences from the maximum, since logits may be large and their differences small
        losses[i] = np.log(total) + (F(1) - smoothing) * (top - z[targets[i]]) + smoothing * below / F(size)


def backward(
    first: int, last: int, logits: Array, targets: Any, smoothing: Any, totals: Array, upstream: Array, dlogits: Array
) -> None:
    """Fills in dz = (softmax(z) - p) dloss for the tokens `first` to `last`."""
    size = logits.shape[1]
    for i in range(first, last):
        z, dz = logits[i], dlogits[i]
        loss, total, others = upstream[i], totals[i], smoothing / F(size)
        for j in range(size):
            dz[j] = loss * (exp(z[j] - total) - others)
        dz[targets[i]] -= loss * (F(1) - smoothing)
