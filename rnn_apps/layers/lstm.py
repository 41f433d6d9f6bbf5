"""Long short-term memory (Hochreiter and Schmidhuber, 1997, with the forget gate of Gers et al., 2000)."""

from __future__ import annotations

from typing import Any, ClassVar

import keras
from keras import ops

from rnn_apps.arrays import Array, Tensor
from rnn_apps.kernels.activations import sigmoid, sigmoid_slope
from rnn_apps.kernels.activations import tanh as activate
from rnn_apps.kernels.activations import tanh as show
from rnn_apps.kernels.activations import tanh_slope as activate_slope
from rnn_apps.kernels.activations import tanh_slope as show_slope
from rnn_apps.layers import checks
from rnn_apps.layers.compiled import CompiledCell
from rnn_apps.layers.recurrent import Recurrent


@keras.saving.register_keras_serializable("rnn_apps")
class LSTM(Recurrent):
    """LSTM layer: a memory cell c and three gates that update, forget and show it.

        Γi = σ(Wi x<t> + Ui a<t-1> + bi)          update gate (input gate in Keras)
        Γf = σ(Wf x<t> + Uf a<t-1> + bf)          forget gate
        c~ = g(Wc x<t> + Uc a<t-1> + bc)          candidate
        Γo = σ(Wo x<t> + Uo a<t-1> + bo)          output gate
        c<t> = Γi * c~ + Γf * c<t-1>
        a<t> = Γo * g(c<t>)

    g is `activation` (tanh), σ is `recurrent_activation`. The columns of the kernels are Wi, Wf, Wc, Wo.

    Args:
        units: width of a and of c.
        recurrent_activation: activation of the gates.
        output_activation: activation of the memory cell on its way out; "same" stands for `activation`, None gives
            the linear output a<t> = Γo * c<t> of some course notes.
        relevance_gate: adds Γr = σ(Wr x<t> + Ur a<t-1> + br), after the others in the kernels, to the candidate:
            c~ = g(Wc x<t> + Uc (Γr * a<t-1>) + bc).
        unit_forget_bias: start with a forget bias of 1, so that memories last from the first step of training on.
        **kwargs: the arguments of `Recurrent`.
    """

    state_count: ClassVar[int] = 2
    keras_class = keras.layers.LSTM
    own_options: ClassVar[tuple[str, ...]] = (*Recurrent.own_options, "output_activation", "relevance_gate")

    def __init__(
        self,
        units: int,
        *,
        recurrent_activation: Any = "sigmoid",
        output_activation: Any = "same",
        relevance_gate: bool = False,
        unit_forget_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **kwargs)
        self.recurrent_activation = checks.activation("recurrent_activation", recurrent_activation)
        same = output_activation == "same"
        self.output_activation = self.activation if same else checks.activation("output_activation", output_activation)
        self.relevance_gate = relevance_gate
        self.unit_forget_bias = unit_forget_bias

    @property
    def gate_count(self) -> int:  # type: ignore[override]
        """Blocks of columns in the kernels."""
        return 5 if self.relevance_gate else 4

    @property
    def gate_names(self) -> tuple[str, ...]:
        """Names of the gates that `gates=True` returns."""
        return ("update", "forget", "candidate", "output") + (("relevance",) if self.relevance_gate else ())

    @property
    def initial_bias(self) -> Any:
        """Zeros, with ones for the forget gate."""
        if not self.unit_forget_bias:
            return self.bias_initializer

        def initializer(shape: tuple[int, ...], dtype: Any = None) -> Tensor:
            H = self.units
            blocks = [self.bias_initializer((H,), dtype=dtype) for _ in range(self.gate_count)]
            blocks[1] = ops.ones((H,), dtype=dtype)
            return ops.concatenate(blocks)

        return initializer

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        """Creates the weights."""
        super().build(sequences_shape, initial_state_shape)
        if self.layer_normalization:
            self.cell_scale = self.add_weight(name="cell_scale", shape=(self.units,), initializer="ones")
            self.cell_offset = self.add_weight(name="cell_offset", shape=(self.units,), initializer="zeros")

    def step(self, x: Tensor, states: list[Tensor], dropped: Tensor | None) -> tuple[list[Tensor], dict[str, Tensor]]:
        """The equations above, for one step."""
        a, c = states
        H = self.units
        hidden = a if dropped is None else a * dropped
        gates = {}
        xW, hU = self.products(x, hidden)
        if self.relevance_gate:
            r = xW[:, 4 * H :] + hU[:, 4 * H :]
            gates["relevance"] = self.recurrent_activation(r if self.bias is None else r + self.bias[4 * H :])
            _, relevant = self.products(x, gates["relevance"] * hidden, slice(2 * H, 3 * H))
            hU = ops.concatenate([hU[:, : 2 * H], relevant, hU[:, 3 * H :]], axis=1)
        z = xW + hU if self.bias is None else xW + hU + self.bias
        gates["update"] = self.recurrent_activation(z[:, :H])
        gates["forget"] = self.recurrent_activation(z[:, H : 2 * H])
        gates["candidate"] = self.activation(z[:, 2 * H : 3 * H])
        gates["output"] = self.recurrent_activation(z[:, 3 * H : 4 * H])
        c = gates["update"] * gates["candidate"] + gates["forget"] * c
        shown = c
        if self.layer_normalization:
            shown = self._normalise(c) * self.cell_scale + self.cell_offset
        a = gates["output"] * self.output_activation(shown)
        return [a, c], gates

    def is_standard(self) -> bool:
        """Whether Keras has this cell too, with these options."""
        same = self.output_activation is self.activation
        return super().is_standard() and same and not self.relevance_gate

    def compiled(self) -> CompiledCell | None:
        """The steps below, where the gates are the logistic function and there is no relevance gate."""
        if self.relevance_gate or self.recurrent_activation is not keras.activations.sigmoid:
            return None
        activations = {"activate": self.activation, "show": self.output_activation}
        return CompiledCell(forward_step, backward_step, activations, self.weight_tensors)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "recurrent_activation": keras.activations.serialize(self.recurrent_activation),
            "output_activation": keras.activations.serialize(self.output_activation),
            "relevance_gate": self.relevance_gate,
            "unit_forget_bias": self.unit_forget_bias,
        }


def forward_step(z: Array, state: Array, units: int) -> None:
    """The equations for a block of rows, compiled.

    Args:
        z: pre-activations in, gates out: (rows, Γi Γf c~ Γo).
        state: a<t-1> and c<t-1> in, a<t> and c<t> out: (rows, 2 * padded units).
        units: width of the state.
    """
    H = units
    memory = state.shape[1] // 2
    for q in range(len(z)):
        i, f, g, o = z[q, :H], z[q, H : 2 * H], z[q, 2 * H : 3 * H], z[q, 3 * H : 4 * H]
        a, c = state[q, :H], state[q, memory : memory + H]
        for j in range(H):
            i[j] = sigmoid(i[j])
        for j in range(H):
            f[j] = sigmoid(f[j])
        for j in range(H):
            g[j] = activate(g[j])
        for j in range(H):
            o[j] = sigmoid(o[j])
        for j in range(H):
            c[j] = i[j] * g[j] + f[j] * c[j]
        for j in range(H):
            a[j] = o[j] * show(c[j])


def backward_step(gates: Array, before: Array, dstate: Array, dz: Array, units: int) -> None:
    """The chain rule through the same equations, from the last to the first.

    One short loop a line: with few arrays in it, LLVM turns it into vector instructions.

    Args:
        gates: what `forward_step` left in z.
        before: a<t-1> and c<t-1>.
        dstate: da<t> and dc<t> in; out, dc<t-1>, and 0 for da<t-1>, which comes from dz by way of U.
        dz: output, gradients of the pre-activations.
        units: width of the state.
    """
    H = units
    memory = dstate.shape[1] // 2
    for q in range(len(dz)):
        i, f, g, o = gates[q, :H], gates[q, H : 2 * H], gates[q, 2 * H : 3 * H], gates[q, 3 * H : 4 * H]
        di, df, dg, do = dz[q, :H], dz[q, H : 2 * H], dz[q, 2 * H : 3 * H], dz[q, 3 * H : 4 * H]
        da, dc = dstate[q, :H], dstate[q, memory : memory + H]
        c = before[q, memory : memory + H]
        for j in range(H):
            do[j] = show(i[j] * g[j] + f[j] * c[j])
        for j in range(H):
            dc[j] += da[j] * o[j] * show_slope(do[j])
        for j in range(H):
            do[j] = da[j] * do[j] * sigmoid_slope(o[j])
        for j in range(H):
            di[j] = dc[j] * g[j] * sigmoid_slope(i[j])
        for j in range(H):
            df[j] = dc[j] * c[j] * sigmoid_slope(f[j])
        for j in range(H):
            dg[j] = dc[j] * i[j] * activate_slope(g[j])
        for j in range(H):
            dc[j] *= f[j]
        for j in range(H):
            da[j] = 0
