"""What music is made of: distributions that can be counted by hand, and distances that are distances."""

import numpy as np
import pytest

from rnn_apps.tasks.music.report.statistics import distances, distributions
from rnn_apps.tasks.music.sample import pieces
from rnn_apps.tasks.music.scores.piece import KEYS, Note, Piece, frames_of

CHORDS = [Note(48, 0, 8), Note(64, 0, 4), Note(67, 0, 8), Note(65, 4, 8), Note(48, 8, 16), Note(64, 8, 16)]
PIECE = Piece("x", frames_of(CHORDS, 16))


def shares(distribution):
    return {number: share for number, share in enumerate(distribution.tolist()) if share}


def test_distributions_of_a_few_chords():
    found = distributions([PIECE])
    assert shares(found["pitch classes"]) == pytest.approx({0: 16 / 40, 4: 12 / 40, 5: 4 / 40, 7: 8 / 40})
    assert shares(found["chord sizes"]) == {2: 0.5, 3: 0.5}
    assert shares(found["note lengths"]) == pytest.approx({4: 2 / 6, 8: 4 / 6})
    assert shares(found["melodic intervals"]) == {12 - 3: 1.0}
    assert shares(found["intervals above the bass"]) == pytest.approx({4: 12 / 24, 5: 4 / 24, 7: 8 / 24})


def test_the_grid_does_not_count():
    finer = Piece("x", frames_of([Note(p, 3 * a, 3 * b) for p, a, b, _ in CHORDS], 48), frames_per_quarter=12)
    assert distances([PIECE], [finer]) == pytest.approx(dict.fromkeys(distributions([PIECE]), 0.0))


def test_the_key_does_not_count():
    sample = pieces()[:9]
    moved = [Piece(piece.name, np.roll(piece.frames, 3, axis=1), 4) for piece in sample]
    assert distances(sample, moved) == pytest.approx(dict.fromkeys(distributions([PIECE]), 0.0))


def test_distances_are_distances():
    first, second, third = pieces()[:6], pieces()[6:12], pieces()[12:18]
    for name, apart in distances(first, second).items():
        assert 0 < apart < 1
        assert apart == pytest.approx(distances(second, first)[name])
        assert apart <= distances(first, third)[name] + distances(third, second)[name]
        assert distances(first, first)[name] == 0
    other = Piece("y", frames_of([Note(61, 0, 1), Note(62, 1, 2)], 2))
    apart = distances([PIECE], [other])
    for name in ("chord sizes", "note lengths", "melodic intervals"):
        assert apart[name] == pytest.approx(1.0)


def test_silence_has_no_distribution():
    found = distributions([Piece("silence", np.zeros((4, KEYS), np.uint8))])
    assert {name: float(distribution.sum()) for name, distribution in found.items()} == {
        "pitch classes": 0,
        "chord sizes": 1,
        "note lengths": 0,
        "melodic intervals": 0,
        "intervals above the bass": 0,
    }
