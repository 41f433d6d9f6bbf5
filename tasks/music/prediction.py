"""What the task `music` answers."""

from __future__ import annotations

from dataclasses import field

from rnn_apps.inference.predictor import Generated
from rnn_apps.inference.records import Record
from rnn_apps.tasks.music.scores.piece import Note, Piece, frames_of, levels_of


class MusicNote(Record):
    """A note.

    Attributes:
        pitch: its MIDI pitch; 60 is middle C.
        start: when it begins, in quarter notes.
        duration: how long it lasts, in quarter notes.
        start_seconds: when it begins.
        duration_seconds: how long it lasts.
        velocity: how hard its key is struck, 1 to 127 as in MIDI; 80 where the model does not know how loud music is.
    """

    pitch: int
    start: float
    duration: float
    start_seconds: float
    duration_seconds: float
    velocity: int


class Music(Generated):
    """A piece of music, or a part of one.

    Attributes:
        notes: in the order of their starts.
        tempo: quarter notes a minute.
        metre: beats in a bar, and the note value of a beat.
        frames_per_quarter: the grid: all times are multiples of so large a part of a quarter note.
        nats: of a piece that was judged, the negative log-likelihood of each frame given those before it; else none.
    """

    notes: list[MusicNote]
    tempo: float
    metre: tuple[int, int]
    frames_per_quarter: int
    nats: list[float] = field(default_factory=list)

    def piece(self) -> Piece:
        """Returns it on its grid."""
        grid = self.frames_per_quarter
        levels = levels_of([note.velocity for note in self.notes])
        notes = [
            Note(note.pitch, round(note.start * grid), round((note.start + note.duration) * grid), level)
            for note, level in zip(self.notes, levels, strict=True)
        ]
        length = round(self.seconds * self.tempo / 60 * grid)
        return Piece("composition", frames_of(notes, length), grid, self.tempo, self.metre)
