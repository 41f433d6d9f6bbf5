"""A functional Keras model as an ONNX graph, layer by layer.

Each layer class has one writer: a function that gets the graph, the layer and the layer's inputs, and adds the nodes
that compute the same. A task with a layer of its own registers a writer for it with `writes`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
from onnx import TensorProto
from onnx.external_data_helper import set_external_data

import rnn_apps.export.writers  # noqa: F401  (registers them)
from rnn_apps.arrays import Array, Arrays
from rnn_apps.errors import ExportError
from rnn_apps.export.graph import Graph
from rnn_apps.export.registry import Value, writer_of
from rnn_apps.inference.session import Session

TOLERANCE = 1e-4
_SMALLEST = 1024  # bytes; smaller constants stay in their graph
_ALIGNMENT = 64


class SharedWeights:
    """Takes the large constants of ONNX graphs into one file beside them, equal ones once.

    Args:
        path: the file, in the folder of the graphs; it is written anew.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._places: dict[bytes, int] = {}
        path.write_bytes(b"")

    def take_from(self, model: onnx.ModelProto) -> None:
        """Moves the large constants of `model` into the file; the model refers to them from now on."""
        with self.path.open("ab") as file:
            for tensor in model.graph.initializer:
                content = tensor.raw_data
                if len(content) < _SMALLEST:
                    continue
                digest = hashlib.sha256(content).digest()
                if digest not in self._places:
                    file.write(bytes(-file.tell() % _ALIGNMENT))
                    self._places[digest] = file.tell()
                    file.write(content)
                set_external_data(tensor, self.path.name, self._places[digest], len(content))
                tensor.ClearField("raw_data")
                tensor.data_location = TensorProto.EXTERNAL


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
        the largest difference between the outputs of the two, relative where they are above 1.

    Raises:
        ExportError: if that is more than `TOLERANCE`; nothing stays behind then.
    """
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
    """The largest difference of two values; of those above 1, as a share of them."""
    differences = {name: np.abs(value - found[name]) / np.maximum(np.abs(value), 1) for name, value in expected.items()}
    return max(float(np.max(difference, initial=0.0)) for difference in differences.values())
