"""The built-in sample: folk songs, carols, dances and songs that are long out of copyright, with simple chords.

A tune is written in numbers, as singers do in much of the world:

    name; key; metre; tempo                a tonic and major, minor (natural) or dorian; quarter notes a minute
    5, | 1- 3/ 1/ | 3- 2                   the melody
    : 1 4+5                                a chord for each bar, or several of the same length

1 to 7 are the degrees of the scale, 0 is a rest; `#` and `b` before a degree alter it, `'` and `,` behind it are
octaves. A note lasts a beat of the metre; each `-` adds one, each `/` halves, a `.` at the end adds a half. A bar line
stands between bars, and so does the end of a line. The chord on a degree is its triad, with a major third where `M`
stands behind it. An upbeat has no chord.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import accumulate

from rnn_apps.tasks.music.scores.piece import Note, Piece, frames_of
from rnn_apps.tasks.music.scores.tunes import TUNES

FRAMES_PER_QUARTER = 4
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10), "dorian": (0, 2, 3, 5, 7, 9, 10)}

_TONICS = {"C": 60, "D": 62, "E": 64, "F": 65, "G": 67, "A": 69, "Bb": 58}
_BASS = 40  # the lowest root of a chord
_NOTE = re.compile(r"([#b]?)([0-7])([',]*)(-*)(/*)(\.?)")


@cache
def pieces() -> tuple[Piece, ...]:
    """Returns the sample, the same at every call."""
    return tuple(read_tune(text) for text in TUNES.strip().split("\n\n"))


def beginnings(*names: str, bars: int = 4) -> list[Piece]:
    """Returns the first bars of the tunes of these names."""
    by_name = {piece.name: piece for piece in pieces()}
    return [
        replace(by_name[name], frames=by_name[name].frames[: bars * by_name[name].frames_per_bar]) for name in names
    ]


def read_tune(text: str) -> Piece:
    """Returns a tune from its notation.

    Raises:
        ValueError: for what is no notation, a bar that is too short or too long, or more or fewer chords than bars; the
            bar's number is in the message.
    """
    header, *lines = text.splitlines()
    name, key, metre_text, quarters_a_minute = (part.strip() for part in header.split(";"))
    tonic_name, mode = key.split()
    beats_per_bar, beat_value = (int(number) for number in metre_text.split("/"))
    frames_per_beat = FRAMES_PER_QUARTER * 4 // beat_value
    frames_per_bar = beats_per_bar * frames_per_beat
    tonic, scale = _TONICS[tonic_name], SCALES[mode]

    bars = [bar.split() for line in lines if line[0] != ":" for bar in line.split("|")]
    melody, lengths, time = [], [], 0
    for number, bar in enumerate(bars):
        begin = time
        for pitch, length in (_read_note(token, tonic, scale, frames_per_beat) for token in bar):
            if pitch is not None:
                melody.append(Note(pitch, time, time + length))
            time += length
        lengths.append(time - begin)
        outermost = number in (0, len(bars) - 1)
        if lengths[-1] > frames_per_bar or (lengths[-1] < frames_per_bar and not outermost):
            raise ValueError(f"{name}, bar {number + 1}: expected {frames_per_bar} frames, found {lengths[-1]}.")

    upbeat = lengths[0] < frames_per_bar
    bar_lines = list(accumulate(lengths, initial=0))[upbeat:]
    chords = [chord for line in lines if line[0] == ":" for chord in line[1:].split()]
    if chords and len(chords) != len(bar_lines) - 1:
        raise ValueError(f"{name}: expected {len(bar_lines) - 1} bars of chords, found {len(chords)}.")
    accompaniment = [
        note
        for chord, start, end in zip(chords, bar_lines, bar_lines[1:], strict=False)
        for note in _read_chords(chord, start, end, tonic, scale)
    ]
    # an upbeat stands at the end of a bar of silence
    shift = frames_per_bar - lengths[0] if upbeat else 0
    notes = [Note(pitch, start + shift, end + shift) for pitch, start, end, _ in (*accompaniment, *melody)]
    tempo = float(quarters_a_minute)
    return Piece(name, frames_of(notes, time + shift), FRAMES_PER_QUARTER, tempo, (beats_per_bar, beat_value))


def _read_note(token: str, tonic: int, scale: Sequence[int], frames_per_beat: int) -> tuple[int | None, int]:
    """Returns the MIDI pitch of a note, None for a rest, and its length in frames."""
    found = _NOTE.fullmatch(token)
    if not found:
        raise ValueError(f"Expected a note such as #4,-- or 5/. Received: {token}")
    accidental, degree, octaves, longer, halves, dot = found.groups()
    length = Fraction(frames_per_beat * (1 + len(longer)), 2 ** len(halves)) * (Fraction(3, 2) if dot else 1)
    if length.denominator > 1:
        raise ValueError(f"The note {token} is shorter than the grid.")
    if degree == "0":
        return None, int(length)
    octave = octaves.count("'") - octaves.count(",")
    alteration = {"#": 1, "b": -1, "": 0}[accidental]
    return tonic + scale[int(degree) - 1] + alteration + 12 * octave, int(length)


def _read_chords(text: str, start: int, end: int, tonic: int, scale: Sequence[int]) -> Iterator[Note]:
    """Yields the notes of the chords of one bar, which share it evenly."""
    names = text.split("+")
    for number, name in enumerate(names):
        degree = int(name[0]) - 1
        root, third, fifth = (scale[(degree + step) % 7] for step in (0, 2, 4))
        bass = _BASS + (tonic + root - _BASS) % 12
        intervals = (0, 4 if name[1:] == "M" else (third - root) % 12, (fifth - root) % 12)
        for interval in intervals:
            begin = start + (end - start) * number // len(names)
            yield Note(bass + interval, begin, start + (end - start) * (number + 1) // len(names))
