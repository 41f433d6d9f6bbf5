"""Weights of ONNX graphs in 8 bits: a whole number and a scale for each row, put together again when they are loaded.

    w ≈ s q,   q in -127 ... 127,   s = max |w| / 127 over the row

A row is a slice along one axis, the one that loses least. Only what is stored changes: graphs compute in 32 bits as
before, so every layer can be stored so, and shared weights stay shared.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from rnn_apps.arrays import Array
from rnn_apps.export.keras_model import SharedWeights

_SMALLEST = 1024  # numbers; smaller arrays stay as they are
_SHORTEST_ROW = 16
_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16)


def quantize_graphs(paths: list[Path], shared: Path | None) -> None:
    """Stores the large weights of graphs in 8 bits, in place.

    Args:
        paths: the graphs, in one folder.
        shared: the file that holds the large weights of all; None where each holds its own.
    """
    models = [onnx.load(path) for path in paths]
    weights = SharedWeights(shared) if shared else None
    for path, model in zip(paths, models, strict=True):
        _quantize(model)
        if weights:
            weights.take_from(model)
        path.write_bytes(model.SerializeToString())


def _quantize(model: onnx.ModelProto) -> None:
    graph = model.graph
    kept, nodes = [], []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor) if tensor.data_type in _FLOATS else None
        if values is None or values.size < _SMALLEST or not _axes(values):
            kept.append(tensor)
            continue
        numbers, scales, axis = quantize(values.astype(np.float32))
        name = tensor.name
        kept += [numpy_helper.from_array(numbers, f"{name}_int8"), numpy_helper.from_array(scales, f"{name}_scale")]
        nodes.append(helper.make_node("DequantizeLinear", [f"{name}_int8", f"{name}_scale"], [name], axis=axis))
    del graph.initializer[:]
    graph.initializer.extend(kept)
    for node in reversed(nodes):
        graph.node.insert(0, node)


def quantize(values: Array) -> tuple[Array, Array, int]:
    """Returns (whole numbers, scales, axis along which there is a scale for each row), of least squared error.

    Args:
        values: float32, of two dimensions or more.
    """
    found = []
    for axis in _axes(values):
        others = tuple(n for n in range(values.ndim) if n != axis)
        largest = np.abs(values).max(axis=others, keepdims=True)
        # a row of next to nothing, whose scale would be no number of full precision, is all zeros
        scales = np.where(largest / 127 >= np.finfo(np.float32).tiny, largest / 127, 1).astype(np.float32)
        numbers = np.rint(values / scales).astype(np.int8)
        error = float(np.square(values - numbers * scales).sum(dtype=np.float64))
        found.append((error, axis, numbers, scales.ravel()))
    _, axis, numbers, scales = min(found, key=lambda each: each[:2])
    return numbers, scales, axis


def _axes(values: Array) -> list[int]:
    """Along which axes rows are long enough for their scale to cost little."""
    return [
        axis for axis in range(values.ndim) if values.ndim > 1 and values.size // values.shape[axis] >= _SHORTEST_ROW
    ]
