"""The compiled way through time: the loops of `rnn_apps.kernels`, for standard cells in float32 on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from rnn_apps.arrays import Tensor
from rnn_apps.kernels import compiler
from rnn_apps.layers import paths
from rnn_apps.layers.generic import Unrolled

ACTIVATION_NAMES = {
    keras.activations.tanh: "tanh",
    keras.activations.sigmoid: "sigmoid",
    keras.activations.relu: "relu",
    keras.activations.linear: "linear",
}
"""Activations that compiled steps know."""


@dataclass(frozen=True)
class CompiledCell:
    """A cell in the form that is compiled.

    Attributes:
        step: its step, as Numba compiles it.
        backward_step: the chain rule through it.
        activations: which activation stands in the place of each name in the steps.
        weights: returns kernel, recurrent kernel and bias, in the order of columns of the steps.
        recurrent_offset: first column of the pre-activations that the recurrent kernel adds to.
    """

    step: Callable[..., None]
    backward_step: Callable[..., None]
    activations: Mapping[str, Any]
    weights: Callable[[], list[Tensor]]
    recurrent_offset: int = 0

    @property
    def is_known(self) -> bool:
        """Whether all of its activations can be compiled."""
        return all(activation in ACTIVATION_NAMES for activation in self.activations.values())


def can_run(layer: Any, training: bool | None) -> bool:
    """Whether the compiled loops can run this layer: a standard cell in float32 on a CPU, with Numba installed."""
    if not paths.can_compile(layer.compute_dtype) or layer.layer_normalization or layer.zoneout:
        return False
    if training and layer.recurrent_dropout:
        return False
    cell = layer.compiled()
    return cell is not None and cell.is_known


def run(
    layer: Any, sequences: Tensor, states: list[Tensor] | None, mask: Tensor | None, training: bool | None
) -> Unrolled:
    """Runs one layer over a batch; for the arguments see `rnn_apps.layers.generic.run`."""
    hidden, (finals,) = run_together([layer], sequences, None if states is None else [states], mask, training)
    if hidden is not None and layer.go_backwards:
        hidden = ops.flip(hidden, axis=1)
    return Unrolled(hidden, finals, {})


def run_together(
    layers: Sequence[Any],
    sequences: Tensor,
    states: Sequence[list[Tensor]] | None,
    mask: Tensor | None,
    training: bool | None,
) -> tuple[Tensor | None, list[list[Tensor]]]:
    """Runs one or two layers over the same batch in one operation.

    Args:
        layers: they must return the same things.
        sequences: (batch, time, features).
        states: the initial states of each layer, or None for zeros.
        mask: (batch, time), or None.
        training: whether a gradient is expected; None may be either.

    Returns:
        the hidden states of all layers side by side, in the order of time, or None if sequences are not returned; and
        the final states of each layer, none if they are not wanted.
    """
    first = layers[0]
    return _run(
        layers,
        sequences,
        states,
        mask,
        training,
        first.return_sequences,
        first.return_state or not first.return_sequences,
    )


def step(layer: Any, x: Tensor, states: list[Tensor], training: bool | None) -> list[Tensor]:
    """Runs one step of a layer: x is (batch, features); returns the states after it, each (batch, units)."""
    return _run([layer], x[:, None], [states], None, training, False, True)[1][0]


def _run(
    layers: Sequence[Any],
    sequences: Tensor,
    states: Sequence[list[Tensor]] | None,
    mask: Tensor | None,
    training: bool | None,
    wants_sequences: bool,
    wants_finals: bool,
) -> tuple[Tensor | None, list[list[Tensor]]]:
    from rnn_apps.kernels import operation

    first = layers[0]
    cells = [layer.compiled() for layer in layers]
    hidden, finals = operation.run(
        [_direction(layer, cell) for layer, cell in zip(layers, cells, strict=True)],
        ops.cast(sequences, first.compute_dtype),  # a wrapper may be of lower precision
        mask,
        [[ops.cast(weight, first.compute_dtype) for weight in cell.weights()] for cell in cells],
        states,
        keep=training is not False,
        sequences=wants_sequences,
        finals=wants_finals,
    )
    return hidden, finals or [[] for _ in layers]


def _direction(layer: Any, cell: CompiledCell) -> Any:
    """What the kernels need to know of a layer."""
    from rnn_apps.kernels.passes import Direction

    names = {slot: ACTIVATION_NAMES[activation] for slot, activation in cell.activations.items()}
    kernels = compiler.load(type(layer).__name__, (cell.step, cell.backward_step), names)
    return Direction(kernels, layer.units, layer.state_count, cell.recurrent_offset, layer.go_backwards)
