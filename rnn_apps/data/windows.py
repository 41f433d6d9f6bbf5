"""Long sequences in windows, with the state of the recurrent layers carried over from one to the next.

A model that takes part has inputs `initial_0`, `initial_1`, ..., (batch, units), the states before the first step, and
outputs `final_0`, `final_1`, ..., those behind the last one. In training that is truncated backpropagation through time
(Williams and Peng, 1990): gradients stay inside a window, states do not. When measuring it changes nothing but the
memory needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

import numpy as np

from rnn_apps.arrays import Array, Arrays

INITIAL, FINAL = "initial_", "final_"

Value = TypeVar("Value")


def windows(batch: Mapping[str, Array], size: int) -> Iterator[Arrays]:
    """Cuts a padded batch along time.

    Args:
        batch: arrays (batch, time, ...), and (batch,), which all windows get.
        size: steps of a window; 0 leaves the batch whole.
    """
    time = max(array.shape[1] if array.ndim > 1 else 1 for array in batch.values())
    for start in range(0, time, size or time):
        part = slice(start, start + (size or time))
        yield {name: array[:, part] if array.ndim > 1 else array for name, array in batch.items()}


def zero_states(sizes: Mapping[str, int], rows: int) -> Arrays:
    """Returns the states before a sequence begins.

    Args:
        sizes: units of each state by the name of the model's input.
        rows: rows of the batch.
    """
    return {name: np.zeros((rows, units), np.float32) for name, units in sizes.items()}


def carried(outputs: Mapping[str, Value]) -> dict[str, Value]:
    """Returns the final states among a model's outputs under the names of the inputs that they go to."""
    return {INITIAL + name.removeprefix(FINAL): v for name, v in outputs.items() if name.startswith(FINAL)}
