"""Layers from `keras.layers` to this package and back, weights included."""

from __future__ import annotations

from typing import Any

import keras

from rnn_apps.errors import ConfigError
from rnn_apps.layers.bidirectional import Bidirectional
from rnn_apps.layers.recurrent import Recurrent

# how Keras computes, not what: these change nothing here
_IGNORED = ("unroll", "use_cudnn", "implementation", "zero_output_for_mask", "time_major")


def from_keras(layer: Any) -> Any:
    """The layer of this package that computes what a Keras layer computes, with the same weights.

    Args:
        layer: `keras.layers.SimpleRNN`, `GRU`, `LSTM`, or `Bidirectional` around one of them. If it was built, the
            weights are copied.

    Returns:
        `SimpleRNN`, `GRU`, `LSTM` or `Bidirectional` of this package. Two things differ: masked steps give zeros as
        output, where Keras repeats the output before; and recurrent dropout leaves alone the state that a GRU
        carries on.

    Raises:
        ConfigError: another layer, or one with `stateful=True`.
    """
    if isinstance(layer, keras.layers.Bidirectional):
        own: Any = Bidirectional(
            from_keras(layer.forward_layer),
            merge_mode=layer.merge_mode,
            backward_layer=from_keras(layer.backward_layer),
            name=layer.name,
        )
        own.built = layer.built
        return own
    cells = {cell.keras_class: cell for cell in Recurrent.__subclasses__() if cell.keras_class}
    if type(layer) not in cells:
        known = ", ".join(f"keras.layers.{kind.__name__}" for kind in (*cells, keras.layers.Bidirectional))
        raise ConfigError(f"Expected one of {known}. Received: {type(layer).__name__}.")
    config = {name: value for name, value in layer.get_config().items() if name not in _IGNORED}
    if config.pop("stateful"):
        raise ConfigError(
            f"Expected a layer without hidden state. Received: {layer.name} with stateful=True. Build it with "
            "return_state=True instead, and hand the states of one call to the next as initial_state."
        )
    own = cells[type(layer)].from_config(config)
    if layer.built:
        own.build((None, None, layer.cell.kernel.shape[0]))
        own.set_weights(layer.get_weights())
    return own


def to_keras(layer: Any) -> Any:
    """The Keras layer that computes what a standard layer of this package computes, with the same weights.

    Raises:
        ConfigError: Keras has no such cell.
    """
    if isinstance(layer, Bidirectional):
        twin: Any = keras.layers.Bidirectional(
            to_keras(layer.forward_layer),
            merge_mode=layer.merge_mode,
            backward_layer=to_keras(layer.backward_layer),
            name=layer.name,
        )
        if layer.built:
            twin.build((None, None, layer.forward_layer.kernel.shape[0]))
            twin.set_weights(layer.get_weights())
        return twin
    twin = layer.keras_twin()
    if layer.built:
        twin.build((None, None, layer.kernel.shape[0]))
        twin.set_weights(layer.get_weights())
    return twin
