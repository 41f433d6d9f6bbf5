"""Recurrent layers as ONNX graphs: its own operators where it has the cell, a Scan over time otherwise.

ONNX keeps weights with the gates in front, (directions, gates * units, features), and puts time first. Its operators
know the length of every row; where a row has no step they return zeros for the final state, and not the initial one,
which is put right here. `cells.py` says which cells there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from rnn_apps.arrays import Floats
from rnn_apps.errors import ExportError
from rnn_apps.export.graph import Graph
from rnn_apps.export.registry import Value, activate, flip, masked, reverse, same_rows, writer_of, writes
from rnn_apps.export.writers.cells import cell_of
from rnn_apps.export.writers.recurrent_scan import scan
from rnn_apps.layers import Bidirectional, Deep
from rnn_apps.layers.recurrent import Recurrent


@dataclass(frozen=True)
class Passage:
    """What one direction of a cell gives.

    Attributes:
        hidden: (batch, time, units), each step at its own place, zero at padding.
        states: final states, (batch, units) each, the hidden state first.
    """

    hidden: str
    states: list[str]


@writes(Recurrent)
def one_direction(graph: Graph, layer: Any, value: Value, *initial: Value) -> Value | tuple[Value, ...]:
    """One cell over time."""
    (passage,) = run_directions(graph, [layer], [layer.go_backwards], value, [state.tensor for state in initial])
    sequence = Value(_output_part(graph, layer, passage.hidden, value), value.lengths)
    if layer.return_sequences and layer.go_backwards:
        if value.lengths is not None:
            raise ExportError(
                f"The layer '{layer.name}' returns padded sequences from last step to first, which ONNX cannot mask. "
                "Put it into a Bidirectional layer, or leave go_backwards out."
            )
        sequence = Value(flip(graph, sequence.tensor))
    last = Value(_output_part(graph, layer, passage.states[0], None))
    return _returned(layer, sequence if layer.return_sequences else last, passage.states)


@writes(Bidirectional)
def bidirectional(graph: Graph, layer: Any, value: Value, *initial: Value) -> Value | tuple[Value, ...]:
    """Two cells over time, in one operator if ONNX has it."""
    layers = [layer.forward_layer, layer.backward_layer]
    states = [state.tensor for state in initial]
    if not all(isinstance(part, Recurrent) for part in layers):
        return _both_ways(graph, layer, value, initial)
    backwards = [part.go_backwards for part in layers]
    passages = run_directions(graph, layers, backwards, value, states)
    if layer.return_sequences:
        outputs = [_output_part(graph, p, q.hidden, value) for p, q in zip(layers, passages, strict=True)]
    else:
        outputs = [_output_part(graph, p, q.states[0], None) for p, q in zip(layers, passages, strict=True)]
    rows = value if layer.return_sequences else Value("")
    merged = [same_rows(rows, tensor) for tensor in _merge(graph, outputs, layer.merge_mode)]
    return _returned(layer, merged, [state for passage in passages for state in passage.states])


@writes(Deep)
def deep(graph: Graph, layer: Any, value: Value, *initial: Value) -> Value | tuple[Value, ...]:
    """A stack of layers."""
    states = list(initial)
    finals: list[str] = []
    symbol = keras.KerasTensor((None, None, _features(layer)))
    for part in layer.layers:
        count = len(part.state_sizes) if states else 0
        written = writer_of(part)(graph, part, value, *states[:count])
        states = states[count:]
        outputs = written if isinstance(written, tuple) else (written,)
        following = keras.tree.flatten(part.compute_output_spec(symbol))[0]
        output = outputs[0]
        if layer.residual and following.shape == symbol.shape:
            lower = value.tensor if value.lengths is None else masked(graph, value.tensor, value)
            output = same_rows(output, graph.node("Add", [output.tensor, lower]))
        finals += [state.tensor for state in outputs[1:]]
        value, symbol = output, following
    return _returned(layer, value, finals)


def _returned(layer: Any, output: Value | Sequence[Value], states: Sequence[str]) -> Value | tuple[Value, ...]:
    outputs = [output] if isinstance(output, Value) else list(output)
    if layer.return_state:
        outputs += [Value(state) for state in states]
    return tuple(outputs) if len(outputs) > 1 else outputs[0]


def run_directions(
    graph: Graph, layers: Sequence[Any], backwards: Sequence[bool], value: Value, initial: Sequence[str]
) -> list[Passage]:
    """Runs one or two cells over the same rows."""
    counts = [layer.state_count for layer in layers]
    given = [list(initial[sum(counts[:n]) : sum(counts[: n + 1])]) for n in range(len(layers))]
    if all(cell_of(layer).is_native(layer) for layer in layers):
        if len(layers) == 2 and list(backwards) == [False, True] and _alike(*layers):
            return _native(graph, layers, "bidirectional", value, given)
        directions = ["reverse" if flag else "forward" for flag in backwards]
        return [
            _native(graph, [layer], direction, value, [states])[0]
            for layer, direction, states in zip(layers, directions, given, strict=True)
        ]
    passages = []
    for layer, flag, states in zip(layers, backwards, given, strict=True):
        rows = same_rows(value, reverse(graph, value.tensor, value)) if flag else value
        hidden, finals = scan(graph, layer, rows, states, flag)
        passages.append(Passage(reverse(graph, hidden, value) if flag else hidden, finals))
    return passages


def _alike(first: Any, second: Any) -> bool:
    """Whether one operator can run both cells."""
    return (
        cell_of(first) is cell_of(second)
        and first.units == second.units
        and getattr(first, "reset_after", None) == getattr(second, "reset_after", None)
    )


def _native(
    graph: Graph, layers: Sequence[Any], direction: str, value: Value, initial: Sequence[Sequence[str]]
) -> list[Passage]:
    cell, state_count = cell_of(layers[0]), layers[0].state_count
    inputs = [graph.node("Transpose", [value.tensor], perm=[1, 0, 2])]
    inputs += [graph.constant(np.stack(parts), layers[0].name) for parts in zip(*map(_weights, layers), strict=True)]
    inputs.append(value.lengths or "")
    first_axis = graph.constant(np.array([0], np.int64))
    for states in zip(*initial, strict=True):
        lifted = [graph.node("Unsqueeze", [state, first_axis]) for state in states]
        inputs.append(graph.node("Concat", lifted, axis=0) if len(lifted) > 1 else lifted[0])
    names = [name for layer in layers for name in cell.activation_names(layer)]
    attributes: dict[str, Any] = {"hidden_size": layers[0].units, "direction": direction, "activations": names}
    if "Affine" in names:
        # alpha and beta go, in order, to those activations that take them
        count = names.count("Affine")
        attributes |= {"activation_alpha": [1.0] * count, "activation_beta": [0.0] * count}
    if cell.operator == "GRU":
        attributes["linear_before_reset"] = int(layers[0].reset_after)
    outputs = graph.node(cell.operator, inputs, 1 + state_count, **attributes)
    # (time, directions, batch, units) -> (directions, batch, time, units)
    sequences = _split(graph, graph.node("Transpose", [outputs[0]], perm=[1, 2, 0, 3]), len(layers))
    states_by_kind = [_split(graph, output, len(layers)) for output in outputs[1:]]
    passages = []
    for d, hidden in enumerate(sequences):
        finals = [kind[d] for kind in states_by_kind]
        if initial[d]:
            finals = [_unless_empty(graph, f, s, value) for f, s in zip(finals, initial[d], strict=True)]
        passages.append(Passage(hidden, finals))
    return passages


def _split(graph: Graph, tensor: str, count: int) -> list[str]:
    """Takes the first axis, of this size, apart."""
    axis = graph.constant(np.array([0], np.int64))
    parts = graph.node("Split", [tensor], count, axis=0) if count > 1 else [tensor]
    return [graph.node("Squeeze", [part, axis]) for part in parts]


def _unless_empty(graph: Graph, final: str, initial: str, value: Value) -> str:
    """The final state, or the initial one for a row without a step."""
    if value.lengths is None:
        return final
    some = graph.node("Greater", [value.lengths, graph.constant(np.array(0, np.int32))])
    some = graph.node("Unsqueeze", [some, graph.constant(np.array([1], np.int64))])
    return graph.node("Where", [some, final, initial])


def _both_ways(graph: Graph, layer: Any, value: Value, initial: Sequence[Value]) -> Value | tuple[Value, ...]:
    """Bidirectional around a stack: the other direction reads, and gives, reversed rows."""
    count = len(layer.forward_layer.state_sizes)
    outputs, finals = [], []
    for part, states in ((layer.forward_layer, initial[:count]), (layer.backward_layer, initial[count:])):
        backwards = part is layer.backward_layer
        rows = same_rows(value, reverse(graph, value.tensor, value)) if backwards else value
        written = writer_of(part)(graph, part, rows, *states)
        output, *rest = written if isinstance(written, tuple) else (written,)
        in_time = backwards and layer.return_sequences
        outputs.append(reverse(graph, output.tensor, value) if in_time else output.tensor)
        finals += [state.tensor for state in rest]
    rows = value if layer.return_sequences else Value("")
    return _returned(layer, [same_rows(rows, tensor) for tensor in _merge(graph, outputs, layer.merge_mode)], finals)


def _merge(graph: Graph, outputs: Sequence[str], merge_mode: str | None) -> list[str]:
    if merge_mode == "concat":
        return [graph.node("Concat", outputs, axis=-1)]
    if merge_mode == "mul":
        return [graph.node("Mul", outputs)]
    if merge_mode is None:
        return list(outputs)
    total = graph.node("Add", outputs)
    return [total if merge_mode == "sum" else graph.node("Mul", [total, graph.constant(np.array(0.5, np.float32))])]


def _output_part(graph: Graph, layer: Any, hidden: str, value: Value | None) -> str:
    """y = g2(Wya a + by) of a SimpleRNN that has it; zero at padding if `value` is given."""
    if getattr(layer, "output_units", None) is None:
        return hidden
    weights = [
        keras.ops.convert_to_numpy(weight) for weight in (layer.output_kernel, layer.output_bias) if weight is not None
    ]
    tensor = graph.node("MatMul", [hidden, graph.constant(weights[0], layer.name)])
    if len(weights) > 1:
        tensor = graph.node("Add", [tensor, graph.constant(weights[1], layer.name)])
    tensor = activate(graph, layer.output_activation, tensor)
    return tensor if value is None or value.lengths is None else masked(graph, tensor, value)


def _features(layer: Any) -> int:
    """Width of a layer's input."""
    while not hasattr(layer, "kernel"):
        layer = layer.forward_layer if isinstance(layer, Bidirectional) else layer.layers[0]
    return int(layer.kernel.shape[0])


def _weights(layer: Any) -> tuple[Floats, Floats, Floats]:
    """Returns a layer's W, R and B in ONNX's order."""
    order = cell_of(layer).gate_order
    kernel, recurrent = (keras.ops.convert_to_numpy(weight) for weight in (layer.kernel, layer.recurrent_kernel))
    bias = np.zeros(layer.bias_shape, np.float32) if layer.bias is None else keras.ops.convert_to_numpy(layer.bias)
    both = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
    return (
        _reorder(kernel, order).T,
        _reorder(recurrent, order).T,
        np.concatenate([_reorder(part[None], order)[0] for part in both]),
    )


def _reorder(weights: Floats, order: Sequence[int]) -> Floats:
    gates = np.split(weights, len(order), axis=1)
    return np.concatenate([gates[index] for index in order], axis=1)
