"""Word vectors in the text formats of GloVe and word2vec: a word a line and its numbers behind it, gzipped or not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rnn_apps.data.files import read_lines
from rnn_apps.errors import DataError

Vector = npt.NDArray[np.float32]


def read_vectors(path: Path) -> Iterator[tuple[str, Vector]]:
    """Streams (word, vector) in the order of the file; word2vec's head line is left out.

    Args:
        path: the file.

    Raises:
        DataError: with file and line for a line of another dimension than the first one, and for what is no number.
    """
    size = 0
    for number, line in read_lines(path):
        cells = line.rstrip().split(" ")
        if number == 1 and len(cells) == 2 and all(cell.isdigit() for cell in cells):
            continue
        if len(cells) < 3:
            raise DataError(f"{path}, line {number}: expected a word and its vector. Received: {line[:60]!r}")
        size = size or len(cells) - 1
        if len(cells) - 1 != size:
            raise DataError(
                f"{path}, line {number}: expected {size} numbers, as the first vector has. Received {len(cells) - 1}, "
                f"behind {cells[0]!r}. All vectors of a file must have one dimension; mend or delete the line."
            )
        try:
            yield cells[0], np.array(cells[1:], np.float32)
        except ValueError as error:
            raise DataError(f"{path}, line {number}: expected numbers behind {cells[0]!r}: {error}") from None
