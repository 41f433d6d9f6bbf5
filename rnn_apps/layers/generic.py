"""The generic way through time: a cell's `step` in a scan, on any backend, with every option."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from rnn_apps.arrays import Tensor


@dataclass
class Unrolled:
    """A layer's passage over a batch.

    Attributes:
        hidden: hidden states in the order of processing, (batch, time, units), zero at masked steps.
        states: final states, each (batch, units); the hidden state first.
        gates: gate activations in the order of processing, each (batch, time, units), zero at masked steps.
    """

    hidden: Tensor
    states: list[Tensor]
    gates: dict[str, Tensor]


def run(
    layer: Any,
    sequences: Tensor,
    states: list[Tensor] | None,
    mask: Tensor | None,
    training: bool | None,
    gates: bool,
) -> Unrolled:
    """Runs a recurrent layer over a batch.

    Args:
        layer: the layer.
        sequences: (batch, time, features).
        states: initial states, (batch, units) each, or None for zeros.
        mask: (batch, time) bool, or None.
        training: whether recurrent dropout and zoneout act at random.
        gates: whether to keep the gate activations.
    """
    batch, time = ops.shape(sequences)[0], ops.shape(sequences)[1]
    if states is None:
        states = [ops.zeros((batch, layer.units), dtype=layer.compute_dtype) for _ in range(layer.state_count)]
    dropped = None
    if training and layer.recurrent_dropout:
        dropped = layer.dropout_mask(layer.recurrent_dropout, (batch, layer.units))
    # Everything that differs from step to step travels in one tensor, because Keras 3.15 cannot scan over several
    # whose length is unknown while the graph is traced.
    columns = [sequences]
    if mask is not None:
        columns.append(ops.cast(mask, sequences.dtype)[:, :, None])
    if training and layer.zoneout:
        shape = (batch, time, layer.state_count * layer.units)
        noise = keras.random.uniform(shape, dtype=sequences.dtype, seed=layer.seed_generator)
        columns.append(ops.cast(noise < layer.zoneout, sequences.dtype))
    features = layer.kernel.shape[0]  # a graph may have lost that of the sequences
    over_time = ops.transpose(ops.concatenate(columns, axis=-1), (1, 0, 2))

    def advance(carry: dict[str, Any], now: Tensor) -> tuple[dict[str, Any], dict[str, Any]]:
        old = carry["states"]
        new, activations = layer.step(now[:, :features], old, dropped)
        if layer.zoneout:
            keep = [layer.zoneout] * layer.state_count
            if training:
                keep = ops.split(now[:, -layer.state_count * layer.units :], layer.state_count, axis=-1)
            new = [keep[i] * old[i] + (1 - keep[i]) * new[i] for i in range(layer.state_count)]
        if mask is not None:
            counts = now[:, features : features + 1] > 0
            new = [ops.where(counts, n, o) for n, o in zip(new, old, strict=True)]
        following: dict[str, Any] = {"states": new}
        if gates:
            following["gates"] = activations
        return following, following

    carry: dict[str, Any] = {"states": states}
    if gates:
        carry["gates"] = {name: ops.zeros_like(states[0]) for name in layer.gate_names}
    last, trace = ops.scan(advance, carry, over_time, reverse=layer.go_backwards)

    def batch_major(values: Tensor) -> Tensor:
        values = ops.transpose(values, (1, 0, 2))
        if mask is not None:
            values = ops.where(mask[:, :, None], values, 0)
        return ops.flip(values, axis=1) if layer.go_backwards else values

    hidden = batch_major(trace["states"][0])
    activations = {name: batch_major(values) for name, values in trace["gates"].items()} if gates else {}
    return Unrolled(hidden, list(last["states"]), activations)
