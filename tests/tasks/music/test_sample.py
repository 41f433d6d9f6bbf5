"""The built-in sample: every bar is full, and the tunes are what people sing."""

import pytest

from rnn_apps.tasks.music.sample import pieces, read_tune
from rnn_apps.tasks.music.scores.piece import SILENT, Note


def melody(piece):
    """The highest note that starts in each frame where one starts, above the chords."""
    highest = {}
    for note in piece.notes():
        if note.pitch >= 55:
            highest[note.start] = max(highest.get(note.start, 0), note.pitch)
    return [highest[start] for start in sorted(highest)]


def test_the_sample_is_a_few_dozen_different_pieces():
    assert len({piece.name for piece in pieces()}) == len(pieces()) >= 50
    assert {piece.metre for piece in pieces()} == {(2, 4), (3, 4), (4, 4), (6, 8)}
    for piece in pieces():
        assert 60 <= piece.tempo <= 160
        assert (piece.frames != SILENT).any(axis=1).mean() > 0.8
        assert all(40 <= note.pitch <= 84 for note in piece.notes())


def test_tunes_that_everybody_knows():
    by_name = {piece.name: piece for piece in pieces()}
    assert melody(by_name["Twinkle, twinkle, little star"])[:7] == [60, 60, 67, 67, 69, 69, 67]
    assert melody(by_name["Ode to Joy"])[:8] == [66, 66, 67, 69, 69, 67, 66, 64]
    assert melody(by_name["Greensleeves"])[:8] == [69, 72, 74, 76, 78, 76, 74, 71]
    assert melody(by_name["Joy to the World"])[:8] == [74, 73, 71, 69, 67, 66, 64, 62]


def test_an_upbeat_stands_at_the_end_of_a_bar():
    piece = read_tune("x; G major; 3/4; 80\n5, | 1- 3/ 1/ | 3-")
    assert piece.notes() == [Note(62, 8, 12), Note(67, 12, 20), Note(71, 20, 22), Note(67, 22, 24), Note(71, 24, 32)]
    assert piece.frames_per_bar == 12


def test_the_notation():
    piece = read_tune("x; D dorian; 6/8; 90\n1'- #7. 1/ 0 2\n: 1+5M")
    tune = {(74, 0, 4), (73, 4, 7), (62, 7, 8), (64, 10, 12)}
    chords = {(50, 0, 6), (53, 0, 6), (57, 0, 6), (45, 6, 12), (49, 6, 12), (52, 6, 12)}
    assert {note[:3] for note in piece.notes()} == tune | chords


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("1 2 3 4 | 5 5 5 | 1", "bar 2: expected 16 frames, found 12"),
        ("1 2 3 4 | 5 5 5- - | 1", "such as #4,-- or 5/. Received: -"),
        ("1 2 3 8", "Received: 8"),
        ("1/// 2 3 4", "1/// is shorter than the grid"),
        ("1 2 3 4 | 5---\n: 1", "expected 2 bars of chords, found 1"),
    ],
)
def test_wrong_notation_is_refused(lines, message):
    with pytest.raises(ValueError, match=message):
        read_tune(f"x; C major; 4/4; 100\n{lines}")
