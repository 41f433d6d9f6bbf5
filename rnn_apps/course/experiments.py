"""The experiments of the course: small trainings and passes on the layers of the package, run anew each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.arrays import Array
from rnn_apps.layers import CELLS, LSTM, Bidirectional, Deep, SimpleRNN
from rnn_apps.layers.stepwise import run as run_stepwise
from rnn_apps.training.clipping import clip_gradients
from rnn_apps.training.losses import summed_cross_entropy

BATCH = 64
SYMBOLS = 4
UNITS = 32
DISTANCES = (4, 8, 16, 32, 64)
UPDATES = 150
RADII = (0.5, 0.8, 1.0, 1.2, 1.6)
GRADIENT_STEPS = 60
KINDS = {"none": 1.0, "value": 0.01, "norm": 0.1, "global_norm": 0.25, "adaptive": 0.02}
EXPLODING_UPDATES, EXPLODING_DISTANCE = 80, 20
REACH = 2
TAGGED_STEPS = 12
TAGGING_UPDATES = 350

Batches = Callable[[np.random.Generator], tuple[Array, Array]]


class Course(NamedTuple):
    """What a training went through, update by update.

    Attributes:
        losses: nats.
        norms: of the gradient before clipping.
        clipped: of the gradient after it.
    """

    losses: list[float]
    norms: list[float]
    clipped: list[float]


class Numbers(NamedTuple):
    """A tiny network and what it does to a short sequence; see `tiny_network`.

    Attributes:
        inputs: x<t>, (steps, 2).
        Wax, Waa, ba, Wya, by: the weights, as in the equations of `SimpleRNN`: (3, 2), (3, 3), (3,), (1, 3) and (1,).
        hidden: a<t>, (steps, 3).
        output: ŷ after the last step.
        target: y.
        gradients: ∂L/∂a<t>, (steps, 3), from the layer's own backward pass.
    """

    inputs: Array
    Wax: Array
    Waa: Array
    ba: Array
    Wya: Array
    by: Array
    hidden: Array
    output: float
    target: float
    gradients: Array


def tiny_network() -> Numbers:
    """Runs a SimpleRNN of three units over five steps, and the loss L = (ŷ - y)² / 2 back."""
    inputs = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, -0.5], [0.0, 0.0], [-1.0, 1.0]], np.float32)
    layer, read = SimpleRNN(3), keras.layers.Dense(1)
    layer.build((None, None, 2))
    read.build((None, 3))
    kernel = np.array([[0.6, -0.4, 0.2], [0.1, 0.7, -0.5]])
    recurrent = np.array([[0.5, 0.3, -0.2], [-0.4, 0.6, 0.1], [0.2, -0.3, 0.8]])
    layer.set_weights([kernel, recurrent, np.array([0.0, 0.1, -0.1])])
    read.set_weights([np.array([[1.0], [-0.5], [0.8]]), np.array([0.2])])
    target = 1.0
    seen: list[list[Any]] = []
    layer.states_seen = seen
    with tf.GradientTape() as tape:
        run_stepwise(layer, tf.constant(inputs[None]), None, None, False)
        states = [step[0] for step in layer.states_seen]
        answer = read(states[-1])
        loss = tf.reduce_sum((answer - target) ** 2) / 2
    gradients = tape.gradient(loss, states)
    layer.states_seen = None
    return Numbers(
        inputs,
        kernel.T,
        recurrent.T,
        np.array([0.0, 0.1, -0.1]),
        np.array([[1.0, -0.5, 0.8]]),
        np.array([0.2]),
        np.concatenate([state.numpy() for state in states]),
        float(answer[0, 0]),
        target,
        np.concatenate([gradient.numpy() for gradient in gradients]),
    )


def gradient_by_distance(cell: str, radius: float) -> list[float]:
    """Returns |∂a<T>/∂a<T-d>| for a random direction of the last state, d from 0: means over 8 random sequences.

    Args:
        cell: its name.
        radius: by how much the recurrent kernel, orthogonal at first, is scaled.
    """
    keras.utils.set_random_seed(0)
    layer = CELLS[cell](UNITS)
    layer.build((None, None, 8))
    layer.recurrent_kernel.assign(layer.recurrent_kernel * radius)
    open_gates(layer, GRADIENT_STEPS)
    rng = np.random.default_rng(0)
    inputs = tf.constant(rng.normal(0, 0.5, (8, GRADIENT_STEPS, 8)).astype(np.float32))
    direction = rng.normal(size=(1, UNITS)).astype(np.float32)
    layer.states_seen = []
    with tf.GradientTape() as tape:
        run_stepwise(layer, inputs, None, None, False)
        states = [step[0] for step in layer.states_seen]
        last = tf.reduce_sum(states[-1] * (direction / np.linalg.norm(direction)))
    gradients = tape.gradient(last, states)
    return [float(tf.reduce_mean(tf.norm(gradient, axis=1))) for gradient in reversed(gradients)]


def open_gates(layer: Any, longest: int) -> None:
    """Gives each unit of a gated cell a time scale of its own, up to `longest` steps (Tallec and Ollivier,
    arXiv:1804.11188): log(T) in the bias of what is kept.
    """
    scales = np.log(np.random.default_rng(0).uniform(1.0, longest - 1.0, layer.units))
    if isinstance(layer, SimpleRNN):
        return
    bias = layer.bias.numpy()
    if isinstance(layer, LSTM):
        bias[layer.units : 2 * layer.units], bias[: layer.units] = scales, -scales
    else:
        bias[0, : layer.units] = scales
    layer.bias.assign(bias)


def remembering(distance: int) -> Batches:
    """A symbol, then so many steps of noise, and at the end the symbol is asked for."""

    def batch(rng: np.random.Generator) -> tuple[Array, Array]:
        symbols = rng.integers(0, SYMBOLS, BATCH)
        inputs = np.zeros((BATCH, distance + 1, SYMBOLS + 2), np.float32)
        inputs[np.arange(BATCH), 0, symbols] = 1
        inputs[:, 1:, SYMBOLS:] = rng.normal(0, 0.5, (BATCH, distance, 2))
        return inputs, symbols.astype(np.int32)

    return batch


def accuracy_at(cell: str, distance: int) -> float:
    """Trains a cell to remember a symbol over a distance; returns the share of new sequences it gets right."""
    keras.utils.set_random_seed(1)
    batches = remembering(distance)
    layer = CELLS[cell](UNITS)
    model = _classifier(layer, SYMBOLS + 2, SYMBOLS)
    open_gates(layer, distance)
    train(model, batches, UPDATES, "global_norm", 1.0, 1e-2)
    inputs, symbols = batches(np.random.default_rng(99))
    return float((model(inputs).numpy().argmax(axis=1) == symbols).mean())


def exploding_run(kind: str) -> Course:
    """Trains a SimpleRNN whose recurrent kernel is too large, with one kind of clipping, to remember."""
    keras.utils.set_random_seed(2)
    layer = SimpleRNN(UNITS)
    model = _classifier(layer, SYMBOLS + 2, SYMBOLS)
    layer.recurrent_kernel.assign(layer.recurrent_kernel * 1.5)
    clipping = None if kind == "none" else kind
    return train(model, remembering(EXPLODING_DISTANCE), EXPLODING_UPDATES, clipping, KINDS[kind], 1.0, plain=True)


def tagging(rng: np.random.Generator) -> tuple[Array, Array]:
    """Bits, and for each step whether the bits two before and two behind it differ."""
    bits = rng.integers(0, 2, (BATCH, TAGGED_STEPS + 2 * REACH))
    tags = bits[:, : -2 * REACH] ^ bits[:, 2 * REACH :]
    return np.eye(2, dtype=np.float32)[bits], tags.astype(np.int32)


def tagging_accuracy(kind: str) -> float:
    """Trains a tagger to compare what was with what will be; returns the share of steps it gets right.

    Args:
        kind: "forward", "bidirectional" or "deep".
    """
    keras.utils.set_random_seed(3)
    cell = CELLS["gru"]
    layers: dict[str, Any] = {
        "forward": lambda: cell(UNITS, return_sequences=True),
        "bidirectional": lambda: Bidirectional(cell(UNITS, return_sequences=True)),
        "deep": lambda: Deep([Bidirectional(cell(UNITS, return_sequences=True)) for _ in range(2)]),
    }
    model = _classifier(layers[kind](), 2, 2)

    def read(outputs: Any) -> Any:
        return tf.reshape(outputs[:, REACH:-REACH], (-1, 2))

    train(model, tagging, TAGGING_UPDATES, "global_norm", 1.0, 1e-2, read=read)
    inputs, tags = tagging(np.random.default_rng(99))
    return float((read(model(inputs)).numpy().argmax(axis=1) == tags.reshape(-1)).mean())


def train(
    model: keras.Model,
    batches: Batches,
    updates: int,
    clipping: str | None,
    threshold: float,
    rate: float,
    plain: bool = False,
    read: Callable[[Any], Any] = lambda outputs: outputs,
) -> Course:
    """Trains a model; ends early when a number is none any more.

    Args:
        model: from inputs to logits.
        batches: draws (inputs, labels).
        updates: how many.
        clipping: a kind of `clip_gradients`, or None.
        threshold: its threshold.
        rate: the learning rate.
        plain: gradient descent alone, which shows what a large gradient does; else Adam.
        read: what of the outputs the labels are for, as rows.
    """
    optimizer = keras.optimizers.SGD(rate) if plain else keras.optimizers.Adam(rate)
    variables = model.trainable_variables
    optimizer.build(variables)

    @tf.function
    def update(inputs: Any, labels: Any) -> tuple[Any, Any, Any]:
        with tf.GradientTape() as tape:
            loss, count = summed_cross_entropy(read(model(inputs, training=True)), tf.reshape(labels, (-1,)))
            loss = loss / tf.cast(count, tf.float32)
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        changed, norm, _ = clip_gradients(gradients, variables, clipping, threshold)
        optimizer.apply(changed, variables)
        return loss, norm, tf.linalg.global_norm(changed)

    rng = np.random.default_rng(0)
    found = Course([], [], [])
    for _ in range(updates):
        for series, value in zip(found, update(*map(tf.constant, batches(rng))), strict=True):
            series.append(float(value))
        if not np.isfinite([series[-1] for series in found]).all():
            break
    return found


def _classifier(layer: Any, features: int, classes: int) -> keras.Model:
    inputs = keras.Input((None, features))
    return keras.Model(inputs, keras.layers.Dense(classes)(layer(inputs)))
