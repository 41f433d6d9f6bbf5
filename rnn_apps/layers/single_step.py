"""One step of a recurrent layer, for searches and generators that bring the state along."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from rnn_apps.arrays import Tensor


class SingleStep(keras.layers.Layer):
    """One time step of a recurrent layer with the layer's own weights, for several hypotheses of each row.

    It stands in graphs for prediction only: dropout does not act.

    Args:
        layer: a built recurrent layer.
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = layer
        self.supports_masking = True

    def call(self, x: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """Steps.

        Args:
            x: (batch, hypotheses, features).
            *states: the layer's states before the step, (batch, hypotheses, units) each.

        Returns:
            The states after it, the hidden state first, (batch, hypotheses, units) each.
        """
        rows = [ops.reshape(state, (-1, self.layer.units)) for state in states]
        following, _ = self.layer.step(ops.reshape(x, (-1, x.shape[-1])), rows, None)
        return tuple(ops.reshape(state, ops.shape(states[0])) for state in following)

    def compute_output_spec(self, x: Any, *states: Any) -> tuple[Any, ...]:
        """Shapes of what `call` returns."""
        return tuple(keras.KerasTensor((*x.shape[:2], self.layer.units), dtype=self.compute_dtype) for _ in states)

    def compute_mask(self, x: Any, *states: Any) -> None:
        """Hypotheses are no steps of time: none is padding."""
        return None
