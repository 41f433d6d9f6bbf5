"""The voices of a piece: which notes belong to the soprano, which to the bass.

Frames know no voices. Where few notes sound at a time, each new note goes to the voice that has to move least for it,
the higher note to the higher voice; voices cross only where no other way is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, groupby

from rnn_apps.tasks.music.scores.piece import Note

MOST_VOICES = 4
_FOUR = ["Soprano", "Alto", "Tenor", "Bass"]
_CROSSING = 100  # semitones that a voice rather leaps than crosses another one


def voices_of(notes: Sequence[Note]) -> list[list[Note]]:
    """Divides notes into voices, the highest first, in each of which one note sounds at a time.

    Args:
        notes: in the order of their starts, as `Piece.notes` returns them.

    Returns:
        as many voices as notes sound at once at most; none where these are more than `MOST_VOICES`.
    """
    chords = [sorted(own, reverse=True) for _, own in groupby(notes, key=lambda note: note.start)]
    count, fullest = _fullest(chords)
    if not 0 < count <= MOST_VOICES:
        return []
    voices: list[list[Note]] = [[] for _ in range(count)]
    last = [note.pitch for note in fullest]
    ends = [0] * count
    for chord in chords:
        start = chord[0].start
        free = [voice for voice in range(count) if ends[voice] <= start]
        busy = {voice: last[voice] for voice in range(count) if ends[voice] > start}
        chosen = min(combinations(free, len(chord)), key=lambda own: _motion(own, chord, last, busy))
        for voice, note in zip(chosen, chord, strict=True):
            voices[voice].append(note)
            last[voice], ends[voice] = note.pitch, note.end
    return voices


def names_of(voices: Sequence[object]) -> list[str]:
    """Returns what voices are called."""
    return _FOUR if len(voices) == len(_FOUR) else [f"Voice {number}" for number in range(1, len(voices) + 1)]


def _fullest(chords: Sequence[Sequence[Note]]) -> tuple[int, list[Note]]:
    """How many notes sound at once at most, and the first that do, the highest first."""
    sounding: list[Note] = []
    fullest: list[Note] = []
    for chord in chords:
        sounding = [note for note in sounding if note.end > chord[0].start] + list(chord)
        if len(sounding) > len(fullest):
            fullest = sorted(sounding, key=lambda note: -note.pitch)
    return len(fullest), fullest


def _motion(chosen: Sequence[int], chord: Sequence[Note], last: Sequence[int], busy: dict[int, int]) -> int:
    """Semitones that voices move to sing a chord, and what it costs to cross those that hold their notes."""
    pairs = list(zip(chosen, chord, strict=True))
    crossings = sum((voice < other) == (note.pitch < pitch) for voice, note in pairs for other, pitch in busy.items())
    return sum(abs(note.pitch - last[voice]) for voice, note in pairs) + _CROSSING * crossings
