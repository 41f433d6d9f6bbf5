"""A stack of recurrent layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from rnn_apps.arrays import Tensor
from rnn_apps.errors import ConfigError, check_rate
from rnn_apps.layers import checks


@keras.saving.register_keras_serializable("rnn_apps")
class Deep(keras.layers.Layer):
    """Recurrent layers one upon another: each reads the outputs of the one below.

        x[l] = layer[l](x[l-1])  (+ x[l-1] with `residual`)

    Args:
        layers: the layers from the bottom to the top: cells, `Bidirectional`, or `Deep`. All but the last must have
            `return_sequences=True`.
        residual: add a layer's input to its output wherever both have the same shape.
        dropout: share of the values dropped between two layers in training.
        seed: seed of the dropout.
        **kwargs: `name`, `dtype`, `trainable`, as in any Keras layer.

    Raises:
        ConfigError: there are no layers, or one below the top does not return sequences, or some return states and
            others do not.
    """

    def __init__(
        self,
        layers: Sequence[Any],
        residual: bool = False,
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not layers:
            raise ConfigError("Expected at least one layer in Deep. Received: none.")
        for number, layer in enumerate(layers[:-1]):
            if not layer.return_sequences:
                raise ConfigError(
                    f"Expected every layer below the top of Deep to have return_sequences=True. Received: layer "
                    f"{number} ({layer.name}) without it."
                )
        if len({layer.return_state for layer in layers}) > 1:
            raise ConfigError("Expected all layers of Deep to have the same return_state. Received: both values.")
        self.layers = list(layers)
        self.residual = residual
        self.rate = check_rate("dropout", dropout)
        self.seed = seed
        self.dropout = keras.layers.Dropout(self.rate, seed=seed) if dropout else None
        self.supports_masking = True
        self.supports_jit = all(layer.supports_jit for layer in layers)

    @property
    def return_sequences(self) -> bool:
        """Whether the output of every step comes back."""
        return bool(self.layers[-1].return_sequences)

    @property
    def return_state(self) -> bool:
        """Whether final states come back after the output, from the bottom layer to the top."""
        return bool(self.layers[-1].return_state)

    @property
    def state_sizes(self) -> list[int]:
        """Widths of the states, from the bottom layer to the top."""
        return [size for layer in self.layers for size in layer.state_sizes]

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        """Builds the layers, each for the width of the one below."""
        symbol = keras.KerasTensor(tuple(sequences_shape))
        for layer in self.layers:
            if not layer.built:
                layer.build(symbol.shape)
            symbol = _first(layer.compute_output_spec(symbol))

    def call(
        self,
        sequences: Tensor,
        initial_state: Any = None,
        mask: Tensor | None = None,
        training: bool | None = None,
        gates: bool = False,
    ) -> Any:
        """Runs the stack.

        Args:
            sequences: (batch, time, features).
            initial_state: a list of states, those of the bottom layer first; zeros if None.
            mask: (batch, time), true where a step counts.
            training: whether dropout and zoneout act.
            gates: also return the gates of all layers.

        Returns:
            As the top layer does. States follow, those of the bottom layer first; the gates are a list with one
            entry a layer.
        """
        if mask is None:
            mask = getattr(sequences, "_keras_mask", None)
        mask = checks.mask(mask, sequences)
        per_layer = self._states_of_layers(initial_state)
        states: list[Any] = []
        activations: list[Any] = []
        x = sequences
        for number, layer in enumerate(self.layers):
            if number and self.dropout is not None:
                x = self.dropout(x, training=training)
            result = layer(x, initial_state=per_layer[number], mask=mask, training=training, gates=gates)
            parts = list(result) if isinstance(result, tuple) else [result]
            if gates:
                activations.append(parts.pop())
            y, *finals = parts
            states += finals
            masks = layer.compute_mask(x, mask)
            mask = masks[0] if masks else None
            if self.residual and tuple(y.shape) == tuple(x.shape):
                y = y + (x if mask is None else ops.where(mask[:, :, None], x, 0))
            x = y
        extra = states + ([activations] if gates else [])
        return (x, *extra) if extra else x

    def _states_of_layers(self, states: Any) -> list[Any]:
        if states is None:
            return [None] * len(self.layers)
        given = list(states) if isinstance(states, (list, tuple)) else [states]
        if len(given) != len(self.state_sizes):
            raise ConfigError(
                f"Expected initial_state of {self.name} to be {len(self.state_sizes)} tensors, those of the bottom "
                f"layer first. Received: {len(given)}."
            )
        counts = [len(layer.state_sizes) for layer in self.layers]
        starts = [sum(counts[:number]) for number in range(len(counts))]
        return [given[start : start + count] for start, count in zip(starts, counts, strict=True)]

    def compute_output_spec(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool | None = None,
        gates: bool = False,
    ) -> Any:
        """Shapes of what `call` returns, without tracing it."""
        states: list[Any] = []
        activations: list[Any] = []
        symbol = sequences
        for layer in self.layers:
            result = layer.compute_output_spec(symbol, gates=gates)
            parts = list(result) if isinstance(result, tuple) else [result]
            if gates:
                activations.append(parts.pop())
            symbol, *finals = parts
            states += finals
        extra = states + ([activations] if gates else [])
        return (symbol, *extra) if extra else symbol

    def compute_mask(self, sequences: Any, mask: Any) -> Any:
        """The mask of the input if sequences come out; None for states and gates."""
        if mask is None:
            return None
        for layer in self.layers:
            masks = layer.compute_mask(sequences, mask)
            mask = masks[0] if masks else None
        if mask is None:
            return None
        return [mask] + [None] * (len(self.state_sizes) if self.return_state else 0)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "layers": [keras.saving.serialize_keras_object(layer) for layer in self.layers],
            "residual": self.residual,
            "dropout": self.rate,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Deep:
        """The stack from its configuration."""
        layers = [keras.saving.deserialize_keras_object(layer) for layer in config["layers"]]
        return cls(**{**config, "layers": layers})


def _first(result: Any) -> Any:
    while isinstance(result, tuple):
        result = result[0]
    return result
