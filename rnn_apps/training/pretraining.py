r"""Learning the language before the task: a bidirectional language model on plain text.

The model's embedding and its first bidirectional layer learn to predict, from the hidden state of each direction, the
next token that this direction will meet; the classifier then starts from them (Dai and Le, arXiv:1511.01432). With
h the projected state, E the embedding table and p the share of each token in the texts,

    log P(token | h) = log softmax(E h + log p)[token]

In training the sum below the softmax is estimated: the right token's own term, and K tokens drawn from q ~ p^0.75 that
stand for all others, each logit less log(K q) so that the sum is right on average (Jean et al., arXiv:1412.2007,
section 3).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rnn_apps.arrays import MASKED, Array, Arrays
from rnn_apps.config import LoopConfig, TrainingConfig
from rnn_apps.data.store import Store, write_store
from rnn_apps.errors import DataError
from rnn_apps.inference.metrics import Metrics
from rnn_apps.inference.probabilities import log_softmax
from rnn_apps.progress import Reporter
from rnn_apps.training.checkpoint import save_arrays
from rnn_apps.training.trainer import Problem, Trainer

WINDOW = 200
SHORTEST = 10
SAMPLES = 1024
DROPOUT = 0.1
VALIDATION_WINDOWS = 64
_RESULT = "pretrained.npz"


@dataclass(frozen=True)
class Pretrained:
    """What a pretraining gives.

    Attributes:
        weights: those of the embedding and of the bidirectional layer, in their order.
        seconds: time it took.
        loss: on held-out texts, nats a token.
    """

    weights: list[Array]
    seconds: float
    loss: float


def pretrain(
    build_layers: Callable[[], tuple[Any, Any]],
    texts: Iterable[Arrays],
    held_out: Iterable[Arrays],
    config: LoopConfig,
    seed: int,
    folder: Path,
    reporter: Reporter,
) -> Pretrained:
    """Trains the features of tokens and a bidirectional layer as a language model.

    Args:
        build_layers: returns both, new: an `Embedding` of tokens, or a functional model of several inputs that has one
            called "embedding"; and a bidirectional layer that joins its directions by "concat". The number 0 is
            padding.
        texts: arrays of each text by the names of the inputs: `tokens`, int32 (time,), and others of the same length.
        held_out: the same for texts that are not trained on.
        config: settings of the loop.
        seed: everything random follows from it.
        folder: where windows of text and checkpoints go; an interrupted pretraining goes on from there.
        reporter: what shows the progress.

    Returns:
        what was learnt; a pretraining that has ended in this folder before is not repeated.

    Raises:
        DataError: if the texts are too short to learn from.
    """
    done = folder / _RESULT
    if done.exists():
        return _load(done)
    started = time.monotonic()
    reporter.stage("Pretraining", f"a language model, {config.epochs} epochs at most")
    features = build_layers()[0]
    counts = np.zeros(_table(features).input_dim, np.int64)
    names = tuple(_inputs(features))
    write_store(folder / "train", _counted(_windows(texts, names), counts))
    write_store(folder / "valid", islice(_windows(held_out, names), VALIDATION_WINDOWS))
    train, valid = Store(folder / "train"), Store(folder / "valid")
    if not len(train) or not len(valid):
        raise DataError(f"Expected texts of {SHORTEST} tokens and more to learn the language from. There are none.")
    reporter.note(f"{counts.sum():,} tokens to learn the language from")
    seconds = time.monotonic() - started
    vocabulary = Vocabulary(counts)
    layers: list[Any] = []

    def build_model() -> keras.Model:
        features, bidirectional = build_layers()
        layers[:] = features, bidirectional
        return language_model(features, bidirectional, vocabulary)

    def loss(outputs: Mapping[str, Any], batch: Mapping[str, Any]) -> tuple[Any, Any]:
        return sampled_loss(outputs, batch["tokens"], _table(layers[0]).embeddings.value, vocabulary)

    problem = Problem(
        build_model=build_model,
        loss=loss,
        metrics=lambda: LanguageMetrics(np.asarray(_table(layers[0]).embeddings), vocabulary),
        monitor="loss",
        monitor_mode="min",
    )
    training = TrainingConfig(**config.model_dump())
    trainer = Trainer(problem, train, valid, training, seed, folder, reporter=reporter)
    rows = trainer.fit()
    seconds += sum(row["seconds"] + row["validation_seconds"] for row in rows)
    arrays = {f"w{number}": weight for number, weight in enumerate(w for layer in layers for w in layer.weights)}
    save_arrays(done, {**arrays, "seconds": seconds, "loss": min(row["val_loss"] for row in rows)})
    return _load(done)


def _load(path: Path) -> Pretrained:
    with np.load(path, allow_pickle=False) as arrays:
        weights = [arrays[f"w{number}"] for number in range(len(arrays.files) - 2)]
        return Pretrained(weights, float(arrays["seconds"]), float(arrays["loss"]))


class Vocabulary:
    """How often each token occurs.

    Args:
        counts: occurrences, (vocabulary,).

    Attributes:
        log_share: log p, float32 (vocabulary,).
        log_draw: log q, float32 (vocabulary,).
        cumulated_draw: running sum of q, for drawing.
    """

    def __init__(self, counts: npt.NDArray[np.int64]) -> None:
        share = (counts + 1.0) / (counts + 1.0).sum()
        draw = share**0.75 / (share**0.75).sum()
        self.log_share = np.log(share).astype(np.float32)
        self.log_draw = np.log(draw).astype(np.float32)
        self.cumulated_draw = np.cumsum(draw).astype(np.float32)


class TokenSampler(keras.layers.Layer):
    """Draws `SAMPLES` tokens for a batch, with replacement.

    Args:
        vocabulary: what to draw from.
    """

    def __init__(self, vocabulary: Vocabulary, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cumulated = vocabulary.cumulated_draw
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, tokens: Any) -> Any:
        """Returns int32 (SAMPLES,); the tokens only make it part of the graph."""
        draw = keras.random.uniform((SAMPLES,), seed=self.seed_generator)
        return tf.minimum(tf.searchsorted(self.cumulated, draw), len(self.cumulated) - 1)


def language_model(features: Any, bidirectional: Any, vocabulary: Vocabulary) -> keras.Model:
    """Returns a model from the inputs of the features to states `next` and `previous`, (batch, time, features).

    `next` comes from the forward direction and is to predict the token behind each position, `previous` from the
    backward one and the token before it. The third output, `sampled`, is the tokens drawn for the batch.
    """
    inputs = _inputs(features)
    vectors = features.output if isinstance(features, keras.Model) else features(inputs["tokens"])
    states = bidirectional(vectors)
    states = keras.layers.Dropout(DROPOUT)(states)
    units = states.shape[-1] // 2
    width = _table(features).output_dim
    forward = keras.layers.Dense(width, use_bias=False, name="next")(states[:, :, :units])
    backward = keras.layers.Dense(width, use_bias=False, name="previous")(states[:, :, units:])
    sampled = TokenSampler(vocabulary, name="sampler")(inputs["tokens"])
    return keras.Model(inputs, {"next": forward, "previous": backward, "sampled": sampled})


def sampled_loss(outputs: Mapping[str, Any], tokens: Any, table: Any, vocabulary: Vocabulary) -> tuple[Any, Any]:
    """Returns the summed loss over all predicted tokens of both directions, and their number.

    Args:
        outputs: of `language_model`.
        tokens: (batch, time), 0 behind the end.
        table: the embedding, (vocabulary, features).
        vocabulary: shares of the tokens.
    """
    real = tokens[:, 1:] != 0
    sampled = outputs["sampled"]
    log_share = tf.constant(vocabulary.log_share)
    stands_for = tf.constant(vocabulary.log_share - vocabulary.log_draw) - float(np.log(SAMPLES))
    sampled_table, sampled_bias = tf.gather(table, sampled), tf.gather(stands_for, sampled)
    total = 0.0
    for states, targets in (
        (outputs["next"][:, :-1], tokens[:, 1:]),
        (outputs["previous"][:, 1:], tokens[:, :-1]),
    ):
        h, target = tf.boolean_mask(states, real), tf.boolean_mask(targets, real)
        right = tf.reduce_sum(h * tf.gather(table, target), axis=-1) + tf.gather(log_share, target)
        others = tf.matmul(h, sampled_table, transpose_b=True) + sampled_bias
        others = tf.where(target[:, None] == sampled[None, :], MASKED, others)
        total += tf.reduce_sum(tf.reduce_logsumexp(tf.concat([right[:, None], others], axis=1), axis=1) - right)
    return total, 2 * tf.math.count_nonzero(real)


class LanguageMetrics(Metrics):
    """The loss with the softmax over the whole vocabulary.

    Args:
        table: the embedding, (vocabulary, features).
        vocabulary: shares of the tokens.
    """

    def __init__(self, table: Array, vocabulary: Vocabulary) -> None:
        self.table, self.log_share = table, vocabulary.log_share
        self.total, self.count = 0.0, 0

    def update(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> None:
        """Takes the states and the tokens of a batch, row by row to save memory."""
        for tokens, following, preceding in zip(batch["tokens"], outputs["next"], outputs["previous"], strict=True):
            length = int(np.count_nonzero(tokens))
            states = np.concatenate([following[: length - 1], preceding[1:length]])
            targets = np.concatenate([tokens[1:length], tokens[: length - 1]])
            log_probabilities = log_softmax(states @ self.table.T + self.log_share)
            self.total -= float(log_probabilities[np.arange(len(targets)), targets].sum())
            self.count += len(targets)

    def result(self) -> dict[str, float]:
        """Returns `loss`, nats a token."""
        return {"loss": self.total / self.count}


def _table(features: Any) -> Any:
    """The embedding of the tokens."""
    return features.get_layer("embedding") if isinstance(features, keras.Model) else features


def _inputs(features: Any) -> dict[str, Any]:
    """The inputs by their names."""
    if isinstance(features, keras.Model):
        return dict(features.input)
    return {"tokens": keras.Input((None,), dtype="int32", name="tokens")}


def _windows(texts: Iterable[Arrays], names: tuple[str, ...]) -> Iterator[Arrays]:
    for row in texts:
        for start in range(0, len(row["tokens"]), WINDOW):
            window = {name: row[name][start : start + WINDOW] for name in names}
            if len(window["tokens"]) >= SHORTEST:
                yield window


def _counted(windows: Iterable[Arrays], counts: npt.NDArray[np.int64]) -> Iterator[Arrays]:
    for window in windows:
        counts += np.bincount(window["tokens"], minlength=len(counts))
        yield window
