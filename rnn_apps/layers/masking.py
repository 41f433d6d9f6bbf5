"""Layers that turn a masked sequence into something without padding: one vector, or the real steps alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from rnn_apps.arrays import MASKED
from rnn_apps.errors import ConfigError
from rnn_apps.layers import checks

KINDS = ("max", "mean", "last", "first")


@keras.saving.register_keras_serializable("rnn_apps")
class MaskedPooling(keras.layers.Layer):
    """One vector a sequence, from the steps that count.

    Args:
        kinds: what to take over time, joined on the last axis in this order: "max", "mean", "last", "first".
        **kwargs: `name`, `dtype`, `trainable`, as in any Keras layer.

    Input (batch, time, features), output (batch, features * kinds). A row without a step that counts gives zeros.

    Raises:
        ConfigError: a kind is unknown, or there is none.
    """

    def __init__(self, kinds: Sequence[str] = ("max", "mean", "last"), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(kinds, str) or not kinds:
            raise ConfigError(f"Expected kinds to be a list of names from {', '.join(KINDS)}. Received: {kinds!r}.")
        self.kinds = tuple(checks.choice("kinds", kind, KINDS) for kind in kinds)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Pools (batch, time, features) to (batch, features * kinds)."""
        mask = checks.mask(mask, inputs)
        if mask is None:
            mask = ops.ones(ops.shape(inputs)[:2], dtype="bool")
        counts = ops.cast(mask, inputs.dtype)[:, :, None]
        total = ops.sum(counts, axis=1)
        # number of each counting step, from 1; the last one carries the row's total
        number = ops.cumsum(counts, axis=1)
        pooled = []
        for kind in self.kinds:
            if kind == "max":
                lowest = ops.where(mask[:, :, None], inputs, MASKED)
                value = ops.where(total > 0, ops.max(lowest, axis=1), 0)
            elif kind == "mean":
                value = ops.sum(inputs * counts, axis=1) / ops.maximum(total, 1)
            else:
                wanted = total[:, None, :] if kind == "last" else 1
                value = ops.sum(inputs * ops.cast(number == wanted, inputs.dtype) * counts, axis=1)
            pooled.append(value)
        return ops.concatenate(pooled, axis=-1)

    def compute_output_shape(self, inputs_shape: Any) -> tuple[Any, ...]:
        """(batch, features * kinds)."""
        return (inputs_shape[0], inputs_shape[2] * len(self.kinds))

    def compute_mask(self, inputs: Any, mask: Any) -> None:
        """Time is gone, and the mask with it."""
        return None

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "kinds": list(self.kinds)}


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
