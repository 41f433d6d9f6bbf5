"""A piece in notation, as MusicXML that programs for scores open: a staff for each voice.

How notes are spelt, and the key, are estimated from them by partitura, which also writes the file.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from rnn_apps.errors import MissingExtraError
from rnn_apps.tasks.music.scores.piece import LEVELS, Note, Piece
from rnn_apps.tasks.music.scores.voices import names_of, voices_of

_MIDDLE_C = 60
_SIZES = (  # of a note in quarter notes: from a dotted whole one to a thirty-second, and those of triplets
    tuple(Fraction(sixteenths, 4) for sixteenths in (24, 16, 12, 8, 6, 4, 3, 2, Fraction(3, 2), 1, Fraction(1, 2))),
    tuple(Fraction(4, thirds) for thirds in (3, 6, 12, 24, 48, 96)),
)


def musicxml_bytes(piece: Piece) -> bytes:
    """Returns a piece as a MusicXML file; nothing where it has no voices (`rnn_apps.tasks.music.scores.voices`).

    Raises:
        MissingExtraError: without the extra "music".
    """
    voices, bar = voices_of(piece.notes()), piece.frames_per_bar
    if not voices:
        return b""
    try:
        import partitura
    except ImportError:
        raise MissingExtraError("Writing MusicXML", "music") from None
    spelt = _spelt(partitura, piece, voices)
    parts: list[Any] = []
    for number, (name, voice) in enumerate(zip(names_of(voices), voices, strict=True), 1):
        part = partitura.score.Part(f"P{number}", name, quarter_duration=piece.frames_per_quarter)
        part.add(partitura.score.TimeSignature(*piece.metre), 0)
        part.add(partitura.score.KeySignature(*spelt["key"]), 0)
        high = np.mean([note.pitch for note in voice]) >= _MIDDLE_C
        part.add(partitura.score.Clef(1, *(("G", 2, 0) if high else ("F", 4, 0))), 0)
        for place, note in enumerate(voice):
            step, alter, octave = spelt[note]
            before = None
            for start, end in _written(note.start, note.end, bar, piece.frames_per_quarter):
                name = f"n{number}-{place}-{start}"
                written = partitura.score.Note(step, octave, alter, id=name, voice=1, staff=1)
                part.add(written, start, end)
                if before:
                    before.tie_next, written.tie_prev = written, before
                before = written
        for start, end in _silences(voice, math.ceil(len(piece.frames) / bar) * bar, bar, piece.frames_per_quarter):
            part.add(partitura.score.Rest(id=f"r{number}-{start}", voice=1, staff=1), start, end)
        if number == 1:
            for start, mark in _marks(piece):
                part.add(partitura.score.ConstantLoudnessDirection(mark, staff=1), start)
        partitura.score.add_measures(part)
        parts.append(part)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "music.musicxml")
        partitura.save_musicxml(partitura.score.Score(parts), str(path))
        return path.read_bytes()


def _marks(piece: Piece) -> Iterator[tuple[int, str]]:
    """How loud the music is, from where on: at the first note of each bar whose mean level is another."""
    levels, last = piece.levels(), 0
    for start in range(0, len(levels), piece.frames_per_bar):
        heard = np.flatnonzero(levels[start : start + piece.frames_per_bar])
        level = round(float(levels[start + heard].mean())) if len(heard) else last
        if level != last:
            yield start + int(heard[0]), LEVELS[level - 1]
        last = level


def _silences(voice: Sequence[Note], length: int, bar: int, quarter: int) -> Iterator[tuple[int, int]]:
    """The rests of a voice."""
    ends = [0, *(note.end for note in voice)]
    for end, start in zip(ends, [*(note.start for note in voice), length], strict=True):
        yield from _written(end, start, bar, quarter)


def _written(start: int, end: int, bar: int, quarter: int) -> Iterator[tuple[int, int]]:
    """The notes that a time is written in: none goes over a bar line; each is plain, has a dot or is of a triplet."""
    plain, triplets = ([int(quarter * size) for size in sizes if quarter * size % 1 == 0] for sizes in _SIZES)
    while start < end:
        left = min(end - start, bar - start % bar)
        size = left if left in plain + triplets else next((size for size in plain if size < left), 1)
        yield start, start + size
        start += size


def _spelt(partitura: Any, piece: Piece, voices: Any) -> dict[Any, Any]:
    """The letter, the accidental and the octave of each note; and "key", as the sharps (flats below 0) and the mode."""
    notes = sorted(note for voice in voices for note in voice)
    quarter = piece.frames_per_quarter
    fields = [("onset_beat", float), ("duration_beat", float), ("pitch", int), ("id", "U12")]
    table = np.array(
        [(n.start / quarter, (n.end - n.start) / quarter, n.pitch, str(place)) for place, n in enumerate(notes)], fields
    )
    spelling = partitura.musicanalysis.estimate_spelling(table)
    key = partitura.musicanalysis.estimate_key(table)
    found: dict[Any, Any] = {"key": partitura.utils.music.key_name_to_fifths_mode(key)}
    for note, row in zip(notes, spelling, strict=True):
        found[note] = str(row["step"]), int(row["alter"]), int(row["octave"])
    return found
