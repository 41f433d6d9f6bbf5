"""Recurrent layers side by side: rnn_apps, keras.layers and torch.nn, forward and training step.

    python benchmarks/layers.py [--output benchmarks/results/layers.json] [--rounds 3]
    python benchmarks/layers.py --cells LSTM,bi-LSTM --shapes 64x100x128x128,variable    # a part of the grid
    python benchmarks/layers.py --study fit      # inside model.fit
    python benchmarks/layers.py --study memory   # peak memory of a training step
    python benchmarks/layers.py --study length   # cost against T and against B

Each peer runs in a process of its own, because thread settings are global, and all peers run once a round. A figure is
the median over the rounds of the median within a round. Useful floating-point operations are those of the products
with the weights at steps that count: 2 (D + H) G H a step and direction forwards, three times that in training.
PyTorch is used if the Python that `--torch-python` names has it.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from common import median, print_table, write_result

CELLS = ("LSTM", "GRU", "SimpleRNN", "bi-LSTM", "bi-GRU", "2x bi-LSTM")
SHAPES = ("64x100x128x128", "32x200x256x256", "128x50x64x64", "32x100x512x512", "1x50x128x128", "variable")
PEERS = ("ours", "keras", "keras, 1 intra-op thread", "torch", "torch, packed")
BLOCKS = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}


class Case:
    """One cell of the grid: a layer and a batch.

    Args:
        cell: one of CELLS.
        shape: batch x time x features x units, or "variable".
    """

    def __init__(self, cell: str, shape: str) -> None:
        self.layers = 2 if cell.startswith("2x ") else 1
        self.directions = 2 if "bi-" in cell else 1
        self.kind = cell.split("-")[-1]
        rng = np.random.default_rng(0)
        if shape == "variable":
            batch, self.features, self.units = 64, 128, 128
            self.lengths = np.clip(np.exp(rng.normal(5.2, 0.65, batch)).astype(int), 20, 400)
        else:
            batch, steps, self.features, self.units = map(int, shape.split("x"))
            self.lengths = np.full(batch, steps)
        time_steps = int(self.lengths.max())
        self.inputs = rng.standard_normal((batch, time_steps, self.features)).astype(np.float32)
        self.mask = np.arange(time_steps) < self.lengths[:, None] if shape == "variable" else None
        self.flops = sum(
            2 * int(self.lengths.sum()) * self.directions * BLOCKS[self.kind] * self.units * (width + self.units)
            for width in (self.features, self.units * self.directions)[: self.layers]
        )


def steps_of(peer: str, case: Case) -> tuple[Callable[[], Any], Callable[[], Any]] | None:
    """The forward pass and the training step of a peer, each waiting for its result; None where it has none."""
    return _torch_steps(peer, case) if peer.startswith("torch") else _keras_steps(peer, case)


def _keras_steps(peer: str, case: Case) -> tuple[Callable[[], Any], Callable[[], Any]]:
    import keras
    import tensorflow as tf

    library: Any = keras.layers
    if peer == "ours":
        from rnn_apps import layers

        library = layers
    stack = []
    for _ in range(case.layers):
        layer = getattr(library, case.kind)(case.units, return_sequences=True)
        stack.append(library.Bidirectional(layer) if case.directions == 2 else layer)
    x = tf.constant(case.inputs)
    mask = None if case.mask is None else tf.constant(case.mask)

    def run(x: Any, training: bool) -> Any:
        for layer in stack:
            x = layer(x, mask=mask, training=training)
        return tf.reduce_sum(x)

    run(x, False)
    variables = [variable.value for layer in stack for variable in layer.trainable_variables]

    @tf.function
    def forward(x: Any) -> Any:
        return run(x, False)

    @tf.function
    def train(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = run(x, True)
        return tape.gradient(loss, [*variables, x])

    return lambda: forward(x).numpy(), lambda: train(x)[0].numpy()


def _torch_steps(peer: str, case: Case) -> tuple[Callable[[], Any], Callable[[], Any]] | None:
    import torch
    from torch.nn.utils import rnn

    if "packed" in peer and case.mask is None:
        return None
    kind = {"SimpleRNN": "RNN"}.get(case.kind, case.kind)
    layer = getattr(torch.nn, kind)(
        case.features, case.units, case.layers, batch_first=True, bidirectional=case.directions == 2
    )
    x = torch.tensor(case.inputs, requires_grad=True)
    lengths = torch.tensor(case.lengths)

    def run() -> Any:
        if "packed" in peer:
            packed = rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            return rnn.pad_packed_sequence(layer(packed)[0], batch_first=True)[0].sum()
        return layer(x)[0].sum()

    def forward() -> Any:
        with torch.no_grad():
            return run()

    def train() -> None:
        layer.zero_grad()
        x.grad = None
        run().backward()

    return forward, train


def milliseconds(call: Callable[[], Any], seconds: float = 1.0) -> float:
    """The median time of a call, over at least five calls and about as many seconds."""
    call()
    call()
    times: list[float] = []
    start = time.perf_counter()
    while len(times) < 5 or (time.perf_counter() - start < seconds and len(times) < 200):
        before = time.perf_counter()
        call()
        times.append(time.perf_counter() - before)
    return median(times) * 1e3


def prepare(peer: str) -> None:
    """Settings that a peer needs before its library starts."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if peer == "keras, 1 intra-op thread":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
    if peer.startswith("torch"):
        import torch

        torch.set_num_threads(len(os.sched_getaffinity(0)))


def product_rate(peer: str) -> float:
    """GFLOP/s of one product of two 2048 x 2048 matrices, by the peer's own library."""
    n = 2048
    a = np.random.default_rng(0).standard_normal((n, n)).astype(np.float32)
    if peer.startswith("torch"):
        import torch

        tensor = torch.tensor(a)
        elapsed = milliseconds(lambda: tensor @ tensor)
    else:
        import tensorflow as tf

        constant = tf.constant(a)
        elapsed = milliseconds(lambda: tf.matmul(constant, constant).numpy())
    return 2 * n**3 / elapsed / 1e6


def work_grid(peer: str, cells: list[str], shapes: list[str]) -> Iterator[dict[str, Any]]:
    """The grid, run by one peer in this process."""
    prepare(peer)
    yield {"peer": peer, "product_gflops": product_rate(peer)}
    for cell in cells:
        for shape in shapes:
            case = Case(cell, shape)
            steps = steps_of(peer, case)
            if steps is None:
                continue
            forward, train = milliseconds(steps[0], 0.5), milliseconds(steps[1])
            yield {
                "peer": peer,
                "cell": cell,
                "shape": shape,
                "forward_ms": forward,
                "train_ms": train,
                "forward_gflops": case.flops / forward / 1e6,
                "train_gflops": 3 * case.flops / train / 1e6,
            }


def work_memory(peer: str, cell: str, shape: str) -> Iterator[dict[str, Any]]:
    """Peak memory of five training steps beyond what the process held before, MiB."""
    prepare(peer)
    case = Case(cell, shape)
    steps = steps_of(peer, case)
    if steps is None:
        return
    warm_up = steps_of("torch" if peer.startswith("torch") else peer, Case(cell, "2x3x8x8"))
    assert warm_up is not None
    warm_up[1]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(5):
        steps[1]()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield {"peer": peer, "cell": cell, "shape": shape, "peak_mib": (peak - before) / 1024}


def work_length(peer: str) -> Iterator[dict[str, Any]]:
    """Training time a row and step against the number of steps and of rows."""
    prepare(peer)
    shapes = [f"32x{steps}x128x128" for steps in (250, 500, 1000, 2000, 4000)]
    shapes += [f"{rows}x100x128x128" for rows in (16, 32, 64, 128, 256, 512)]
    for shape in shapes:
        case = Case("LSTM", shape)
        steps = steps_of(peer, case)
        assert steps is not None
        train = milliseconds(steps[1], 0.5)
        yield {"peer": peer, "shape": shape, "train_ms": train, "us_per_step": 1e3 * train / case.lengths.sum()}


def work_fit(peer: str) -> Iterator[dict[str, Any]]:
    """`model.fit` of a classifier (embedding, bi-LSTM, pooling, dense) on batches of variable length."""
    prepare(peer)
    import keras

    from rnn_apps import layers

    library: Any = layers if peer == "ours" else keras.layers
    case = Case("bi-LSTM", "variable")
    rng = np.random.default_rng(1)
    tokens = rng.integers(1, 5000, case.inputs.shape[:2]) * np.asarray(case.mask)
    data = np.tile(tokens, (10, 1)), rng.integers(0, 2, 640).astype(np.float32)
    words = keras.Input((None,), dtype="int32")
    x = layers.Embedding(5000, case.features, mask_zero=True)(words)
    x = library.Bidirectional(library.LSTM(case.units, return_sequences=True))(x)
    x = layers.MaskedPooling(("max", "mean"))(x)
    model = keras.Model(words, keras.layers.Dense(1, activation="sigmoid")(x))
    model.compile("adam", "binary_crossentropy")
    model.fit(*data, batch_size=64, verbose=0)
    start = time.perf_counter()
    model.fit(*data, batch_size=64, epochs=3, verbose=0)
    seconds = time.perf_counter() - start
    yield {"peer": peer, "ms_per_step": 1e3 * seconds / 30, "tokens_per_second": 30 * int(case.lengths.sum()) / seconds}


def spawn(python: str, peer: str, *arguments: str) -> list[dict[str, Any]]:
    """Runs this file in a process for one peer; returns what it measured."""
    command = [python, str(Path(__file__).resolve()), "--peer", peer, *arguments]
    environment = dict(os.environ)
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    if done.returncode:
        print(f"{peer}: left out ({' '.join(command)} failed)", file=sys.stderr)
        return []
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def merged(rounds: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The median of each figure over the rounds."""
    grouped: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in (row for rows in rounds for row in rows):
        grouped.setdefault((row["peer"], row.get("cell"), row.get("shape")), []).append(row)
    return [
        {
            key: median([row[key] for row in rows]) if isinstance(value, float) else value
            for key, value in rows[0].items()
        }
        for rows in grouped.values()
    ]


def print_grid(rows: list[dict[str, Any]]) -> None:
    """The table of the grid, and the geometric means over the fixed lengths."""
    measured = {(row["cell"], row["shape"], row["peer"]): row for row in rows if "cell" in row}
    rates = {row["peer"]: row["product_gflops"] for row in rows if "product_gflops" in row}
    print("One large matrix product, GFLOP/s:", {peer: round(rate) for peer, rate in rates.items()})
    head = ["cell", "B x T x D x H", *PEERS, "ours / keras", "ours / best torch", "of a product"]
    table: list[list[object]] = [head]
    against_keras, against_torch = [], []
    for cell, shape in dict.fromkeys(key[:2] for key in measured):
        figures = {peer: measured[cell, shape, peer] for peer in PEERS if (cell, shape, peer) in measured}
        rate = {peer: row["train_gflops"] for peer, row in figures.items()}
        shown = [
            f"{figures[p]['train_ms']:.1f} ms, {rate[p]:.0f} ({figures[p]['forward_gflops']:.0f})" if p in rate else "–"
            for p in PEERS
        ]
        torch = max((rate[p] for p in rate if p.startswith("torch")), default=math.nan)
        keras_ratio, torch_ratio = rate["ours"] / rate.get("keras", math.nan), rate["ours"] / torch
        if shape != "variable":
            against_keras.append(keras_ratio)
            against_torch.append(torch_ratio)
        share = rate["ours"] / rates["ours"]
        table.append([cell, shape, *shown, f"{keras_ratio:.2f}", f"{torch_ratio:.2f}", f"{share:.0%}"])
    print("Training step: milliseconds, useful GFLOP/s (forward pass)")
    print_table(table)
    if against_keras:
        print(
            "Fixed lengths, geometric mean of ours / keras and ours / best torch:",
            *(f"{math.exp(np.mean(np.log(ratios))):.2f}" for ratios in (against_keras, against_torch)),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", choices=("grid", "fit", "memory", "length"), default="grid")
    parser.add_argument("--cells", default=",".join(CELLS))
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--peers", default="; ".join(PEERS), help="separated by semicolons")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--torch-python", default=sys.executable, help="a Python that has PyTorch")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    cells, shapes = arguments.cells.split(","), arguments.shapes.split(",")
    if arguments.peer:
        works: dict[str, Iterator[dict[str, Any]]] = {
            "grid": work_grid(arguments.peer, cells, shapes),
            "memory": work_memory(arguments.peer, cells[0], shapes[0]),
            "length": work_length(arguments.peer),
            "fit": work_fit(arguments.peer),
        }
        for row in works[arguments.study]:
            print(json.dumps(row), flush=True)
        return

    peers = [peer.strip() for peer in arguments.peers.split(";")]
    if arguments.study in ("fit", "length"):
        peers = [peer for peer in peers if not peer.startswith("torch")]
    pairs = [(cell, shape) for cell in cells for shape in shapes] if arguments.study == "memory" else [("", "")]
    rounds = []
    for _ in range(arguments.rounds):
        rows = []
        for peer in peers:
            python = arguments.torch_python if peer.startswith("torch") else sys.executable
            for cell, shape in pairs:
                part = ["--cells", cell or arguments.cells, "--shapes", shape or arguments.shapes]
                rows += spawn(python, peer, "--study", arguments.study, *part)
        rounds.append(rows)
    results = merged(rounds)
    if arguments.study == "grid":
        print_grid(results)
    else:
        columns = list(dict.fromkeys(key for row in results for key in row))
        lines = [
            [f"{row[c]:.1f}" if isinstance(row.get(c), float) else row.get(c, "") for c in columns] for row in results
        ]
        print_table([columns, *lines])
    write_result(arguments.output or Path(f"benchmarks/results/layers-{arguments.study}.json"), results)


if __name__ == "__main__":
    main()
