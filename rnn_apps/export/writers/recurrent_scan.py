"""Cells that ONNX has no operator for: their equations, as in `rnn_apps/layers`, in the body of a Scan over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from rnn_apps.export.graph import Graph
from rnn_apps.export.registry import Value, activate, steps_that_count
from rnn_apps.layers import GRU, SimpleRNN

_SMALLEST_VARIANCE = 1e-5


def scan(graph: Graph, layer: Any, value: Value, initial: Sequence[str]) -> tuple[str, list[str]]:
    """Runs a cell over the rows of a value, from the first step to the last.

    Args:
        graph: the graph to add to.
        layer: `SimpleRNN`, `GRU` or `LSTM`, with any options.
        value: inputs, (batch, time, features).
        initial: names of the initial states, (batch, units) each; none for zeros.

    Returns:
        Hidden states (batch, time, units), zero at padding, and the final states.
    """
    states = list(initial) or [_zeros(graph, value.tensor, layer.units)] * layer.state_count
    over_time = [graph.node("Transpose", [value.tensor], perm=[1, 0, 2])]
    if value.lengths is not None:
        over_time.append(graph.node("Transpose", [steps_that_count(graph, value)], perm=[1, 0, 2]))
    body = _body(graph, layer, masked=value.lengths is not None)
    outputs = graph.node("Scan", [*states, *over_time], len(states) + 1, body=body, num_scan_inputs=len(over_time))
    return graph.node("Transpose", [outputs[-1]], perm=[1, 0, 2]), list(outputs[: len(states)])


def _zeros(graph: Graph, tensor: str, units: int) -> str:
    batch = graph.node("Shape", [tensor], start=0, end=1)
    shape = graph.node("Concat", [batch, graph.constant(np.array([units], np.int64))], axis=0)
    return graph.node("Expand", [graph.constant(np.array(0.0, np.float32)), shape])


class _Body(Graph):
    """A body whose tensors cannot be taken for those of the graph around it."""

    def fresh(self, hint: str) -> str:
        return f"{self.name}/{super().fresh(hint)}"


class _Step:
    """Writes one step of a cell: states and inputs by name in, states by name out.

    Weights are constants of the graph around the body, which may store them in half precision.
    """

    def __init__(self, outer: Graph, body: Graph, layer: Any) -> None:
        self.outer, self.body, self.layer = outer, body, layer
        self.H = layer.units

    def weight(self, name: str, columns: slice = slice(None)) -> str:
        value = keras.ops.convert_to_numpy(getattr(self.layer, name))[..., columns]
        return self.outer.constant(np.ascontiguousarray(value), self.layer.name)

    def number(self, value: float) -> str:
        return self.body.constant(np.array(value, np.float32))

    def add(self, *tensors: str) -> str:
        total = tensors[0]
        for tensor in tensors[1:]:
            total = self.body.node("Add", [total, tensor])
        return total

    def multiply(self, a: str, b: str) -> str:
        return self.body.node("Mul", [a, b])

    def mix(self, share: str, a: str, b: str) -> str:
        """share a + (1 - share) b."""
        rest = self.body.node("Sub", [self.number(1.0), share])
        return self.add(self.multiply(share, a), self.multiply(rest, b))

    def activate(self, name: str, tensor: str) -> str:
        return activate(self.body, getattr(self.layer, name), tensor)

    def products(self, x: str, a: str, columns: slice) -> tuple[str, str]:
        """x W and a U for some of the columns, normalised gate by gate if the layer is."""
        parts = []
        for tensor, weight, scale in ((x, "kernel", "kernel_scale"), (a, "recurrent_kernel", "recurrent_scale")):
            product = self.body.node("MatMul", [tensor, self.weight(weight, columns)])
            if self.layer.layer_normalization:
                product = self.multiply(self.normalised(product), self.weight(scale, columns))
            parts.append(product)
        return parts[0], parts[1]

    def normalised(self, tensor: str) -> str:
        """One gate's columns to mean 0 and variance 1."""
        ones, zeros = (self.body.constant(np.full(self.H, value, np.float32)) for value in (1.0, 0.0))
        return self.body.node("LayerNormalization", [tensor, ones, zeros], axis=-1, epsilon=_SMALLEST_VARIANCE)

    def gate(self, number: int) -> slice:
        """The columns of one gate."""
        return slice(number * self.H, (number + 1) * self.H)

    def bias(self, number: int, row: int | None = None) -> str:
        """One gate's bias, zeros if the layer has none."""
        bias = np.zeros(self.layer.bias_shape, np.float32)
        if self.layer.bias is not None:
            bias = keras.ops.convert_to_numpy(self.layer.bias)
        return self.body.constant((bias if row is None else bias[row])[self.gate(number)])

    def simple_rnn(self, x: str, states: list[str]) -> list[str]:
        (a,) = states
        return [self.activate("activation", self.add(*self.products(x, a, self.gate(0)), self.bias(0)))]

    def gru(self, x: str, states: list[str]) -> list[str]:
        (a,) = states
        rows = (0, 1) if self.layer.reset_after else (None, None)

        def gate(number: int) -> str:
            z = self.add(*self.products(x, a, self.gate(number)), self.bias(number, rows[0]))
            z = self.add(z, self.bias(number, rows[1])) if self.layer.reset_after else z
            return self.activate("recurrent_activation", z)

        z, r = gate(0), gate(1)
        if self.layer.reset_after:
            inward, recurrent = self.products(x, a, self.gate(2))
            relevant = self.multiply(r, self.add(recurrent, self.bias(2, rows[1])))
        else:
            inward, relevant = self.products(x, self.multiply(r, a), self.gate(2))
        candidate = self.activate("activation", self.add(inward, self.bias(2, rows[0]), relevant))
        return [self.mix(z, a, candidate)]

    def lstm(self, x: str, states: list[str]) -> list[str]:
        a, c = states

        def gate(number: int, function: str = "recurrent_activation", hidden: str = a) -> str:
            z = self.add(*self.products(x, hidden, self.gate(number)), self.bias(number))
            return self.activate(function, z)

        relevant = self.multiply(gate(4), a) if self.layer.relevance_gate else a
        update, forget, output = gate(0), gate(1), gate(3)
        candidate = gate(2, "activation", relevant)
        c = self.add(self.multiply(update, candidate), self.multiply(forget, c))
        shown = c
        if self.layer.layer_normalization:
            shown = self.multiply(self.normalised(c), self.weight("cell_scale"))
            shown = self.add(shown, self.weight("cell_offset"))
        return [self.multiply(output, self.activate("output_activation", shown)), c]


def _body(outer: Graph, layer: Any, masked: bool) -> Any:
    """One step: states, inputs and, if `masked`, whether the step counts; states and the step's output."""
    body = _Body(outer.fresh("step"))
    shape = ["batch", layer.units]
    old = [body.input(body.fresh("state"), np.float32, shape) for _ in range(layer.state_count)]
    x = body.input(body.fresh("x"), np.float32, ["batch", int(layer.kernel.shape[0])])
    step = _Step(outer, body, layer)
    write = step.simple_rnn if type(layer) is SimpleRNN else step.gru if type(layer) is GRU else step.lstm
    new = write(x, old)
    if layer.zoneout:
        # when predicting, the expectation of keeping the old state
        new = [step.mix(step.number(layer.zoneout), before, after) for before, after in zip(old, new, strict=True)]
    hidden = new[0]
    if masked:
        counts = body.input(body.fresh("counts"), np.bool_, ["batch", 1])
        hidden = body.node("Where", [counts, new[0], step.number(0.0)])
        new = [body.node("Where", [counts, after, before]) for after, before in zip(new, old, strict=True)]
    for number, tensor in enumerate([*new, hidden]):
        body.output(tensor, f"{body.name}/out_{number}", np.float32, shape)
    return body.body()
