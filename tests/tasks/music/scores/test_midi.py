"""MIDI and ABC: what is written is read again, and every oddity of real files has its answer."""

import numpy as np
import pytest
import symusic
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.errors import DataError
from rnn_apps.tasks.music.sample import pieces
from rnn_apps.tasks.music.scores.midi import MAX_FRAMES, abc_tunes, midi_bytes, read_abc, read_midi
from rnn_apps.tasks.music.scores.piece import Note, Piece, frames_of, levels_of

TICKS = 480


def midi(notes, tempi=(), metres=(), drums=False, ticks=TICKS):
    """A MIDI file of (pitch, start, length) in ticks."""
    score = symusic.Score(ticks)
    track = symusic.Track(is_drum=drums)
    for pitch, start, length in notes:
        track.notes.append(symusic.Note(start, length, pitch, 80))
    score.tracks.append(track)
    for start, tempo in tempi:
        score.tempos.append(symusic.Tempo(start, qpm=tempo))
    for start, *metre in metres:
        score.time_signatures.append(symusic.TimeSignature(start, *metre))
    return score.dumps_midi()


@st.composite
def random_pieces(draw):
    """Pieces whose first bar and last frame are not silent."""
    notes = draw(
        st.lists(
            st.builds(
                lambda pitch, start, length: Note(pitch, start, start + length),
                st.integers(21, 108),
                st.integers(0, 40),
                st.integers(1, 20),
            ),
            min_size=1,
            max_size=12,
        )
    )
    levels = draw(st.lists(st.integers(1, 8), min_size=13, max_size=13) | st.just([0] * 13))
    notes = [note._replace(level=level) for note, level in zip([Note(60, 3, 4), *notes], levels, strict=False)]
    frames = frames_of(notes, max(note.end for note in notes))
    grid = draw(st.sampled_from([1, 4, 12]))
    metre = draw(st.sampled_from([(4, 4), (3, 4), (6, 8), (5, 4), (2, 2)]))
    return Piece("random", frames, grid, draw(st.sampled_from([60.0, 96.0, 120.0])), metre)


@given(random_pieces())
def test_what_is_written_is_read_again(piece):
    found = read_midi(midi_bytes(piece), "random", piece.frames_per_quarter).piece
    silent_bars = (len(piece.frames) - len(found.frames)) % piece.frames_per_bar
    assert silent_bars == 0
    levels = levels_of([note.velocity for note in piece.notes()])
    told = [note._replace(level=level) for note, level in zip(piece.notes(), levels, strict=True)]
    np.testing.assert_array_equal(found.frames, frames_of(told, len(piece.frames))[-len(found.frames) :])
    assert (found.tempo, found.metre) == (piece.tempo, piece.metre)


def test_the_sample_survives_with_tempo_and_metre():
    for piece in pieces():
        found, remarks = read_midi(midi_bytes(piece), piece.name)
        np.testing.assert_array_equal(found.frames, piece.frames)
        assert (found.tempo, found.metre, remarks) == (piece.tempo, piece.metre, ())
        assert midi_bytes(piece) == midi_bytes(piece)


def test_repeated_notes_without_articulation_are_written_as_one():
    frames = np.zeros((4, 88), np.uint8)
    frames[:3, 40] = 1
    piece = Piece("roll", frames, articulated=False)
    assert read_midi(midi_bytes(piece), "roll").piece.notes() == [Note(61, 0, 3)]


def test_notes_go_to_the_nearest_frame_and_last_at_least_one():
    notes = [(60, 0, 0), (62, 130, 1), (64, 230, 250)]
    assert read_midi(midi(notes), "x").piece.notes() == [Note(60, 0, 1), Note(62, 1, 2), Note(64, 2, 4)]


def test_a_file_without_tempo_and_metre_has_those_of_midi():
    piece = read_midi(midi([(60, 0, 480)]), "x").piece
    assert (piece.tempo, piece.metre) == (120.0, (4, 4))


def test_the_mean_tempo_keeps_the_length_in_seconds():
    piece = read_midi(midi([(60, 0, 4 * TICKS)], tempi=[(0, 60.0), (2 * TICKS, 120.0)]), "x").piece
    assert len(piece.frames) * piece.seconds_per_frame == pytest.approx(3.0, rel=1e-5)


def test_bars_begin_where_the_main_metre_does():
    upbeat = [(0, 1, 4), (TICKS, 3, 4)]
    piece = read_midi(midi([(60, 0, TICKS), (64, TICKS, 6 * TICKS)], metres=upbeat), "x").piece
    assert piece.metre == (3, 4)
    assert piece.notes() == [Note(60, 8, 12), Note(64, 12, 36)]


def test_whole_bars_of_silence_in_front_go():
    piece = read_midi(midi([(60, 9 * TICKS, TICKS)]), "x").piece
    assert piece.notes() == [Note(60, 4, 8)]


def test_notes_outside_the_keyboard_are_left_out_and_counted():
    piece, remarks = read_midi(midi([(60, 0, 480), (20, 0, 480), (109, 0, 480), (108, 0, 480)]), "wide.mid")
    assert [note.pitch for note in piece.notes()] == [60, 108]
    assert remarks == ("wide.mid: 2 of 4 notes are outside the 88 keys of a piano and left out",)


GOOD = midi([(60, 0, 480)] * 9)
BAD_FILES = {
    "nothing": (b"", "is no MIDI file: it does not begin with MThd"),
    "something else": (b"GIF89a" * 9, "is no MIDI file: it does not begin with MThd"),
    "truncated": (GOOD[: len(GOOD) // 2], "is cut off: track 1 should have"),
    "no notes": (midi([]), "has no notes"),
    "drums only": (midi([(36, 0, 480)], drums=True), "has drums only; pitched notes were expected"),
    "far too low": (midi([(3, 0, 480)]), "no note within the 88 keys"),
    "three hours": (
        midi([(60, 0, 480), (60, 3 * 60 * 120 * TICKS, 480)]),
        r"86,404 frames \(3.0 hours\); at most 65,536",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files(case):
    content, message = BAD_FILES[case]
    with pytest.raises(DataError, match=rf"^bad\.mid .*{message}"):
        read_midi(content, "bad.mid")


def test_the_longest_piece_is_read():
    sixteenth = TICKS // 4
    piece = read_midi(midi([(60, 0, sixteenth), (60, (MAX_FRAMES - 1) * sixteenth, sixteenth)]), "long").piece
    assert len(piece.frames) == MAX_FRAMES


@given(st.binary(max_size=60), st.integers(0, len(GOOD) - 1))
def test_damage_is_read_or_refused(junk, place):
    damaged = GOOD[:place] + junk + GOOD[place + len(junk) :]
    said = ""
    try:
        assert read_midi(damaged, "damaged").piece.notes()
    except DataError as error:
        said = str(error)
    assert said[:7] in ("", "damaged")


ABC = """X:1
T:A scale
M:3/4
L:1/4
Q:1/4=90
K:G
GAB|cde|fg2|

X:2
M:6/8
L:1/8
K:C
"C"cde "G"d3|
"""


def test_abc_has_many_tunes():
    first, second = (read_abc(tune, f"tune {n}").piece for n, tune in enumerate(abc_tunes(ABC), 1))
    assert [note.pitch for note in first.notes()] == [67, 69, 71, 72, 74, 76, 78, 79]
    assert (first.tempo, first.metre) == (90.0, (3, 4))
    assert first.notes()[-1] == Note(79, 28, 36)
    assert second.metre == (6, 8)
    assert {36 + pitch % 12 for pitch in (0, 4, 7)} <= {
        36 + note.pitch % 12 for note in second.notes() if note.start < 6
    }


def test_bad_abc(capfd):
    assert abc_tunes("no tune at all") == []
    with pytest.raises(DataError, match=r"^tune 3 is no tune in ABC notation that can be read \(.*K:"):
        read_abc("X:3\nnothing", "tune 3")
    with pytest.raises(DataError, match="has no notes"):
        read_abc("X:1\nT:x\nK:C\n", "tune 1")
    assert capfd.readouterr() == ("", "")


def test_triplets_keep_their_place_on_a_finer_grid_and_are_told_of_on_a_coarse_one():
    third = TICKS // 3
    content = midi([(60 + n, n * third, third) for n in range(12)])
    exact = read_midi(content, "triplets", 12)
    assert [note.start for note in exact.piece.notes()] == [4 * n for n in range(12)]
    assert exact.remarks == ()
    (remark,) = read_midi(content, "triplets").remarks
    assert remark == (
        "triplets: 67% of the notes begin between two sixteenths and are moved to one; a model that is "
        "trained with --set data.frames_per_quarter=12 leaves nearly all in their place"
    )
    fifth = midi([(60 + n, n * TICKS // 8, 60) for n in range(12)])
    assert "data.frames_per_quarter=24" in read_midi(fifth, "quick").remarks[0]
    loose = np.random.default_rng(0).integers(0, 16 * TICKS, 40)  # played freely: no grid is better
    assert read_midi(midi([(60, int(start), 100) for start in loose]), "played").remarks == ()
