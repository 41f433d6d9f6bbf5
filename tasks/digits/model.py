"""The network of the digits task: dense layers over all pixels, or recurrent layers over the rows of the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras

from rnn_apps.layers import GRU, LSTM, Deep, SimpleRNN

if TYPE_CHECKING:
    from rnn_apps.tasks.digits.task import DigitsModelConfig

CELLS = {"lstm": LSTM, "gru": GRU, "simple_rnn": SimpleRNN}


def build_model(config: DigitsModelConfig, image_shape: Sequence[int], classes: int) -> keras.Model:
    """Returns the network.

    Args:
        config: its settings.
        image_shape: (height, width) of the images.
        classes: number of classes.

    Returns:
        a model from `image`, float32 (batch, height, width), to `logits`, float32 (batch, classes).
    """
    image = keras.Input(tuple(image_shape), name="image")
    if config.cell == "dense":
        x = keras.layers.Flatten(name="pixels")(image)
        for _ in range(config.layers):
            x = keras.layers.Dense(config.units, activation="relu")(x)
    else:
        last = config.layers - 1
        cell = CELLS[config.cell]
        rows = [cell(config.units, return_sequences=number < last) for number in range(config.layers)]
        x = Deep(rows, name="rows")(image)
    x = keras.layers.Dropout(config.dropout, name="dropout")(x)
    logits = keras.layers.Dense(classes, name="logits")(x)
    return keras.Model({"image": image}, {"logits": logits}, name="digits")
