"""The simple recurrent network (Elman, 1990)."""

from __future__ import annotations

from typing import Any, ClassVar

import keras
from keras import ops

from rnn_apps.arrays import Array, Tensor
from rnn_apps.errors import check_count
from rnn_apps.kernels.activations import tanh as activate
from rnn_apps.kernels.activations import tanh_slope as activate_slope
from rnn_apps.layers import checks
from rnn_apps.layers.compiled import CompiledCell
from rnn_apps.layers.recurrent import Recurrent


@keras.saving.register_keras_serializable("rnn_apps")
class SimpleRNN(Recurrent):
    """Simple recurrent layer.

        a<t> = g1(Wax x<t> + Waa a<t-1> + ba)
        y<t> = g2(Wya a<t> + by)                  only with `output_units`, else y<t> = a<t>

    g1 is `activation` (tanh, sigmoid, relu or another), g2 is `output_activation`. The weights are the same at every
    step: `kernel` is Wax, `recurrent_kernel` is Waa, `bias` is ba, `output_kernel` is Wya, `output_bias` is by.

    Args:
        units: width of the hidden state a.
        output_units: width of y; None leaves the output part out.
        output_activation: g2; None is linear.
        **kwargs: the arguments of `Recurrent`.
    """

    gate_count: ClassVar[int] = 1
    keras_class = keras.layers.SimpleRNN
    own_options: ClassVar[tuple[str, ...]] = (*Recurrent.own_options, "output_units", "output_activation")

    def __init__(
        self, units: int, *, output_units: int | None = None, output_activation: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(units, **kwargs)
        self.output_units = None if output_units is None else check_count("output_units", output_units)
        self.output_activation = checks.activation("output_activation", output_activation)

    @property
    def gate_names(self) -> tuple[str, ...]:
        """This cell has no gates."""
        return ()

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        """Creates the weights."""
        super().build(sequences_shape, initial_state_shape)
        if self.output_units is not None:
            self.output_kernel = self._weight("output_kernel", (self.units, self.output_units))
            self.output_bias = self._weight("output_bias", (self.output_units,), "bias") if self.use_bias else None

    def step(self, x: Tensor, states: list[Tensor], dropped: Tensor | None) -> tuple[list[Tensor], dict[str, Tensor]]:
        """The first equation above, for one step."""
        (a,) = states
        xW, hU = self.products(x, a if dropped is None else a * dropped)
        z = xW + hU if self.bias is None else xW + hU + self.bias
        return [self.activation(z)], {}

    def output_of(self, hidden: Tensor) -> Tensor:
        """The second equation above, for one step or for all."""
        if self.output_units is None:
            return hidden
        z = ops.matmul(hidden, self.output_kernel)
        return self.output_activation(z if self.output_bias is None else z + self.output_bias)

    @property
    def output_size(self) -> int:
        """Width of y."""
        return self.output_units or self.units

    def is_standard(self) -> bool:
        """Whether Keras has this cell too, with these options."""
        return super().is_standard() and self.output_units is None

    def compiled(self) -> CompiledCell:
        """The step and its backward step below."""
        return CompiledCell(forward_step, backward_step, {"activate": self.activation}, self.weight_tensors)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "output_units": self.output_units,
            "output_activation": keras.activations.serialize(self.output_activation),
        }


def forward_step(z: Array, state: Array, units: int) -> None:
    """The first equation for a block of rows, compiled.

    Args:
        z: pre-activations in, a<t> out: (rows, units).
        state: a<t> out: (rows, padded units).
        units: width of the state.
    """
    for q in range(len(z)):
        for j in range(units):
            z[q, j] = activate(z[q, j])
        for j in range(units):
            state[q, j] = z[q, j]


def backward_step(gates: Array, before: Array, dstate: Array, dz: Array, units: int) -> None:
    """The chain rule through the same equation.

    Args:
        gates: what `forward_step` left in z.
        before: a<t-1>, which the slope does not need.
        dstate: da<t> in; out 0, since da<t-1> comes from dz alone, by way of U.
        dz: output, gradients of the pre-activations.
        units: width of the state.
    """
    for q in range(len(dz)):
        for j in range(units):
            dz[q, j] = dstate[q, j] * activate_slope(gates[q, j])
        for j in range(units):
            dstate[q, j] = 0
