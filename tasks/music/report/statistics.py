"""What music is made of, as distributions, and how far those of two sets of pieces lie apart.

    pitch classes            of the sounding keys of each frame, counted from the tonic (minor: of the relative major)
    chord sizes              sounding keys of each frame
    note lengths             of each note, in sixteenths
    melodic intervals        from each note of the highest voice to its next, in semitones
    intervals above the bass of the sounding keys of each frame, octaves left out

The distance of two distributions is their total variation, half the sum of absolute differences: 0 where they are the
same, 1 where they have nothing in common.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rnn_apps.tasks.music.scores.piece import LOWEST_PITCH, SILENT, Piece
from rnn_apps.tasks.music.scores.tonality import major_tonic, pitch_classes

Distribution = npt.NDArray[np.float64]

_LONGEST = 32  # sixteenths; longer notes count as that
_WIDEST = 12  # semitones; wider steps of the melody count as that
_MOST_KEYS = 10


def distributions(pieces: Sequence[Piece]) -> dict[str, Distribution]:
    """Returns the distributions over all pieces together by their names; each sums to 1, or is 0 where nothing was."""
    counted = [_counts(piece) for piece in pieces]
    sums = {name: np.sum([counts[name] for counts in counted], axis=0, dtype=np.float64) for name in counted[0]}
    return {name: counts / max(counts.sum(), 1.0) for name, counts in sums.items()}


def distances(pieces: Sequence[Piece], others: Sequence[Piece]) -> dict[str, float]:
    """Returns the total variation between the distributions of two sets of pieces by their names."""
    ours, theirs = distributions(pieces), distributions(others)
    return {name: float(np.abs(ours[name] - theirs[name]).sum() / 2) for name in ours}


def _counts(piece: Piece) -> dict[str, npt.NDArray[np.int64]]:
    sounding = piece.frames != SILENT
    times, keys = np.nonzero(sounding)
    lowest = sounding.argmax(axis=1)
    above = keys - lowest[times]
    notes = piece.notes()
    lengths = np.array([note.end - note.start for note in notes], np.float64) * 4 / piece.frames_per_quarter
    return {
        "pitch classes": np.bincount(
            (keys + LOWEST_PITCH - major_tonic(pitch_classes(piece.frames))) % 12, minlength=12
        ),
        "chord sizes": np.bincount(np.minimum(sounding.sum(axis=1), _MOST_KEYS), minlength=_MOST_KEYS + 1),
        "note lengths": np.bincount(np.clip(np.rint(lengths), 1, _LONGEST).astype(np.int64), minlength=_LONGEST + 1),
        "melodic intervals": np.bincount(_melodic_intervals(piece) + _WIDEST, minlength=2 * _WIDEST + 1),
        "intervals above the bass": np.bincount(above[above > 0] % 12, minlength=12),
    }


def _melodic_intervals(piece: Piece) -> npt.NDArray[np.int64]:
    """Semitones from each note of the highest voice to its next, at most an octave and no less than one down."""
    sounding = piece.frames != SILENT
    highest = sounding.shape[1] - 1 - sounding[:, ::-1].argmax(axis=1)
    melody = [note.pitch for note in piece.notes() if highest[note.start] + LOWEST_PITCH == note.pitch]
    return np.clip(np.diff(np.array(melody, np.int64)), -_WIDEST, _WIDEST)
