"""A stack of recurrent layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from rnn_apps.arrays import Tensor
from rnn_apps.errors import ConfigError, check_rate
from rnn_apps.layers.sequence import Passage, SequenceLayer, parts_of


@keras.saving.register_keras_serializable("rnn_apps")
class Deep(SequenceLayer):
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
        self.supports_jit = all(layer.supports_jit for layer in layers)

    @property
    def return_sequences(self) -> bool:  # type: ignore[override]
        """Whether the output of every step comes back."""
        return bool(self.layers[-1].return_sequences)

    @property
    def return_state(self) -> bool:  # type: ignore[override]
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
            symbol = layer.symbols(symbol, gates=False).output

    def run(
        self, sequences: Tensor, states: list[Tensor] | None, mask: Tensor | None, training: bool | None, gates: bool
    ) -> Passage:
        """Runs the layers one upon another.

        The states are those of the bottom layer first; the gates are a list with one entry a layer.
        """
        finals: list[Tensor] = []
        activations: list[Any] = []
        x, rest = sequences, states
        for number, layer in enumerate(self.layers):
            if number and self.dropout is not None:
                x = self.dropout(x, training=training)
            own, rest = _first_states(rest, len(layer.state_sizes))
            result = layer(x, initial_state=own, mask=mask, training=training, gates=gates)
            passage = parts_of(layer, result, gates)
            finals += passage.states
            activations.append(passage.gates)
            y = passage.output
            masks = layer.compute_mask(x, mask)
            mask = masks[0] if masks else None
            if self.residual and tuple(y.shape) == tuple(x.shape):
                y = y + (x if mask is None else ops.where(mask[:, :, None], x, 0))
            x = y
        return Passage(x, finals, activations if gates else None)

    def symbols(self, sequences: Any, gates: bool) -> Passage:
        """Symbols of the top layer's output, and of the states and gates of all layers."""
        symbol, states, activations = sequences, [], []
        for layer in self.layers:
            passage = layer.symbols(symbol, gates)
            symbol = passage.output
            states += passage.states
            activations.append(passage.gates)
        return Passage(symbol, states, activations if gates else None)

    def output_mask(self, mask: Tensor) -> Tensor | None:
        """The mask of the top layer's sequences."""
        for layer in self.layers:
            mask = layer.output_mask(mask)
        return mask

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


def _first_states(states: list[Tensor] | None, count: int) -> tuple[list[Tensor] | None, list[Tensor] | None]:
    """The first `count` states, and the rest."""
    return (None, None) if states is None else (states[:count], states[count:])
