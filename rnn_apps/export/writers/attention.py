"""Writers of the layers that decoders are built of: attention, tied embeddings, single steps."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from rnn_apps.arrays import MASKED
from rnn_apps.export.graph import Graph
from rnn_apps.export.registry import Value, same_rows, writer_of, writes
from rnn_apps.export.writers.recurrent import run_directions
from rnn_apps.layers import Attention, Embedding, SingleStep, TiedEmbedding


@writes(Attention)
def attention(graph: Graph, layer: Any, query: Value, keys: Value, memory: Value, mask: Value) -> tuple[Value, Value]:
    """The contexts and the weights."""
    counts = graph.cast(graph.cast(mask.tensor, np.bool_), np.float32)
    counts = graph.node("Unsqueeze", [counts, _integers(graph, 1)])
    projected = graph.node("MatMul", [query.tensor, _constant(graph, layer, layer.query_kernel)])
    if layer.score_kernel is None:
        scores = graph.node("MatMul", [projected, graph.node("Transpose", [keys.tensor], perm=[0, 2, 1])])
    else:
        asked = graph.node("Unsqueeze", [projected, _integers(graph, 2)])
        offered = graph.node("Unsqueeze", [keys.tensor, _integers(graph, 1)])
        both = graph.node("Tanh", [graph.node("Add", [asked, offered])])
        scores = graph.node("MatMul", [both, _constant(graph, layer, layer.score_kernel)])
        scores = graph.node("Squeeze", [scores, _integers(graph, 3)])
    one, masked = (graph.constant(np.array(number, np.float32)) for number in (1.0, MASKED))
    below = graph.node("Mul", [graph.node("Sub", [one, counts]), masked])
    weights = graph.node("Softmax", [graph.node("Add", [scores, below])], axis=-1)
    weights = graph.node("Mul", [weights, counts])
    return same_rows(query, graph.node("MatMul", [weights, memory.tensor])), same_rows(query, weights)


@writes(TiedEmbedding)
def tied_embedding(graph: Graph, layer: Any, value: Value, reverse: bool = False) -> Value | tuple[Value, ...]:
    """Vectors of tokens, or logits of features."""
    if not reverse:
        written: Value | tuple[Value, ...] = writer_of(Embedding(1, 1))(graph, layer, value)
        return written
    table = graph.node("Transpose", [_constant(graph, layer, layer.embeddings)], perm=[1, 0])
    logits = graph.node("MatMul", [value.tensor, table])
    return same_rows(value, graph.node("Add", [logits, _constant(graph, layer, layer.bias)]))


@writes(SingleStep)
def single_step(graph: Graph, layer: Any, value: Value, *states: Value) -> tuple[Value, ...]:
    """The recurrent operator over one step of time, with hypotheses as rows."""
    recurrent = layer.layer
    shape = graph.node("Shape", [states[0].tensor])
    x = graph.node("Reshape", [value.tensor, _integers(graph, -1, 1, recurrent.kernel.shape[0])])
    rows = [graph.node("Reshape", [state.tensor, _integers(graph, -1, recurrent.units)]) for state in states]
    (passage,) = run_directions(graph, [recurrent], [False], Value(x), rows)
    return tuple(Value(graph.node("Reshape", [state, shape])) for state in passage.states)


def _integers(graph: Graph, *numbers: int) -> str:
    return graph.constant(np.array(numbers, np.int64))


def _constant(graph: Graph, layer: Any, variable: Any) -> str:
    return graph.constant(keras.ops.convert_to_numpy(variable), layer.name)
