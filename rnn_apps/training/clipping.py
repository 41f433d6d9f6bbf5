"""Gradient clipping: four ways to keep one steep place of the loss from undoing the training.

Backpropagation through time multiplies by the recurrent kernel once a step, so a gradient can grow exponentially with
the length of a sequence (Pascanu et al., arXiv:1211.5063). With g the gradient of one weight array, θ the threshold:

- by value:        g_i <- min(max(g_i, -θ), θ)
- by norm:         g <- g θ / max(‖g‖, θ), each array by itself
- by global norm:  g <- g θ / max(n, θ), n = sqrt(Σ ‖g‖²) over all arrays; the direction of the step stays
- adaptive:        G_j <- G_j θ m_j / max(‖G_j‖, θ m_j), m_j = max(‖W_j‖, 1e-3), for each unit j, that is each
  column of a kernel (Brock et al., arXiv:2102.06171, eq. 3)

Gradients of an embedding come as `tf.IndexedSlices`, with a row for each occurrence of a token. The rows of one
token are summed first: the norm of the gradient is the norm of those sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from rnn_apps.errors import ConfigError, did_you_mean

KINDS = ("value", "norm", "global_norm", "adaptive")
SMALLEST_WEIGHT_NORM = 1e-3

Gradient = Any
"""A tensor, `tf.IndexedSlices`, or None where a variable has no part in the loss."""


def clip_gradients(
    gradients: Sequence[Gradient], variables: Sequence[Any], kind: str | None, threshold: float
) -> tuple[list[Gradient], Any, Any]:
    """Clips gradients in one of the ways above; usable inside a `tf.function`.

    Args:
        gradients: one for each variable, None where there is none.
        variables: the variables, in the same order; only "adaptive" reads them.
        kind: "value", "norm", "global_norm", "adaptive", or None to leave the gradients as they are.
        threshold: θ, above 0; for "adaptive" a ratio, usually about 0.01.

    Returns:
        The clipped gradients, their global norm before clipping (float32 scalar), and whether anything was clipped
        (bool scalar). The norm is what tells an exploding run: log it.

    Raises:
        ConfigError: the kind is unknown, or the threshold is not above 0.
    """
    if kind is not None and kind not in KINDS:
        raise ConfigError(
            f"Expected the kind of clipping to be one of {', '.join(KINDS)}. Received: {kind!r}."
            f"{did_you_mean(str(kind), KINDS)}"
        )
    if kind is not None and not threshold > 0:
        raise ConfigError(f"Expected a clipping threshold above 0. Received: {threshold!r}.")
    summed = summed_rows(gradients)
    norm = global_norm(summed)
    if kind is None:
        return summed, norm, tf.constant(False)
    if kind == "value":
        clipped = clip_by_value(summed, threshold)
    elif kind == "norm":
        clipped = clip_by_norm(summed, threshold)
    elif kind == "global_norm":  # the norm says what is clipped, without another look at all gradients
        return clip_by_global_norm(summed, threshold, norm), norm, norm > threshold
    else:
        clipped = clip_adaptive(summed, variables, threshold)
    pairs = [(_values(before), _values(after)) for before, after in zip(summed, clipped, strict=True)]
    changed = [tf.reduce_any(before != after) for before, after in pairs if before is not None]
    return clipped, norm, tf.reduce_any(changed) if changed else tf.constant(False)


def summed_rows(gradients: Sequence[Gradient]) -> list[Gradient]:
    """Returns gradients in which each token of an embedding has one row."""
    return [_sum_repeated_rows(gradient) for gradient in gradients]


def scaled(gradient: Gradient, factor: Any) -> Gradient:
    """Returns a gradient times a factor."""
    return _map(gradient, lambda values: values * tf.cast(factor, values.dtype))


def global_norm(gradients: Sequence[Gradient]) -> Any:
    """n = sqrt(Σ ‖g‖²) over all gradients, a float32 scalar. Rows of one token must have been summed."""
    halves = [tf.nn.l2_loss(tf.cast(_values(g), tf.float32)) for g in gradients if g is not None]
    return tf.sqrt(2.0 * tf.add_n(halves)) if halves else tf.constant(0.0)


def clip_by_value(gradients: Sequence[Gradient], threshold: float) -> list[Gradient]:
    """Each element into [-threshold, threshold]."""
    return [_map(g, lambda values: tf.clip_by_value(values, -threshold, threshold)) for g in gradients]


def clip_by_norm(gradients: Sequence[Gradient], threshold: float) -> list[Gradient]:
    """Each gradient to a norm of at most `threshold`."""
    return [_map(g, lambda values: values * _scale(_norm(values), threshold)) for g in gradients]


def clip_by_global_norm(gradients: Sequence[Gradient], threshold: float, norm: Any) -> list[Gradient]:
    """All gradients by one factor, so that their global norm, now `norm`, is at most `threshold`."""
    return [_map(g, lambda values: values * tf.cast(_scale(norm, threshold), values.dtype)) for g in gradients]


def clip_adaptive(gradients: Sequence[Gradient], variables: Sequence[Any], threshold: float) -> list[Gradient]:
    """Each unit's gradient to a norm of at most `threshold` times that of its weights."""
    return [_clip_units(g, v, threshold) for g, v in zip(gradients, variables, strict=True)]


def _clip_units(gradient: Gradient, variable: Any, threshold: float) -> Gradient:
    if gradient is None:
        return None
    weights = tf.convert_to_tensor(variable)
    if isinstance(gradient, tf.IndexedSlices):
        # a token's row is the unit of an embedding
        weights, axes = tf.gather(weights, gradient.indices), [1]
    else:
        # the columns of a kernel are its units; a vector is one unit
        axes = list(range(max(len(weights.shape) - 1, 1)))
    largest = threshold * tf.maximum(_norm(weights, axes), SMALLEST_WEIGHT_NORM)
    return _map(gradient, lambda values: values * _scale(_norm(values, axes), tf.cast(largest, values.dtype)))


def _norm(values: Any, axes: list[int] | None = None) -> Any:
    return tf.sqrt(tf.reduce_sum(tf.square(values), axis=axes, keepdims=axes is not None))


def _scale(norm: Any, threshold: Any) -> Any:
    """θ / max(norm, θ), which is exactly 1 where nothing is to be clipped."""
    return threshold / tf.maximum(norm, threshold)


def _values(gradient: Gradient) -> Any:
    return gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient


def _map(gradient: Gradient, function: Any) -> Gradient:
    if gradient is None:
        return None
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(function(gradient.values), gradient.indices, gradient.dense_shape)
    return function(tf.convert_to_tensor(gradient))


def _sum_repeated_rows(gradient: Gradient) -> Gradient:
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    indices, position = tf.unique(gradient.indices)
    rows = tf.math.unsorted_segment_sum(gradient.values, position, tf.shape(indices)[0])
    return tf.IndexedSlices(rows, indices, gradient.dense_shape)
