"""Sequences without their padding."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("rnn_apps")
class RealSteps(keras.layers.Layer):
    """The steps that count, those of one row behind those of the row before: (batch, time, ...) to (steps, ...).

    What works on each step by itself, such as an output layer, then need not work on padding.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, sequences: Any, mask: Any) -> Any:
        """Picks the steps.

        Args:
            sequences: (batch, time, features).
            mask: (batch, time), true or not 0 where a step counts; the numbers of tokens can be given as they are.

        Returns:
            (steps that count, features).
        """
        places = ops.nonzero(ops.reshape(mask, (-1,)))[0]
        return ops.take(ops.reshape(sequences, (-1, sequences.shape[-1])), places, axis=0)

    def compute_output_spec(self, sequences: Any, mask: Any) -> Any:
        """Shape of what `call` returns."""
        return keras.KerasTensor((None, sequences.shape[-1]), dtype=self.compute_dtype)

    def compute_mask(self, *inputs: Any, **masks: Any) -> None:
        """Every step counts now."""
        return None
