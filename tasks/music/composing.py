"""Composing frame by frame: what is asked for, which tokens may come, and what is odd about the result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy, deepcopy
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from rnn_apps.arrays import Array, Arrays
from rnn_apps.data.windows import carried, zero_states
from rnn_apps.errors import ConfigError, DataError
from rnn_apps.inference.sampling import check_sampling, sample
from rnn_apps.tasks.music.context import (
    FIRST_HELD,
    FIRST_STRUCK,
    Context,
    canonical,
    ends_frame,
    frame_tokens,
    key_of,
    token_frame,
)
from rnn_apps.tasks.music.processor import MusicProcessor
from rnn_apps.tasks.music.scores.midi import FASTEST, SLOWEST
from rnn_apps.tasks.music.scores.piece import HELD, KEYS, LEVELS, LOWEST_PITCH, SILENT, STRUCK, Frames, Piece
from rnn_apps.tasks.music.scores.tonality import PitchClasses, Tonality, pitch_classes, rests_on_tonic, tonality_of

_CHUNK = 1024
_BARS_IN_KEY = 2
_ODD_BARS = 4
_MOVING = 2
CADENCE_BARS, _TRIES = 2, 16
_DRAWS_KEY, _DRAWS_ENDING = 17, 16  # beside the seed, so that neither disturbs what else is drawn


@dataclass(frozen=True)
class Request:
    """What is to be composed.

    Attributes:
        frames: length of the result, primer included; not looked at where there is a melody, which is as long.
        temperature, top_k, top_p: see `rnn_apps.inference.sampling.sample`.
        seed: the same seed gives the same music.
        key: the key of music from nothing: "C", "f#", "Bb", "a minor"; a small letter is minor too. A model that is
            not told the key only begins in it.
        tempo: quarter notes a minute; left out, that of the primer or melody, or else the training data's.
        primer: what is to be continued; it comes first in the result.
        melody: what is to be harmonised: its highest voice is the highest of the result, note for note.
        restrike: where a model does not tell repeated notes from held ones, strike those that go on over a beat anew
            where at least two others change on it, as a choir does that has a syllable on each beat.
    """

    frames: int = 0
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0
    key: str = ""
    tempo: float | None = None
    primer: Piece | None = None
    melody: Piece | None = None
    restrike: bool = True

    @property
    def length(self) -> int:
        """Frames of the result."""
        return len(self.melody.frames) if self.melody else self.frames

    def check(self, frames_per_quarter: int) -> None:
        """Makes sure that it can be fulfilled by a model with this grid.

        Raises:
            ConfigError: for options that do not go together or are out of range.
            DataError: for a primer or melody that cannot be used.
        """
        check_sampling(self.temperature, self.top_k, self.top_p)
        if self.primer and self.melody:
            raise ConfigError("Expected a primer to continue or a melody to harmonise. Received both.")
        if self.key:
            if self.primer or self.melody:
                raise ConfigError("A key is for music from nothing: a primer or a melody has its own.")
            Tonality.named(self.key)
        if self.tempo is not None and not SLOWEST <= self.tempo <= FASTEST:
            raise ConfigError(
                f"Expected a tempo of {SLOWEST:g} to {FASTEST:g} quarter notes a minute. Received: {self.tempo:g}."
            )
        for piece in filter(None, (self.primer, self.melody)):
            if piece.frames_per_quarter != frames_per_quarter:
                raise DataError(
                    f"{piece.name} has {piece.frames_per_quarter} frames in a quarter note; the model was trained with "
                    f"{frames_per_quarter}. Read it with that grid."
                )
            if not len(piece.frames):
                raise DataError(f"{piece.name} has no frame.")
        if self.melody:
            return
        if self.frames < 1:
            raise ConfigError("Expected music of at least one frame. Ask for more seconds.")
        if self.primer and len(self.primer.frames) >= self.frames:
            lasts, wanted = (self.primer.seconds_per_frame * n for n in (len(self.primer.frames), self.frames))
            raise ConfigError(
                f"{self.primer.name} lasts {lasts:.1f} s and the whole, with it, was to last {wanted:.1f} s: there is "
                "nothing to add. Ask for more seconds or give a shorter primer."
            )


class Graph(Protocol):
    """The model: takes `Context.row`s, (1, time, ...), and states."""

    def run(self, arrays: Mapping[str, Array]) -> Arrays:
        """Returns `logits`, (1, time, tokens), and the states behind them."""


class Composer:
    """Follows and continues one piece, token by token and in constant memory.

    Args:
        graph: the model.
        processor: its processor.
        frames_per_bar: frames in a bar.
        length: frames of the whole, where the model is to know when it ends.
        tonality: the key, where the model is to know it.
    """

    def __init__(
        self,
        graph: Graph,
        processor: MusicProcessor,
        frames_per_bar: int,
        length: int | None = None,
        tonality: Tonality | None = None,
    ) -> None:
        self.graph, self.processor = graph, processor
        self.articulated, self.dynamics = processor.articulated, processor.dynamics
        self.context = Context(frames_per_bar, length, processor.frames_per_quarter, tonality)
        self._states = zero_states(processor.state_sizes, 1)

    def follow(self, frames: Frames) -> Iterator[npt.NDArray[np.float32]]:
        """Takes frames as they are; yields the logits, (tokens,), before each of their tokens."""
        tokens = [token for frame in frames for token in frame_tokens(frame, self.dynamics)]
        for start in range(0, len(tokens), _CHUNK):
            rows = []
            for token in tokens[start : start + _CHUNK]:
                rows.append(self.context.row())
                self.context.push(token)
            yield from self._run(rows)

    def fork(self) -> Composer:
        """Returns another that goes on from here by itself."""
        other = copy(self)
        other.context = deepcopy(self.context)
        return other

    def next_frame(
        self, request: Request, rng: np.random.Generator, allowed: npt.NDArray[np.bool_], top: int | None = None
    ) -> Frames:
        """Draws the next frame.

        Args:
            request: how to draw.
            rng: where chance comes from.
            allowed: which of END and the keys may be drawn, (89,); END comes where nothing may.
            top: the token of the highest key if it is given, END for silence.

        Returns:
            uint8 (88,), all struck where the model is not articulated, at a level where it knows how loud music is.
        """
        keys = KEYS * (1 + self.articulated)
        ends = np.pad(np.zeros(keys, np.bool_), (1, len(LEVELS) * self.dynamics), constant_values=True)
        drawn: list[int] = []
        while not drawn or not ends_frame(drawn[-1]):
            (logits,) = self._run([self.context.row()])
            if top is not None and not drawn:
                token = top
            else:
                legal = self.context.legal(self.articulated, self.dynamics)
                may = ends & allowed[0]
                may[1 : 1 + keys] = np.resize(allowed[1:], keys)
                may &= legal
                if drawn or not may.any():
                    may |= legal & ends
                token = 1 + int(
                    sample(
                        np.where(may, logits, -np.inf)[None], rng, request.temperature, request.top_k, request.top_p
                    )[0]
                )
            self.context.push(token)
            drawn.append(token)
        return token_frame(drawn)

    def _run(self, rows: list[Arrays]) -> npt.NDArray[np.float32]:
        shown = [self.processor.shown(row) for row in rows]
        arrays = {name: np.stack([row[name] for row in shown])[None] for name in shown[0]}
        outputs = self.graph.run({**arrays, **self._states})
        self._states = carried(outputs)
        return np.asarray(outputs["logits"][0])


def tonality_for(request: Request, processor: MusicProcessor) -> Tonality | None:
    """Returns the key that a model is told: the one asked for or that of what is given, else one drawn by the seed.

    None where the model is told none.
    """
    given = request.primer or request.melody
    if not processor.sees_tonality:
        return None
    if request.key:
        return Tonality.named(request.key)
    if given and (given.frames != SILENT).any():
        return tonality_of(pitch_classes(given.frames))
    return processor.drawn_tonality(np.random.default_rng((request.seed, _DRAWS_KEY)))


def compose(composer: Composer, request: Request) -> Iterator[Frames]:
    """Yields the frames of what is asked for, uint8 (88,), struck and held notes told apart, a primer's first.

    As many pieces come to rest on the tonic as of those that were trained on: the last bars are drawn again until they
    do. So they are drawn from the model's distribution under that condition.
    """
    sounded = np.zeros(KEYS, np.bool_)
    classes = np.zeros(12, np.int64)
    if request.primer:
        primer = request.primer
        for _ in composer.follow(canonical(primer.frames, primer.articulated, composer.articulated)):
            pass
        yield from canonical(primer.frames, primer.articulated, True)
        sounded = primer.frames[-1] != SILENT
        classes += pitch_classes(primer.frames)
    start = len(request.primer.frames) if request.primer else 0
    turn = max(start, request.length - CADENCE_BARS * composer.context.frames_per_bar)
    wanted = np.random.default_rng((request.seed, _DRAWS_ENDING)).random() < composer.processor.cadences
    if request.melody or not wanted or turn <= start:
        turn = request.length
    for frame in _drawn(composer, request, np.random.default_rng(request.seed), range(start, turn), sounded):
        yield frame
        sounded = frame != SILENT
        classes += pitch_classes(frame[None])
    yield from _ending(composer, request, range(turn, request.length), sounded, classes)


def _ending(
    composer: Composer, request: Request, times: range, sounded: npt.NDArray[np.bool_], classes: PitchClasses
) -> list[Frames]:
    """The frames of the last bars: the first of some that come to rest on the tonic, or the first of all."""
    found: list[Frames] = []
    for number in range(_TRIES if times else 0):
        rng = np.random.default_rng((request.seed, number))
        tried = list(_drawn(composer.fork(), request, rng, times, sounded))
        if rests_on_tonic(np.stack(tried), classes + pitch_classes(np.stack(tried))):
            return tried
        found = found or tried
    return found


def _drawn(
    composer: Composer, request: Request, rng: np.random.Generator, times: range, sounded: npt.NDArray[np.bool_]
) -> Iterator[Frames]:
    """Draws the frames of some times, one behind the other, after one in which some keys sounded."""
    voice = _highest_voice(request.melody) if request.melody else None
    lowest_given = KEYS
    for time in times:
        allowed = _allowed(request, time, composer)
        top = None
        if voice is not None and voice[time].any():
            top = frame_tokens(voice[time])[0]
            if top >= FIRST_HELD and not (composer.articulated and composer.context.previous[top - FIRST_HELD]):
                top -= FIRST_HELD - FIRST_STRUCK
            lowest_given = (top - FIRST_STRUCK) % KEYS
        elif voice is not None:
            allowed[1:] &= np.arange(KEYS) < lowest_given  # the harmony goes on below a rest of the melody
        frame = composer.next_frame(request, rng, allowed, top)
        if not composer.articulated:
            held = (frame != SILENT) & sounded
            on_beat = time % composer.processor.frames_per_quarter == 0
            if not (request.restrike and on_beat and (frame[~held] != SILENT).sum() >= _MOVING):
                frame[held] = HELD
        if top is not None and voice is not None:
            key = key_of(top)
            frame[key] = _as_given(int(voice[time, key]), int(frame[key]), bool(sounded[key]))
        sounded = frame != SILENT
        yield frame


def _as_given(given: int, drawn: int, sounded: bool) -> int:
    """What the key of a given note does in a frame: as loud as it is given or, where that is not told, as drawn."""
    if given > HELD or (given == HELD and sounded):
        return given
    return STRUCK if drawn in (SILENT, HELD) else drawn


def _allowed(request: Request, time: int, composer: Composer) -> npt.NDArray[np.bool_]:
    """Which of END and the keys may be drawn in a frame.

    Music from nothing begins, at once, in its key. No chord and no rest is longer than the longest of the training
    pieces: its highest voice moves on.
    """
    allowed = np.ones(1 + KEYS, np.bool_)
    processor, frames_per_bar = composer.processor, composer.context.frames_per_bar
    longest = processor.longest_chord * processor.frames_per_quarter
    if longest and not request.melody and composer.context.unchanged >= longest:
        sounding = np.flatnonzero(composer.context.previous)
        allowed[1 + sounding[-1] if len(sounding) else 0] = False
    if request.primer or request.melody:
        return allowed
    allowed[0] &= time > 0
    if request.key and time < _BARS_IN_KEY * frames_per_bar:
        key = Tonality.named(request.key)
        allowed[1:] &= np.isin((np.arange(KEYS) + LOWEST_PITCH) % 12, key.scale if time else key.triad)
    return allowed


def _highest_voice(melody: Piece) -> Frames:
    """The highest sounding key of each frame alone."""
    frames = canonical(melody.frames, melody.articulated, True)
    highest = KEYS - 1 - (frames[:, ::-1] != SILENT).argmax(axis=1)
    return np.where(np.arange(KEYS) == highest[:, None], frames, SILENT).astype(np.uint8)


def describe_degeneration(piece: Piece) -> str:
    """Returns in words if a piece is or falls silent, or repeats itself without end; "" if not."""
    sounding = piece.frames != SILENT
    heard = np.flatnonzero(sounding.any(axis=1))
    if not len(heard):
        return "The model drew silence alone. Try another seed or a higher temperature."
    many = _ODD_BARS * piece.frames_per_bar
    end = int(heard[-1]) + 1
    if len(sounding) - end >= many:
        return f"The model fell silent after {end * piece.seconds_per_frame:.1f} s."
    for period in range(1, many + 1):
        changed = np.flatnonzero((sounding[period:] != sounding[:-period]).any(axis=1))
        start = int(changed[-1]) + 1 if len(changed) else 0
        if len(sounding) - start >= max(_ODD_BARS * period, 2 * many):
            bars = period / piece.frames_per_bar
            return (
                f"From {start * piece.seconds_per_frame:.1f} s on the model repeats {bars:.2g} bars again and again. "
                "Try another seed or a higher temperature."
            )
    return ""
