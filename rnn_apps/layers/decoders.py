"""Layers that a decoder is built of: one step of a recurrent layer, and a decoder that reads its own answer again."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from rnn_apps.arrays import Tensor

PARTS = ("lower", "attention", "upper", "readout")


@keras.saving.register_keras_serializable("rnn_apps")
class InputFeedingDecoder(keras.layers.Layer):
    """Two recurrent layers with attention between them, and a vector that is fed back.

        q<t> = lower([y<t>, r<t-1>])                      the query
        c<t> = attention(q<t>)
        h<t> = upper([q<t>, c<t>])
        r<t> = readout([h<t>, c<t>, y<t>])                the attentional vector, read again at t + 1

    (Luong et al., arXiv:1508.04025, section 3.3.) Since r<t-1> must be known before step t begins, the steps go one by
    one through `keras.ops.scan`, in training too; dropout inside the recurrent layers does not act. Steps of padding
    leave the states as they are and give zeros.

    Args:
        lower: a recurrent layer of this package, such as `GRU`.
        attention: an `Attention`.
        upper: a recurrent layer.
        readout: a layer that turns (batch, features) into r, such as `keras.layers.Dense`.
        **kwargs: `name`, `dtype`, `trainable`, as in any Keras layer.
    """

    def __init__(self, lower: Any, attention: Any, upper: Any, readout: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lower, self.attention, self.upper, self.readout = lower, attention, upper, readout
        self.supports_masking = True

    def build(self, y_shape: Any, keys_shape: Any, memory_shape: Any, source_shape: Any = None) -> None:
        """Builds the four layers."""
        features, width, fed = y_shape[-1], memory_shape[-1], self.readout.units
        shapes = {
            "lower": ((*y_shape[:2], features + fed),),
            "attention": ((*y_shape[:2], self.lower.units), keys_shape, memory_shape, source_shape),
            "upper": ((*y_shape[:2], self.lower.units + width),),
            "readout": ((y_shape[0], self.upper.units + width + features),),
        }
        for name, own in shapes.items():
            # one that comes from a file is built
            if not getattr(self, name).built:
                getattr(self, name).build(*own)

    def call(
        self, y: Tensor, keys: Tensor, memory: Tensor, source: Tensor, target: Tensor, states: list[Tensor]
    ) -> Tensor:
        """Decodes a target that is known.

        Args:
            y: vectors of the target's tokens, (batch, T, features).
            keys: of the memory, (batch, S, units of the attention).
            memory: (batch, S, width).
            source: (batch, S), not 0 where a step of the memory counts.
            target: (batch, T), not 0 where a step of y counts.
            states: before the first step: those of `lower`, those of `upper`, and r, (batch, ...) each.

        Returns:
            r of each step, (batch, T, units of the readout).
        """
        between = self.lower.state_count
        # what differs from step to step travels in one tensor, as in the generic way of a recurrent layer
        counts = ops.cast(ops.not_equal(target, 0), y.dtype)
        over_time = ops.transpose(ops.concatenate([y, counts[:, :, None]], axis=-1), (1, 0, 2))

        def advance(before: list[Tensor], now: Tensor) -> tuple[list[Tensor], Tensor]:
            y, real = now[:, :-1], now[:, -1:] > 0
            *own, fed = before
            lower, _ = self.lower.step(ops.concatenate([y, fed], axis=-1), own[:between], None)
            answers, _ = self.attention(lower[0][:, None], keys, memory, source)
            upper, _ = self.upper.step(ops.concatenate([lower[0], answers[:, 0]], axis=-1), own[between:], None)
            fed = self.readout(ops.concatenate([upper[0], answers[:, 0], y], axis=-1))
            after = [ops.where(real, new, old) for new, old in zip([*lower, *upper, fed], before, strict=True)]
            return after, after

        _, trace = ops.scan(advance, list(states), over_time)
        return ops.transpose(trace[-1], (1, 0, 2)) * counts[:, :, None]

    def compute_output_spec(self, y: Any, *arguments: Any, **named: Any) -> Any:
        """Shape of what `call` returns."""
        return keras.KerasTensor((*y.shape[:2], self.readout.units), dtype=self.compute_dtype)

    def compute_mask(self, *inputs: Any, **masks: Any) -> None:
        """None is handed on: what follows works on each step by itself."""
        return None

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in PARTS}
        return {**super().get_config(), **parts}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputFeedingDecoder:
        """Makes the four layers anew."""
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in PARTS}
        return cls(**{**config, **parts})


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
