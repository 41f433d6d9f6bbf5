"""A functional Keras model as an ONNX graph, layer by layer.

Each layer class has one writer: a function that gets the graph, the layer and the layer's inputs, and adds the nodes
that compute the same. A task with a layer of its own registers a writer for it with `writes`.

A value carries, beside its tensor, the lengths of its rows: that is what a Keras mask becomes, because ONNX's recurrent
operators take `sequence_lens`. So padding must stand behind the steps of a row, as this package's batches have it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx

from rnn_apps.arrays import Array, Arrays
from rnn_apps.errors import ExportError
from rnn_apps.export.graph import Graph
from rnn_apps.export.shared_weights import SharedWeights

TOLERANCE = 1e-4


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
    import rnn_apps.export.layers  # noqa: F401  (registers the writers)

    for layer_class in type(layer).__mro__:
        if layer_class in _WRITERS:
            return _WRITERS[layer_class]
    raise ExportError(
        f"The layer '{layer.name}' ({type(layer).__name__}) cannot be written as ONNX. Register a writer for it: "
        "rnn_apps.export.keras_graph.writes"
    )


def to_onnx(model: keras.Model, half: bool = False) -> onnx.ModelProto:
    """Writes a functional model with dicts of named inputs and outputs as ONNX.

    Args:
        model: inputs of shape (batch, ...) with free dimensions left open.
        half: store large weights as float16.

    Raises:
        ExportError: if a layer has no writer.
    """
    graph = Graph(model.name, half)
    values: dict[int, Value] = {}
    for name, tensor in model.input.items():
        values[id(tensor)] = Value(graph.input(name, tensor.dtype, ["batch", *tensor.shape[1:]]))
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            if not isinstance(node.operation, keras.layers.InputLayer):
                _write_node(graph, node, values)
    for name, tensor in model.output.items():
        graph.output(values[id(tensor)].tensor, name, tensor.dtype, ["batch", *tensor.shape[1:]])
    return graph.model({"producer": "rnn-apps"})


def save_onnx(
    model: keras.Model,
    path: Path,
    probe: Mapping[str, Array],
    half: bool = False,
    weights: SharedWeights | None = None,
) -> float:
    """Writes a model to `path` and makes sure that it answers as the Keras model does.

    Args:
        model: see `to_onnx`.
        path: the file to write.
        probe: a padded batch of the model's inputs, with rows of different length.
        half: store large weights as float16.
        weights: a file beside `path` that takes the large weights of several graphs.

    Returns:
        the largest difference between the outputs of the two.

    Raises:
        ExportError: if that is more than `TOLERANCE`; nothing stays behind then.
    """
    from rnn_apps.inference.session import Session

    written = to_onnx(model, half)
    if weights:
        weights.take_from(written)
    path.write_bytes(written.SerializeToString())
    inputs = {name: probe[name] for name in model.input}
    expected = {name: keras.ops.convert_to_numpy(value) for name, value in model(inputs, training=False).items()}
    difference = _largest_difference(expected, Session(path).run(inputs))
    if not difference <= TOLERANCE:
        path.unlink()
        raise ExportError(
            f"The ONNX form of '{model.name}' gives other answers than the Keras model: they differ by "
            f"{difference:.2g}, and {TOLERANCE:g} is allowed. The model was not saved; please report this."
        )
    return difference


def _write_node(graph: Graph, node: Any, values: dict[int, Value]) -> None:
    if all(tensor.dtype == "bool" for tensor in node.output_tensors):
        return  # a mask: values carry lengths instead
    inputs = [values[id(tensor)] for tensor in node.input_tensors if tensor.dtype != "bool"]
    layer = node.operation
    written = writer_of(layer)(graph, layer, *inputs, **_options(node))
    outputs = written if isinstance(written, tuple) else (written,)
    for tensor, value in zip(node.output_tensors, outputs, strict=True):
        values[id(tensor)] = value


def _options(node: Any) -> dict[str, Any]:
    """The options that a layer was called with, such as `reverse=True`: arguments by name that are no tensors."""
    given = node.arguments.kwargs.items()
    return {name: value for name, value in given if name != "training" and isinstance(value, (bool, int, float, str))}


def _largest_difference(expected: Arrays, found: Arrays) -> float:
    return max(float(np.max(np.abs(expected[name] - found[name]), initial=0.0)) for name in expected)


def same_rows(value: Value, tensor: str) -> Value:
    """Returns `tensor` with the row lengths of `value`."""
    return replace(value, tensor=tensor)
