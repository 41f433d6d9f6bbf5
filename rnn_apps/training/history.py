"""What the training run was like, as a table and as pictures."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rnn_apps.arrays import Array
from rnn_apps.training.checkpoint import Row


def write_history(path: Path, rows: Sequence[Row]) -> None:
    """Writes one line an epoch as CSV, with a header."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({name: f"{value:.6g}" for name, value in row.items()} for row in rows)


def draw_learning_curves(path: Path, rows: Sequence[Row], monitor: str, best_epoch: int) -> None:
    """Draws loss, the watched metric, and the gradient norm over the epochs as a PNG; the best epoch is marked.

    Args:
        path: the file to write.
        rows: the history.
        monitor: name of the metric on the validation part.
        best_epoch: its number, from 1.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import MaxNLocator

    epochs = [row["epoch"] for row in rows]
    figure, axes = pyplot.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    panels = {
        "loss": {"training": "loss", "validation": "val_loss"},
        monitor: {"validation": f"val_{monitor}"},
        "gradient norm": {"mean before clipping": "gradient_norm"},
    }
    for axis, (title, lines) in zip(axes, panels.items(), strict=True):
        for label, name in lines.items():
            if name not in rows[0]:
                continue  # a task that measures no loss on the validation part
            axis.plot(epochs, [row[name] for row in rows], marker="o", markersize=4, label=label)
        axis.axvline(best_epoch, color="gray", linestyle=":", label=f"best epoch ({best_epoch})")
        axis.set(title=title, xlabel="epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.3)
        axis.legend(fontsize="small")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def draw_reliability(path: Path, confidences: Array, correct: Array, bins: int = 10) -> None:
    """Draws, as a PNG, how often answers of each probability are right, and how many answers there are of each.

    Args:
        path: the file to write.
        confidences: probability of each answer, (answers,).
        correct: whether it was right, (answers,).
        bins: groups of probabilities between 0 and 1.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    which = np.minimum((confidences * bins).astype(int), bins - 1)
    counts = np.bincount(which, minlength=bins)
    some = counts > 0
    mean = np.bincount(which, weights=confidences, minlength=bins)[some] / counts[some]
    right = np.bincount(which, weights=correct, minlength=bins)[some] / counts[some]
    figure, axes = pyplot.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
    axes[0].plot([0, 1], [0, 1], color="gray", linestyle=":", label="perfect")
    axes[0].plot(mean, right, marker="o", label="this model")
    axes[0].set(title="reliability", xlabel="probability", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1))
    axes[0].legend(fontsize="small")
    axes[1].bar((np.arange(bins) + 0.5) / bins, counts, width=0.9 / bins)
    axes[1].set(title="answers", xlabel="probability", ylabel="number", yscale="symlog", xlim=(0, 1))
    for axis in axes:
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
