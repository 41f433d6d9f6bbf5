"""Word vectors: GloVe's and word2vec's text formats, a word a line and its numbers behind it, and the binary one.

A word may hold blanks, as some of GloVe's do: its vector is the numbers at the end of the line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice, takewhile
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from rnn_apps.data.files import data_format, open_bytes, read_lines
from rnn_apps.errors import DataError

Vector = npt.NDArray[np.float32]

_SAMPLE = 100
_LONGEST_HEADER, _LONGEST_WORD = 64, 4096


def read_vectors(path: Path) -> Iterator[tuple[str, Vector]]:
    """Streams (word, vector) in the order of the file; word2vec's head line is left out.

    Args:
        path: a `.bin` of word2vec, or a text file by any other name; compressed or not.

    Raises:
        DataError: with file and line for a vector of another dimension than the others, and for what is no number.
    """
    return _read_binary(path) if data_format(path) == "bin" else _read_text(path)


def _read_text(path: Path) -> Iterator[tuple[str, Vector]]:
    size = 0
    for number, line in read_lines(path):
        cells = _cells(line)
        if number == 1 and len(cells) == 2 and all(cell.isdecimal() for cell in cells):
            size = int(cells[1])
            continue
        size = size or _dimension(path)
        if len(cells) < 2:
            raise DataError(f"{path}, line {number}: expected a word and its vector. Received: {line[:60]!r}")
        if len(cells) <= size or (len(cells) > size + 1 and all(_is_number(cell) for cell in cells[1:])):
            raise DataError(
                f"{path}, line {number}: expected {size} numbers, as the first vector has. Received {len(cells) - 1}, "
                f"behind {cells[0]!r}. All vectors of a file must have one dimension; mend or delete the line."
            )
        word = " ".join(cells[:-size])
        try:
            yield word, _checked(np.array(cells[-size:], np.float32))
        except ValueError as error:
            raise DataError(f"{path}, line {number}: expected numbers behind {word!r}: {error}") from None


def _cells(line: str) -> list[str]:
    # other blanks, such as one that does not break, may be part of a word
    return [cell for cell in line.replace("\t", " ").split(" ") if cell]


def _dimension(path: Path) -> int:
    """The dimension by the first lines: so many numbers stand at the end of most."""
    lines = (_cells(line)[1:] for _, line in islice(read_lines(path), _SAMPLE))
    sizes = Counter(sum(1 for _ in takewhile(_is_number, reversed(cells))) for cells in lines)
    return max(sizes.most_common(1)[0][0], 1) if sizes else 1


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _checked(vector: Vector) -> Vector:
    if not np.isfinite(vector).all():
        raise ValueError("one of them is infinite or none")
    return vector


def _read_binary(path: Path) -> Iterator[tuple[str, Vector]]:
    with open_bytes(path) as file:
        header = file.readline(_LONGEST_HEADER).split()
        if len(header) != 2 or not all(cell.isdigit() for cell in header):
            raise DataError(f"{path}: expected word2vec's binary format, which begins with two whole numbers.")
        count, size = map(int, header)
        for number in range(1, count + 1):
            word = _read_word(file, f"{path}, vector {number} of {count:,}")
            content = file.read(4 * size)
            if len(content) < 4 * size:
                raise DataError(f"{path} is cut off: its vector {number} of {count:,} is not whole.")
            try:
                yield word, _checked(np.frombuffer(content, "<f4").astype(np.float32))
            except ValueError as error:
                raise DataError(f"{path}, vector {number}: expected numbers behind {word!r}: {error}") from None


def _read_word(file: BinaryIO, where: str) -> str:
    word = bytearray()
    while (byte := file.read(1)) not in (b" ", b"") and len(word) < _LONGEST_WORD:
        word += byte
    if byte != b" ":
        raise DataError(f"{where}: expected a word and a blank behind it.")
    return word.decode("utf-8", "replace").lstrip("\n")
