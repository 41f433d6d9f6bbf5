"""Losses in the form that the training loop wants: summed over items, with the number of items beside."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from rnn_apps.layers import paths


def summed_cross_entropy(logits: Any, labels: Any, weights: Any = None) -> tuple[Any, Any]:
    """Returns the cross-entropy in nats summed over a batch, and the number of its rows; with weights, their sum.

    Args:
        logits: (batch, classes).
        labels: numbers of the right classes, (batch,).
        weights: how much each row counts, (batch,); all the same if None.
    """
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    if weights is not None:
        return tf.reduce_sum(losses * weights), tf.reduce_sum(weights)
    return tf.reduce_sum(losses), tf.size(losses)


def summed_binary_cross_entropy(logits: Any, labels: Any) -> tuple[Any, Any]:
    """Returns the binary cross-entropy in nats summed over labels and rows, and the number of rows.

    Args:
        logits: (batch, labels).
        labels: 1 where a row has the label, else 0, (batch, labels).
    """
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
    return tf.reduce_sum(losses), tf.shape(losses)[0]


def summed_laplace_loss(logits: Any, numbers: Any) -> tuple[Any, Any]:
    """Returns the negative log-likelihood of numbers in nats under Laplace distributions, and how many there are.

        -log p(y) = |y - m| / b + log 2b

    Args:
        logits: m and log b, (batch, 2).
        numbers: y, (batch,).
    """
    location, log_scale = tf.unstack(logits, axis=-1)
    losses = tf.abs(numbers - location) * tf.exp(-log_scale) + log_scale + tf.math.log(2.0)
    return tf.reduce_sum(losses), tf.size(losses)


def sequence_cross_entropy(logits: Any, targets: Any, smoothing: float = 0.0) -> tuple[Any, Any]:
    """Returns the cross-entropy in nats summed over the real tokens of a batch, and their number.

    Args:
        logits: (real tokens, vocabulary), as behind `rnn_apps.layers.RealSteps`.
        targets: numbers of the right tokens, (batch, time), 0 behind the end.
        smoothing: share of the probability that the right token gives to all tokens alike (Szegedy et al.,
            arXiv:1512.00567).
    """
    labels = tf.cast(tf.boolean_mask(targets, targets != 0), tf.int32)
    if paths.can_compile(logits.dtype.name):
        from rnn_apps.kernels.cross_entropy import cross_entropy

        losses = cross_entropy(logits, labels, smoothing)
    elif smoothing:
        size = tf.shape(logits)[-1]
        rest = smoothing / tf.cast(size, logits.dtype)
        shares = tf.one_hot(labels, size, 1.0 - smoothing + rest, rest, dtype=logits.dtype)
        losses = tf.nn.softmax_cross_entropy_with_logits(labels=tf.stop_gradient(shares), logits=logits)
    else:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    return tf.reduce_sum(losses), tf.cast(tf.size(labels), logits.dtype)
