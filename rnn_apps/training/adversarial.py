r"""Adversarial training: what the recurrent layers read is moved to where the loss grows fastest, and learnt too.

With x the vectors that the first recurrent layer reads of a row, all of them as one long vector, and g the gradient of
the loss with respect to x,

    r = ε ‖x‖ g / ‖g‖,      loss = (L(x) + L(x + r)) / 2

(Miyato et al., arXiv:1605.07725, equation 4; there ε is an absolute length beside normalised vectors, here it is a
share of ‖x‖, so that growing vectors gain nothing). No gradient goes through r. A step takes twice its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from rnn_apps.arrays import Tensor
from rnn_apps.layers.observation import Change

_SMALLEST = 1e-20


class Watched:
    """What the first recurrent layers read in a pass, in their order.

    Args:
        tape: records what becomes of it.

    Attributes:
        vectors: (batch, time, features) each.
    """

    def __init__(self, tape: tf.GradientTape) -> None:
        self._tape = tape
        self._masks: list[Tensor | None] = []
        self.vectors: list[Tensor] = []

    def __call__(self, layer: Any, vectors: Tensor, mask: Tensor | None) -> Tensor:
        """Takes note of what a layer reads."""
        vectors = tf.identity(vectors)
        self._tape.watch(vectors)
        self._masks.append(mask)
        self.vectors.append(vectors)
        return vectors

    def moved(self, gradients: Sequence[Tensor], epsilon: float) -> Change:
        """Returns what moves the vectors of another pass over the same batch to where the loss grows.

        Args:
            gradients: of the loss, with respect to `vectors`.
            epsilon: how far, as a share of the length of each row.
        """
        steps = iter(
            [
                0.0 if gradient is None else epsilon * _step(vectors, mask, gradient)
                for vectors, mask, gradient in zip(self.vectors, self._masks, gradients, strict=True)
            ]
        )
        return lambda layer, vectors, mask: vectors + next(steps)


def _step(vectors: Tensor, mask: Tensor | None, gradient: Tensor) -> Tensor:
    """‖x‖ g / ‖g‖ for each row; padding has no part in either."""
    if mask is not None:
        vectors = tf.where(mask[..., None], vectors, 0.0)
    length = tf.sqrt(tf.reduce_sum(tf.square(vectors), axis=[1, 2], keepdims=True))
    slope = tf.sqrt(tf.reduce_sum(tf.square(gradient), axis=[1, 2], keepdims=True) + _SMALLEST)
    return tf.stop_gradient(length * gradient / slope)


def mean_gradients(first: Sequence[Any], second: Sequence[Any]) -> list[Any]:
    """Returns (a + b) / 2 for each pair of gradients, rows of an embedding's as rows."""
    return [_mean(one, other) for one, other in zip(first, second, strict=True)]


def _mean(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return one if other is None else other
    if isinstance(one, tf.IndexedSlices) and isinstance(other, tf.IndexedSlices):
        values = tf.concat([one.values, other.values], axis=0) / 2
        return tf.IndexedSlices(values, tf.concat([one.indices, other.indices], axis=0), one.dense_shape)
    return (tf.convert_to_tensor(one) + tf.convert_to_tensor(other)) / 2
