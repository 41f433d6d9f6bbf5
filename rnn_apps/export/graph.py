"""A small builder for ONNX graphs: named tensors in, nodes appended, a checked model out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8

Dim = int | str | None


class Graph:
    """Collects the nodes and constants of one ONNX graph.

    Tensors are referred to by name. Every method that adds a node returns the names of its outputs,
    so that calls nest as the mathematics does.

    Args:
        name: the graph's name.
        half: store large float constants as float16 and widen them when a session starts.
    """

    def __init__(self, name: str, half: bool = False) -> None:
        self.name = name
        self.half = half
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._count = 0

    def fresh(self, hint: str) -> str:
        """Returns a tensor name that nothing else has."""
        self._count += 1
        return f"{hint}_{self._count}"

    def input(self, name: str, dtype: npt.DTypeLike, shape: Sequence[Dim]) -> str:
        """Declares a graph input; a dimension is a number, a name, or None for any length."""
        self._inputs.append(helper.make_tensor_value_info(name, _onnx_type(dtype), list(shape)))
        return name

    def output(self, tensor: str, name: str, dtype: npt.DTypeLike, shape: Sequence[Dim]) -> None:
        """Declares `tensor` as the graph output called `name`."""
        self._nodes.append(helper.make_node("Identity", [tensor], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, _onnx_type(dtype), list(shape)))

    def constant(self, array: npt.ArrayLike, hint: str = "const") -> str:
        """Adds a constant and returns its name; float arrays are stored as they come unless `half` is set."""
        value = np.asarray(array)
        name = self.fresh(hint)
        if self._halved(value):
            self._nodes.append(helper.make_node("Cast", [self._half(value, name)], [name], to=TensorProto.FLOAT))
        else:
            self._constants.append(numpy_helper.from_array(value, name))
        return name

    def rows(self, table: npt.ArrayLike, numbers: str, hint: str) -> str:
        """Looks up rows of a table by their numbers; of one in half precision only those are widened, never all."""
        value = np.asarray(table)
        if not self._halved(value):
            return self.node("Gather", [self.constant(value, hint), numbers], axis=0)
        found = self.node("Gather", [self._half(value, self.fresh(hint)), numbers], axis=0)
        return self.node("Cast", [found], to=TensorProto.FLOAT)

    def _halved(self, value: npt.NDArray[Any]) -> bool:
        return self.half and value.dtype == np.float32 and value.size >= 1024

    def _half(self, value: npt.NDArray[Any], name: str) -> str:
        stored = name + "_f16"
        self._constants.append(numpy_helper.from_array(value.astype(np.float16), stored))
        return stored

    @overload
    def node(self, op_type: str, inputs: Sequence[str], outputs: Literal[1] = 1, **attributes: Any) -> str: ...

    @overload
    def node(self, op_type: str, inputs: Sequence[str], outputs: int, **attributes: Any) -> tuple[str, ...]: ...

    def node(self, op_type: str, inputs: Sequence[str], outputs: int = 1, **attributes: Any) -> str | tuple[str, ...]:
        """Appends a node; returns its output's name, or a tuple of names where `outputs` is more than one.

        An optional input that is left out is the empty string. An attribute may be a number, a string,
        a list, or an onnx.GraphProto (the body of a Scan or an If).
        """
        names = tuple(self.fresh(op_type.lower()) for _ in range(outputs))
        self._nodes.append(helper.make_node(op_type, list(inputs), list(names), **attributes))
        return names if outputs > 1 else names[0]

    def name_tensor(self, tensor: str, name: str) -> None:
        """Makes `tensor` known under a second name, which costs nothing where nobody asks for it."""
        self._nodes.append(helper.make_node("Identity", [tensor], [name]))

    def cast(self, tensor: str, dtype: npt.DTypeLike) -> str:
        """Casts `tensor` to the NumPy dtype."""
        return self.node("Cast", [tensor], to=_onnx_type(dtype))

    def body(self) -> onnx.GraphProto:
        """Returns the bare graph, to be used as the body of a Scan."""
        return helper.make_graph(self._nodes, self.name, self._inputs, self._outputs, self._constants)

    def model(self, metadata: Mapping[str, str] | None = None) -> onnx.ModelProto:
        """Returns the finished model after ONNX's own check."""
        model = helper.make_model(
            self.body(), opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="rnn-apps"
        )
        helper.set_model_props(model, dict(metadata or {}))
        onnx.checker.check_model(model)
        return model


def _onnx_type(dtype: npt.DTypeLike) -> int:
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
