"""The network of the sentiment task: embedding, bidirectional deep recurrent layers, pooling over time, answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from rnn_apps.arrays import Array, Tensor
from rnn_apps.layers import CELLS, Bidirectional, Deep, Embedding, MaskedPooling, OrderedClasses
from rnn_apps.task import Network
from rnn_apps.tasks.sentiment.config import SentimentConfig
from rnn_apps.tasks.sentiment.processor import TextProcessor
from rnn_apps.training.losses import summed_binary_cross_entropy, summed_cross_entropy, summed_laplace_loss


class SentimentNetwork(Network[SentimentConfig, TextProcessor[Any]]):
    """A classifier of token sequences."""

    def build(self, config: SentimentConfig, processor: TextProcessor[Any]) -> keras.Model:
        """Returns a model from `tokens`, int32 (batch, time), to `logits`, float32 (batch, outputs)."""
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
        logits = self.last_layer(processor)(x)
        return keras.Model({"tokens": tokens}, {"logits": logits}, name="sentiment")

    def last_layer(self, processor: TextProcessor[Any]) -> keras.layers.Layer:
        """Returns the layer from the pooled features to `logits`: a logit for each class."""
        return keras.layers.Dense(len(processor.target.names), name="logits")

    def loss(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Returns the summed cross-entropy of `logits` and `label`, and the number of texts."""
        return summed_cross_entropy(outputs["logits"], batch["label"], batch.get("weight"))

    def grown(self, path: str, old: Array, new: Array, before: TextProcessor[Any], after: TextProcessor[Any]) -> Array:
        """A new subword starts as the mean of those that it was written with."""
        new = super().grown(path, old, new, before, after)
        if path.startswith("embedding/"):
            after.tokenizer.start_new_rows(new, before.tokenizer)
        return new

    def language_layers(self, model: keras.Model) -> tuple[Any, Any]:
        """Returns the embedding and the first bidirectional layer."""
        return model.get_layer("embedding"), model.get_layer("encoder").layers[0]


class OrderedNetwork(SentimentNetwork):
    """The same for classes that have an order: `logits` are log-probabilities."""

    def last_layer(self, processor: TextProcessor[Any]) -> keras.layers.Layer:
        """Returns a score and the thresholds between the classes."""
        return OrderedClasses(len(processor.target.names), name="logits")


class LabelsNetwork(SentimentNetwork):
    """The same for several labels: a logit for each, and a question of its own."""

    def loss(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Returns the summed binary cross-entropy of `logits` and `label`, and the number of texts."""
        return summed_binary_cross_entropy(outputs["logits"], batch["label"])


class NumberNetwork(SentimentNetwork):
    """The same for a number: `logits` are the number and the logarithm of its scale, see `inference.numbers`."""

    def last_layer(self, processor: TextProcessor[Any]) -> keras.layers.Layer:
        """Returns the two of them."""
        return keras.layers.Dense(2, name="logits")

    def loss(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Returns the summed negative log-likelihood of `label`, and the number of texts."""
        return summed_laplace_loss(outputs["logits"], batch["label"])
