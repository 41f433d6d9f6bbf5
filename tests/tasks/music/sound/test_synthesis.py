"""Listening by measurement: the pitches in the sound are the notes of the MIDI file."""

import io
import os
import wave
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from rnn_apps.tasks.music.sample import pieces
from rnn_apps.tasks.music.scores.midi import midi_bytes, read_midi
from rnn_apps.tasks.music.scores.piece import Note, Piece, frames_of
from rnn_apps.tasks.music.sound import synthesis

WINDOW = 8192  # samples
BINS = 1024  # up to 5.5 kHz
LOWEST, HIGHEST = 55, 96


def read_wav(content):
    """Samples between -1 and 1, both channels together, and their rate."""
    with wave.open(io.BytesIO(content)) as wav:
        assert wav.getsampwidth() == 2
        samples = np.frombuffer(wav.readframes(wav.getnframes()), "<i2").reshape(-1, wav.getnchannels())
        return samples.mean(axis=1) / 32768, wav.getframerate()


def spectrum(samples):
    return np.abs(np.fft.rfft(samples[:WINDOW] * np.hanning(WINDOW), WINDOW))[:BINS]


@cache
def strings():
    """The spectra of plucked strings, (bins, pitches)."""
    time = np.arange(WINDOW) / synthesis.RATE
    fundamentals = 440 * 2 ** ((np.arange(LOWEST, HIGHEST + 1) - 69) / 12)
    return np.array(
        [spectrum(sum(np.sin(2 * np.pi * k * f * time) / k**1.6 for k in range(1, 7))) for f in fundamentals]
    ).T


def pitches(samples):
    """The MIDI pitches that together explain the spectrum, a non-negative sum of strings."""
    loudness, _ = nnls(strings(), spectrum(samples))
    return set((LOWEST + np.flatnonzero(loudness > 0.25 * loudness.max())).tolist())


def heard(samples, piece):
    """The pitches that are heard from each start of a note, in the order of time."""
    starts = sorted({note.start for note in piece.notes()})
    first = [round(start * piece.seconds_per_frame * synthesis.RATE) + 600 for start in starts]
    return [(start, pitches(samples[place:])) for start, place in zip(starts, first, strict=True)]


def written(piece):
    """The pitches that sound from each start of a note."""
    return [
        (start, {note.pitch for note in piece.notes() if note.start <= start < note.end})
        for start in sorted({note.start for note in piece.notes()})
    ]


@settings(max_examples=10)
@given(st.lists(st.sets(st.integers(57, 90), min_size=1, max_size=3), min_size=1, max_size=4))
def test_the_sound_has_the_chords_that_are_written(chords):
    notes = [Note(pitch, 4 * n, 4 * n + 4) for n, chord in enumerate(chords) for pitch in chord]
    piece = Piece("x", frames_of(notes, 4 * len(chords)), tempo=60.0)
    assert heard(synthesis.synthesise(piece), piece) == written(piece)


def test_the_wav_of_a_melody_has_the_notes_of_its_midi_file(monkeypatch):
    monkeypatch.setattr(synthesis, "find_soundfont", lambda: None)
    tune = next(piece for piece in pieces() if piece.name == "Sakura")
    samples, rate = read_wav(synthesis.wav_bytes(tune))
    assert rate == synthesis.RATE
    assert heard(samples, tune) == written(read_midi(midi_bytes(tune), "Sakura").piece)


@pytest.mark.skipif(synthesis.find_soundfont() is None, reason="FluidSynth or a SoundFont is not installed")
def test_fluidsynth_plays_the_notes_of_the_midi_file():
    tune = next(piece for piece in pieces() if piece.name == "Sakura")
    samples, rate = read_wav(synthesis.wav_bytes(tune))
    assert rate == synthesis.RATE
    # a real piano's overtones are not a string's, and rooms go on sounding: the lowest pitch is the melody's
    lowest = [(start, {min(found)}) for start, found in heard(samples, tune)]
    assert lowest == written(read_midi(midi_bytes(tune), "Sakura").piece)


def test_silence_is_silent_and_the_length_is_that_of_the_piece():
    silence = Piece("silence", np.zeros((16, 88), np.uint8), tempo=60.0)
    samples = synthesis.synthesise(silence)
    assert not samples.any()
    assert 4.0 < len(samples) / synthesis.RATE < 5.0


def test_many_keys_at_once_do_not_clip():
    samples = synthesis.synthesise(Piece("all", np.ones((4, 88), np.uint8)))
    assert 0.7 < np.abs(samples).max() <= 0.81


def test_without_fluidsynth_there_is_no_soundfont(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert synthesis.find_soundfont() is None


def test_a_fluidsynth_that_fails_is_no_obstacle(monkeypatch, tmp_path):
    broken, program = tmp_path / "broken.sf2", tmp_path / "fluidsynth"
    broken.write_bytes(b"no SoundFont")
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(synthesis, "find_soundfont", lambda: broken)
    samples, _ = read_wav(synthesis.wav_bytes(Piece("x", frames_of([Note(69, 0, 8)], 8))))
    assert pitches(samples[600:]) == {69}
