"""A picture of one sign, as a camera or a drawing program saves it, to the small image that a model takes."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from rnn_apps.arrays import Array
from rnn_apps.data.drawing import fit_drawing
from rnn_apps.errors import DataError, MissingExtraError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")

_PAPER = 0.35  # ink below this share of the darkest is the shade of the paper, or what a JPEG leaves beside a line
_CONTRAST = 0.1  # of black on white
_SPECK = 0.02  # of the ink
_LARGEST = 4_000  # pixels of a side


def read_picture(path: Path, shape: tuple[int, int], margin: int) -> Array:
    """Reads one sign, dark on light or light on dark; a picture of `shape` is taken as it is, a larger one is fitted.

    Args:
        path: a file with one of `SUFFIXES`.
        shape: (height, width) of the result.
        margin: see `fit_drawing`.

    Returns:
        `shape`, float32, the ink from 0 to 1.

    Raises:
        DataError: if there is no such picture, or not one sign on it.
        MissingExtraError: without Pillow.
    """
    ink = _ink(_grey(path), path)
    if ink.shape == shape:
        return ink
    ink[ink < _PAPER] = 0.0
    parts = _parts(ink)
    if not parts:
        raise DataError(f"{path} shows nothing but specks. Take one sign, large and sharp.")
    if len(parts) > 1:
        raise DataError(f"{path} shows {len(parts)} signs side by side. Cut it into pictures of one sign each.")
    return fit_drawing(ink[:, parts[0]], shape, margin)


def _grey(path: Path) -> Array:
    """Returns how light each pixel is, (height, width), from 0 to 1; what is transparent is white."""
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise MissingExtraError("Reading a picture", "inspect") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # a large photograph is none
            with Image.open(path) as file:
                file.draft("L", (_LARGEST, _LARGEST))  # reads a large JPEG small
                picture = ImageOps.exif_transpose(file).convert("RGBA")
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read as a picture: {error}") from None
    picture.thumbnail((_LARGEST, _LARGEST))
    paper = Image.new("RGBA", picture.size, "white")
    return np.asarray(Image.alpha_composite(paper, picture).convert("L"), np.float32) / 255


def _ink(grey: Array, path: Path) -> Array:
    """Returns how far each pixel is from the paper, which is what most of the edge shows; the farthest is 1."""
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ink = np.abs(grey - np.median(edge))
    if (most := float(ink.max())) < _CONTRAST:
        raise DataError(
            f"There is nothing to be seen on {path}: its pixels are all alike. Take one sign, dark on light."
        )
    return np.asarray(ink / most, np.float32)


def _parts(ink: Array) -> list[slice]:
    """Returns the columns of each sign, with empty ones between two; specks are none."""
    filled = np.concatenate([[False], ink.any(axis=0), [False]])
    starts, ends = np.flatnonzero(filled[1:] & ~filled[:-1]), np.flatnonzero(filled[:-1] & ~filled[1:])
    parts = [slice(start, end) for start, end in zip(starts, ends, strict=True)]
    return [part for part in parts if ink[:, part].sum() >= _SPECK * ink.sum()]
