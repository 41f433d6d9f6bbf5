"""MIDI and ABC: read onto the grid, and MIDI written from it.

Time in a MIDI file is counted in ticks, so many to a quarter note; a note is put on the nearest frame and lasts at
least one. All instruments but drums share the 88 keys. How loud notes are is kept, on eight levels, where it differs.
Of several tempi the mean is kept, which keeps the length in seconds; of several metres the one that lasts longest, with
silence in front where its bars would not begin on the grid's.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rnn_apps.errors import DataError, MissingExtraError
from rnn_apps.tasks.music.scores.piece import KEYS, LOWEST_PITCH, SIXTEENTHS, Note, Piece, frames_of, levels_of
from rnn_apps.tasks.music.scores.smf import check_file
from rnn_apps.tasks.music.scores.voices import names_of, voices_of

MAX_FRAMES = 65_536  # 2 hours 16 minutes of sixteenths at 120 quarter notes a minute
SLOWEST, FASTEST = 10.0, 1000.0
"""Quarter notes a minute that make sense."""

_TICKS_PER_FRAME = 120
_DEFAULT_TEMPO = 120.0
_DEFAULT_METRE = (4, 4)
_MOST_BEATS = 64
_FINER = (12, 24)  # grids
_BETWEEN, _MANY_OFF = 0.2, 0.05  # of a frame; of the notes
_BEAT_VALUES = (1, 2, 4, 8, 16, 32, 64)
_TUNE = re.compile(r"^(?=X:)", re.MULTILINE)


class Imported(NamedTuple):
    """A piece read from a file, and what of the file is not in it, in words."""

    piece: Piece
    remarks: tuple[str, ...]


def read_midi(data: bytes, name: str, frames_per_quarter: int = SIXTEENTHS) -> Imported:
    """Reads a MIDI file and quantises it.

    Args:
        data: the content of the file.
        name: what to call it.
        frames_per_quarter: the grid; 4 are sixteenths.

    Raises:
        DataError: if it is damaged, has nothing but drums, or states a length, a tempo or a metre without sense.
        MissingExtraError: without the extra "music".
    """
    checked = check_file(data, name)
    try:
        score = _symusic().Score.from_midi(checked.data)
    except (RuntimeError, ValueError) as error:
        raise DataError(f"{name} is no MIDI file that can be read ({error}).") from None
    imported = _quantise(score, name, frames_per_quarter, checked.tempo)
    if not checked.unended:
        return imported
    remark = f"{name}: {checked.unended:,} notes have no end and last until that of their track"
    return Imported(imported.piece, (remark, *imported.remarks))


def abc_tunes(text: str) -> list[str]:
    """Returns the tunes of an ABC file, which each begin with a line `X:`."""
    return _TUNE.split(text)[1:]


def read_abc(tune: str, name: str, frames_per_quarter: int = SIXTEENTHS) -> Imported:
    """Reads one tune in ABC notation and quantises it; chord symbols sound as chords.

    The accents on its beats are the converter's own, so it is not told how loud its notes are.

    Raises:
        DataError: if it cannot be read, has no pitched notes, or is longer than `MAX_FRAMES`.
        MissingExtraError: without the extra "music".
    """
    symusic = _symusic()
    with _converter_output() as output:
        try:
            score = symusic.Score.from_abc(tune)
        except (RuntimeError, ValueError):
            output.seek(0)
            said = output.read().decode("utf-8", "replace").strip().splitlines()
            raise DataError(f"{name} is no tune in ABC notation that can be read ({' '.join(said[-1:])}).") from None
    return _quantise(score, name, frames_per_quarter, dynamics=False)


def midi_bytes(piece: Piece) -> bytes:
    """Returns a piece as a MIDI file with tempo and metre: a track for each voice, or one where they are too many.

    Raises:
        MissingExtraError: without the extra "music".
    """
    symusic = _symusic()
    score = symusic.Score(_TICKS_PER_FRAME * piece.frames_per_quarter)
    score.tempos.append(symusic.Tempo(0, qpm=piece.tempo))
    score.time_signatures.append(symusic.TimeSignature(0, *piece.metre))
    notes = piece.notes()
    voices = voices_of(notes)
    for name, own in zip(names_of(voices), voices, strict=True) if voices else [("Piano", notes)]:
        track = symusic.Track(name=name, program=0)
        for note in own:
            start, length = note.start * _TICKS_PER_FRAME, (note.end - note.start) * _TICKS_PER_FRAME
            track.notes.append(symusic.Note(start, length, note.pitch, note.velocity))
        score.tracks.append(track)
    return bytes(score.dumps_midi())


def _quantise(
    score: Any, name: str, frames_per_quarter: int, tempo: float | None = None, dynamics: bool = True
) -> Imported:
    """Puts a score's notes on the grid, as loud as they are or all alike; its tempi hold where no other is given."""
    tracks = [track for track in score.tracks if len(track.notes)]
    pitched = [track.notes.numpy() for track in tracks if not track.is_drum]
    if not pitched:
        raise DataError(f"{name} has {'drums only' if tracks else 'no notes'}; pitched notes were expected.")
    pitch = np.concatenate([notes["pitch"] for notes in pitched]).astype(np.int64)
    ticks = np.concatenate([notes["time"] for notes in pitched]).astype(np.int64)
    lengths = np.concatenate([notes["duration"] for notes in pitched]).astype(np.int64)
    velocities = np.concatenate([notes["velocity"] for notes in pitched])
    inside = (pitch >= LOWEST_PITCH) & (pitch < LOWEST_PITCH + KEYS)
    if not inside.any():
        raise DataError(f"{name} has no note within the 88 keys of a piano.")

    last_tick = int((ticks + lengths).max())
    metre, bar_line = _metre(score.time_signatures, last_tick)
    tempo = tempo or _mean_tempo(score.tempos, last_tick)
    check_facts(tempo, metre, name)
    frames_per_tick = frames_per_quarter / max(score.ticks_per_quarter, 1)
    bar = Piece(name, np.zeros((0, KEYS), np.uint8), frames_per_quarter, tempo, metre).frames_per_bar
    shift = -round(bar_line * frames_per_tick) % bar
    starts = np.rint(ticks[inside] * frames_per_tick).astype(np.int64) + shift
    ends = np.rint((ticks + lengths)[inside] * frames_per_tick).astype(np.int64) + shift
    silent_bars = int(starts.min()) // bar * bar
    starts, ends = starts - silent_bars, np.maximum(ends, starts + 1) - silent_bars

    length = int(ends.max())
    if length > MAX_FRAMES:
        hours = length / frames_per_quarter / tempo / 60
        raise DataError(
            f"{name} has {length:,} frames ({hours:.1f} hours); at most {MAX_FRAMES:,} are read. Cut it into pieces."
        )
    levels = levels_of((velocities[inside] if dynamics else np.zeros(inside.sum(), np.int64)).tolist())
    notes = list(map(Note, pitch[inside].tolist(), starts.tolist(), ends.tolist(), levels))
    piece = Piece(name, frames_of(notes, length), frames_per_quarter, tempo, metre)
    outside = int((~inside).sum())
    remarks = []
    if outside:
        remarks.append(f"{name}: {outside:,} of {len(pitch):,} notes are outside the 88 keys of a piano and left out")
    if (metre[0] * 4 * frames_per_quarter) % metre[1]:
        remarks.append(f"{name}: a bar of {metre[0]}/{metre[1]} is no whole number of steps, and is rounded to {bar}")
    off = {grid: _off(ticks[inside] * grid / max(score.ticks_per_quarter, 1)) for grid in (SIXTEENTHS, *_FINER)}
    better = min(_FINER, key=lambda grid: off[grid])
    moved = off[SIXTEENTHS]
    if frames_per_quarter == SIXTEENTHS and moved > max(_MANY_OFF, 2 * off[better]):
        remarks.append(
            f"{name}: {moved:.0%} of the notes begin between two sixteenths and are moved to one; a model that is "
            f"trained with --set data.frames_per_quarter={better} leaves nearly all in their place"
        )
    return Imported(piece, tuple(remarks))


def _off(places: npt.NDArray[np.float64]) -> float:
    """The share of some places on a grid that are between two of its frames."""
    return float((np.abs(places - np.rint(places)) > _BETWEEN).mean())


def check_facts(tempo: float, metre: tuple[int, int], name: str) -> None:
    """Makes sure that tempo and metre make sense.

    Raises:
        DataError: if they do not.
    """
    if not SLOWEST <= tempo <= FASTEST:
        raise DataError(
            f"{name} has a tempo of {tempo:,g} quarter notes a minute. Expected {SLOWEST:g} to {FASTEST:,g}; set it in "
            "a program for notes."
        )
    beats, value = metre
    if not 1 <= beats <= _MOST_BEATS or value not in _BEAT_VALUES:
        raise DataError(f"{name} has a time signature of {beats}/{value}. Expected one such as 4/4, 3/4 or 6/8.")


def _metre(signatures: Sequence[Any], last_tick: int) -> tuple[tuple[int, int], int]:
    """Returns the metre that lasts longest, and the tick where it first begins."""
    lasts: dict[tuple[int, int], int] = {}
    begins: dict[tuple[int, int], int] = {}
    times = [min(signature.time, last_tick) for signature in signatures] + [last_tick]
    for signature, start, end in zip(signatures, times, times[1:], strict=False):
        metre = (int(signature.numerator), int(signature.denominator))
        if end > start:
            lasts[metre] = lasts.get(metre, 0) + end - start
            begins.setdefault(metre, start)
    if not lasts:
        return _DEFAULT_METRE, 0
    longest = max(lasts, key=lasts.__getitem__)
    return longest, begins[longest]


def _mean_tempo(tempi: Sequence[Any], last_tick: int) -> float:
    """Returns quarter notes a minute; before the first tempo that a file states, the default of MIDI holds."""
    minutes, tempo, time = 0.0, _DEFAULT_TEMPO, 0
    for change in tempi:
        minutes += (min(change.time, last_tick) - time) / tempo
        tempo, time = float(change.qpm), min(change.time, last_tick)
    minutes += (last_tick - time) / tempo
    # a file holds whole microseconds for a quarter note
    return round(last_tick / minutes if minutes > 0 else tempo, 3)


def _symusic() -> Any:
    try:
        import symusic
    except ImportError:
        raise MissingExtraError("Reading and writing MIDI", "music") from None
    return symusic


@contextmanager
def _converter_output() -> Iterator[IO[bytes]]:
    """Catches what the ABC converter, a process of its own, would write to the terminal."""
    with tempfile.TemporaryFile() as output:
        saved = [os.dup(stream) for stream in (1, 2)]
        try:
            for stream in (1, 2):
                os.dup2(output.fileno(), stream)
            yield output
        finally:
            for stream, copy in zip((1, 2), saved, strict=True):
                os.dup2(copy, stream)
                os.close(copy)
