"""The network: characters, a recurrent layer, classes."""

import keras

from rnn_apps.layers import GRU, Embedding


def build_model(config, vocabulary_size, classes):
    """Returns a model from `tokens`, int32 (batch, time), to `logits`, float32 (batch, classes)."""
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    x = Embedding(vocabulary_size, config.embedding, mask_zero=True)(tokens)
    x = GRU(config.units)(x)
    logits = keras.layers.Dense(classes, name="logits")(x)
    return keras.Model({"tokens": tokens}, {"logits": logits}, name="brackets")
