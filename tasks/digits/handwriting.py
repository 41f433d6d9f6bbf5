"""Other hands: a training image turned, slanted, narrowed, and written with another pen."""

from __future__ import annotations

import numpy as np

from rnn_apps.arrays import Array
from rnn_apps.data.drawing import fit_drawing

_SIDE = 40  # pixels of the enlarged image
_TURN, _SLANT, _STRETCH = np.radians(15.0), 0.25, 0.25
_EDGE = (0.2, 0.7)  # the grey at which a stroke ends: the lower, the broader it is
_SHARPNESS = (2.0, 6.0)


def other_hand(image: Array, distortion: float, rng: np.random.Generator) -> Array:
    """Returns an image as another hand might have written it.

    It is enlarged, put through a random affine map and drawn anew with a stroke of random breadth; the result is cut
    out and fitted into the room that the image had filled. An empty image stays as it is.

    Args:
        image: (height, width), from 0 to 1.
        distortion: from 0 to 1, how far it goes; at 1 up to 15 degrees, a quarter of the height of slant, and a
            quarter of the width broader or narrower.
        rng: what is random follows from it.
    """
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    if not len(rows):
        return image
    turn, slant, stretch = distortion * rng.uniform(-1.0, 1.0, 3) * (_TURN, _SLANT, _STRETCH)
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    large = _sampled(image, turned @ np.array([[1.0, 0.0], [slant, 1.0 + stretch]]))
    edge = rng.uniform(*_EDGE) * large.max()
    ink = ((large - edge) * rng.uniform(*_SHARPNESS) / large.max() + 0.5).clip(0.0, 1.0)
    margin = min(rows[0], columns[0], image.shape[0] - 1 - rows[-1], image.shape[1] - 1 - columns[-1])
    return fit_drawing(ink, (image.shape[0], image.shape[1]), int(margin))


def _sampled(image: Array, matrix: Array) -> Array:
    """Returns the enlarged image whose pixel x shows the place `matrix @ x` of the image, both from the middle."""
    middle = (np.array(image.shape) - 1) / 2
    reach = (max(image.shape) + 4) / 2  # a corner that is turned outwards stays inside
    line = np.linspace(-reach, reach, _SIDE)
    places = np.stack(np.meshgrid(line, line, indexing="ij")).reshape(2, -1)
    y, x = matrix @ places + middle[:, None] + 1  # of the image in a frame of empty pixels
    framed = np.pad(image, 1)
    y, x = y.clip(0, framed.shape[0] - 1.001), x.clip(0, framed.shape[1] - 1.001)
    top, left = y.astype(int), x.astype(int)
    down, right = y - top, x - left
    upper = framed[top, left] * (1 - right) + framed[top, left + 1] * right
    lower = framed[top + 1, left] * (1 - right) + framed[top + 1, left + 1] * right
    return np.asarray((upper * (1 - down) + lower * down).reshape(_SIDE, _SIDE))
