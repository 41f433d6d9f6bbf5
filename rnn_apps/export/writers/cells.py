"""The cells that can be written as ONNX: one row of `CELLS` each, and the equations of a step below.

A cell has an operator of ONNX, which orders the gates of an LSTM i, o, f, c (here i, f, c, o) and of a GRU z, r, h (as
here), or its step stands in the body of a Scan; so has a known cell with options that the operator has not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rnn_apps.errors import ExportError
from rnn_apps.export.writers.step import Step
from rnn_apps.layers import GRU, LSTM, SimpleRNN
from rnn_apps.layers.recurrent import equations_of

ACTIVATIONS = {
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "relu": "Relu",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "linear": "Affine",
}
"""Names of Keras' activations in ONNX's recurrent operators."""


@dataclass(frozen=True)
class OnnxCell:
    """How a cell is written.

    Attributes:
        step: writes one step: inputs and states by name in, states by name out.
        operator: ONNX's operator of the same equations; "" if it has none.
        gate_order: which gate of the layer stands at each place of the operator's weights.
        activations: the layer's activations in the operator's order, by the names of its attributes.
    """

    step: Callable[[Step, str, list[str]], list[str]]
    operator: str = ""
    gate_order: tuple[int, ...] = ()
    activations: tuple[str, ...] = ()

    def is_native(self, layer: Any) -> bool:
        """Whether ONNX's operator computes what this layer does, with its options."""
        if layer.layer_normalization or layer.zoneout or getattr(layer, "relevance_gate", False):
            return False
        return bool(self.operator) and all(getattr(layer, name).__name__ in ACTIVATIONS for name in self.activations)

    def activation_names(self, layer: Any) -> list[str]:
        """Names of the layer's activations in ONNX."""
        return [ACTIVATIONS[getattr(layer, name).__name__] for name in self.activations]


def _simple_rnn(step: Step, x: str, states: list[str]) -> list[str]:
    """The equations of `rnn_apps.layers.SimpleRNN.step`."""
    (a,) = states
    a = step.activate("activation", step.add(*step.products(x, a, step.gate(0)), step.bias(0)))
    return [step.named("hidden", a)]


def _gru(step: Step, x: str, states: list[str]) -> list[str]:
    """The equations of `rnn_apps.layers.GRU.step`."""
    (a,) = states
    rows = (0, 1) if step.layer.reset_after else (None, None)

    def gate(number: int) -> str:
        z = step.add(*step.products(x, a, step.gate(number)), step.bias(number, rows[0]))
        z = step.add(z, step.bias(number, rows[1])) if step.layer.reset_after else z
        return step.activate("recurrent_activation", z)

    z, r = step.named("kept", gate(0)), step.named("relevance", gate(1))
    if step.layer.reset_after:
        inward, recurrent = step.products(x, a, step.gate(2))
        relevant = step.multiply(r, step.add(recurrent, step.bias(2, rows[1])))
    else:
        inward, relevant = step.products(x, step.multiply(r, a), step.gate(2))
    candidate = step.activate("activation", step.add(inward, step.bias(2, rows[0]), relevant))
    step.named("candidate", candidate)
    return [step.mix(z, a, candidate)]


def _lstm(step: Step, x: str, states: list[str]) -> list[str]:
    """The equations of `rnn_apps.layers.LSTM.step`."""
    a, c = states

    def gate(number: int, function: str = "recurrent_activation", hidden: str = a) -> str:
        z = step.add(*step.products(x, hidden, step.gate(number)), step.bias(number))
        return step.activate(function, z)

    relevant = step.multiply(step.named("relevance", gate(4)), a) if step.layer.relevance_gate else a
    update, forget = step.named("update", gate(0)), step.named("forget", gate(1))
    output, candidate = step.named("output", gate(3)), step.named("candidate", gate(2, "activation", relevant))
    c = step.named("cell", step.add(step.multiply(update, candidate), step.multiply(forget, c)))
    shown = c
    if step.layer.layer_normalization:
        shown = step.multiply(step.normalised(c), step.weight("cell_scale"))
        shown = step.add(shown, step.weight("cell_offset"))
    return [step.multiply(output, step.activate("output_activation", shown)), c]


CELLS = {
    SimpleRNN: OnnxCell(_simple_rnn, "RNN", (0,), ("activation",)),
    GRU: OnnxCell(_gru, "GRU", (0, 1, 2), ("recurrent_activation", "activation")),
    LSTM: OnnxCell(_lstm, "LSTM", (0, 3, 1, 2), ("recurrent_activation", "activation", "output_activation")),
}


def cell_of(layer: Any) -> OnnxCell:
    """Returns how the cell of a layer is written; that of a class it derives from, where it has the same equations.

    Raises:
        ExportError: if nobody has said how.
    """
    equations = equations_of(type(layer))
    if equations not in CELLS:
        raise ExportError(
            f"The layer '{layer.name}' ({type(layer).__name__}) has equations of its own, those of "
            f"{equations.__name__}, and cannot be written as ONNX. Add {equations.__name__} to CELLS in "
            "rnn_apps/export/writers/cells.py, or register a writer for it: rnn_apps.export.writes"
        )
    return CELLS[equations]
