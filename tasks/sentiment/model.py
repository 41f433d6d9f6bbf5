"""The network of the sentiment task: embedding, bidirectional deep recurrent layers, pooling over time, classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from rnn_apps.layers import GRU, LSTM, Bidirectional, Deep, Embedding, MaskedPooling, SimpleRNN

if TYPE_CHECKING:
    from rnn_apps.tasks.sentiment.task import SentimentModelConfig

CELLS = {"lstm": LSTM, "gru": GRU, "simple_rnn": SimpleRNN}


def build_model(config: SentimentModelConfig, vocabulary_size: int, classes: int) -> keras.Model:
    """Returns the network.

    Args:
        config: its settings.
        vocabulary_size: different tokens, padding (0) included.
        classes: number of classes.

    Returns:
        a model from `tokens`, int32 (batch, time), to `logits`, float32 (batch, classes).
    """
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    cell = CELLS[config.cell]
    embedding = Embedding(
        vocabulary_size,
        config.embedding,
        config.token_dropout,
        embeddings_initializer=keras.initializers.RandomNormal(stddev=0.1),
        mask_zero=True,
        name="embedding",
    )
    x = embedding(tokens)
    layers = [
        Bidirectional(cell(config.units, dropout=config.recurrent_input_dropout, return_sequences=True))
        for _ in range(config.layers)
    ]
    x = Deep(layers, name="encoder")(x)
    x = MaskedPooling(("max", "mean"), name="pooling")(x)
    x = keras.layers.Dropout(config.dropout, name="dropout")(x)
    logits = keras.layers.Dense(classes, name="logits")(x)
    return keras.Model({"tokens": tokens}, {"logits": logits}, name="sentiment")
