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
