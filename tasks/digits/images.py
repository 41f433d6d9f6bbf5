"""Labelled images: an .npz with two arrays, or a table with a label and a pixel in each other column."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnn_apps.arrays import Array
from rnn_apps.data.files import data_format, fingerprint
from rnn_apps.data.readers.columns import LABEL_NAMES, Columns, Role
from rnn_apps.data.readers.labelled import read_label
from rnn_apps.data.readers.tables import FORMATS, Selection, open_table, select
from rnn_apps.errors import DataError


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """One image (height, width) and its class."""

    label: str
    image: Array
    where: str


def read_images(path: Path, columns: Columns) -> Iterator[LabelledImage]:
    """Streams an .npz with `images` (examples, height, width) and `labels` (examples,), or a table.

    In a table the label is the column of that name, or the first where there is no heading; the others are the pixels
    of a square image, row by row.

    Raises:
        ConfigError: for a column that was named and is not there.
        DataError: with file and line for what does not fit.
    """
    if data_format(path) in FORMATS:
        yield from _read_table(path, columns)
        return
    images, labels = _read_npz(path)
    for number, (label, image) in enumerate(zip(labels, images, strict=True), 1):
        where = f"{path}, image {number}"
        yield LabelledImage(read_label(label.item(), where), image, where)


def _read_table(path: Path, columns: Columns) -> Iterator[LabelledImage]:
    fingerprint(path)
    table = open_table(path, columns)
    count = len(table.first)
    role = Role("label", "--label-column", columns.label, LABEL_NAMES)
    label = select(table, [role])
    if label is None and not all(_is_number(cell) for cell in table.first[1:]):
        raise DataError(f"{path}: which column is the label? Say it with --label-column.")
    first = label.indices[0] if label else 0
    side = math.isqrt(count - 1)
    if side * side != count - 1 or side < 2:
        raise DataError(
            f"{path}: expected a label and the pixels of a square image, such as 1 + 784 columns. It has "
            f"{count} columns."
        )
    heading = label is not None and label.heading
    everything = Selection(table, (first, *(n for n in range(count) if n != first)), heading, ())
    for number, (value, *pixels) in everything.rows():
        where = table.where(number)
        try:
            image = np.array(pixels, np.float32).reshape(side, side)
        except (ValueError, TypeError):
            wrong = next((pixel for pixel in pixels if not _is_number(pixel)), pixels)
            raise DataError(
                f"{where}: expected {count - 1} numbers, the pixels of an image. Received {wrong!r}."
            ) from None
        yield LabelledImage(read_label(value, where), image, where)


def _is_number(value: object) -> bool:
    try:
        return math.isfinite(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


def _read_npz(path: Path) -> tuple[Array, Array]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = dict(arrays) if hasattr(arrays, "files") else {}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path} cannot be read as an .npz file: {error}") from None
    images, labels = found.get("images"), found.get("labels")
    if images is None or labels is None:
        raise DataError(f"Expected the arrays images and labels in {path}. It has: {', '.join(found) or 'none'}.")
    if images.ndim != 3 or labels.shape != images.shape[:1] or images.dtype.kind not in "fiub":
        raise DataError(
            f"{path}: expected numbers images (examples, height, width) and labels (examples,). "
            f"Received: {images.dtype} {images.shape} and {labels.shape}."
        )
    if not len(images):
        raise DataError(f"{path} has no image.")
    return images, labels
