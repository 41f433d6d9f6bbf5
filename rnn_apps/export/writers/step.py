"""What one step of a cell is written with, in the body of a Scan over time."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from rnn_apps.export.graph import Graph
from rnn_apps.export.registry import activate
from rnn_apps.inference.session import GATE_MARK

_SMALLEST_VARIANCE = 1e-5


class Step:
    """Writes one step of a cell; tensors are given and returned by name.

    Weights are constants of the graph around the body, which may store them in half precision.
    """

    def __init__(self, outer: Graph, body: Graph, layer: Any) -> None:
        self.outer, self.body, self.layer = outer, body, layer
        self.H = layer.units

    def weight(self, name: str, columns: slice = slice(None)) -> str:
        """Some columns of a weight of the layer, by its name."""
        value = keras.ops.convert_to_numpy(getattr(self.layer, name))[..., columns]
        return self.outer.constant(np.ascontiguousarray(value), self.layer.name)

    def named(self, name: str, tensor: str) -> str:
        """Gives a gate or a state a name of its own, under which those who look into the graph find it."""
        self.body.name_tensor(tensor, f"{self.body.name}{GATE_MARK}{name}")
        return tensor

    def number(self, value: float) -> str:
        """A number as a constant."""
        return self.body.constant(np.array(value, np.float32))

    def add(self, *tensors: str) -> str:
        """The sum."""
        total = tensors[0]
        for tensor in tensors[1:]:
            total = self.body.node("Add", [total, tensor])
        return total

    def multiply(self, a: str, b: str) -> str:
        """The product, element by element."""
        return self.body.node("Mul", [a, b])

    def mix(self, share: str, a: str, b: str) -> str:
        """share a + (1 - share) b."""
        rest = self.body.node("Sub", [self.number(1.0), share])
        return self.add(self.multiply(share, a), self.multiply(rest, b))

    def activate(self, name: str, tensor: str) -> str:
        """An activation of the layer, by the name of its attribute."""
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
