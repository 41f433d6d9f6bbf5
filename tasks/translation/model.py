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
compiled loops at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from rnn_apps.layers import GRU, LSTM, Attention, Bidirectional, Embedding, MaskedPooling, SingleStep, TiedEmbedding
from rnn_apps.task import Arrays, GraphSpec

if TYPE_CHECKING:
    from rnn_apps.tasks.translation.task import TranslationModelConfig

CELLS = {"gru": GRU, "lstm": LSTM}
DECODER = ("lower", "upper")
PROBED_BEAMS = 3


def build_model(config: TranslationModelConfig, source_size: int, target_size: int, joint: bool) -> keras.Model:
    """Returns the network in the form that is trained: the right target so far is given (teacher forcing).

    Args:
        config: its settings.
        source_size: different source tokens, padding (0) included.
        target_size: the same for the target.
        joint: whether both sides have one vocabulary, and so one table of vectors.

    Returns:
        a model from `source`, int32 (batch, S), and `target_in`, int32 (batch, T), the target behind a start sign, to
        `logits`, float32 (batch, T, target_size), of the token that follows each.
    """
    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target_in")
    options = {"embeddings_initializer": keras.initializers.RandomNormal(stddev=0.1), "mask_zero": True}
    target_table = TiedEmbedding(target_size, config.embedding, config.token_dropout, name="target_table", **options)
    source_table = target_table
    if not joint:
        source_table = Embedding(source_size, config.embedding, config.token_dropout, name="source_table", **options)

    x = keras.layers.Dropout(config.embedding_dropout)(source_table(source))
    for number in range(config.encoder_layers):
        x = Bidirectional(CELLS[config.cell](config.units, return_sequences=True), name=f"encoder_{number}")(x)
        x = keras.layers.Dropout(config.dropout, name=f"memory_{number}")(x)
    memory_keys = keras.layers.Dense(config.attention_units, use_bias=False, name="memory_keys")(x)
    gist = MaskedPooling(("mean",), name="gist")(x)

    y = keras.layers.Dropout(config.embedding_dropout)(target_table(target))
    asked = _recurrent(config, "lower", y, gist)
    answer, _ = Attention(config.attention_units, config.score, name="attention")(asked, memory_keys, x, source)
    both = keras.layers.Concatenate(name="both")([asked, answer])
    said = _recurrent(config, "upper", both, gist)
    read = keras.layers.Concatenate(name="read")([said, answer, y])
    read = keras.layers.Dense(config.embedding, activation="tanh", name="readout")(read)
    read = keras.layers.Dropout(config.output_dropout)(read)
    return keras.Model(
        {"source": source, "target_in": target}, {"logits": target_table(read, reverse=True)}, name="translation"
    )


def _recurrent(config: TranslationModelConfig, name: str, x: Any, gist: Any) -> Any:
    """A layer of the decoder over the target, whose first state comes from the mean of the memory."""
    layer = CELLS[config.cell](config.units, return_sequences=True, name=name)
    first = [
        keras.layers.Dense(config.units, activation="tanh", name=f"{name}_state_{number}")(gist)
        for number in range(layer.state_count)
    ]
    return layer(x, initial_state=first)


def graphs(model: keras.Model) -> list[GraphSpec]:
    """Takes a trained model apart into what runs once a sentence and what runs once a token; see above."""
    layers = [model.get_layer(name) for name in DECODER]
    names = [f"{layer.name}_state_{number}" for layer in layers for number in range(layer.state_count)]
    memory = model.get_layer("memory_keys").input
    outputs = {"memory": memory, "memory_keys": model.get_layer("memory_keys").output}
    outputs |= {f"state_{n}": model.get_layer(name).output for n, name in enumerate(names)}
    encoder = keras.Model({"source": model.input["source"]}, outputs, name="encoder")

    token = keras.Input((None,), dtype="int32", name="token")
    source = keras.Input((None,), dtype="int32", name="source")
    memory = keras.Input((None, memory.shape[-1]), name="memory")
    memory_keys = keras.Input((None, outputs["memory_keys"].shape[-1]), name="memory_keys")
    states = [keras.Input((None, layers[0].units), name=f"state_{n}") for n in range(len(names))]
    table, attention = model.get_layer("target_table"), model.get_layer("attention")
    lower, upper = layers
    y = table(token)
    from_lower = SingleStep(lower)(y, *states[: lower.state_count])
    answer, weights = attention(from_lower[0], memory_keys, memory, source)
    both = model.get_layer("both")([from_lower[0], answer])
    from_upper = SingleStep(upper)(both, *states[lower.state_count :])
    read = model.get_layer("readout")(model.get_layer("read")([from_upper[0], answer, y]))
    log_probabilities = keras.layers.Activation("log_softmax")(table(read, reverse=True))
    following = {f"next_state_{n}": state for n, state in enumerate([*from_lower, *from_upper])}
    given = {"token": token, "source": source, "memory": memory, "memory_keys": memory_keys}
    step = keras.Model(
        given | {state.name: state for state in states},
        {"log_probabilities": log_probabilities, "attention": weights} | following,
        name="step",
    )

    def probe(batch: Arrays) -> Arrays:
        tokens = batch["target_in"][:, :PROBED_BEAMS]
        found = {name: ops.convert_to_numpy(value) for name, value in encoder({"source": batch["source"]}).items()}
        for state in states:
            found[state.name] = np.repeat(found[state.name][:, None], tokens.shape[1], axis=1)
        return {"token": tokens, "source": batch["source"], **found}

    return [GraphSpec("encoder", encoder, lambda batch: batch), GraphSpec("step", step, probe)]
