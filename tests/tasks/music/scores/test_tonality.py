"""The key of music, and whether it comes to rest there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.errors import ConfigError
from rnn_apps.tasks.music.sample import pieces
from rnn_apps.tasks.music.scores.piece import KEYS, Note, Piece, frames_of
from rnn_apps.tasks.music.scores.tonality import Tonality, ends_on_tonic, major_tonic, pitch_classes, tonality_of
from rnn_apps.tasks.music.scores.tunes import TUNES


def test_the_tonic_of_tunes():
    names = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "Bb": 10}
    keys = [header.split(";")[1].split() for header in TUNES.split("\n") if ";" in header]
    expected = [(names[tonic] + (3 if mode == "minor" else 0)) % 12 for tonic, mode in keys]
    right = [
        major_tonic(pitch_classes(piece.frames)) == tonic
        for piece, tonic, (_, mode) in zip(pieces(), expected, keys, strict=True)
        if mode != "dorian"
    ]
    assert np.mean(right) > 0.75


@pytest.mark.parametrize(
    ("name", "tonic", "triad", "signature"),
    [
        ("C", 0, {0, 4, 7}, {0, 2, 4, 5, 7, 9, 11}),
        ("a", 9, {9, 0, 4}, {0, 2, 4, 5, 7, 9, 11}),
        ("F#", 6, {6, 10, 1}, {6, 8, 10, 11, 1, 3, 5}),
        (" Bb minor", 10, {10, 1, 5}, {1, 3, 5, 6, 8, 10, 0}),
        ("Cb", 11, {11, 3, 6}, {11, 1, 3, 4, 6, 8, 10}),
    ],
)
def test_keys_by_name(name, tonic, triad, signature):
    key = Tonality.named(name)
    assert key == (tonic, name in ("a", " Bb minor"))
    assert set(key.triad) == triad
    assert set(key.signature) == signature
    assert set(key.scale) - signature == ({(tonic + 11) % 12} if key.minor else set())


@pytest.mark.parametrize("name", ["H", "", "c##", "C dorian", "Cmaj"])
def test_what_is_no_key(name):
    with pytest.raises(ConfigError, match="Expected a key such as C"):
        Tonality.named(name)


@given(st.integers(0, 11), st.booleans())
def test_a_key_is_heard_in_its_scale_and_triad(tonic, minor):
    key = Tonality(tonic, minor)
    classes = np.zeros(12, np.int64)
    classes[key.scale] = 2
    classes[key.triad] += 3
    classes[tonic] += 3
    assert tonality_of(classes) == key
    assert major_tonic(classes) == (tonic + 3 * minor) % 12


C_MAJOR = [Note(48 + step, 2 * n, 2 * n + 2) for n, step in enumerate((0, 2, 4, 5, 7, 9, 11, 12, 7, 4, 0))]


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ((48, 52, 55, 60), True),
        ((45, 52, 57, 60), True),  # the relative minor
        ((45, 52, 57, 61), True),  # with a major third
        ((48, 64), True),  # without a fifth
        ((52, 55, 60), False),  # not its root below
        ((48, 60), False),
        ((55, 59, 62), False),  # on the dominant
        ((48, 52, 55, 59), False),
        ((), False),
    ],
)
def test_what_ends_on_the_tonic(last, expected):
    notes = [*C_MAJOR, *(Note(pitch, 22, 24) for pitch in last)]
    if last:
        assert ends_on_tonic(Piece("x", frames_of(notes, 30))) == expected  # silence behind it does not count
    else:
        assert not ends_on_tonic(Piece("x", np.zeros((8, KEYS), np.uint8)))
