"""The history of a training run as a table and as a picture."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

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
            axis.plot(epochs, [row[name] for row in rows], marker="o", markersize=4, label=label)
        axis.axvline(best_epoch, color="gray", linestyle=":", label=f"best epoch ({best_epoch})")
        axis.set(title=title, xlabel="epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.3)
        axis.legend(fontsize="small")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
