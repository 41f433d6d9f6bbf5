"""Recurrent layers as ONNX's own operators, which know the length of every row.

ONNX orders the gates of an LSTM i, o, f, c (here i, f, c, o) and of a GRU z, r, h (as here), keeps weights with the
gates in front, (directions, gates * units, features), and puts time first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from rnn_apps.export.graph import Graph
from rnn_apps.export.keras_graph import Value, same_rows, writer_of, writes
from rnn_apps.layers import GRU, LSTM, Bidirectional, Deep, SimpleRNN

Floats = npt.NDArray[np.float32]

_OPERATORS = {LSTM: "LSTM", GRU: "GRU", SimpleRNN: "RNN"}
_GATE_ORDER = {"LSTM": (0, 3, 1, 2), "GRU": (0, 1, 2), "RNN": (0,)}


@writes(LSTM, GRU, SimpleRNN)
def one_direction(graph: Graph, layer: Any, value: Value) -> Value:
    """One cell over time."""
    return _native(graph, [layer], value, "reverse" if layer.go_backwards else "forward", None)


@writes(Bidirectional)
def bidirectional(graph: Graph, layer: Any, value: Value) -> Value:
    """Two cells over time in one operator."""
    return _native(graph, [layer.forward_layer, layer.backward_layer], value, "bidirectional", layer.merge_mode)


@writes(Deep)
def deep(graph: Graph, layer: Any, value: Value) -> Value:
    """A stack of layers."""
    for part in layer.layers:
        written = writer_of(part)(graph, part, value)
        assert isinstance(written, Value)
        value = written
    return value


def _native(graph: Graph, layers: Sequence[Any], value: Value, direction: str, merge_mode: str | None) -> Value:
    operator = _OPERATORS[type(layers[0])]
    units = layers[0].units
    inputs = [graph.node("Transpose", [value.tensor], perm=[1, 0, 2])]
    inputs += [graph.constant(np.stack(parts), layers[0].name) for parts in zip(*map(_weights, layers), strict=True)]
    inputs.append(value.lengths or "")
    attributes: dict[str, Any] = {"hidden_size": units, "direction": direction}
    if operator == "GRU":
        attributes["linear_before_reset"] = int(layers[0].reset_after)
    outputs = graph.node(operator, inputs, 2, **attributes)
    if layers[0].return_sequences:
        # (time, directions, batch, units) -> (batch, time, directions, units)
        merged = _merge(graph, graph.node("Transpose", [outputs[0]], perm=[2, 0, 1, 3]), len(layers), merge_mode)
        return same_rows(value, merged)
    # (directions, batch, units) -> (batch, directions, units)
    return Value(_merge(graph, graph.node("Transpose", [outputs[1]], perm=[1, 0, 2]), len(layers), merge_mode))


def _merge(graph: Graph, tensor: str, directions: int, merge_mode: str | None) -> str:
    """Merges the last but one axis, the directions."""
    if directions == 1:
        return graph.node("Squeeze", [tensor, graph.constant(np.array([-2], np.int64))])
    forward, backward = graph.node("Split", [tensor], 2, axis=-2)
    axis = graph.constant(np.array([-2], np.int64))
    forward, backward = (graph.node("Squeeze", [part, axis]) for part in (forward, backward))
    if merge_mode == "concat":
        return graph.node("Concat", [forward, backward], axis=-1)
    total = graph.node("Add", [forward, backward])
    if merge_mode == "sum":
        return total
    return graph.node("Mul", [total, graph.constant(np.array(0.5, np.float32))])


def _weights(layer: Any) -> tuple[Floats, Floats, Floats]:
    """Returns a layer's W, R and B in ONNX's order."""
    operator = _OPERATORS[type(layer)]
    kernel, recurrent, *bias = (keras.ops.convert_to_numpy(weight) for weight in layer.get_weights())
    zeros = np.zeros(kernel.shape[1], np.float32)
    both = np.stack([bias[0] if bias else zeros, zeros]) if not bias or bias[0].ndim == 1 else bias[0]
    return (
        _reorder(kernel, operator).T,
        _reorder(recurrent, operator).T,
        np.concatenate([_reorder(part[None], operator)[0] for part in both]),
    )


def _reorder(weights: Floats, operator: str) -> Floats:
    gates = np.split(weights, len(_GATE_ORDER[operator]), axis=1)
    return np.concatenate([gates[number] for number in _GATE_ORDER[operator]], axis=1)
