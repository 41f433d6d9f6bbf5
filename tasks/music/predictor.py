"""Music from a saved model, without TensorFlow: composed, continued, harmonised, and told how likely it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from rnn_apps.bundle import Bundle
from rnn_apps.errors import ConfigError, DataError
from rnn_apps.inference.predictor import Generated, Predictor
from rnn_apps.inference.probabilities import log_softmax
from rnn_apps.inference.session import Session
from rnn_apps.tasks.music.composing import Composer, Wish, compose, oddity
from rnn_apps.tasks.music.context import END, canonical, frame_tokens
from rnn_apps.tasks.music.piece import HELD, KEYS, LOWEST_PITCH, STRUCK, Frames, Note, Piece, frames_of
from rnn_apps.tasks.music.processor import MusicProcessor

SECONDS, MAX_SECONDS = 30.0, 3600.0
_NOTHING = np.zeros((0, KEYS), np.uint8)


class MusicNote(BaseModel):
    """A note.

    Attributes:
        pitch: its MIDI pitch; 60 is middle C.
        start: when it begins, in quarter notes.
        duration: how long it lasts, in quarter notes.
        start_seconds: when it begins.
        duration_seconds: how long it lasts.
    """

    model_config = ConfigDict(frozen=True)

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
    """

    notes: list[MusicNote]
    tempo: float
    metre: tuple[int, int]
    frames_per_quarter: int

    def piece(self) -> Piece:
        """Returns it on its grid."""
        grid = self.frames_per_quarter
        notes = [
            Note(note.pitch, round(note.start * grid), round((note.start + note.duration) * grid))
            for note in self.notes
        ]
        length = round(self.seconds * self.tempo / 60 * grid)
        return Piece("composition", frames_of(notes, length), grid, self.tempo, self.metre)


class Composition(NamedTuple):
    """A piece, and what is odd about it in words, if anything."""

    piece: Piece
    remark: str


class MusicPredictor(Predictor):
    """Composes.

    Args:
        bundle: a verified bundle of the task `music`.
    """

    options: ClassVar[tuple[str, ...]] = ("seconds", "temperature", "top_k", "top_p", "seed", "key", "tempo", "melody")

    def __init__(self, bundle: Bundle) -> None:
        self.processor = MusicProcessor.load(bundle.folder)
        self._session = Session(bundle.folder / "model.onnx", threads=1)  # a step is too small to share

    def predict(self, inputs: Sequence[Piece | None], **options: Any) -> list[Music]:
        """Returns a piece for each input, in their order.

        Args:
            inputs: pieces to continue, or None for music from nothing.
            options: `seconds` (the length, a continued piece counted in), and what `Wish` has. Each input is answered
                as if it were alone: the same input twice gives the same music twice.

        Raises:
            DataError: for an input that is no piece or cannot be continued.
            ConfigError: for an option out of range.
        """
        return [_whole(*self.compose(self.wish(given, **options))) for given in inputs]

    def stream(self, given: Piece | None, **options: Any) -> Iterator[Music]:
        """Yields each note when it has ended, and last the whole piece; for the arguments see `predict`."""
        wish = self.wish(given, **options)
        frames: list[Frames] = []
        piece = self._piece(wish, _NOTHING)
        for note in _notes(self._noted(wish, frames)):
            yield _music(piece, [note], frames=note.end, complete=False)
        piece = self._piece(wish, np.stack(frames))
        yield _whole(piece, oddity(piece))

    def wish(self, given: Piece | None, seconds: float = SECONDS, **options: Any) -> Wish:
        """Returns what is asked for, on the model's grid, with its length in frames, checked.

        Raises:
            DataError: if `given` is neither a piece nor None, or cannot be continued.
            ConfigError: for an option out of range.
        """
        if given is not None and not isinstance(given, Piece):
            raise DataError(f"Expected a piece of music or None. Received: {type(given).__name__}.")
        if not 0 < seconds <= MAX_SECONDS:
            raise ConfigError(f"Expected up to {MAX_SECONDS:.0f} seconds of music, and some. Received: {seconds:g}.")
        grid = self.processor.frames_per_quarter
        given = given and given.on_grid(grid)
        if options.get("melody"):
            options["melody"] = options["melody"].on_grid(grid)
        wish = Wish(primer=given, **options)
        frame = self._piece(wish, _NOTHING).seconds_per_frame
        wish = Wish(primer=given, frames=round(seconds / frame), **options)
        wish.check(grid)
        return wish

    def frames(self, wish: Wish) -> Iterator[Frames]:
        """Yields uint8 (88,) for each frame, 0 silent, 1 struck, 2 held, in constant memory; a primer's come first."""
        wish.check(self.processor.frames_per_quarter)
        bar = self._piece(wish, _NOTHING).frames_per_bar
        return compose(Composer(self._session, self.processor, bar), wish)

    def compose(self, wish: Wish) -> Composition:
        """Returns the whole piece, and what is odd about it."""
        piece = self._piece(wish, np.stack(list(self.frames(wish))))
        return Composition(piece, oddity(piece))

    def nats(self, piece: Piece) -> npt.NDArray[np.float64]:
        """Returns the negative log-likelihood of each frame given those before it, in nats, (frames,)."""
        frames = canonical(piece.frames, piece.articulated, self.processor.articulated)
        composer = Composer(self._session, self.processor, piece.frames_per_bar)
        tokens = (token for frame in frames for token in frame_tokens(frame))
        result, frame = np.zeros(len(frames)), 0
        for logits, token in zip(composer.follow(frames), tokens, strict=True):
            result[frame] -= log_softmax(logits)[token - 1]
            frame += token == END
        return result

    def _noted(self, wish: Wish, frames: list[Frames]) -> Iterator[Frames]:
        for frame in self.frames(wish):
            frames.append(frame)
            yield frame

    def _piece(self, wish: Wish, frames: Frames) -> Piece:
        """The frames with grid, tempo and metre of the wish, of what is given with it, or of the training data."""
        like = wish.primer or wish.melody
        tempo = wish.tempo or (like.tempo if like else self.processor.tempo)
        metre = like.metre if like else self.processor.metre
        return Piece("composition", frames, self.processor.frames_per_quarter, tempo, metre)


def _notes(frames: Iterable[Frames]) -> Iterator[Note]:
    """Yields the notes of frames, each when it has ended."""
    begun: dict[int, int] = {}
    time = 0
    for frame in frames:
        for key in [key for key in begun if frame[key] != HELD]:
            yield Note(LOWEST_PITCH + key, begun.pop(key), time)
        begun |= {int(key): time for key in np.flatnonzero(frame == STRUCK)}
        time += 1
    for key, start in begun.items():
        yield Note(LOWEST_PITCH + key, start, time)


def _whole(piece: Piece, remark: str) -> Music:
    """The answer that a whole piece makes."""
    return _music(piece, piece.notes(), frames=len(piece.frames), remark=remark)


def _music(piece: Piece, notes: Sequence[Note], frames: int, complete: bool = True, remark: str = "") -> Music:
    """The answer that some of the notes of a piece make, of which so many frames are there."""
    quarter, second = 1.0 / piece.frames_per_quarter, piece.seconds_per_frame
    return Music(
        seconds=frames * second,
        complete=complete,
        remark=remark,
        notes=[
            MusicNote(
                pitch=note.pitch,
                start=note.start * quarter,
                duration=(note.end - note.start) * quarter,
                start_seconds=note.start * second,
                duration_seconds=(note.end - note.start) * second,
            )
            for note in notes
        ],
        tempo=piece.tempo,
        metre=piece.metre,
        frames_per_quarter=piece.frames_per_quarter,
    )
