"""Writers of the layers that taggers are built of: words from their letters, and the transitions of a CRF."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from rnn_apps.arrays import MASKED
from rnn_apps.export.graph import Graph
from rnn_apps.export.registry import Value, same_rows, writes
from rnn_apps.layers import CRF, CharacterCNN


@writes(CharacterCNN)
def character_cnn(graph: Graph, layer: Any, value: Value) -> Value:
    """A convolution over the letters as one matrix product, and the maximum over them."""

    def integers(*numbers: int) -> str:
        return graph.constant(np.array(numbers, np.int64))

    table, kernel, bias = (keras.ops.convert_to_numpy(weight) for weight in (layer.table, layer.kernel, layer.bias))
    real = graph.cast(graph.cast(value.tensor, np.bool_), np.float32)
    real = graph.node("Unsqueeze", [real, integers(3)])
    vectors = graph.rows(table, value.tensor, layer.name)
    vectors = graph.node("Mul", [vectors, real])
    half = layer.width // 2
    around = graph.node("Pad", [vectors, integers(0, 0, half, 0, 0, 0, half, 0)])
    letters = graph.node("Shape", [value.tensor], start=2, end=3)
    windows = []
    for k in range(layer.width):
        end = graph.node("Add", [letters, integers(k)])
        windows.append(graph.node("Slice", [around, integers(k), end, integers(2)]))
    features = graph.node("MatMul", [graph.node("Concat", windows, axis=-1), graph.constant(kernel, layer.name)])
    features = graph.node("Add", [features, graph.constant(bias, layer.name)])
    one, masked = (graph.constant(np.array(number, np.float32)) for number in (1.0, MASKED))
    below = graph.node("Mul", [graph.node("Sub", [one, real]), masked])
    highest = graph.node("ReduceMax", [graph.node("Add", [features, below])], axes=[2], keepdims=0)
    some = graph.node("ReduceMax", [real], axes=[2], keepdims=0)
    return same_rows(value, graph.node("Mul", [highest, some]))


@writes(CRF)
def crf(graph: Graph, layer: Any, value: Value) -> tuple[Value, Value]:
    """The emissions as they are, and the transitions, illegal ones with their score, for each row."""
    scores = graph.constant(keras.ops.convert_to_numpy(layer.legal_scores())[None], layer.name)
    batch = graph.node("Shape", [value.tensor], start=0, end=1)
    size = graph.constant(np.array([layer.tags + 1] * 2, np.int64))
    return value, Value(graph.node("Expand", [scores, graph.node("Concat", [batch, size], axis=0)]))
