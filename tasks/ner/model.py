"""The network of the NER task: words and their letters, bidirectional deep recurrent layers, a CRF over the tags."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from rnn_apps.data.text.tags import legal_transitions
from rnn_apps.layers import CRF, GRU, LSTM, Bidirectional, CharacterCNN, Deep, Embedding, SimpleRNN

if TYPE_CHECKING:
    from rnn_apps.tasks.ner.processor import NerProcessor
    from rnn_apps.tasks.ner.task import NerModelConfig

CELLS = {"lstm": LSTM, "gru": GRU, "simple_rnn": SimpleRNN}


def build_model(config: NerModelConfig, processor: NerProcessor, vectors: Path | None) -> keras.Model:
    """Returns the network.

    Args:
        config: its settings.
        processor: the vocabulary and the tags.
        vectors: a file of word vectors to start from.

    Returns:
        a model from `tokens`, int32 (batch, time), and `letters`, int32 (batch, time, letters), or, where every token
        is one character, `pairs`, int32 (batch, time), to `emissions`, float32 (batch, time, K), and `transitions`,
        float32 (batch, K + 1, K + 1); see `rnn_apps.layers.crf`.
    """
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    inputs = {"tokens": tokens}
    embedding = Embedding(
        processor.word_count,
        processor.vector_size or config.embedding,
        config.token_dropout,
        processor.UNKNOWN,
        embeddings_initializer=keras.initializers.RandomNormal(stddev=0.1),
        mask_zero=True,
        trainable=config.tune_vectors or not vectors,
        name="embedding",
    )
    parts = [embedding(tokens)]
    if vectors:
        _start_from(embedding, processor.vectors(vectors))
    if processor.single_characters:
        inputs["pairs"] = keras.Input((None,), dtype="int32", name="pairs")
        pairs = Embedding(
            processor.pair_count,
            config.pair_embedding,
            config.token_dropout,
            processor.UNKNOWN,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=0.1),
            mask_zero=True,
            name="pair_embedding",
        )
        parts.append(pairs(inputs["pairs"]))
    else:
        inputs["letters"] = keras.Input((None, None), dtype="int32", name="letters")
        words = CharacterCNN(
            processor.letter_count, config.letter_embedding, config.letter_filters, name="character_cnn"
        )
        parts.append(words(inputs["letters"]))
    x = keras.layers.Concatenate(name="features")(parts)
    x = keras.layers.Dropout(config.dropout, name="feature_dropout")(x)
    cell = CELLS[config.cell]
    layers = [Bidirectional(cell(config.units, return_sequences=True)) for _ in range(config.layers)]
    x = Deep(layers, dropout=config.dropout, name="encoder")(x)
    x = keras.layers.Dropout(config.dropout, name="dropout")(x)
    x = keras.layers.Dense(len(processor.tags), name="emissions")(x)
    legal = legal_transitions(processor.tags).tolist()
    emissions, transitions = CRF(len(processor.tags), legal, name="crf")(x)
    return keras.Model(inputs, {"emissions": emissions, "transitions": transitions}, name="ner")


def language_layers(model: keras.Model) -> tuple[Any, Any]:
    """Returns the part of the model that makes features of tokens, and its first bidirectional layer."""
    features = keras.Model(model.input, model.get_layer("features").output, name="features")
    return features, model.get_layer("encoder").layers[0]


def _start_from(embedding: Embedding, vectors: dict[int, Any]) -> None:
    """Sets the rows of a built embedding to word vectors, scaled to the spread of the others."""
    table = keras.ops.convert_to_numpy(embedding.embeddings).copy()
    numbers = list(vectors)
    found = np.stack([vectors[number] for number in numbers])
    table[numbers] = found * (0.1 / max(float(found.std()), 1e-6))
    embedding.embeddings.assign(table)
