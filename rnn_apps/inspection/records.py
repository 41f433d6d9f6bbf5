"""What a training has recorded of itself, read from its saved model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnn_apps.arrays import Array

RECORDS = "training.npz"


@dataclass(frozen=True)
class TrainingRecords:
    """A training, step by step; of a long one every so many steps.

    Attributes:
        steps: numbers of the steps, from 1, (rows,).
        loss: the mean loss of each step's batch, (rows,).
        layers: names of the layers whose weights were trained.
        before: norm of each layer's gradient before clipping, (rows, layers).
        after: the same after clipping, (rows, layers).
        clipped: share of the steps since the row before that were clipped, (rows,).
        update_ratio: |change of the weights| / |weights| of each layer in that step, (rows, layers).
        epochs: number of the last step of each epoch that was looked at, (epochs,).
        gates: names of the gates that were looked at: "encoder/lstm: forget", say.
        saturated: share of each gate's values that lie below 0.1 or above 0.9 on validation examples, (epochs, gates).
        states: names of the layers whose hidden states were looked at.
        dead: share of each one's units that moved by less than 0.01 over all steps, (epochs, states).
    """

    steps: Array
    loss: Array
    layers: tuple[str, ...]
    before: Array
    after: Array
    clipped: Array
    update_ratio: Array
    epochs: Array
    gates: tuple[str, ...]
    saturated: Array
    states: tuple[str, ...]
    dead: Array


_NAMES = ("layers", "gates", "states")


def read_records(folder: Path) -> TrainingRecords | None:
    """Returns the records in a saved model's folder; None if there are none."""
    path = folder / RECORDS
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as arrays:
        facts: dict[str, Any] = {name: arrays[name] for name in arrays.files}
    facts |= {name: tuple(facts[name].tolist()) for name in _NAMES}
    return TrainingRecords(**facts)
