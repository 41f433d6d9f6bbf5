"""Where training stands, on disk: enough to go on as if nothing had happened.

A checkpoint is one `.npz` without pickles: every variable's value and, as JSON, the progress. It is written beside the
old one and renamed over it, so that a process that dies at any moment leaves one whole checkpoint.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Row = dict[str, float]


@dataclass
class Progress:
    """How far training has come.

    Attributes:
        epoch: epoch under way, from 0.
        batch: batches of this epoch that are done.
        rows: one row of the history for each finished epoch.
        best_epoch: the epoch with the best weights so far, -1 before the first.
        best_score: its metric.
        sums: what the current epoch has summed up so far.
        finished: whether training has ended.
    """

    epoch: int = 0
    batch: int = 0
    rows: list[Row] = field(default_factory=list)
    best_epoch: int = -1
    best_score: float = 0.0
    sums: dict[str, float] = field(default_factory=dict)
    finished: bool = False


def save_arrays(path: Path, arrays: dict[str, Any]) -> None:
    """Writes arrays to `path` at once: afterwards it holds all of them or what it held before."""
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        np.savez(file, **arrays)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def save_checkpoint(path: Path, variables: Sequence[Any], progress: Progress) -> None:
    """Writes the values of Keras variables, in their order, and the progress."""
    arrays = {f"v{number}": np.asarray(variable) for number, variable in enumerate(variables)}
    arrays["progress"] = np.frombuffer(json.dumps(asdict(progress)).encode(), np.uint8)
    save_arrays(path, arrays)


def load_checkpoint(path: Path, variables: Sequence[Any]) -> Progress:
    """Sets the variables to what `save_checkpoint` wrote and returns the progress; a fresh one if there is no file."""
    if not path.exists():
        return Progress()
    with np.load(path, allow_pickle=False) as arrays:
        for number, variable in enumerate(variables):
            variable.assign(arrays[f"v{number}"])
        return Progress(**json.loads(arrays["progress"].tobytes()))
