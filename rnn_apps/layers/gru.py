"""Gated recurrent unit (Cho et al., arXiv:1406.1078)."""

from __future__ import annotations

from typing import Any, ClassVar

import keras

from rnn_apps.layers import checks
from rnn_apps.layers.recurrent import Recurrent, Tensor


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

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "recurrent_activation": keras.activations.serialize(self.recurrent_activation),
            "reset_after": self.reset_after,
        }
