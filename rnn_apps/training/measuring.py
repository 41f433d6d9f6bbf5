"""Measuring a model while it trains, for its recording: norms of each layer, and what its gates do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.arrays import Array, Arrays, Tensor
from rnn_apps.data.windows import INITIAL
from rnn_apps.layers.observation import Part, recurrent_parts, seen_states
from rnn_apps.training.recording import Recording

LOOKED_AT = (8, 32)
"""Validation examples whose gates are looked at, and steps of each."""

_LOW, _HIGH = 0.1, 0.9
_DEAD = 0.01


def layer_names(variables: Sequence[Any]) -> list[str]:
    """Returns the layer of each weight: its path without the weight's own name."""
    return [variable.path.rpartition("/")[0] or variable.path for variable in variables]


class LayerNorms:
    """Norms of each layer's gradients and updates, in the graph of a step.

    Args:
        variables: the trained weights.

    Attributes:
        layers: names of the layers, in their order.
    """

    def __init__(self, variables: Sequence[Any]) -> None:
        names = layer_names(variables)
        self.layers = list(dict.fromkeys(names))
        self._places = [self.layers.index(name) for name in names]

    def of(self, values: Sequence[Any]) -> Tensor:
        """Returns the norm of each layer's part of gradients or weights, (layers,)."""
        squares = [tf.constant(0.0) if value is None else tf.reduce_sum(tf.square(_dense(value))) for value in values]
        return tf.sqrt(tf.math.unsorted_segment_sum(tf.stack(squares), self._places, len(self.layers)))


def _dense(value: Any) -> Tensor:
    return tf.cast(value.values if isinstance(value, tf.IndexedSlices) else tf.convert_to_tensor(value), tf.float32)


def look_at_gates(recording: Recording, model: keras.Model, batch: Arrays) -> None:
    """Looks at the gates of a model on the beginnings of some examples."""
    rows, steps = LOOKED_AT
    inputs = {name: batch[name] for name in model.input if not name.startswith(INITIAL)}
    free = {name for name, tensor in model.input.items() if tensor.shape[1:2] == (None,)}
    some = {name: value[:rows, :steps] if name in free else value[:rows] for name, value in inputs.items()}
    count = len(next(iter(some.values())))
    for name, tensor in model.input.items():
        if name.startswith(INITIAL):
            some[name] = np.zeros((count, int(tensor.shape[-1])), np.float32)
    saturated, dead = gate_statistics(model, some)
    if dead:
        recording.epochs.append({"step": recording.step, "saturated": saturated, "dead": dead})


def gate_statistics(model: keras.Model, inputs: Mapping[str, Array]) -> tuple[dict[str, float], dict[str, float]]:
    """Returns the share of saturated values of each gate, and of dead units of each recurrent layer, by name.

    A gate is saturated below 0.1 and above 0.9; a unit is dead whose hidden state moves by less than 0.01.

    Args:
        model: a functional model.
        inputs: a batch.
    """
    parts = recurrent_parts(model)
    read: dict[str, Tensor] = {}
    for part in parts:
        part.layer.change = _noting(read, part.layer.path)
    try:
        with seen_states(model) as seen:
            model(dict(inputs), training=False)
    finally:
        for part in parts:
            part.layer.change = None
    saturated: dict[str, float] = {}
    dead: dict[str, float] = {}
    for part in parts:
        states = seen[part.layer.path]
        if states:
            name = part.layer.path
            hidden = np.stack([step[0].numpy() for step in states])
            dead[name] = float((np.ptp(hidden, axis=(0, 1)) < _DEAD).mean())
            for gate, values in _gates(part, read[name], states).items():
                if gate != "candidate":
                    saturated[f"{name}: {gate}"] = float(((values < _LOW) | (values > _HIGH)).mean())
    return saturated, dead


def _noting(read: dict[str, Tensor], path: str) -> Any:
    def note(sequences: Tensor, mask: Tensor | None) -> Tensor:
        read[path] = sequences
        return sequences

    return note


def _gates(part: Part, sequences: Tensor, states: Sequence[Sequence[Tensor]]) -> dict[str, Array]:
    """The gates of all steps at once: the states before each are known."""
    layer = part.layer
    x = tf.transpose(sequences, (1, 0, 2))
    x = x[::-1] if layer.go_backwards else x
    before = [[tf.zeros_like(state) for state in states[0]], *states[:-1]]
    flat = [tf.concat([step[number] for step in before], axis=0) for number in range(layer.state_count)]
    _, gates = layer.step(tf.reshape(x, (-1, x.shape[-1])), flat, None)
    return {name: value.numpy() for name, value in gates.items()}
