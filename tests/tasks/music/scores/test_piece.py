import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.tasks.music.scores.piece import HELD, KEYS, STRUCK, Note, Piece, frames_of

NOTES = [Note(60, 0, 4), Note(60, 4, 8), Note(64, 2, 8), Note(67, 6, 7)]


@given(st.lists(st.tuples(st.integers(21, 108), st.integers(0, 30), st.integers(1, 9)), max_size=20))
def test_notes_come_back_from_frames(drawn):
    notes, busy = [], np.zeros((40, 128), bool)
    for pitch, start, length in drawn:
        if not busy[start : start + length, pitch].any():
            busy[start : start + length, pitch] = True
            notes.append(Note(pitch, start, start + length))
    found = Piece("", frames_of(notes, 40)).notes()
    assert sorted(found) == sorted(notes)
    assert [note.start for note in found] == sorted(note.start for note in notes)


def test_a_key_that_sounds_on_is_one_note_where_articulation_is_not_known():
    frames = (frames_of(NOTES, 8) != 0).astype(np.uint8)
    assert Piece("", frames, articulated=False).notes() == [Note(60, 0, 8), Note(64, 2, 8), Note(67, 6, 7)]


def test_another_grid():
    piece = Piece("", frames_of(NOTES, 8), 4, 90.0, (3, 4))
    finer, coarser = piece.on_grid(8), piece.on_grid(2)
    assert finer.notes() == [Note(note.pitch, 2 * note.start, 2 * note.end) for note in piece.notes()]
    assert coarser.notes() == [Note(60, 0, 2), Note(64, 1, 4), Note(60, 2, 4), Note(67, 3, 4)]
    assert (coarser.frames_per_quarter, coarser.tempo, coarser.metre) == (2, 90.0, (3, 4))
    assert piece.on_grid(4) is piece


@pytest.mark.parametrize(
    ("metre", "grid", "frames"), [((4, 4), 4, 16), ((3, 4), 4, 12), ((6, 8), 2, 6), ((1, 16), 1, 1)]
)
def test_frames_in_a_bar(metre, grid, frames):
    piece = Piece("", np.zeros((1, KEYS), np.uint8), grid, 120.0, metre)
    assert piece.frames_per_bar == frames
    assert piece.seconds_per_frame == pytest.approx(0.5 / grid)


def test_what_is_outside_is_left_out_and_the_longer_note_counts():
    frames = frames_of([Note(20, 0, 2), Note(109, 0, 2), Note(60, 0, 9), Note(60, 0, 1), Note(61, 3, 5)], 3)
    assert np.flatnonzero(frames.any(axis=0)).tolist() == [39]
    assert frames[:, 39].tolist() == [STRUCK, HELD, HELD]
