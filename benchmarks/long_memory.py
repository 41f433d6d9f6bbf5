"""How far back a cell remembers: the adding problem, the copy task, and the gradient against distance in time.

    python benchmarks/long_memory.py [--steps 200] [--output benchmarks/results/long_memory.json]
                                     [--figures docs/images]

Adding (Hochreiter and Schmidhuber, 1997): a row of T pairs, a number in [0, 1] and a mark; two marks in the row, one
in each half; the answer is the sum of the two marked numbers. Always answering 1 gives a mean squared error of 1/6.

Copying: a few symbols, T blanks, a signal, and then the symbols again. Remembering nothing gives a cross-entropy of
ln(symbols) at the places of the answer.

Every cell gets the same budget of training steps, the same optimizer, and clipping by global norm. Gated cells start
with forget biases spread over the time scales up to T (Tallec and Ollivier, arXiv:1804.11188).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parent))

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from common import print_table, write_result

from rnn_apps.layers import GRU, LSTM, SimpleRNN
from rnn_apps.training.clipping import clip_gradients

CELLS: dict[str, Any] = {"SimpleRNN": SimpleRNN, "GRU": GRU, "LSTM": LSTM}
SYMBOLS, REMEMBERED = 4, 3
BATCH, UNITS = 64, 64

Batch = tuple[np.ndarray, np.ndarray]


def adding(rng: np.random.Generator, steps: int) -> Batch:
    """Inputs (batch, steps, 2) and the sums (batch, 1)."""
    numbers, marks = rng.random((BATCH, steps)), np.zeros((BATCH, steps))
    rows = np.arange(BATCH)
    for low, high in ((0, steps // 2), (steps // 2, steps)):
        marks[rows, rng.integers(low, high, BATCH)] = 1
    return np.stack([numbers, marks], -1).astype(np.float32), np.sum(numbers * marks, 1, keepdims=True)


def copying(rng: np.random.Generator, steps: int) -> Batch:
    """One-hot inputs (batch, steps + 2 remembered, symbols + 2) and the symbols to repeat (batch, remembered)."""
    symbols = rng.integers(0, SYMBOLS, (BATCH, REMEMBERED))
    tokens = np.full((BATCH, steps + 2 * REMEMBERED), SYMBOLS)
    tokens[:, :REMEMBERED] = symbols
    tokens[:, -REMEMBERED - 1] = SYMBOLS + 1
    return np.eye(SYMBOLS + 2, dtype=np.float32)[tokens], symbols


def spread_time_scales(layer: Any, longest: int, rng: np.random.Generator) -> None:
    """Gives each unit of a gated cell a time scale of its own, up to `longest` steps."""
    bias = layer.bias.numpy()
    scale = np.log(rng.uniform(1, longest - 1, UNITS))
    if isinstance(layer, LSTM):
        bias[UNITS : 2 * UNITS], bias[:UNITS] = scale, -scale
    elif isinstance(layer, GRU):
        bias[0, :UNITS] = scale
    layer.bias.assign(bias)


def learn(
    cell: str, task: Callable[[np.random.Generator, int], Batch], steps: int, updates: int
) -> tuple[list[float], float, Any]:
    """Trains a cell on a task; returns the loss every 100 updates, the seconds it took, and the layer."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    copies = task is copying
    layer = CELLS[cell](UNITS, return_sequences=copies)
    read = keras.layers.Dense(SYMBOLS if copies else 1)
    x, _ = task(rng, steps)
    layer.build(x.shape)
    read.build((None, UNITS))
    spread_time_scales(layer, steps, rng)
    variables = [*layer.trainable_variables, *read.trainable_variables]
    optimizer = keras.optimizers.Adam(3e-3)
    optimizer.build(variables)

    @tf.function
    def update(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            if copies:
                logits = read(layer(x, training=True)[:, -REMEMBERED:])
                loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))
            else:
                loss = tf.reduce_mean((read(layer(x, training=True)) - tf.cast(y, tf.float32)) ** 2)
        gradients = tape.gradient(loss, [v.value for v in variables])
        optimizer.apply(clip_gradients(gradients, variables, "global_norm", 1.0)[0], variables)
        return loss

    start = time.perf_counter()
    losses, recent = [], []
    for number in range(1, updates + 1):
        recent.append(float(update(*(tf.constant(array) for array in task(rng, steps)))))
        if number % 100 == 0:
            losses.append(float(np.mean(recent)))
            recent = []
    return losses, time.perf_counter() - start, layer


def gradient_by_distance(cell: str, steps: int) -> list[float]:
    """Norm of the gradient of the last state with respect to each input, from the nearest to the farthest."""
    keras.utils.set_random_seed(0)
    layer = CELLS[cell](UNITS)
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(0, 1, (BATCH, steps, 8)).astype(np.float32))
    layer.build(x.shape)
    spread_time_scales(layer, steps, rng)
    direction = np.random.default_rng(1).normal(0, 1, UNITS).astype(np.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(layer(x, training=True) * direction)
    # squares of what has vanished are too small for float32
    norms = np.linalg.norm(tape.gradient(value, x).numpy().astype(np.float64), axis=2).mean(0)
    return [float(norm) for norm in norms[::-1]]


def draw(gradients: dict[str, list[float]], curves: dict[str, dict[str, list[float]]], figure: Path) -> None:
    """The gradient against distance, and the two tasks' losses against updates."""
    _, axes = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
    for cell, norms in gradients.items():
        axes[0].semilogy(np.maximum(norms, 1e-38), label=cell)
    axes[0].set(title="Gradient before training", xlabel="steps back in time", ylabel="‖∂ last state / ∂ input‖")
    for axis, (task, losses) in zip(axes[1:], curves.items(), strict=True):
        for cell, values in losses.items():
            axis.plot(100 * np.arange(1, len(values) + 1), values, label=cell)
        blind = 1 / 6 if task == "adding" else np.log(SYMBOLS)
        axis.axhline(blind, color="grey", linestyle=":", label="without memory")
        axis.set(title=task.capitalize(), xlabel="training steps", ylabel="loss", ylim=(0, 1.25 * blind))
    for axis in axes:
        axis.legend()
    plt.savefig(figure, dpi=110)
    plt.close()


def draw_gates(layer: Any, steps: int, figure: Path) -> None:
    """The gates of a trained LSTM over one row of the adding problem: mean over the units, and where the marks are."""
    x, _ = adding(np.random.default_rng(5), steps)
    *_, gates = layer(x[:1], gates=True)
    _, axis = plt.subplots(figsize=(9, 3.4), layout="constrained")
    for name in ("update", "forget", "output"):
        axis.plot(np.array(gates[name])[0].mean(-1), label=f"{name} gate")
    for step in np.flatnonzero(x[0, :, 1]):
        axis.axvline(step, color="grey", linestyle=":")
    axis.set(title="Gates of an LSTM that adds two marked numbers (marks dotted)", xlabel="step", ylim=(0, 1))
    axis.legend(loc="center right")
    plt.savefig(figure, dpi=110)
    plt.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200, help="T")
    parser.add_argument("--updates", type=int, default=3000, help="training steps of each run")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/long_memory.json"))
    parser.add_argument("--figures", type=Path, default=Path("docs/images"))
    arguments = parser.parse_args()

    arguments.figures.mkdir(parents=True, exist_ok=True)
    gradients = {cell: gradient_by_distance(cell, arguments.steps) for cell in CELLS}
    curves: dict[str, dict[str, list[float]]] = {}
    rows: list[list[object]] = [["task", "cell", "loss at the end", "loss without memory", "seconds"]]
    for name, task in (("adding", adding), ("copying", copying)):
        curves[name] = {}
        for cell in CELLS:
            losses, seconds, layer = learn(cell, task, arguments.steps, arguments.updates)
            curves[name][cell] = losses
            blind = 1 / 6 if name == "adding" else np.log(SYMBOLS)
            rows.append([name, cell, f"{losses[-1]:.4f}", f"{blind:.3f}", f"{seconds:.0f}"])
            print(*rows[-1], flush=True)
            if name == "adding" and cell == "LSTM":
                draw_gates(layer, arguments.steps, arguments.figures / "gates.png")
    print_table(rows)
    draw(gradients, curves, arguments.figures / "vanishing-gradient.png")
    write_result(arguments.output, {"steps": arguments.steps, "gradient_by_distance": gradients, "loss": curves})


if __name__ == "__main__":
    main()
