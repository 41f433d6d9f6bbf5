"""Standard cells on a GPU: Keras' own layer runs with our weights, and hands them to cuDNN."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from keras import ops

from rnn_apps.arrays import Tensor
from rnn_apps.layers import paths
from rnn_apps.layers.generic import Unrolled

_twins: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


def can_run(layer: Any, training: bool | None) -> bool:
    """Whether Keras' own layer runs this one: a gated cell that Keras has, on a GPU."""
    if not paths.is_tensorflow() or not paths.on_gpu():
        return False
    return bool(layer.gate_names) and layer.is_standard() and not (training and layer.recurrent_dropout)


def run(
    layer: Any, sequences: Tensor, states: list[Tensor] | None, mask: Tensor | None, training: bool | None
) -> Unrolled:
    """Runs a standard LSTM or GRU over a batch by way of Keras; for the arguments see `rnn_apps.layers.generic.run`.

    cuDNN wants padding behind the steps that count, and at least one step in each row. The first is up to the caller
    (Keras raises an error otherwise); for the second, a row without a step gets one, and its results are put right.
    """
    if layer not in _twins:
        # dropout on the inputs was done before
        twin = layer.keras_twin(return_sequences=True, return_state=True, dropout=0.0, trainable=True)
        twin.build((None, None, sequences.shape[2]))
        _twins[layer] = twin
    given = mask
    if mask is not None:
        empty = ops.logical_not(ops.any(mask, axis=1, keepdims=True))
        first = ops.arange(ops.shape(mask)[1])[None, :] == 0
        given = ops.logical_or(mask, ops.logical_and(empty, first))
    weights = [ops.convert_to_tensor(weight) for weight in (layer.kernel, layer.recurrent_kernel)]
    weights += [] if layer.bias is None else [ops.convert_to_tensor(layer.bias)]
    twin = _twins[layer]
    seeds = [ops.convert_to_tensor(variable) for variable in twin.non_trainable_variables]
    results, _ = twin.stateless_call(weights, seeds, sequences, initial_state=states, mask=given)
    hidden, *finals = results
    if mask is not None:
        counts = ops.flip(mask, axis=1) if layer.go_backwards else mask
        hidden = ops.where(counts[:, :, None], hidden, 0)
        initial = states or [ops.zeros_like(final) for final in finals]
        finals = [ops.where(empty, start, end) for start, end in zip(initial, finals, strict=True)]
    return Unrolled(hidden, finals, {})
