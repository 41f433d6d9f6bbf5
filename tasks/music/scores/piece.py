"""A piece of music on a grid: which keys of a piano are struck, and how loud, held and silent in each frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

KEYS = 88
LOWEST_PITCH = 21  # MIDI pitch of key 0, the A at the left end of a piano

SILENT, STRUCK, HELD = 0, 1, 2
"""What a key does in a frame; above these it is struck at a level: `HELD + 1` is the first of `LEVELS`."""

LEVELS = ("ppp", "pp", "p", "mp", "mf", "f", "ff", "fff")
"""How loud a note is; level 1 is the first."""

USUAL_LEVEL = 5
_VELOCITIES = np.array((16, 33, 49, 64, 80, 96, 112, 126))  # in MIDI, as programs for notation play them

Frames = npt.NDArray[np.uint8]


class Note(NamedTuple):
    """A note on the grid: frames `start` to `end`, exclusive, of a MIDI pitch; its level, 0 where it is not told."""

    pitch: int
    start: int
    end: int
    level: int = 0

    @property
    def velocity(self) -> int:
        """How hard its key is struck, as MIDI has it, 1 to 127."""
        return int(_VELOCITIES[(self.level or USUAL_LEVEL) - 1])


def levels_of(velocities: Sequence[int]) -> list[int]:
    """Returns the nearest levels of the velocities of a piece's notes; 0, not told, where none differs."""
    nearest = np.abs(np.asarray(velocities, np.int64)[:, None] - _VELOCITIES).argmin(axis=1) + 1
    return (nearest * (nearest != nearest[:1]).any()).tolist()


_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def pitch_name(pitch: int) -> str:
    """Returns the name of a MIDI pitch: C4 is 60, middle C."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


SIXTEENTHS = 4
"""Frames in a quarter note, where nothing else is said."""


@dataclass(frozen=True)
class Piece:
    """A piece of music on a grid.

    Attributes:
        name: where it comes from, for messages.
        frames: uint8 (time, 88): 0 silent, 1 struck, 2 held over from the frame before, 3 to 10 struck at one of the
            `LEVELS`; key 0 is MIDI pitch 21.
        frames_per_quarter: frames in a quarter note.
        tempo: quarter notes a minute.
        metre: beats in a bar and the note value of a beat, as (3, 8).
        articulated: whether struck and held notes are told apart; where not, every sounding key is struck.
    """

    name: str
    frames: Frames
    frames_per_quarter: int = SIXTEENTHS
    tempo: float = 120.0
    metre: tuple[int, int] = (4, 4)
    articulated: bool = True

    @property
    def frames_per_bar(self) -> int:
        """Frames in a bar, at least one."""
        beats, value = self.metre
        return max(1, round(beats * 4 * self.frames_per_quarter / value))

    @property
    def seconds_per_frame(self) -> float:
        """How long a frame lasts."""
        return 60.0 / (self.tempo * self.frames_per_quarter)

    @property
    def has_dynamics(self) -> bool:
        """Whether it is told how loud its notes are."""
        return bool((self.frames > HELD).any())

    def levels(self) -> npt.NDArray[np.float64]:
        """Returns the mean level of what is struck in each frame, (time,); 0 where nothing is, or it is not told."""
        levels = np.maximum(self.frames.astype(np.int64) - HELD, 0)
        return np.asarray(levels.sum(axis=1) / np.maximum((levels > 0).sum(axis=1), 1))

    def on_grid(self, frames_per_quarter: int) -> Piece:
        """Returns it on another grid: each note at the nearest frame, and at least one frame long."""
        if frames_per_quarter == self.frames_per_quarter:
            return self
        scale = frames_per_quarter / self.frames_per_quarter
        moved = [note._replace(start=round(note.start * scale), end=round(note.end * scale)) for note in self.notes()]
        notes = [note._replace(end=max(note.end, note.start + 1)) for note in moved]
        length = max([round(len(self.frames) * scale), *(note.end for note in notes)])
        frames = frames_of(notes, length)
        return replace(self, frames=frames, frames_per_quarter=frames_per_quarter, articulated=True)

    def notes(self) -> list[Note]:
        """Returns the notes in the order of their starts, then of their pitches.

        Where the piece is not articulated, a key that sounds in frame after frame is one note.
        """
        on = struck(self.frames, self.articulated)
        found = []
        for start, key in zip(*np.nonzero(on), strict=True):
            after = np.flatnonzero((self.frames[start + 1 :, key] == SILENT) | on[start + 1 :, key])
            length = int(after[0]) + 1 if len(after) else len(self.frames) - int(start)
            level = max(int(self.frames[start, key]) - HELD, 0)
            found.append(Note(LOWEST_PITCH + int(key), int(start), int(start) + length, level))
        return found


def struck(frames: Frames, articulated: bool) -> npt.NDArray[np.bool_]:
    """Returns where a note begins, (time, 88)."""
    if articulated:
        return np.asarray((frames == STRUCK) | (frames > HELD))
    sounding = frames != SILENT
    before = np.zeros_like(sounding)
    before[1:] = sounding[:-1]
    return np.asarray(sounding & ~before)


def frames_of(notes: Iterable[Note], length: int) -> Frames:
    """Returns the frames, uint8 (length, 88), of notes; what is outside the keys or the frames is left out.

    A note that starts while its key sounds strikes it again; of two with one start the longer one counts.

    Args:
        notes: `Note`s.
        length: number of frames.
    """
    frames = np.zeros((length, KEYS), np.uint8)
    for note in sorted(notes, key=lambda note: (note.start, note.end)):
        key = note.pitch - LOWEST_PITCH
        if 0 <= key < KEYS and 0 <= note.start < min(note.end, length):
            frames[note.start : note.end, key] = HELD
            frames[note.start, key] = HELD + note.level if note.level else STRUCK
    return frames
