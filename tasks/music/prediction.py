"""What the task `music` answers."""

from __future__ import annotations

from dataclasses import field

from rnn_apps.inference.predictor import Generated
from rnn_apps.inference.records import Record
from rnn_apps.tasks.music.scores.piece import Note, Piece, frames_of


class MusicNote(Record):
    """A note.

    Attributes:
        pitch: its MIDI pitch; 60 is middle C.
        start: when it begins, in quarter notes.
        duration: how long it lasts, in quarter notes.
        start_seconds: when it begins.
        duration_seconds: how long it lasts.
    """

    pitch: int
    start: float
    duration: float
    start_seconds: float
    duration_seconds: float


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
        notes = [
            Note(note.pitch, round(note.start * grid), round((note.start + note.duration) * grid))
            for note in self.notes
        ]
        length = round(self.seconds * self.tempo / 60 * grid)
        return Piece("composition", frames_of(notes, length), grid, self.tempo, self.metre)
