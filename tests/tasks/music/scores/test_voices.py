"""Voices out of frames: nothing is lost, nobody sings two notes, and four parts are found again."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.tasks.music.scores.midi import midi_bytes, read_midi
from rnn_apps.tasks.music.scores.piece import Note, Piece, frames_of
from rnn_apps.tasks.music.scores.voices import MOST_VOICES, voices_of

PARTS = ((60, 81), (55, 74), (48, 67), (40, 60))  # soprano, alto, tenor, bass


def chorale(seed, bars=8):
    """Four parts that move in steps, within their ranges and without crossing, in notes of different lengths."""
    rng = np.random.default_rng(seed)
    pitches = [67, 62, 55, 48]
    parts, ends = [[] for _ in PARTS], [0] * 4
    for time in range(bars * 16):
        for voice in range(4):
            if ends[voice] > time:
                continue
            low = max(PARTS[voice][0], pitches[voice + 1] + 1 if voice < 3 else 0)
            high = min(PARTS[voice][1], pitches[voice - 1] - 1 if voice else 127)
            pitches[voice] = int(np.clip(pitches[voice] + rng.integers(-2, 3), low, max(low, high)))
            ends[voice] = time + int(rng.choice([2, 4, 4, 8]))
            parts[voice].append(Note(pitches[voice], time, ends[voice]))
    return parts


@pytest.mark.parametrize("seed", range(5))
def test_four_parts_are_found_again(seed):
    parts = chorale(seed)
    found = voices_of(sorted((note for part in parts for note in part), key=lambda note: (note.start, note.pitch)))
    right = sum(len({*one} & {*other}) for one, other in zip(parts, found, strict=True))
    assert right == sum(map(len, parts))


notes = st.lists(
    st.tuples(st.integers(40, 80), st.integers(0, 40), st.integers(1, 12)).map(lambda n: Note(n[0], n[1], n[1] + n[2])),
    max_size=40,
)


@given(notes)
def test_every_note_is_sung_once_and_nobody_sings_two_at_a_time(found):
    piece = Piece("x", frames_of(found, 60))
    written = piece.notes()
    voices = voices_of(written)
    sounding = max(np.count_nonzero(piece.frames, axis=1).tolist(), default=0)
    if not 0 < sounding <= MOST_VOICES:
        assert voices == []
        return
    assert len(voices) == sounding
    assert sorted(note for voice in voices for note in voice) == sorted(written)
    for voice in voices:
        assert all(one.end <= other.start for one, other in pairwise(voice))


def test_a_file_has_a_track_for_each_voice_and_reads_as_the_same_piece():
    symusic = pytest.importorskip("symusic")
    parts = chorale(1)
    everything = sorted((note for part in parts for note in part), key=lambda note: (note.start, note.pitch))
    for count, names in (
        (4, ["Soprano", "Alto", "Tenor", "Bass"]),
        (2, ["Voice 1", "Voice 2"]),
        (5, ["Piano"]),
    ):
        chosen = [note for part in parts[:count] for note in part] if count < 5 else everything
        more = [Note(90, 0, 200)] if count == 5 else []
        piece = Piece("x", frames_of([*chosen, *more], 200))
        data = midi_bytes(piece)
        tracks = symusic.Score.from_midi(data).tracks
        assert [track.name for track in tracks] == names
        again = read_midi(data, "x").piece
        assert again.notes() == piece.notes()


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_examples_of_the_documentation_are_four_voices(number):
    symusic = pytest.importorskip("symusic")
    path = Path(__file__).parents[4] / "docs" / "examples" / f"chorale-{number}.mid"
    tracks = symusic.Score(path).tracks
    assert [track.name for track in tracks] == ["Soprano", "Alto", "Tenor", "Bass"]
    piece = read_midi(path.read_bytes(), path.name).piece
    assert 28 < len(piece.frames) * piece.seconds_per_frame < 31
    for track, (low, high) in zip(tracks, PARTS, strict=True):
        assert low - 12 <= np.median(track.notes.numpy()["pitch"]) <= high
