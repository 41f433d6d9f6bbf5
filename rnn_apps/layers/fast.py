"""The fast path: the compiled passes of `passes.py` as one differentiable operation in a TensorFlow graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_apps.layers import passes
from rnn_apps.layers.passes import Direction, Kept, Weights

Tensor = Any


def run(
    directions: Sequence[Direction],
    x: Tensor,
    mask: Tensor | None,
    weights: Sequence[Sequence[Tensor]],
    states: Sequence[Sequence[Tensor]],
    keep: bool,
    sequences: bool,
) -> tuple[Tensor | None, list[list[Tensor]]]:
    """Runs one or two directions of a layer over a batch.

    Args:
        directions: one or two cells.
        x: inputs, (batch, time, features), float32.
        mask: (batch, time) bool, or None.
        weights: kernel, recurrent kernel and bias of each direction, as its kernels want them.
        states: initial states of each direction, (batch, units) each.
        keep: whether a gradient is expected. Where it is not, nothing is kept for it, and a gradient that is
            asked for all the same runs the forward pass again.
        sequences: whether the outputs of all steps are wanted.

    Returns:
        The outputs of all directions side by side, (batch, time, all units), in the order of time, zero at masked
        steps, or None; and the final states of each direction.
    """
    plan = _Plan(directions, keep, sequences)
    flat_weights = [tf.convert_to_tensor(tensor) for own in weights for tensor in own]
    flat_states = [tensor for own in states for tensor in own]
    no_mask = tf.zeros((0, 0), tf.bool)

    @tf.custom_gradient
    def operation(x: Tensor, *tensors: Tensor) -> Any:
        given = [x, no_mask if mask is None else mask, *tensors]
        # an eager call does not wrap a single result in a list
        results = tf.nest.flatten(tf.numpy_function(plan.forward, given, [tf.float32] * plan.result_count))
        outputs, kept = results[: plan.output_count], results[plan.output_count :]

        def gradient(*upstream: Tensor) -> list[Tensor]:
            gradients = tf.numpy_function(plan.backward, [*given, *kept, *upstream], [tf.float32] * (1 + len(tensors)))
            for value, like in zip(gradients, [x, *tensors], strict=True):
                value.set_shape(like.shape)
            return gradients

        shapes = [[x.shape[0], x.shape[1], sum(d.units for d in directions)]] if sequences else []
        shapes += [[x.shape[0], d.units] for d in directions for _ in range(d.states)]
        for value, shape in zip(outputs, shapes, strict=True):
            value.set_shape(shape)
        return outputs, gradient

    outputs = list(operation(x, *flat_weights, *flat_states))
    y = outputs.pop(0) if sequences else None
    return y, _grouped(outputs, [d.states for d in directions])


class _Plan:
    """Takes the arrays that TensorFlow hands over as flat lists apart, and puts the results in order."""

    def __init__(self, directions: Sequence[Direction], keep: bool, sequences: bool) -> None:
        self.directions, self.keep, self.sequences = directions, keep, sequences
        self.state_counts = [d.states for d in directions]
        self.output_count = int(sequences) + sum(self.state_counts)
        self.result_count = self.output_count + (2 * len(directions) if keep else 0)

    def forward(self, x: Any, mask: Any, *tensors: Any) -> list[Any]:
        weights, states = self._weights_and_states(tensors)
        y, finals, kept = passes.forward(self.directions, x, mask, weights, states, self.keep, self.sequences)
        outputs = [y] if self.sequences else []
        outputs += [state for own in finals for state in own]
        return outputs + ([array for own in kept for array in (own.gates, own.before)] if self.keep else [])

    def backward(self, x: Any, mask: Any, *tensors: Any) -> list[Any]:
        count = len(self.directions)
        weights, states = self._weights_and_states(tensors)
        rest = list(tensors[3 * count + sum(self.state_counts) :])
        if self.keep:
            kept = [Kept(*rest[2 * d : 2 * d + 2]) for d in range(count)]
            rest = rest[2 * count :]
        else:
            _, _, kept = passes.forward(self.directions, x, mask, weights, states, True, False)
        dy = rest.pop(0) if self.sequences else np.empty((0, 0), np.float32)
        dfinals = _grouped(rest, self.state_counts)
        dx, gradients, dinitial = passes.backward(self.directions, x, mask, weights, kept, dy, dfinals)
        flat = [array for own in gradients for array in (own.W, own.U, own.bias)]
        return [dx, *flat, *(state for own in dinitial for state in own)]

    def _weights_and_states(self, tensors: Sequence[Any]) -> tuple[list[Weights], list[list[Any]]]:
        count = len(self.directions)
        weights = [Weights(*tensors[3 * d : 3 * d + 3]) for d in range(count)]
        return weights, _grouped(tensors[3 * count :], self.state_counts)


def _grouped(values: Sequence[Any], counts: Sequence[int]) -> list[list[Any]]:
    groups, start = [], 0
    for count in counts:
        groups.append(list(values[start : start + count]))
        start += count
    return groups
