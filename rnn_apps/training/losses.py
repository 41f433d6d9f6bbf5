"""Losses in the form that the training loop wants: summed over items, with the number of items beside."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from rnn_apps.layers import paths


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
    real = tf.cast(targets != 0, logits.dtype)
    if paths.compiled(logits.dtype.name):
        from rnn_apps.layers.cross_entropy import cross_entropy

        rows = tf.reshape(logits, (-1, tf.shape(logits)[-1]))
        return tf.reduce_sum(cross_entropy(rows, tf.reshape(targets, (-1,)), smoothing)), tf.reduce_sum(real)
    if smoothing:
        size = tf.shape(logits)[-1]
        rest = smoothing / tf.cast(size, logits.dtype)
        labels = tf.one_hot(targets, size, 1.0 - smoothing + rest, rest, dtype=logits.dtype)
        losses = tf.nn.softmax_cross_entropy_with_logits(labels=tf.stop_gradient(labels), logits=logits)
    else:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
    return tf.reduce_sum(losses * real), tf.reduce_sum(real)
