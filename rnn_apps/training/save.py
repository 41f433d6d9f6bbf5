"""Writing what a run has made: the models, measured in the form that is saved, the card, the curves."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rnn_apps.bundle import SHARED_WEIGHTS
from rnn_apps.config import TaskConfig
from rnn_apps.data.batching import Plan, load_batches, pad_batch
from rnn_apps.data.processor import Processor
from rnn_apps.data.store import OpenStore, Store, read_rows
from rnn_apps.export import SharedWeights, save_onnx
from rnn_apps.plots import draw_learning_curves, draw_reliability
from rnn_apps.progress import Reporter
from rnn_apps.task import Network, Task
from rnn_apps.training.card import write_card, write_history
from rnn_apps.training.checkpoint import Row

_PROBE_ROWS = 8


RELIABILITY = "reliability.png"


def save_model(
    folder: Path,
    model: Any,
    task: Task[Any, Any],
    network: Network[Any, Any],
    config: TaskConfig,
    processor: Processor,
    valid: Store,
    reporter: Reporter,
) -> dict[str, dict[str, float]]:
    """Writes the processor, the Keras model and the ONNX graphs into `folder`, and measures the graphs.

    Returns:
        `calibration`, fitted on the validation examples, and `metrics` on them after it.

    Raises:
        ExportError: if a graph gives other answers than the Keras model.
    """
    processor.save(folder)
    if config.half_precision:
        for weight in model.weights:
            weight.assign(np.asarray(weight).astype(np.float16).astype(np.float32))
    model.save(folder / "model.keras")
    _compress(folder / "model.keras")
    first = valid.open(valid.groups()[0])
    probe = pad_batch(read_rows(first, _probe_rows(first)))
    graphs = network.graphs(model)
    weights = SharedWeights(folder / SHARED_WEIGHTS) if len(graphs) > 1 else None
    difference = max(
        save_onnx(graph.model, folder / f"{graph.name}.onnx", graph.probe(probe), config.half_precision, weights)
        for graph in graphs
    )
    reporter.note(f"the ONNX form agrees with the Keras model to {difference:.1g}")
    runner = task.runner(folder)
    metrics = task.metrics(processor, {})
    plan = Plan(valid, config.training.batch_size, config.training.batch_tokens)
    for batch in reporter.track(load_batches(plan.batches()), "measuring", len(plan)):
        metrics.update(runner.run(batch.arrays), batch.arrays)
    found = {"calibration": metrics.calibrate(), "metrics": metrics.result()}
    confidences = metrics.confidences()
    if confidences is not None:
        draw_reliability(folder / RELIABILITY, *confidences)
    return found


def save_history_and_card(
    folder: Path, task: Task[Any, Any], facts: dict[str, Any], rows: Sequence[Row], name: str
) -> None:
    """Writes the history, the learning curves and the model card of the model called `name` into `folder`."""
    write_history(folder / "history.csv", rows)
    draw_learning_curves(folder / "learning_curves.png", rows, task.monitor, facts["training"]["best_epoch"])
    (folder / "README.md").write_text(write_card(name, task, facts, (folder / RELIABILITY).exists()), encoding="utf-8")


def _probe_rows(store: OpenStore) -> npt.NDArray[np.int64]:
    """Numbers of a few examples, from the shortest to the one of median length: a padded batch that is quick to run."""
    order = np.argsort(store.lengths, kind="stable")
    return order[np.linspace(0, (len(order) - 1) // 2, min(_PROBE_ROWS, len(order))).astype(int)]


def _compress(path: Path) -> None:
    """Packs a `.keras` archive again with compression, which Keras leaves out; rounded weights shrink by 60 %."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
