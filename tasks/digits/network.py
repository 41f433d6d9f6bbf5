"""The network of the digits task: dense layers over all pixels, or recurrent layers over the rows of the image."""

from __future__ import annotations

from collections.abc import Mapping

import keras

from rnn_apps.arrays import Tensor
from rnn_apps.layers import CELLS, Deep
from rnn_apps.task import Network
from rnn_apps.tasks.digits.config import DigitsConfig
from rnn_apps.tasks.digits.processor import DigitsProcessor
from rnn_apps.training.losses import summed_cross_entropy


class DigitsNetwork(Network[DigitsConfig, DigitsProcessor]):
    """A classifier of images."""

    def build(self, config: DigitsConfig, processor: DigitsProcessor) -> keras.Model:
        """Returns a model from `image`, float32 (batch, height, width), to `logits`, float32 (batch, classes)."""
        settings = config.model
        image = keras.Input(processor.image_shape, name="image")
        if settings.cell == "dense":
            x = keras.layers.Flatten(name="pixels")(image)
            for _ in range(settings.layers):
                x = keras.layers.Dense(settings.units, activation="relu")(x)
        else:
            last = settings.layers - 1
            cell = CELLS[settings.cell]
            rows = [cell(settings.units, return_sequences=number < last) for number in range(settings.layers)]
            x = Deep(rows, name="rows")(image)
        x = keras.layers.Dropout(settings.dropout, name="dropout")(x)
        logits = keras.layers.Dense(len(processor.class_names), name="logits")(x)
        return keras.Model({"image": image}, {"logits": logits}, name="digits")

    def loss(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Returns the summed cross-entropy of `logits` and `label`, and the number of images."""
        return summed_cross_entropy(outputs["logits"], batch["label"], batch.get("weight"))
