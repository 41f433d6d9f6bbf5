"""Saved graphs whose recurrent layers can be watched: the same graph with more outputs, made when someone asks.

ONNX's recurrent operators give hidden states alone. Their gates follow from those without another run through time: at
each step they are a function of the input, the state before and the weights, which are all there. A cell that has no
operator runs as a Scan, whose body names its gates (`rnn_apps.export.writers.step`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnn_apps.arrays import Array, Arrays
from rnn_apps.errors import ConfigError, MissingExtraError
from rnn_apps.inference.session import GATE_MARK, STEP_BODY, Session

OPERATORS = {"LSTM": "lstm", "GRU": "gru", "RNN": "simple_rnn"}


@dataclass(frozen=True)
class Operation:
    """A recurrent layer in a graph.

    Attributes:
        kind: the operator, "Scan" for a cell that has none.
        attributes: its attributes.
        tensors: name of each tensor by what it is; see `OPERANDS`.
        weights: those tensors that are constants, by what they are.
    """

    kind: str
    attributes: Mapping[str, Any]
    tensors: Mapping[str, str]
    weights: Arrays

    def arrays(self, known: Arrays) -> Arrays:
        """Returns its tensors by what they are; `known` has those of a run by name."""
        return {**self.weights, **{role: known[name] for role, name in self.tensors.items() if name in known}}


OPERANDS = ("x", "W", "R", "B", "lengths", "h", "c")


class ObservedGraph:
    """A graph that keeps what its recurrent layers have read and said.

    Args:
        path: the `.onnx` file.

    Attributes:
        operations: its recurrent layers in the order of the graph.
        passes: for each run, for each of these layers, its tensors by what they are; "y" is the hidden states.

    Raises:
        MissingExtraError: if the package that reads graphs is not installed.
    """

    def __init__(self, path: Path) -> None:
        try:
            import onnx
        except ImportError as error:
            raise MissingExtraError("Looking at the gates of a saved graph", "inspect") from error

        model = onnx.load(path)
        constants = _Constants(model.graph)
        self.operations = [found for node in model.graph.node if (found := _operation(node, constants)) is not None]
        own = [value.name for value in model.graph.output]
        wanted = dict.fromkeys(
            name
            for operation in self.operations
            for role, name in operation.tensors.items()
            if role not in operation.weights and name not in own
        )
        given = {value.name for value in model.graph.input}
        self._aliases = {name: name for name in wanted if name in given}
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted if name not in given)
        self._own = own
        self._session = Session(model.SerializeToString())
        self.passes: list[list[Arrays]] = []

    def run(self, arrays: Mapping[str, Array]) -> Arrays:
        """Returns the outputs of the graph for its inputs, and keeps the pass."""
        found = self._session.run(arrays)
        known = found | {name: arrays[name] for name in self._aliases}
        self.passes.append(
            [
                {
                    **operation.weights,
                    **{role: known[name] for role, name in operation.tensors.items() if name in known},
                }
                for operation in self.operations
            ]
        )
        return {name: found[name] for name in self._own}


class _Constants:
    """The constants of a graph, weights in half precision or eight bits among them."""

    def __init__(self, graph: Any) -> None:
        from onnx import numpy_helper

        self._array = numpy_helper.to_array
        self._stored = {tensor.name: tensor for tensor in graph.initializer}
        self._made = {output: node for node in graph.node for output in node.output}

    def get(self, name: str) -> Array | None:
        """Returns the value of a tensor; None where it is no constant."""
        if name in self._stored:
            return np.asarray(self._array(self._stored[name]))
        node = self._made.get(name)
        if node is None or node.op_type not in ("Cast", "DequantizeLinear"):
            return None
        parts = [self.get(source) for source in node.input]
        if any(part is None for part in parts):
            return None
        if node.op_type == "Cast":
            return np.asarray(parts[0], np.float32)
        numbers, scales = np.asarray(parts[0], np.float32), np.asarray(parts[1], np.float32)
        axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 1)
        return np.asarray(numbers * scales.reshape([-1 if place == axis else 1 for place in range(numbers.ndim)]))


def _operation(node: Any, constants: _Constants) -> Operation | None:
    from onnx import helper

    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    if node.op_type in OPERATORS:
        tensors = {role: name for role, name in zip(OPERANDS, node.input, strict=False) if name}
        if not node.output[0]:
            node.output[0] = f"{node.name or node.input[1]}/hidden"
        tensors["y"] = node.output[0]
    elif node.op_type == "Scan" and attributes["body"].name.startswith(f"{STEP_BODY}_"):
        tensors = _open_body(node)
    else:
        return None
    weights = {role: value for role, name in tensors.items() if (value := constants.get(name)) is not None}
    return Operation(node.op_type, attributes, tensors, weights)


def _open_body(node: Any) -> dict[str, str]:
    """Makes outputs of the gates in the body of a Scan.

    Raises:
        ConfigError: for a cell whose body does not name its gates.
    """
    import onnx

    body = next(attribute.g for attribute in node.attribute if attribute.name == "body")
    marked = [name for own in body.node for name in own.output if GATE_MARK in name]
    if not marked:
        raise ConfigError(
            "The gates of this model's cells are not in its graph: it was saved by an older version. Train it again to "
            "look at them."
        )
    tensors = {"y": node.output[-1]}
    for name in marked:
        body.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
        node.output.append(f"{name}/all")
        tensors[name.split(GATE_MARK)[1]] = f"{name}/all"
    return tensors
