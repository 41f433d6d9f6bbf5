"""Cells that ONNX has no operator for: their equations, as in `rnn_apps/layers`, in the body of a Scan over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnn_apps.export.graph import Graph
from rnn_apps.export.registry import Value, steps_that_count
from rnn_apps.export.writers.cells import cell_of
from rnn_apps.export.writers.step import Step
from rnn_apps.inference.session import BACKWARD_BODY, STEP_BODY


def scan(
    graph: Graph, layer: Any, value: Value, initial: Sequence[str], backwards: bool = False
) -> tuple[str, list[str]]:
    """Runs a cell over the rows of a value, from the first step to the last.

    Args:
        graph: the graph to add to.
        layer: a cell of `rnn_apps.export.writers.cells.CELLS`, with any options.
        value: inputs, (batch, time, features).
        initial: names of the initial states, (batch, units) each; none for zeros.
        backwards: whether the rows come in the other order, for the name of the body.

    Returns:
        Hidden states (batch, time, units), zero at padding, and the final states.
    """
    states = list(initial) or [_zeros(graph, value.tensor, layer.units)] * layer.state_count
    over_time = [graph.node("Transpose", [value.tensor], perm=[1, 0, 2])]
    if value.lengths is not None:
        over_time.append(graph.node("Transpose", [steps_that_count(graph, value)], perm=[1, 0, 2]))
    name = graph.fresh(BACKWARD_BODY if backwards else STEP_BODY)
    body = _body(name, graph, layer, masked=value.lengths is not None)
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


def _body(name: str, outer: Graph, layer: Any, masked: bool) -> Any:
    """One step: states, inputs and, if `masked`, whether the step counts; states and the step's output."""
    body = _Body(name)
    shape = ["batch", layer.units]
    old = [body.input(body.fresh("state"), np.float32, shape) for _ in range(layer.state_count)]
    x = body.input(body.fresh("x"), np.float32, ["batch", int(layer.kernel.shape[0])])
    step = Step(outer, body, layer)
    new = cell_of(layer).step(step, x, old)
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
