"""The network of the music task: a deep recurrent language model over the tokens of frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.arrays import Arrays, Tensor
from rnn_apps.data.windows import FINAL, INITIAL, zero_states
from rnn_apps.layers import CELLS, Deep, Embedding
from rnn_apps.task import GraphSpec, Network
from rnn_apps.tasks.music.config import MusicConfig
from rnn_apps.tasks.music.context import (
    END_SIZE,
    FIRST_LEVEL,
    KEY_BITS,
    MOST_VOICES,
    PADDING,
    PLACE_SIZE,
    STRUCK_ONE,
    TONAL_BITS,
)
from rnn_apps.tasks.music.layers import KeyBits, KeyboardLogits, Neighbours
from rnn_apps.tasks.music.processor import MusicProcessor
from rnn_apps.tasks.music.scores.piece import KEYS, LEVELS
from rnn_apps.training.losses import summed_cross_entropy


class MusicNetwork(Network[MusicConfig, MusicProcessor]):
    """A language model of frames."""

    def build(self, config: MusicConfig, processor: MusicProcessor) -> keras.Model:
        """Returns the network.

        Args:
            config: its settings.
            processor: whether held notes are told from struck ones, and the units of each state.

        Returns:
            a model from what `MusicProcessor.shown` gives, (batch, time, ...), and `initial_0`, `initial_1`, ...,
            (batch, units), to `logits`, float32 (batch, time, 89, 177 or 185), token 1 first, and `final_0`, ...
        """
        settings = config.model
        tokens = keras.Input((None,), dtype="int32", name="tokens")
        keys = keras.Input((None, KEYS), dtype="uint16", name="keys")
        place = keras.Input((None, PLACE_SIZE), name="place")
        end = {"end": keras.Input((None, END_SIZE), name="end")} if processor.sees_end else {}
        voice = keras.Input((None,), dtype="int32", name="voice")
        before = keras.Input((None,), dtype="int32", name="before")
        loudness = {"loudness": keras.Input((None,), dtype="int32", name="loudness")} if processor.dynamics else {}
        levels = len(LEVELS) if processor.dynamics else 0
        count = TONAL_BITS if processor.sees_tonality else KEY_BITS
        bits = KeyBits(count, name="bits")(keys)
        roll = keras.layers.Reshape((-1, KEYS * count), name="roll")(bits)
        x = keras.layers.Concatenate(name="features")(
            [
                Embedding(FIRST_LEVEL + levels, settings.embedding, mask_zero=True, name="token_embedding")(tokens),
                keras.layers.Dense(settings.roll_features, name="roll_features")(
                    keras.layers.Dropout(settings.roll_dropout, name="roll_dropout")(roll)
                ),
                place,
                *end.values(),
                Embedding(MOST_VOICES + 2, 16, name="voice_embedding")(voice),
                Embedding(KEYS + 1, settings.embedding, name="before_embedding")(before),
                *(Embedding(2 * STRUCK_ONE, 16, name="loudness_embedding")(level) for level in loudness.values()),
            ]
        )
        x = keras.layers.Dropout(settings.dropout, name="feature_dropout")(x)
        cell = CELLS[settings.cell]
        layers = [cell(settings.units, return_sequences=True, return_state=True) for _ in range(settings.layers)]
        encoder = Deep(layers, dropout=settings.dropout, name="recurrent")
        initial = {name: keras.Input((units,), name=name) for name, units in processor.state_sizes.items()}
        x, *final = encoder(x, initial_state=list(initial.values()), mask=keras.ops.not_equal(tokens, PADDING))
        x = keras.layers.Dropout(settings.dropout, name="dropout")(x)
        around = Neighbours(settings.neighbour_features, name="neighbours")(bits)
        features = keras.layers.Concatenate(name="key_features")([bits, around])
        logits = KeyboardLogits(processor.articulated, levels, name="logits")(x, bits, features, *loudness.values())
        inputs = {"tokens": tokens, "keys": keys, "place": place, **end, "voice": voice, "before": before}
        inputs |= {**loudness, **initial}
        outputs = {"logits": logits, **{f"{FINAL}{number}": state for number, state in enumerate(final)}}
        return keras.Model(inputs, outputs, name="music")

    def loss(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Returns the summed cross-entropy of `logits` and `targets`, and the number of tokens."""
        real = batch["targets"] > 0
        return summed_cross_entropy(
            tf.boolean_mask(outputs["logits"], real), tf.boolean_mask(batch["targets"], real) - 1
        )

    def graphs(self, model: keras.Model) -> Sequence[GraphSpec]:
        """Returns one graph for any number of steps, with the states before and behind them."""
        sizes = {name: int(tensor.shape[-1]) for name, tensor in model.input.items() if name.startswith(INITIAL)}

        def probe(batch: Arrays) -> Arrays:
            states = zero_states(sizes, len(batch["tokens"]))
            return {**batch, **{name: value + np.float32(0.1) for name, value in states.items()}}

        return [GraphSpec("model", model, probe)]
