"""The network of the NER task: words and their letters, bidirectional deep recurrent layers, a CRF over the tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.arrays import Array, Tensor
from rnn_apps.data.text.tags import legal_transitions
from rnn_apps.layers import CELLS, CRF, Bidirectional, CharacterCNN, Deep, Embedding
from rnn_apps.layers.crf import log_likelihood
from rnn_apps.task import Network
from rnn_apps.tasks.ner.config import NerConfig
from rnn_apps.tasks.ner.processor import NerProcessor

_LONGEST_ENDING = 5
_SPREAD, _PRETRAINED_SPREAD = 0.1, 0.5
"""Standard deviations of vectors. Training moves pretrained ones less in proportion, so that words which it does not
meet stay near those of their kind."""


class NerNetwork(Network[NerConfig, NerProcessor]):
    """A tagger of token sequences."""

    def build(self, config: NerConfig, processor: NerProcessor) -> keras.Model:
        """Returns the network.

        Args:
            config: its settings.
            processor: the vocabulary and the tags.

        Returns:
            a model from `tokens`, int32 (batch, time), and `letters`, int32 (batch, time, letters), or, where every
            token is one character, `pairs`, int32 (batch, time), to `emissions`, float32 (batch, time, K), and
            `transitions`, float32 (batch, K + 1, K + 1); see `rnn_apps.layers.crf`.
        """
        settings = config.model
        tokens = keras.Input((None,), dtype="int32", name="tokens")
        inputs = {"tokens": tokens}
        embedding = Embedding(
            processor.word_count,
            processor.vector_size or settings.embedding,
            settings.token_dropout,
            processor.UNKNOWN,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=_SPREAD),
            mask_zero=True,
            trainable=settings.tune_vectors or not processor.vector_size,
            name="embedding",
        )
        parts = [embedding(tokens)]
        if config.data.vectors:
            _start_from(embedding, processor.vectors(Path(config.data.vectors)))
        if processor.single_characters:
            inputs["pairs"] = keras.Input((None,), dtype="int32", name="pairs")
            pairs = Embedding(
                processor.pair_count,
                settings.pair_embedding,
                settings.token_dropout,
                processor.UNKNOWN,
                embeddings_initializer=keras.initializers.RandomNormal(stddev=_SPREAD),
                mask_zero=True,
                name="pair_embedding",
            )
            parts.append(pairs(inputs["pairs"]))
        else:
            inputs["letters"] = keras.Input((None, None), dtype="int32", name="letters")
            words = CharacterCNN(
                processor.letter_count, settings.letter_embedding, settings.letter_filters, name="character_cnn"
            )
            parts.append(words(inputs["letters"]))
        x = keras.layers.Concatenate(name="features")(parts)
        x = keras.layers.Dropout(settings.dropout, name="feature_dropout")(x)
        cell = CELLS[settings.cell]
        layers = [Bidirectional(cell(settings.units, return_sequences=True)) for _ in range(settings.layers)]
        x = Deep(layers, dropout=settings.dropout, name="encoder")(x)
        x = keras.layers.Dropout(settings.dropout, name="dropout")(x)
        x = keras.layers.Dense(len(processor.tags), name="emissions")(x)
        legal = legal_transitions(processor.tags).tolist()
        emissions, transitions = CRF(len(processor.tags), legal, name="crf")(x)
        return keras.Model(inputs, {"emissions": emissions, "transitions": transitions}, name="ner")

    def loss(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Returns the summed negative log-likelihood of `tags`, and the number of tokens."""
        mask = batch["tokens"] != 0
        # every row has the same ones, and a device may have no row
        transitions = tf.reduce_max(outputs["transitions"], axis=0)
        likelihood = log_likelihood(outputs["emissions"], transitions, batch["tags"], mask)
        return -tf.reduce_sum(likelihood), tf.math.count_nonzero(mask)

    def grown(self, path: str, old: Array, new: Array, before: NerProcessor, after: NerProcessor) -> Array:
        """Begins and ends a sentence in the last row and column of the transitions; a new word starts like others that
        end alike.
        """
        if path.startswith("crf/"):
            places = [np.r_[: size - 1, whole - 1] for size, whole in zip(old.shape, new.shape, strict=True)]
            new[np.ix_(*places)] = old
            return new
        new = super().grown(path, old, new, before, after)
        if path.startswith("embedding/"):
            first = len(old)
            for number, vector in _vectors_of_new_words(before.words, after.words[len(before.words) :], old).items():
                new[first + number] = vector
        return new

    def language_layers(self, model: keras.Model) -> tuple[Any, Any]:
        """Returns the part of the model that makes features of tokens, and its first bidirectional layer."""
        features = keras.Model(model.input, model.get_layer("features").output, name="features")
        return features, model.get_layer("encoder").layers[0]


def _vectors_of_new_words(known: Sequence[str], new: Sequence[str], table: Array) -> dict[int, Array]:
    """The mean vector of the known words that share the longest ending, two letters at least, by the word's place."""
    endings: dict[str, list[int]] = {}
    offset = len(table) - len(known)
    for number, word in enumerate(known, offset):
        for length in range(2, min(len(word), _LONGEST_ENDING) + 1):
            endings.setdefault(word[-length:], []).append(number)
    found = {}
    for place, word in enumerate(new):
        lengths = range(min(len(word), _LONGEST_ENDING), 1, -1)
        alike = next((endings[word[-length:]] for length in lengths if word[-length:] in endings), None)
        if alike:
            found[place] = table[alike].mean(axis=0)
    return found


def _start_from(embedding: Embedding, vectors: dict[int, Any]) -> None:
    """Sets the rows of a built embedding to word vectors, all scaled alike."""
    table = keras.ops.convert_to_numpy(embedding.embeddings).copy()
    numbers = list(vectors)
    found = np.stack([vectors[number] for number in numbers])
    table[numbers] = found * (_PRETRAINED_SPREAD / max(float(found.std()), 1e-6))
    embedding.embeddings.assign(table)
