"""What a model may look at before each token: the token before, the keys that sound and sounded, the place in the bar.

A frame is written as its sounding keys from the top down, each struck or held, and an end-of-frame mark:

    END = 1,  struck key k = 2 + k,  held key k = 90 + k,  END at level l = 177 + l;  0 is padding.

From the top down, so that a melody given from outside comes first in its frame and the harmony follows it. After key k
only lower keys or END may come, and a key can be held only if it sounded in the frame before. So each frame can be
written in exactly one way, and what a model spreads over the tokens that may come is a distribution over frames.
Where a model knows how loud music is, the mark behind a frame in which a key is struck says at what level.

Beside the token before, the model is shown what a recurrent network would otherwise have to carry along: frames that
lie a beat, a bar or a phrase back (the "lookback" of E. Waite, "Generating long-term structure in songs and stories",
2016).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from rnn_apps.arrays import Arrays
from rnn_apps.tasks.music.scores.piece import (
    HELD,
    KEYS,
    LEVELS,
    LOWEST_PITCH,
    SILENT,
    SIXTEENTHS,
    STRUCK,
    USUAL_LEVEL,
    Frames,
    pitch_name,
    struck,
)
from rnn_apps.tasks.music.scores.tonality import Tonality

PADDING, END = 0, 1
FIRST_STRUCK = 2
FIRST_HELD = FIRST_STRUCK + KEYS
FIRST_LEVEL = FIRST_HELD + KEYS

LOOKBACKS = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128)
"""So many sixteenths back the model is shown the frames, bit by bit behind the first two of `keys`.

The first is the frame before, on every grid.
"""

SO_FAR, OPEN, BEFORE = 1, 2, 4
"""Bits of `keys`: sounds in this frame so far; may still come in it; sounded in the frame before."""

KEY_BITS = 2 + len(LOOKBACKS)

IN_SIGNATURE, IS_TONIC = 2**KEY_BITS, 2 ** (KEY_BITS + 1)
"""Bits of `keys` where the model is told the key of the music: in its signature; its tonic, in any octave."""

TONAL_BITS = KEY_BITS + 2

_PERIODS = np.array((2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128), np.float64)
PLACE_SIZE = 2 * len(_PERIODS) + 4

_ENDS = np.array((64, 8), np.float32)
END_SIZE = len(_ENDS)
"""How near the end is, in so many sixteenths before it."""

MOST_VOICES = 15
"""Where there are more voices than that, the model does not count on."""

STRUCK_ONE = 1 + len(LEVELS)
"""`loudness` from here on: a key of this frame is struck, so that the mark behind it says a level."""


class Context:
    """Follows a piece token by token, in constant memory, and tells what the model is shown before each.

    Args:
        frames_per_bar: frames in a bar.
        length: frames of the whole piece, where the model is to know when it ends.
        frames_per_quarter: the grid.
        tonality: the key, where the model is to know it.

    Attributes:
        time: frames so far.
        unchanged: of those, how many at the end have the same keys sounding.
    """

    def __init__(
        self,
        frames_per_bar: int,
        length: int | None = None,
        frames_per_quarter: int = SIXTEENTHS,
        tonality: Tonality | None = None,
    ) -> None:
        self.frames_per_bar, self.length = frames_per_bar, length
        self._tonal = _tonal_bits(tonality)
        self.time = self.unchanged = 0
        self._finer = max(frames_per_quarter // SIXTEENTHS, 1)
        self._lookbacks = (1, *(self._finer * back for back in LOOKBACKS[1:]))
        self._past = np.zeros((self._lookbacks[-1], KEYS), np.bool_)
        self._token, self._level = END, 0
        self._begin_frame()

    @property
    def previous(self) -> npt.NDArray[np.bool_]:
        """The keys that sounded in the frame before, (88,)."""
        return np.asarray(self._past[(self.time - 1) % len(self._past)])

    def row(self) -> Arrays:
        """Returns what the model is shown before the next token.

        Returns:
            `tokens`, the token before, an int32 scalar; `keys`, uint16 (88,), see the bits above; `place`, float32
            (30,), where in the piece and in the bar; `end`, float32 (2,), see `END_SIZE`, 0 where it is far or unknown;
            `voice`, how many keys the frame has so far, plus one, and `before`, one plus the key of this voice in the
            frame before, 0 without, `loudness`, the level last heard, 0 at first, and `STRUCK_ONE` more where a key
            of the frame is struck so far, int32 scalars.
        """
        voice = min(self._voice, MOST_VOICES)
        before = self._before[voice] + 1 if voice < len(self._before) else 0
        return {
            "tokens": np.array(self._token, np.int32),
            "keys": self._keys.copy(),
            "place": self._place,
            "end": self._end,
            "voice": np.array(voice + 1, np.int32),
            "before": np.array(before, np.int32),
            "loudness": np.array(self._level + STRUCK_ONE * self._struck, np.int32),
        }

    def legal(self, articulated: bool, dynamics: bool = False) -> npt.NDArray[np.bool_]:
        """Returns which tokens may come next, padding left out.

        END, struck keys, where articulated held ones, and with dynamics the ends at each level.
        """
        is_open = self._keys & OPEN != 0
        kinds = [is_open, is_open & (self._keys & BEFORE != 0)] if articulated else [is_open]
        levels = [np.full(len(LEVELS), self._struck)] if dynamics else []
        return np.concatenate([[not (dynamics and self._struck)], *kinds, *levels])

    def push(self, token: int) -> None:
        """Takes the next token."""
        self._token = token
        if ends_frame(token):
            self._level = self._level if token == END else token - FIRST_LEVEL + 1
            sounding = self._keys & SO_FAR != 0
            self.unchanged = self.unchanged + 1 if np.array_equal(sounding, self.previous) else 1
            self._past[self.time % len(self._past)] = sounding
            self.time += 1
            self._begin_frame()
            return
        key = key_of(token)
        self._keys[key] |= SO_FAR
        self._keys[key:] &= ~np.uint16(OPEN)
        self._struck |= token < FIRST_HELD
        self._voice += 1

    def _begin_frame(self) -> None:
        self._voice, self._struck = 0, False
        self._keys = self._tonal | np.uint16(OPEN)
        for bit, back in enumerate(self._lookbacks, 2):
            if back <= self.time:
                self._keys |= self._past[(self.time - back) % len(self._past)].astype(np.uint16) << np.uint16(bit)
        self._before = np.flatnonzero(self._keys & BEFORE)[::-1].tolist()
        self._place = _place(self.time / self._finer, self.frames_per_bar / self._finer)
        left = np.inf if self.length is None else self.length - self.time
        self._end = np.maximum(1 - left / (_ENDS * self._finer), 0).astype(np.float32)


def _tonal_bits(tonality: Tonality | None) -> npt.NDArray[np.uint16]:
    """Which keys are in the signature of a key, and which are its tonic, uint16 (88,)."""
    bits = np.zeros(KEYS, np.uint16)
    if tonality:
        classes = (np.arange(KEYS) + LOWEST_PITCH) % 12
        bits[np.isin(classes, tonality.signature)] |= np.uint16(IN_SIGNATURE)
        bits[classes == tonality.tonic] |= np.uint16(IS_TONIC)
    return bits


def _place(time: float, bar: float) -> npt.NDArray[np.float32]:
    """Where a frame is, in sixteenths: on circles of several lengths, in its bar, and from the beginning, (30,)."""
    beat = time % bar
    angles = 2 * np.pi * np.append(time / _PERIODS, beat / bar)
    return np.concatenate([np.cos(angles), np.sin(angles), [beat == 0, min(time / 64, 1.0)]]).astype(np.float32)


def key_of(token: int) -> int:
    """Returns the key that a token stands for, the ends of frames left out."""
    return (token - FIRST_STRUCK) % KEYS


def ends_frame(token: int) -> bool:
    """Returns whether a token is the mark behind a frame."""
    return token == END or token >= FIRST_LEVEL


def is_key(tokens: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Returns which of some tokens are keys."""
    return np.asarray((tokens >= FIRST_STRUCK) & (tokens < FIRST_LEVEL))


def token_name(token: int) -> str:
    """Returns what a person calls a token: "C4", "C4 held", "|" for the end of a frame, "| mf" for one with a level."""
    if ends_frame(token):
        return "|" if token == END else f"| {LEVELS[token - FIRST_LEVEL]}"
    return pitch_name(LOWEST_PITCH + key_of(token)) + (" held" if token >= FIRST_HELD else "")


def frame_tokens(frame: Frames, dynamics: bool = False) -> list[int]:
    """Returns the tokens of a frame, uint8 (88,), its end included.

    With dynamics that is at the mean level of what is struck; what is not told is as loud as usual.
    """
    keys = np.flatnonzero(frame)[::-1]
    end, levels = END, frame[struck(frame, True)].astype(np.int64) - HELD
    if dynamics and len(levels):
        end = FIRST_LEVEL - 1 + round(float(np.where(levels > 0, levels, USUAL_LEVEL).mean()))
    return [*np.where(frame[keys] == HELD, FIRST_HELD, FIRST_STRUCK) + keys, end]


def token_frame(tokens: Iterable[int]) -> Frames:
    """Returns the frame, uint8 (88,), that tokens stand for."""
    frame = np.zeros(KEYS, np.uint8)
    for token in tokens:
        if not ends_frame(token):
            frame[key_of(token)] = HELD if token >= FIRST_HELD else STRUCK
        elif token >= FIRST_LEVEL:
            frame[frame == STRUCK] = HELD + 1 + token - FIRST_LEVEL
    return frame


def encode_frames(
    frames: Frames,
    frames_per_bar: int,
    knows_end: bool = False,
    frames_per_quarter: int = SIXTEENTHS,
    tonality: Tonality | None = None,
    dynamics: bool = False,
) -> Arrays:
    """Returns what a model learns from: `Context.row` before each token of a piece, stacked, and what then came.

    `targets` are the tokens and `frames` the numbers of their frames, int32 (time,).

    Args:
        frames: uint8 (frames, 88).
        frames_per_bar: frames in a bar.
        knows_end: whether the model is shown when the piece ends.
        frames_per_quarter: the grid.
        tonality: the key, where the model is shown it.
        dynamics: whether it is written how loud the music is.
    """
    context = Context(frames_per_bar, len(frames) if knows_end else None, frames_per_quarter, tonality)
    rows, targets, numbers = [], [], []
    for number, frame in enumerate(frames):
        for token in frame_tokens(frame, dynamics):
            rows.append(context.row())
            targets.append(token)
            numbers.append(number)
            context.push(token)
    return {
        **{name: np.stack([row[name] for row in rows]) for name in rows[0]},
        "targets": np.array(targets, np.int32),
        "frames": np.array(numbers, np.int32),
    }


def transpose(arrays: Arrays, semitones: int) -> Arrays:
    """Moves an encoded piece up by semitones; all its keys must stay on the keyboard."""
    tokens = arrays["targets"]
    keys = np.zeros_like(arrays["keys"])
    low, high = max(semitones, 0), KEYS + min(semitones, 0)
    keys[:, low:high] = arrays["keys"][:, low - semitones : high - semitones] & ~np.uint16(OPEN)
    shown = _moved(arrays["tokens"], semitones)
    above = np.where(is_key(shown), (shown - FIRST_STRUCK) % KEYS, KEYS)
    keys |= np.where(np.arange(KEYS) < above[:, None], np.uint16(OPEN), np.uint16(0))
    # what is known of a pitch class is known in every octave, of the keys that nothing was moved to as well
    keys |= arrays["keys"][:, (np.arange(KEYS) - semitones) % 12] & np.uint16(IN_SIGNATURE | IS_TONIC)
    before = np.where(arrays["before"] > 0, arrays["before"] + semitones, 0).astype(np.int32)
    return {**arrays, "tokens": shown, "targets": _moved(tokens, semitones), "keys": keys, "before": before}


def without_tonality(arrays: Arrays) -> Arrays:
    """Hides the key that an encoded piece is in."""
    return {**arrays, "keys": arrays["keys"] & ~np.uint16(IN_SIGNATURE | IS_TONIC)}


def _moved(tokens: npt.NDArray[np.int32], semitones: int) -> npt.NDArray[np.int32]:
    return np.where(is_key(tokens), tokens + semitones, tokens).astype(np.int32)


def canonical(frames: Frames, articulated: bool, wanted: bool) -> Frames:
    """Returns frames as a model wants them: with struck and held notes told apart, or all struck.

    A note without articulation is struck where its key was silent in the frame before, and held otherwise.
    """
    if articulated and wanted:
        return frames
    sounding = frames != SILENT
    result = np.where(sounding, STRUCK, SILENT).astype(np.uint8)
    if wanted:
        result[1:][sounding[1:] & sounding[:-1]] = HELD
    return result
