"""The network of the music task: a deep recurrent language model over the tokens of frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import keras

from rnn_apps.data.windows import FINAL
from rnn_apps.layers import GRU, LSTM, Deep, Embedding
from rnn_apps.tasks.music.context import FIRST_HELD, KEY_BITS, MOST_VOICES, PADDING, PLACE_SIZE
from rnn_apps.tasks.music.layers import KeyBits, KeyboardLogits, Neighbours
from rnn_apps.tasks.music.piece import KEYS

if TYPE_CHECKING:
    from rnn_apps.tasks.music.task import MusicModelConfig

CELLS = {"lstm": LSTM, "gru": GRU}


def build_model(config: MusicModelConfig, articulated: bool, state_sizes: Mapping[str, int]) -> keras.Model:
    """Returns the network.

    Args:
        config: its settings.
        articulated: whether held notes are told from struck ones.
        state_sizes: units of each state by the name of its input.

    Returns:
        a model from what `Context.row` gives, (batch, time, ...), and `initial_0`, `initial_1`, ..., (batch, units), to
        `logits`, float32 (batch, time, 89 or 177), token 1 first, and `final_0`, `final_1`, ...
    """
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    keys = keras.Input((None, KEYS), dtype="uint16", name="keys")
    place = keras.Input((None, PLACE_SIZE), name="place")
    voice = keras.Input((None,), dtype="int32", name="voice")
    before = keras.Input((None,), dtype="int32", name="before")
    bits = KeyBits(name="bits")(keys)
    roll = keras.layers.Reshape((-1, KEYS * KEY_BITS), name="roll")(bits)
    x = keras.layers.Concatenate(name="features")(
        [
            Embedding(FIRST_HELD + KEYS, config.embedding, mask_zero=True, name="token_embedding")(tokens),
            keras.layers.Dense(config.roll_features, name="roll_features")(
                keras.layers.Dropout(config.roll_dropout, name="roll_dropout")(roll)
            ),
            place,
            Embedding(MOST_VOICES + 2, 16, name="voice_embedding")(voice),
            Embedding(KEYS + 1, config.embedding, name="before_embedding")(before),
        ]
    )
    x = keras.layers.Dropout(config.dropout, name="feature_dropout")(x)
    cell = CELLS[config.cell]
    layers = [cell(config.units, return_sequences=True, return_state=True) for _ in range(config.layers)]
    encoder = Deep(layers, dropout=config.dropout, name="recurrent")
    initial = {name: keras.Input((units,), name=name) for name, units in state_sizes.items()}
    x, *final = encoder(x, initial_state=list(initial.values()), mask=keras.ops.not_equal(tokens, PADDING))
    x = keras.layers.Dropout(config.dropout, name="dropout")(x)
    around = Neighbours(config.neighbour_features, name="neighbours")(bits)
    features = keras.layers.Concatenate(name="key_features")([bits, around])
    logits = KeyboardLogits(articulated, name="logits")(x, bits, features)
    inputs = {"tokens": tokens, "keys": keys, "place": place, "voice": voice, "before": before, **initial}
    outputs = {"logits": logits, **{f"{FINAL}{number}": state for number, state in enumerate(final)}}
    return keras.Model(inputs, outputs, name="music")
