"""Where training stands, on disk: enough to go on as if nothing had happened.

A checkpoint is one `.npz` without pickles: every variable's value and, as JSON, the progress. It is written beside the
old one and renamed over it, so that a process that dies at any moment leaves one whole checkpoint.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rnn_apps.data.files import writing_whole
from rnn_apps.training.recording import Recording

Row = dict[str, float]


@dataclass
class Sums:
    """What the steps of an epoch have summed up.

    Attributes:
        loss: over all items.
        items: of the loss.
        steps: taken; a batch in windows takes several.
        gradient_norm: over all steps.
        clipped: steps whose gradients were clipped.
        examples: trained on.
        tokens: trained on, without padding.
        waited: seconds between two steps, for data and whatever else.
        seconds: in all.
    """

    loss: float = 0.0
    items: float = 0.0
    steps: float = 0.0
    gradient_norm: float = 0.0
    clipped: float = 0.0
    examples: float = 0.0
    tokens: float = 0.0
    waited: float = 0.0
    seconds: float = 0.0


@dataclass
class Progress:
    """How far training has come.

    Attributes:
        epoch: epoch under way, from 0.
        batch: batches of this epoch that are done.
        rows: one row of the history for each finished epoch.
        best_epoch: the epoch with the best weights so far, -1 before the first.
        best_score: its metric.
        best_loss: its loss on the validation part, infinite where that is not measured.
        sums: what the current epoch has summed up so far.
        callbacks: what has changed in Keras' callbacks, see `rnn_apps.training.callbacks`.
        finished: whether training has ended.
        recording: what training has recorded of itself.
    """

    epoch: int = 0
    batch: int = 0
    rows: list[Row] = field(default_factory=list)
    best_epoch: int = -1
    best_score: float = 0.0
    best_loss: float = math.inf
    sums: Sums = field(default_factory=Sums)
    callbacks: list[dict[str, Any]] = field(default_factory=list)
    finished: bool = False
    recording: Recording = field(default_factory=Recording)


def save_arrays(path: Path, arrays: dict[str, Any]) -> None:
    """Writes arrays to `path` at once: afterwards it holds all of them or what it held before."""
    with writing_whole(path) as file:
        np.savez(file, **arrays)


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
        progress = json.loads(arrays["progress"].tobytes())
        parts = {"sums": Sums(**progress["sums"]), "recording": Recording(**progress["recording"])}
        return Progress(**progress | parts)
