"""The network of the sentiment task: embedding, bidirectional deep recurrent layers, pooling over time, classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from rnn_apps.arrays import Tensor
from rnn_apps.layers import CELLS, Bidirectional, Deep, Embedding, MaskedPooling
from rnn_apps.task import Network
from rnn_apps.tasks.sentiment.config import SentimentConfig
from rnn_apps.tasks.sentiment.processor import SentimentProcessor
from rnn_apps.training.losses import summed_cross_entropy


class SentimentNetwork(Network[SentimentConfig, SentimentProcessor]):
    """A classifier of token sequences."""

    def build(self, config: SentimentConfig, processor: SentimentProcessor) -> keras.Model:
        """Returns a model from `tokens`, int32 (batch, time), to `logits`, float32 (batch, classes)."""
        settings = config.model
        tokens = keras.Input((None,), dtype="int32", name="tokens")
        cell = CELLS[settings.cell]
        embedding = Embedding(
            processor.tokenizer.vocabulary_size,
            settings.embedding,
            settings.token_dropout,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=0.1),
            mask_zero=True,
            name="embedding",
        )
        x = embedding(tokens)
        layers = [
            Bidirectional(cell(settings.units, dropout=settings.recurrent_input_dropout, return_sequences=True))
            for _ in range(settings.layers)
        ]
        x = Deep(layers, name="encoder")(x)
        x = MaskedPooling(("max", "mean"), name="pooling")(x)
        x = keras.layers.Dropout(settings.dropout, name="dropout")(x)
        logits = keras.layers.Dense(len(processor.class_names), name="logits")(x)
        return keras.Model({"tokens": tokens}, {"logits": logits}, name="sentiment")

    def loss(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Returns the summed cross-entropy of `logits` and `label`, and the number of texts."""
        return summed_cross_entropy(outputs["logits"], batch["label"], batch.get("weight"))

    def language_layers(self, model: keras.Model) -> tuple[Any, Any]:
        """Returns the embedding and the first bidirectional layer."""
        return model.get_layer("embedding"), model.get_layer("encoder").layers[0]
