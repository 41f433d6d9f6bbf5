"""Losses in the form that the training loop wants: summed over items, with the number of items beside."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def summed_cross_entropy(logits: Any, labels: Any) -> tuple[Any, Any]:
    """Returns the cross-entropy in nats summed over a batch, and the number of its rows.

    Args:
        logits: (batch, classes).
        labels: numbers of the right classes, (batch,).
    """
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    return tf.reduce_sum(losses), tf.size(losses)


def sequence_cross_entropy(logits: Any, targets: Any, smoothing: float = 0.0) -> tuple[Any, Any]:
    """Returns the cross-entropy in nats summed over the real tokens of a batch, and their number.

    Args:
        logits: (batch, time, tokens).
        targets: numbers of the right tokens, (batch, time), 0 behind the end.
        smoothing: share of the probability that the right token gives to all tokens alike (Szegedy et al.,
            arXiv:1512.00567).
    """
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
    if smoothing:
        right = tf.gather(logits, targets, batch_dims=2)
        losses += smoothing * (right - tf.reduce_mean(logits, axis=-1))
    real = tf.cast(targets != 0, losses.dtype)
    return tf.reduce_sum(losses * real), tf.reduce_sum(real)
