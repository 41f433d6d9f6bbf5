"""A score holds the notes of the piece, a staff a voice."""

import numpy as np
import pytest
from hypothesis import given, settings
from tasks.music.scores.test_voices import chorale, notes

from rnn_apps.tasks.music.scores.notation import musicxml_bytes
from rnn_apps.tasks.music.scores.piece import Note, Piece, frames_of
from rnn_apps.tasks.music.scores.voices import MOST_VOICES, voices_of

partitura = pytest.importorskip("partitura")


def read(content, tmp_path):
    """The notes of each part, tied ones as one."""
    path = tmp_path / "music.musicxml"
    path.write_bytes(content)
    score = partitura.load_musicxml(str(path))
    found = []
    for part in score.parts:
        table = part.note_array()
        places = zip(table["pitch"], table["onset_div"], table["duration_div"], strict=True)
        found.append(sorted(Note(int(pitch), int(start), int(start + length)) for pitch, start, length in places))
    return score, found


def test_a_chorale_is_four_staves_with_their_names(tmp_path):
    parts = chorale(3)
    piece = Piece("x", frames_of([note for part in parts for note in part], 160), metre=(3, 4))
    score, found = read(musicxml_bytes(piece), tmp_path)
    assert [part.part_name for part in score.parts] == ["Soprano", "Alto", "Tenor", "Bass"]
    assert found == [sorted(voice) for voice in voices_of(piece.notes())]
    signature = next(score.parts[0].iter_all(partitura.score.TimeSignature))
    assert (signature.beats, signature.beat_type) == (3, 4)


@settings(max_examples=15, deadline=None)
@given(notes)
def test_whatever_has_voices_is_written_and_read_again(tmp_path_factory, found):
    piece = Piece("x", frames_of(found, 60))
    content = musicxml_bytes(piece)
    most = max(np.count_nonzero(piece.frames, axis=1).tolist(), default=0)
    assert bool(content) == (0 < most <= MOST_VOICES)
    if content:
        _, read_again = read(content, tmp_path_factory.mktemp("score"))
        assert [[note.pitch for note in voice] for voice in read_again] == [
            [note.pitch for note in sorted(voice)] for voice in voices_of(piece.notes())
        ]


@pytest.mark.parametrize("grid", [12, 24])
def test_triplets_are_written_as_such(grid, tmp_path):
    third, quarter = grid // 3, grid
    found = [Note(60 + n, n * third, (n + 1) * third) for n in range(3)]
    found += [Note(67, quarter, 2 * quarter), Note(65, 2 * quarter, 2 * quarter + quarter // 2 * 3), Note(64, 8, 9)]
    piece = Piece("x", frames_of(found, 4 * quarter), grid)
    content = musicxml_bytes(piece)
    _, parts = read(content, tmp_path)
    assert parts == [sorted(voice) for voice in voices_of(piece.notes())]
    assert content.count(b"<actual-notes>3</actual-notes>") >= 3
    assert b"<dot" in content
