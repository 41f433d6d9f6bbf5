"""What a training records of itself: gradients, clipping, updates, gates, as `rnn_apps.inspection.records` reads it.

Every so many steps have a row; when there are too many, every other one is dropped and half as many follow. So the
beginning and the end of a training of any length are seen, and recording costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rnn_apps.arrays import Array
from rnn_apps.inspection.records import RECORDS

MOST_ROWS = 512


@dataclass
class Recording:
    """The rows so far; part of a checkpoint.

    Attributes:
        every: steps from one row to the next.
        step: steps that were taken.
        clipped: those since the last row that were clipped.
        rows: step, loss, share clipped, and for each layer the norm before and after clipping and the update ratio.
        epochs: the step of each look at the gates, and what was seen.
    """

    every: int = 2
    step: int = 0
    clipped: float = 0.0
    last: int = 0
    rows: list[list[Any]] = field(default_factory=list)
    epochs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_due(self) -> bool:
        """Whether the next step has a row."""
        return self.step % self.every == 0

    def take(self, loss: float, clipped: float, norms: Array) -> None:
        """Takes a step; `norms` are (3, layers) where it has a row."""
        due = self.is_due
        self.step += 1
        self.clipped += clipped
        if due:
            share = self.clipped / (self.step - self.last)
            self.rows.append([self.step, loss, share, np.asarray(norms, float).round(9).tolist()])
            self.clipped, self.last = 0.0, self.step
        if len(self.rows) > MOST_ROWS:
            self._halve()

    def _halve(self) -> None:
        pairs = zip(self.rows[0::2], [None, *self.rows[1::2]], strict=False)
        self.rows = [
            row if skipped is None else [row[0], row[1], (row[2] + skipped[2]) / 2, row[3]] for row, skipped in pairs
        ]
        self.every *= 2

    def save(self, folder: Path, layers: Sequence[str]) -> None:
        """Writes it into the folder of a saved model."""
        norms = np.array([row[3] for row in self.rows], np.float32).reshape(len(self.rows), 3, len(layers))
        gates = list(self.epochs[0]["saturated"]) if self.epochs else []
        states = list(self.epochs[0]["dead"]) if self.epochs else []

        def table(kind: str, names: Sequence[str]) -> Array:
            rows = [list(epoch[kind].values()) for epoch in self.epochs]  # Keras numbers layers anew in each process
            return np.array(rows, np.float32).reshape(len(rows), len(names))

        arrays: dict[str, Any] = {
            "steps": np.array([row[0] for row in self.rows], np.int32),
            "loss": np.array([row[1] for row in self.rows], np.float32),
            "clipped": np.array([row[2] for row in self.rows], np.float32),
            "layers": np.array(layers, np.str_),
            "before": norms[:, 0],
            "after": norms[:, 1],
            "update_ratio": norms[:, 2],
            "epochs": np.array([epoch["step"] for epoch in self.epochs], np.int32),
            "gates": np.array(gates, np.str_),
            "saturated": table("saturated", gates),
            "states": np.array(states, np.str_),
            "dead": table("dead", states),
        }
        np.savez_compressed(folder / RECORDS, **arrays)
