"""From a drawing of any size to the small image that a model was trained on."""

from __future__ import annotations

import numpy as np

from rnn_apps.arrays import Array

_FAINT = 0.1


def fit_drawing(ink: Array, shape: tuple[int, int], margin: int) -> Array:
    """Cuts out what is drawn, scales it to the size without the margin, and puts it into the middle.

    Args:
        ink: (height, width), from 0 to 1.
        shape: (height, width) of the result.
        margin: pixels of the result that stay empty on each side.

    Returns:
        `shape`, float32, from 0 to 1; each pixel is the mean of the ink on its area. Empty where nothing is drawn.
    """
    result = np.zeros(shape, np.float32)
    rows, columns = np.flatnonzero((ink > _FAINT).any(axis=1)), np.flatnonzero((ink > _FAINT).any(axis=0))
    if not len(rows):
        return result
    drawn = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    room = np.array(shape) - 2 * margin
    scale = (room / drawn.shape).min()
    height, width = np.clip(np.rint(np.array(drawn.shape) * scale).astype(int), 1, room)
    small = _means(drawn.shape[0], height) @ drawn @ _means(drawn.shape[1], width).T
    top, left = (shape[0] - height) // 2, (shape[1] - width) // 2
    result[top : top + height, left : left + width] = small.clip(0.0, 1.0)
    return result


def _means(many: int, few: int) -> Array:
    """Returns (few, many): how much each of many pixels on a line counts in each of a few on the same line."""
    edges = np.linspace(0.0, many, few + 1)
    starts, ends = edges[:-1, None], edges[1:, None]
    pixels = np.arange(many)
    covered = np.minimum(ends, pixels + 1) - np.maximum(starts, pixels)
    return np.asarray(covered.clip(min=0.0) * few / many)
