"""Gated recurrent unit (Cho et al., arXiv:1406.1078)."""

from __future__ import annotations

from typing import Any, ClassVar

import keras
from keras import ops

from rnn_apps.arrays import Array, Tensor
from rnn_apps.kernels.activations import sigmoid, sigmoid_slope
from rnn_apps.kernels.activations import tanh as activate
from rnn_apps.kernels.activations import tanh_slope as activate_slope
from rnn_apps.layers import checks
from rnn_apps.layers.compiled import CompiledCell
from rnn_apps.layers.recurrent import Recurrent


@keras.saving.register_keras_serializable("rnn_apps")
class GRU(Recurrent):
    """GRU layer: an update gate between the old state and a candidate, a relevance (reset) gate inside the candidate.

        z  = σ(Wz x<t> + Uz a<t-1> + bz)          1 - Γu: the share of the old state that stays
        Γr = σ(Wr x<t> + Ur a<t-1> + br)          relevance gate (reset gate in Keras)
        c~ = g(Wc x<t> + Γr * (Uc a<t-1> + b'c) + bc)      reset_after=True, as cuDNN has it
        c~ = g(Wc x<t> + Uc (Γr * a<t-1>) + bc)            reset_after=False, as the paper has it
        Γu = 1 - z                                update gate
        c<t> = Γu * c~ + (1 - Γu) * c<t-1>,   a<t> = c<t>

    g is `activation` (tanh), σ is `recurrent_activation`. The columns of the kernels are Wz, Wr, Wc, as in Keras,
    whose "update gate" is z; the gates returned for looking inside carry Γu under the name "update".

    Args:
        units: width of the state.
        recurrent_activation: activation of the gates.
        reset_after: apply the relevance gate after the product with Uc instead of before it.
        **kwargs: the arguments of `Recurrent`.
    """

    gate_count: ClassVar[int] = 3
    keras_class = keras.layers.GRU

    def __init__(
        self, units: int, *, recurrent_activation: Any = "sigmoid", reset_after: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(units, **kwargs)
        self.recurrent_activation = checks.activation("recurrent_activation", recurrent_activation)
        self.reset_after = reset_after

    @property
    def gate_names(self) -> tuple[str, ...]:
        """Names of the gates that `gates=True` returns."""
        return ("update", "relevance", "candidate")

    @property
    def bias_shape(self) -> tuple[int, ...]:
        """One bias for both products, or one for each where the gate stands between them."""
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def step(self, x: Tensor, states: list[Tensor], dropped: Tensor | None) -> tuple[list[Tensor], dict[str, Tensor]]:
        """The equations above, for one step."""
        (a,) = states
        H = self.units
        hidden = a if dropped is None else a * dropped
        xW, hU = self.products(x, hidden)
        if self.bias is not None:
            xW = xW + (self.bias[0] if self.reset_after else self.bias)
            hU = hU + self.bias[1] if self.reset_after else hU
        z = self.recurrent_activation(xW[:, :H] + hU[:, :H])
        r = self.recurrent_activation(xW[:, H : 2 * H] + hU[:, H : 2 * H])
        if self.reset_after:
            relevant = r * hU[:, 2 * H :]
        else:
            _, relevant = self.products(x, r * hidden, slice(2 * H, 3 * H))
        candidate = self.activation(xW[:, 2 * H :] + relevant)
        a = z * a + (1 - z) * candidate
        return [a], {"update": 1 - z, "relevance": r, "candidate": candidate}

    def compiled(self) -> CompiledCell | None:
        """The steps below, where the gates are the logistic function and the relevance gate stands after the product.

        Wc fills columns of its own, so that Uc a<t-1> can stand apart until Γr multiplies it.
        """
        if not self.reset_after or self.recurrent_activation is not keras.activations.sigmoid:
            return None
        activations = {"activate": self.activation}
        return CompiledCell(forward_step, backward_step, activations, self.weight_tensors, recurrent_offset=self.units)

    def weight_tensors(self) -> list[Tensor]:
        """Kernels with the columns Wc Wz Wr and Uz Ur Uc, and the bias of Wc, z, Γr, Uc."""
        H = self.units
        W, b = ops.convert_to_tensor(self.kernel), self.bias_tensor
        # split, not sliced: the gradient of each slice would be an array of the size of the whole
        gates, candidate = ops.split(W, [2 * H], axis=1)
        gate_biases, candidate_biases = ops.split(b, [2 * H], axis=1)
        return [
            ops.concatenate([candidate, gates], axis=1),
            ops.convert_to_tensor(self.recurrent_kernel),
            ops.concatenate([candidate_biases[0], ops.sum(gate_biases, axis=0), candidate_biases[1]]),
        ]

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "recurrent_activation": keras.activations.serialize(self.recurrent_activation),
            "reset_after": self.reset_after,
        }


def forward_step(z: Array, state: Array, units: int) -> None:
    """The equations with reset_after=True for a block of rows, compiled.

    Args:
        z: in, Wc x<t> + bc, then the pre-activations of z and Γr, then m = Uc a<t-1> + b'c; out, c~, z, Γr, m.
        state: a<t-1> in, a<t> out: (rows, padded units).
        units: width of the state.
    """
    H = units
    for p in range(len(z)):
        g, u, r, m = z[p, :H], z[p, H : 2 * H], z[p, 2 * H : 3 * H], z[p, 3 * H : 4 * H]
        a = state[p, :H]
        for j in range(H):
            u[j] = sigmoid(u[j])
        for j in range(H):
            r[j] = sigmoid(r[j])
        for j in range(H):
            g[j] = activate(g[j] + r[j] * m[j])
        for j in range(H):
            a[j] = g[j] + u[j] * (a[j] - g[j])


def backward_step(gates: Array, before: Array, dstate: Array, dz: Array, units: int) -> None:
    """The chain rule through the same equations, from the last to the first.

    Args:
        gates: what `forward_step` left in z.
        before: a<t-1>.
        dstate: da<t> in; out, the part of da<t-1> that comes past the gates; the rest comes from dz by way of U.
        dz: output, gradients of what `forward_step` got in z.
        units: width of the state.
    """
    H = units
    for p in range(len(dz)):
        g, u, r, m = gates[p, :H], gates[p, H : 2 * H], gates[p, 2 * H : 3 * H], gates[p, 3 * H : 4 * H]
        dg, du, dr, dm = dz[p, :H], dz[p, H : 2 * H], dz[p, 2 * H : 3 * H], dz[p, 3 * H : 4 * H]
        a, da = before[p, :H], dstate[p, :H]
        for j in range(H):
            du[j] = da[j] * (a[j] - g[j]) * sigmoid_slope(u[j])
        for j in range(H):
            dg[j] = (da[j] - da[j] * u[j]) * activate_slope(g[j])
        for j in range(H):
            dr[j] = dg[j] * m[j] * sigmoid_slope(r[j])
        for j in range(H):
            dm[j] = dg[j] * r[j]
        for j in range(H):
            da[j] *= u[j]
