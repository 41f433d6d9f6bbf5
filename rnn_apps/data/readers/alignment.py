"""Whether the lines of two files stand beside their translations.

A long sentence has a long translation, and a question is a question in most languages; so both go together, and where
they go together better with the lines above or below, the files have slipped.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

_LINES = 100
"""Of a window; in fewer, something goes together by chance too often."""
_FEW = 8
_FARTHEST = 5
_GOES_TOGETHER, _BY_MORE = 0.4, 0.4
_CLOSING = "\"'»”’」』) "
_QUESTION_MARKS = ("?", "？", "؟", ";", "⸮")  # the semicolon is that of Greek


class Traits:
    """What lines have in common with their translations: about how long each is, and whether it asks."""

    def __init__(self) -> None:
        self._lengths, self._asking = array("I"), array("b")

    def add(self, text: str) -> None:
        """Takes the next line."""
        self._lengths.append(len(text))
        self._asking.append(text.rstrip(_CLOSING).endswith(_QUESTION_MARKS))

    def table(self) -> npt.NDArray[np.float64]:
        """Returns them, (lines, 2)."""
        return np.stack([np.log1p(self._lengths), np.asarray(self._asking, np.float64)], axis=1)


def slips(source: Traits, target: Traits) -> list[tuple[int, int, int]]:
    """Finds lines whose translations seem to stand beside other lines.

    Args:
        source: of the lines of one file.
        target: of those of the other.

    Returns:
        (first line, last line, slip) of each such place, lines counted from 1: the translation of a line stands so
        many lines further down; further up if negative.
    """
    first, second = source.table(), target.table()
    places: list[tuple[int, int, int]] = []
    for start, stop, slip in _windows(first, second):
        if slip and places and places[-1][1:] == (start, slip):
            places[-1] = (places[-1][0], stop, slip)
        elif slip:
            places.append((start + 1, stop, slip))
    enough = min(2 * _LINES, len(first))  # of 1,600 windows of files that are right, one looks otherwise
    return [place for place in places if place[1] - place[0] + 1 >= enough]


def _windows(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> Iterator[tuple[int, int, int]]:
    for start in range(0, len(first) - _LINES + 1, _LINES):
        stop = start + _LINES if len(first) - start >= 2 * _LINES else len(first)
        asking = min(first[start:stop, 1].sum(), second[start:stop, 1].sum()) >= _FEW
        found = {}
        for slip in range(-_FARTHEST, _FARTHEST + 1):
            lines = np.arange(max(start, -slip), min(stop, len(second) - slip))
            found[slip] = float(_correlations(first[lines], second[lines + slip])[: 1 + asking].mean())
        slip = max(found, key=lambda slip: found[slip])
        told = found[slip] > max(_GOES_TOGETHER, found[0] + _BY_MORE)
        yield start, stop, slip if told else 0


def _correlations(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Of each column with the same of the other; 0 where one does not change."""
    first, second = first - first.mean(axis=0), second - second.mean(axis=0)
    spread = np.sqrt((first**2).sum(axis=0) * (second**2).sum(axis=0))
    found: npt.NDArray[np.float64] = (first * second).sum(axis=0) / np.where(spread > 0, spread, 1.0)
    return found
