"""The way through time for those who look: one step after the other, and every step's states kept.

Each step is the layer's own, compiled where its loops are, so the gradient of a loss with respect to a state that was
kept comes from the same backward pass as in training. Eager only, and slow: the length must be known.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from rnn_apps.arrays import Tensor
from rnn_apps.layers import compiled
from rnn_apps.layers.generic import Unrolled


def run(
    layer: Any, sequences: Tensor, states: list[Tensor] | None, mask: Tensor | None, training: bool | None
) -> Unrolled:
    """Runs one layer over a batch; for the arguments see `rnn_apps.layers.generic.run`.

    The states after each step are put into `layer.states_seen`, in the order of processing.
    """
    if states is None:
        states = [ops.zeros((sequences.shape[0], layer.units), layer.compute_dtype) for _ in range(layer.state_count)]
    times = range(sequences.shape[1])
    hidden = []
    for time in reversed(times) if layer.go_backwards else times:
        new = _step(layer, sequences[:, time], states, training)
        if layer.zoneout:
            new = [
                layer.zoneout * before + (1 - layer.zoneout) * after for before, after in zip(states, new, strict=True)
            ]
        counts = None if mask is None else mask[:, time, None]
        if counts is not None:
            new = [ops.where(counts, after, before) for before, after in zip(states, new, strict=True)]
        states = list(new)
        layer.states_seen.append(states)
        hidden.append(states[0] if counts is None else ops.where(counts, states[0], 0))
    return Unrolled(ops.stack(hidden, axis=1), states, {})


def _step(layer: Any, x: Tensor, states: list[Tensor], training: bool | None) -> list[Tensor]:
    if compiled.can_run(layer, training):
        return compiled.step(layer, x, states, training)
    new, _ = layer.step(x, states, None)
    return list(new)
