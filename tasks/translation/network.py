"""The networks of the task `translation`: an encoder, attention, a decoder, and the two graphs that translate.

    encoder.onnx   source (batch, S) int32, 0 = padding
                   -> memory (batch, S, M), memory_keys (batch, S, A), state_0, state_1, ... (batch, H)
    step.onnx      token (batch, beams) int32, source (batch, S), memory, memory_keys, state_0, ... (batch, beams, H)
                   -> log_probabilities (batch, beams, V), attention (batch, beams, S), next_state_0, ...

The memory is held once for a sentence: beams stand where the time steps of the target stand in training, so nothing
big is copied when they change places.

The decoder has two recurrent layers with the attention between them. The lower one reads the target so far and asks
the attention; the upper one reads what the attention answers, and so remembers what was translated already. No layer
needs its own answer of the step before from anywhere but its state, so in training the whole target runs through the
compiled loops at once. With input feeding the lower layer also reads what was made of the answer one step before: then
the steps go one by one, and that vector is one more state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from rnn_apps.arrays import Array, Arrays, Tensor
from rnn_apps.layers import (
    CELLS,
    Attention,
    Bidirectional,
    Embedding,
    InputFeedingDecoder,
    MaskedPooling,
    RealSteps,
    SingleStep,
    TiedEmbedding,
)
from rnn_apps.task import GraphSpec, Network
from rnn_apps.tasks.translation.config import TranslationConfig
from rnn_apps.tasks.translation.processor import TranslationProcessor
from rnn_apps.training.losses import sequence_cross_entropy

LABEL_SMOOTHING = 0.1
PROBED_BEAMS = 3


class TranslationNetwork(Network[TranslationConfig, TranslationProcessor]):
    """An encoder and a decoder with attention."""

    def build(self, config: TranslationConfig, processor: TranslationProcessor) -> keras.Model:
        """Returns the network in the form that is trained: the right target so far is given (teacher forcing).

        Args:
            config: its settings.
            processor: the vocabularies; joint ones have one table of vectors.

        Returns:
            a model from `source`, int32 (batch, S), and `target_in`, int32 (batch, T), the target behind a start sign,
            to `logits`, float32 (real tokens, target vocabulary), of the token that follows each, sentence by sentence.
        """
        settings = config.model
        source = keras.Input((None,), dtype="int32", name="source")
        target = keras.Input((None,), dtype="int32", name="target_in")
        options = {"embeddings_initializer": keras.initializers.RandomNormal(stddev=0.1), "mask_zero": True}
        target_table = TiedEmbedding(
            processor.target.vocabulary_size, settings.embedding, settings.token_dropout, name="target_table", **options
        )
        source_table = target_table
        if not processor.joint:
            source_table = Embedding(
                processor.source.vocabulary_size,
                settings.embedding,
                settings.token_dropout,
                name="source_table",
                **options,
            )

        x = keras.layers.SpatialDropout1D(settings.embedding_dropout)(source_table(source))
        for number in range(settings.encoder_layers):
            x = Bidirectional(CELLS[settings.cell](settings.units, return_sequences=True), name=f"encoder_{number}")(x)
            x = keras.layers.SpatialDropout1D(settings.dropout, name=f"memory_{number}")(x)
        memory_keys = keras.layers.Dense(settings.attention_units, use_bias=False, name="memory_keys")(x)
        gist = MaskedPooling(("mean",), name="gist")(x)

        y = keras.layers.SpatialDropout1D(settings.embedding_dropout)(target_table(target))
        lower, upper = (
            CELLS[settings.cell](settings.units, return_sequences=True, name=name) for name in ("lower", "upper")
        )
        attention = Attention(settings.attention_units, settings.score, name="attention")
        readout = keras.layers.Dense(settings.embedding, activation="tanh", name="readout")
        first = {
            layer.name: _first_states(gist, layer.name, layer.units, layer.state_count) for layer in (lower, upper)
        }
        if settings.input_feeding:
            decoder = InputFeedingDecoder(lower, attention, upper, readout, name="decoder")
            fed = _first_states(gist, "fed", settings.embedding)
            read = decoder(y, memory_keys, x, source, target, [*first["lower"], *first["upper"], *fed])
        else:
            asked = lower(y, initial_state=first["lower"])
            answer, _ = attention(asked, memory_keys, x, source)
            said = upper(keras.layers.Concatenate()([asked, answer]), initial_state=first["upper"])
            read = readout(keras.layers.Concatenate()([said, answer, y]))
        read = RealSteps()(keras.layers.SpatialDropout1D(settings.output_dropout)(read), target)
        return keras.Model(
            {"source": source, "target_in": target}, {"logits": target_table(read, reverse=True)}, name="translation"
        )

    def loss(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Returns the summed cross-entropy of `logits` and `target_out`, labels smoothed, and the number of tokens."""
        return sequence_cross_entropy(outputs["logits"], batch["target_out"], LABEL_SMOOTHING)

    def grown(
        self, path: str, old: Array, new: Array, before: TranslationProcessor, after: TranslationProcessor
    ) -> Array:
        """A new subword starts as the mean of those that it was written with."""
        new = super().grown(path, old, new, before, after)
        tables = {"target_table/embeddings": "target", "source_table/embeddings": "source"}
        if path in tables:
            getattr(after, tables[path]).start_new_rows(new, getattr(before, tables[path]))
        return new

    def graphs(self, model: keras.Model) -> Sequence[GraphSpec]:
        """Takes a trained model apart into what runs once a sentence and what runs once a token; see above."""
        decoder = _Decoder.of(model)
        memory = model.get_layer("memory_keys").input
        outputs = {"memory": memory, "memory_keys": model.get_layer("memory_keys").output}
        outputs |= {f"state_{n}": model.get_layer(name).output for n, name in enumerate(decoder.first_states)}
        encoder = keras.Model({"source": model.input["source"]}, outputs, name="encoder")

        token = keras.Input((None,), dtype="int32", name="token")
        source = keras.Input((None,), dtype="int32", name="source")
        given = {name: keras.Input((None, value.shape[-1]), name=name) for name, value in outputs.items()}
        states = [given[f"state_{n}"] for n in range(len(decoder.first_states))]
        table = model.get_layer("target_table")
        read, weights, following = decoder.step(table(token), given["memory_keys"], given["memory"], source, states)
        found = {"log_probabilities": keras.layers.Activation("log_softmax")(table(read, reverse=True))}
        found |= {"attention": weights} | {f"next_state_{n}": state for n, state in enumerate(following)}
        step = keras.Model({"token": token, "source": source, **given}, found, name="step")

        def probe(batch: Arrays) -> Arrays:
            tokens = batch["target_in"][:, :PROBED_BEAMS]
            found = {name: ops.convert_to_numpy(value) for name, value in encoder({"source": batch["source"]}).items()}
            for state in states:
                found[state.name] = np.repeat(found[state.name][:, None], tokens.shape[1], axis=1)
            return {"token": tokens, "source": batch["source"], **found}

        return [GraphSpec("encoder", encoder, lambda batch: batch), GraphSpec("step", step, probe)]


def _first_states(gist: Any, name: str, units: int, count: int = 1) -> list[Any]:
    """States before the first step, (batch, units) each, from the mean of the memory."""
    return [
        keras.layers.Dense(units, activation="tanh", name=f"{name}_state_{number}")(gist) for number in range(count)
    ]


class _Decoder(NamedTuple):
    """The layers of a trained model's decoder."""

    lower: Any
    attention: Any
    upper: Any
    readout: Any
    feeding: bool

    @classmethod
    def of(cls, model: keras.Model) -> _Decoder:
        feeding = "decoder" in {layer.name for layer in model.layers}
        part = partial(getattr, model.get_layer("decoder")) if feeding else model.get_layer
        return cls(part("lower"), part("attention"), part("upper"), part("readout"), feeding)

    @property
    def first_states(self) -> list[str]:
        """Names of the layers that make the states before the first step."""
        names = [f"{own.name}_state_{number}" for own in (self.lower, self.upper) for number in range(own.state_count)]
        return [*names, "fed_state_0"] if self.feeding else names

    def step(self, y: Any, memory_keys: Any, memory: Any, source: Any, states: list[Any]) -> tuple[Any, Any, list[Any]]:
        """Returns the attentional vector, the weights of the attention, and the states that follow."""
        between, end = self.lower.state_count, self.lower.state_count + self.upper.state_count
        join = keras.layers.Concatenate()
        from_lower = SingleStep(self.lower)(join([y, states[end]]) if self.feeding else y, *states[:between])
        answer, weights = self.attention(from_lower[0], memory_keys, memory, source)
        from_upper = SingleStep(self.upper)(join([from_lower[0], answer]), *states[between:end])
        read = self.readout(join([from_upper[0], answer, y]))
        following = [*from_lower, *from_upper]
        return read, weights, [*following, read] if self.feeding else following
