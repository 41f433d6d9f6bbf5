"""How much of some music is copied: the passages that it shares with other music, in whatever key.

A passage is a run of frames. Two are the same if all their sounding keys are, moved up or down together: note for note
through all voices. Tempo does not count, nor whether a key is struck or held. Composers share short passages, cadences
say, without copying, so the figures mean something beside those of music that was held out.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rnn_apps.tasks.music.scores.piece import KEYS, SILENT, Piece

Numbers = npt.NDArray[np.int64]


class Shared(NamedTuple):
    """What one piece shares with a collection.

    Attributes:
        longest: the length of its longest passage that occurs there, in quarter notes.
        share: the share of its frames that lie in passages, at least as long as was asked for, that occur there.
    """

    longest: float
    share: float


def shared_passages(pieces: Sequence[Piece], collection: Sequence[Piece], quarters: float = 4.0) -> list[Shared]:
    """Measures what each of some pieces shares with a collection; all are on one grid.

    Args:
        pieces: what is looked at.
        collection: where copies are looked for.
        quarters: how long a passage must be to count for `share`, in quarter notes.
    """
    passages = _Passages([*collection, *pieces], len(collection))
    results = []
    for number, piece in enumerate(pieces, len(collection)):
        length = len(piece.frames)
        # where a passage occurs its beginning does, too: the longest one is found by halving
        found, missing = 0, 1 << length.bit_length()
        while missing - found > 1:
            middle = (found + missing) // 2
            occurs = middle <= length and passages.occur(number, middle).any()
            found, missing = (middle, missing) if occurs else (found, middle)
        wanted = max(round(quarters * piece.frames_per_quarter), 1)
        copied = np.zeros(length, np.bool_)
        for start in np.flatnonzero(passages.occur(number, wanted)) if wanted <= length else ():
            copied[start : start + wanted] = True
        results.append(Shared(found / piece.frames_per_quarter, float(copied.mean()) if length else 0.0))
    return results


class _Passages:
    """All passages of some pieces, by number: two have the same number if they are the same.

    A frame is a shape, its sounding keys counted from the lowest, and a step, how far its lowest key is from that of
    the frame before. A passage of n frames is the shape of the first, and the steps and shapes of the n - 1 behind it.
    Runs of these are numbered for all powers of two; two runs that overlap make one of any length, as where a suffix
    array is made by doubling.

    Args:
        pieces: the collection, then the others.
        collected: how many are the collection.
    """

    def __init__(self, pieces: Sequence[Piece], collected: int) -> None:
        shapes, steps = (np.concatenate(parts) for parts in zip(*map(_describe, pieces), strict=True))
        self._lengths = [len(piece.frames) for piece in pieces]
        # behind each piece stands a mark that occurs nowhere else, so that no passage goes on into the next piece
        self._starts = np.cumsum([0, *(length + 1 for length in self._lengths)])
        self._collected = int(self._starts[collected])
        self._shapes = _numbered(shapes)
        runs = _paired(self._shapes, steps + KEYS)
        runs[self._starts[1:] - 1] = len(runs) + np.arange(len(pieces))
        self._runs = [runs]
        while (size := 2 ** len(self._runs)) <= len(runs):
            self._runs.append(_paired(self._runs[-1][: -size // 2], self._runs[-1][size // 2 :]))
        self._numbers = cache(self._number)

    def occur(self, piece: int, length: int) -> npt.NDArray[np.bool_]:
        """Returns where in a piece passages of so many frames begin that occur in the collection."""
        numbers, start = self._numbers(length), int(self._starts[piece])
        return np.isin(numbers[start : start + self._lengths[piece] - length + 1], numbers[: self._collected])

    def _number(self, length: int) -> Numbers:
        """Returns the number of the passage of so many frames that begins at each frame."""
        rest = length - 1
        if rest == 0:
            return self._shapes
        power = rest.bit_length() - 1
        runs, overlap = self._runs[power], rest - 2**power
        both = _paired(runs[1 : len(runs) - overlap], runs[1 + overlap :])
        return _paired(self._shapes[: len(both)], both)


def _describe(piece: Piece) -> tuple[npt.NDArray[np.uint8], Numbers]:
    """Returns shapes, (frames + 1, 11), bit by bit, and steps, (frames + 1,), of a piece and a silent frame behind."""
    sounding = np.append(piece.frames != SILENT, np.zeros((1, KEYS), np.bool_), axis=0)
    lowest = sounding.argmax(axis=1)
    # in silence the lowest key is the one that was, or at the beginning the one to come
    heard = sounding.any(axis=1)
    lowest = lowest[np.maximum.accumulate(np.where(heard, np.arange(len(heard)), heard.argmax()))]
    shapes = np.take_along_axis(sounding, (np.arange(KEYS) + lowest[:, None]) % KEYS, axis=1)
    return np.packbits(shapes, axis=1), np.diff(lowest, prepend=lowest[:1])


def _numbered(rows: npt.NDArray[np.uint8]) -> Numbers:
    """Returns a number for each row, (rows,): the same for the same bytes."""
    packed = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1])))[:, 0]
    return np.unique(packed, return_inverse=True)[1].astype(np.int64)


def _paired(first: Numbers, second: Numbers) -> Numbers:
    """Returns a number for each pair of numbers, none of them negative: the same for the same pair."""
    return np.unique(first * (int(second.max()) + 1) + second, return_inverse=True)[1].astype(np.int64)
