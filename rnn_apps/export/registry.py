"""Which function writes which layer as ONNX, and the nodes that several of them share.

A value carries, beside its tensor, the lengths of its rows: that is what a Keras mask becomes, because ONNX's recurrent
operators take `sequence_lens`. So padding must stand behind the steps of a row, as this package's batches have it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnn_apps.errors import ExportError
from rnn_apps.export.graph import Graph

_ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "elu": "Elu", "softplus": "Softplus"}
_OVER_FEATURES = {"softmax": "Softmax", "log_softmax": "LogSoftmax"}


@dataclass(frozen=True)
class Value:
    """A tensor of the graph.

    Attributes:
        tensor: its name.
        lengths: name of the int32 tensor (batch,) with the steps of each row that count, or None if all do.
    """

    tensor: str
    lengths: str | None = None


Writer = Callable[..., "Value | tuple[Value, ...]"]

_WRITERS: dict[type, Writer] = {}


def writes(*layer_classes: type) -> Callable[[Writer], Writer]:
    """Registers a function `(graph, layer, *inputs, **options) -> Value` as the writer of these layer classes.

    Options are what the layer was called with by name beside tensors; most layers have none.
    """

    def register(writer: Writer) -> Writer:
        _WRITERS.update(dict.fromkeys(layer_classes, writer))
        return writer

    return register


def writer_of(layer: Any) -> Writer:
    """Returns the writer of a layer, which may be that of a class it derives from.

    Raises:
        ExportError: if nothing can write it.
    """
    for layer_class in type(layer).__mro__:
        if layer_class in _WRITERS:
            return _WRITERS[layer_class]
    raise ExportError(
        f"The layer '{layer.name}' ({type(layer).__name__}) cannot be written as ONNX. Register a writer for it: "
        "rnn_apps.export.writes"
    )


def same_rows(value: Value, tensor: str) -> Value:
    """Returns `tensor` with the row lengths of `value`."""
    return replace(value, tensor=tensor)


def activate(graph: Graph, function: Any, tensor: str) -> str:
    """Adds a Keras activation function.

    Raises:
        ExportError: for a function that ONNX has not.
    """
    name = function.__name__
    if name == "linear":
        return tensor
    if name in _OVER_FEATURES:
        return graph.node(_OVER_FEATURES[name], [tensor], axis=-1)
    if name not in _ACTIVATIONS:
        raise ExportError(f"The activation '{name}' cannot be written as ONNX. Known: {', '.join(_ACTIVATIONS)}.")
    return graph.node(_ACTIVATIONS[name], [tensor])


def steps_that_count(graph: Graph, value: Value) -> str:
    """(batch, time, 1) bool: true at each step that counts."""
    time = graph.node("Squeeze", [graph.node("Shape", [value.tensor], start=1, end=2)])
    zero, one = (graph.constant(np.array(number, np.int64)) for number in (0, 1))
    steps = graph.node("Range", [zero, time, one])
    if value.lengths is None:
        lengths = graph.node("Expand", [time, graph.node("Shape", [value.tensor], start=0, end=1)])
    else:
        lengths = graph.cast(value.lengths, np.int64)
    column = graph.node("Unsqueeze", [lengths, graph.constant(np.array([1], np.int64))])
    return graph.node("Unsqueeze", [graph.node("Less", [steps, column]), graph.constant(np.array([2], np.int64))])


def masked(graph: Graph, tensor: str, value: Value) -> str:
    """`tensor` with zeros at padding."""
    zero = graph.constant(np.array(0.0, np.float32))
    return graph.node("Where", [steps_that_count(graph, value), tensor, zero])


def reverse(graph: Graph, tensor: str, value: Value) -> str:
    """Each row's steps in the other order, padding left where it is."""
    if value.lengths is None:
        return flip(graph, tensor)
    lengths = graph.cast(value.lengths, np.int64)
    return graph.node("ReverseSequence", [tensor, lengths], batch_axis=0, time_axis=1)


def flip(graph: Graph, tensor: str) -> str:
    """All steps in the other order."""
    numbers = (-1, np.iinfo(np.int64).min, 1, -1)
    start, end, axis, step = (graph.constant(np.array([number], np.int64)) for number in numbers)
    return graph.node("Slice", [tensor, start, end, axis, step])
