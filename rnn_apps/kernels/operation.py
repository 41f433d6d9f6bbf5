"""The compiled passes of `passes.py` as one differentiable operation in a TensorFlow graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_apps.arrays import Tensor
from rnn_apps.kernels import passes
from rnn_apps.kernels.passes import Direction, Saved, Weights


def run(
    directions: Sequence[Direction],
    x: Tensor,
    mask: Tensor | None,
    weights: Sequence[Sequence[Tensor]],
    states: Sequence[Sequence[Tensor]] | None,
    keep: bool,
    sequences: bool,
    finals: bool,
) -> tuple[Tensor | None, list[list[Tensor]]]:
    """Runs one or two directions of a layer over a batch.

    Args:
        directions: one or two cells.
        x: inputs, (batch, time, features), float32.
        mask: (batch, time) bool, or None.
        weights: kernel, recurrent kernel and bias of each direction, as its kernels want them.
        states: initial states of each direction, (batch, units) each; None for zeros.
        keep: whether a gradient is expected. Where it is not, nothing is kept for it, and a gradient that is
            asked for all the same runs the forward pass again.
        sequences: whether the outputs of all steps are wanted.
        finals: whether the final states are wanted.

    Returns:
        The outputs of all directions side by side, (batch, time, all units), in the order of time, zero at masked
        steps, or None; and the final states of each direction, or an empty list.
    """
    plan = _Plan(directions, states is not None, keep, sequences, finals)
    tensors = [tf.convert_to_tensor(tensor) for own in weights for tensor in own]
    tensors += [tensor for own in states or () for tensor in own]
    masks = [] if mask is None else [mask]

    @tf.custom_gradient
    def operation(x: Tensor, *tensors: Tensor) -> Any:
        given = [x, *tensors, *masks]
        # flatten: a list of one result comes back as the bare tensor, here and below
        results = tf.nest.flatten(tf.numpy_function(plan.forward, given, [tf.float32] * (plan.outputs + plan.kept)))
        outputs, kept = results[: plan.outputs], results[plan.outputs :]

        def gradient(*upstream: Tensor) -> list[Tensor]:
            gradients = tf.numpy_function(plan.backward, [*given, *kept, *upstream], [tf.float32] * (1 + len(tensors)))
            for value, like in zip(gradients, [x, *tensors], strict=True):
                value.set_shape(like.shape)
            return gradients

        shapes = [[x.shape[0], x.shape[1], sum(d.units for d in directions)]] if sequences else []
        shapes += [[x.shape[0], d.units] for d in directions for _ in range(d.states)] if finals else []
        for value, shape in zip(outputs, shapes, strict=True):
            value.set_shape(shape)
        return outputs, gradient

    outputs = tf.nest.flatten(operation(x, *tensors))
    y = outputs.pop(0) if sequences else None
    return y, _grouped(outputs, plan.states) if finals else []


class _Plan:
    """Takes the flat lists of arrays that TensorFlow hands over apart, and puts the results in order.

    The forward operation gets x, the weights of all directions, their initial states, and the mask; it returns the
    outputs, the final states, and what is kept. The backward operation gets all that but the outputs, then the
    gradients of the outputs and of the final states.
    """

    def __init__(
        self, directions: Sequence[Direction], initial: bool, keep: bool, sequences: bool, finals: bool
    ) -> None:
        self.directions, self.initial, self.keep = directions, initial, keep
        self.sequences, self.finals = sequences, finals
        self.states = [d.states for d in directions]
        self.outputs = sequences + finals * sum(self.states)
        self.kept = 2 * len(directions) * keep

    def forward(self, *arrays: Any) -> list[Any]:
        x, weights, initial, mask, _ = self._inputs(arrays, 0)
        y, finals, kept = passes.forward(self.directions, x, mask, weights, initial, self.keep, self.sequences)
        outputs = [y] if self.sequences else []
        if self.finals:
            outputs += [state for own in finals for state in own]
        return outputs + ([array for own in kept for array in (own.gates, own.before)] if self.keep else [])

    def backward(self, *arrays: Any) -> list[Any]:
        x, weights, initial, mask, rest = self._inputs(arrays, self.kept + self.outputs)
        if self.keep:
            kept = [Saved(*pair) for pair in _grouped(rest, [2] * len(self.directions))]
        else:
            _, _, kept = passes.forward(self.directions, x, mask, weights, initial, True, False)
        upstream = rest[self.kept :]
        dy = upstream[0] if self.sequences else _EMPTY
        dfinals = _grouped(upstream[int(self.sequences) :], self.states) if self.finals else None
        dx, gradients, dinitial = passes.backward(self.directions, x, mask, weights, kept, dy, dfinals)
        flat = [array for own in gradients for array in (own.W, own.U, own.bias)]
        return [dx, *flat, *(state for own in dinitial for state in own if self.initial)]

    def _inputs(self, arrays: Sequence[Any], count: int) -> tuple[Any, list[Weights], Any, Any, Sequence[Any]]:
        """x, weights, initial states or None, mask or an empty array; and the last `count` arrays."""
        end = len(arrays) - count
        x, *tensors = arrays[:end]
        weights = [Weights(*three) for three in _grouped(tensors, [3] * len(self.directions))]
        rest = tensors[3 * len(self.directions) :]
        states = _grouped(rest, self.states) if self.initial else None
        mask = rest[-1] if len(rest) > sum(self.states) * self.initial else _NO_MASK
        return x, weights, states, mask, arrays[end:]


_EMPTY = np.empty((0, 0), np.float32)
_NO_MASK = np.empty((0, 0), np.bool_)


def _grouped(values: Sequence[Any], counts: Sequence[int]) -> list[list[Any]]:
    groups, start = [], 0
    for count in counts:
        groups.append(list(values[start : start + count]))
        start += count
    return groups
