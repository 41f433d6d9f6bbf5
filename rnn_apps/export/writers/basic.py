"""Writers of the layers that models here are built of; the recurrent ones are in `recurrent.py`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from rnn_apps.arrays import MASKED
from rnn_apps.export.graph import Graph
from rnn_apps.export.registry import Value, activate, same_rows, steps_that_count, writes
from rnn_apps.layers import Embedding, MaskedPooling, OrderedClasses


def _weights(variable: Any) -> Any:
    return keras.ops.convert_to_numpy(variable)


@writes(keras.layers.Dropout, keras.layers.SpatialDropout1D, keras.layers.GaussianNoise, keras.layers.GaussianDropout)
def nothing(graph: Graph, layer: Any, value: Value) -> Value:
    """What acts in training only."""
    return value


@writes(keras.layers.Activation)
def activation(graph: Graph, layer: Any, value: Value) -> Value:
    """An activation function by itself."""
    return same_rows(value, activate(graph, layer.activation, value.tensor))


@writes(keras.layers.Dense)
def dense(graph: Graph, layer: Any, value: Value) -> Value:
    """x W + b over the last axis."""
    tensor = graph.node("MatMul", [value.tensor, graph.constant(_weights(layer.kernel), layer.name)])
    if layer.use_bias:
        tensor = graph.node("Add", [tensor, graph.constant(_weights(layer.bias), layer.name)])
    return same_rows(value, activate(graph, layer.activation, tensor))


@writes(OrderedClasses)
def ordered_classes(graph: Graph, layer: Any, value: Value) -> Value:
    """Log-probabilities from a score and the thresholds between the classes; see the layer for the equations."""
    thresholds, between = (_weights(part) for part in layer.thresholds())
    score = graph.node("MatMul", [value.tensor, graph.constant(_weights(layer.kernel), layer.name)])
    distances = graph.node("Sub", [score, graph.constant(thresholds, layer.name)])
    above = graph.node("Neg", [graph.node("Softplus", [graph.node("Neg", [distances])])])
    below = graph.node("Neg", [graph.node("Softplus", [distances])])

    def columns(tensor: str, start: int, end: int) -> str:
        bounds = (graph.constant(np.array([number], np.int64)) for number in (start, end, -1))
        return graph.node("Slice", [tensor, *bounds])

    last = layer.classes - 1
    inner = graph.node("Add", [columns(above, 0, last - 1), columns(below, 1, last)])
    inner = graph.node("Add", [inner, graph.constant(between, layer.name)])
    parts = [columns(below, 0, 1), inner, columns(above, last - 1, last)]
    return same_rows(value, graph.node("Concat", parts, axis=-1))


@writes(Embedding)
def embedding(graph: Graph, layer: Any, value: Value) -> Value:
    """A row of the table for each number; the number 0 is padding if the layer masks it."""
    tensor = graph.rows(_weights(layer.embeddings), value.tensor, layer.name)
    if not layer.mask_zero:
        return same_rows(value, tensor)
    counted = graph.node("Cast", [graph.cast(value.tensor, np.bool_)], to=6)
    lengths = graph.node("ReduceSum", [counted, graph.constant(np.array([1], np.int64))], keepdims=0)
    return Value(tensor, lengths)


@writes(MaskedPooling)
def pooling(graph: Graph, layer: Any, value: Value) -> Value:
    """Each kind of pooling over the steps that count; a row without steps gives zeros."""
    real = graph.cast(steps_that_count(graph, value), np.float32)
    pooled = [_POOLINGS[kind](graph, value.tensor, real) for kind in layer.kinds]
    return Value(graph.node("Concat", pooled, axis=-1) if len(pooled) > 1 else pooled[0])


def _count(graph: Graph, real: str) -> str:
    """The number of steps of each row, (batch, 1)."""
    return graph.node("ReduceSum", [real, graph.constant(np.array([1], np.int64))], keepdims=0)


def _max(graph: Graph, tensor: str, real: str) -> str:
    masked = graph.constant(np.array(MASKED, np.float32))
    zero, one = (graph.constant(np.array(number, np.float32)) for number in (0.0, 1.0))
    pushed = graph.node("Add", [tensor, graph.node("Mul", [graph.node("Sub", [one, real]), masked])])
    largest = graph.node("ReduceMax", [pushed], axes=[1], keepdims=0)
    return graph.node("Where", [graph.node("Greater", [_count(graph, real), zero]), largest, zero])


def _mean(graph: Graph, tensor: str, real: str) -> str:
    axis = graph.constant(np.array([1], np.int64))
    total = graph.node("ReduceSum", [graph.node("Mul", [tensor, real]), axis], keepdims=0)
    one = graph.constant(np.array(1.0, np.float32))
    return graph.node("Div", [total, graph.node("Max", [_count(graph, real), one])])


def _last(graph: Graph, tensor: str, real: str) -> str:
    one = graph.constant(np.array([1], np.int64))
    following = graph.node(
        "Pad",
        [
            graph.node("Slice", [real, one, graph.constant(np.array([2**31], np.int64)), one]),
            graph.constant(np.array([0, 0, 0, 0, 1, 0], np.int64)),
        ],
    )
    is_last = graph.node("Sub", [real, following])
    return graph.node("ReduceSum", [graph.node("Mul", [tensor, is_last]), one], keepdims=0)


def _first(graph: Graph, tensor: str, real: str) -> str:
    zero, one = (graph.constant(np.array([number], np.int64)) for number in (0, 1))
    first = graph.node("Slice", [graph.node("Mul", [tensor, real]), zero, one, one])
    return graph.node("ReduceSum", [first, one], keepdims=0)


_POOLINGS = {"max": _max, "mean": _mean, "last": _last, "first": _first}


@writes(keras.layers.Concatenate)
def concatenate(graph: Graph, layer: Any, *values: Value) -> Value:
    """The inputs side by side along the layer's axis."""
    return same_rows(values[0], graph.node("Concat", [value.tensor for value in values], axis=layer.axis))


@writes(keras.layers.Add)
def add(graph: Graph, layer: Any, *values: Value) -> Value:
    """The sum of the inputs."""
    total = values[0].tensor
    for value in values[1:]:
        total = graph.node("Add", [total, value.tensor])
    return same_rows(values[0], total)


@writes(keras.layers.LayerNormalization)
def layer_normalization(graph: Graph, layer: Any, value: Value) -> Value:
    """Normalisation over the last axis, with scale and shift."""
    width = value_width(layer)
    scale = _weights(layer.gamma) if layer.scale else np.ones(width, np.float32)
    shift = _weights(layer.beta) if layer.center else np.zeros(width, np.float32)
    tensor = graph.node(
        "LayerNormalization",
        [value.tensor, graph.constant(scale, layer.name), graph.constant(shift, layer.name)],
        axis=-1,
        epsilon=float(layer.epsilon),
    )
    return same_rows(value, tensor)


def value_width(layer: Any) -> int:
    """Features in the last axis of a layer's input."""
    return int(layer.input.shape[-1])


@writes(keras.layers.Rescaling)
def rescaling(graph: Graph, layer: Any, value: Value) -> Value:
    """x scale + offset."""
    scaled = graph.node("Mul", [value.tensor, graph.constant(np.float32(layer.scale))])
    return same_rows(value, graph.node("Add", [scaled, graph.constant(np.float32(layer.offset))]))


@writes(keras.layers.Flatten)
def flatten(graph: Graph, layer: Any, value: Value) -> Value:
    """All axes but the first in one."""
    return Value(graph.node("Flatten", [value.tensor], axis=1))


@writes(keras.layers.Reshape)
def reshape(graph: Graph, layer: Any, value: Value) -> Value:
    """Another shape for each row."""
    shape = np.array([0, *(-1 if size is None else size for size in layer.target_shape)], np.int64)
    return Value(graph.node("Reshape", [value.tensor, graph.constant(shape)]))
