"""A piece as a piano roll: time to the right, pitch upwards, one rectangle a note; below, how loud it is, if told."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt

from rnn_apps.tasks.music.scores.piece import KEYS, LEVELS, LOWEST_PITCH, Piece

Pixels = npt.NDArray[np.uint8]

_FRAME_WIDTH, _KEY_HEIGHT = 5, 7  # pixels
_LINE_FRAMES = 240  # frames in one line of the picture, at most, or a bar
_LEFT, _ABOVE, _BELOW = 34, 8, 20  # margins in pixels
_LEVEL_HEIGHT = 3  # pixels

_PAPER, _WHITE_KEY, _BLACK_KEY, _OCTAVE, _BEAT, _BAR, _INK = range(7)
_FIRST_NOTE = 8  # palette entries 8 to 95: one colour a key
_GREYS = (
    (255, 255, 255),
    (250, 250, 252),
    (240, 241, 245),
    (214, 217, 226),
    (230, 232, 238),
    (184, 189, 203),
    (74, 80, 98),
)
_SPECTRUM = ((38, 70, 130), (44, 123, 160), (58, 160, 132), (226, 160, 52), (206, 76, 70))  # of notes, low to high
_BLACK_KEYS = (1, 3, 6, 8, 10)

# three columns and five rows a character, a row an octal digit
_GLYPHS = {
    "0": "75557", "1": "26227", "2": "71747", "3": "71717", "4": "55711", "5": "74717", "6": "74757", "7": "71111",
    "8": "75757", "9": "75717", "C": "74447",
}  # fmt: skip


def png_bytes(piece: Piece) -> bytes:
    """Returns the piano roll of a piece as a PNG file, with bar numbers below and the Cs at the left."""
    return write_png(_palette()[draw(piece)])


def draw(piece: Piece) -> Pixels:
    """Returns the piano roll as palette numbers, uint8 (height, width); long pieces take several lines."""
    sounding = np.flatnonzero(piece.frames.any(axis=0))
    low, high = (int(sounding[0]), int(sounding[-1])) if len(sounding) else (39, 51)
    # an octave at least, and a little room
    middle = (low + high) // 2
    low, high = max(min(low - 2, middle - 6), 0), min(max(high + 2, middle + 6), KEYS - 1)
    bar = piece.frames_per_bar
    per_line = max(_LINE_FRAMES // bar, 1) * bar
    length = max(len(piece.frames), 1)
    lines = [_draw_line(piece, start, min(per_line, length), low, high) for start in range(0, length, per_line)]
    return np.concatenate(lines)


def _draw_line(piece: Piece, start: int, frames: int, low: int, high: int) -> Pixels:
    """One line of the picture: `frames` frames from `start`, keys `low` to `high`."""
    rows, columns = (high - low + 1) * _KEY_HEIGHT, frames * _FRAME_WIDTH
    band = _LEVEL_HEIGHT * (len(LEVELS) + 1) if piece.has_dynamics else 0
    picture = np.full((_ABOVE + rows + band + _BELOW, _LEFT + columns + 8), _PAPER, np.uint8)
    field = picture[_ABOVE : _ABOVE + rows, _LEFT : _LEFT + columns]
    for key in range(low, high + 1):
        top = (high - key) * _KEY_HEIGHT
        pitch_class = (key + LOWEST_PITCH) % 12
        field[top : top + _KEY_HEIGHT] = _BLACK_KEY if pitch_class in _BLACK_KEYS else _WHITE_KEY
        if pitch_class == 0:
            field[top + _KEY_HEIGHT - 1] = _OCTAVE
            _write(picture, f"C{(key + LOWEST_PITCH) // 12 - 1}", _ABOVE + top - 2, 6)
    beat = max(piece.frames_per_bar // piece.metre[0], 1)
    for frame in range(start, start + frames, beat):
        field[:, (frame - start) * _FRAME_WIDTH] = _BAR if frame % piece.frames_per_bar == 0 else _BEAT
    end = min(start + frames, len(piece.frames))
    bars = range(start // piece.frames_per_bar, -(-end // piece.frames_per_bar))
    for number in bars[:: max(1, 40 // (piece.frames_per_bar * _FRAME_WIDTH))]:
        left = _LEFT + (number * piece.frames_per_bar - start) * _FRAME_WIDTH
        _write(picture, str(number + 1), _ABOVE + rows + band + 5, left)
    for note in piece.notes():
        left, right = (max(note.start, start) - start) * _FRAME_WIDTH, (min(note.end, end) - start) * _FRAME_WIDTH
        if left < right:
            key = note.pitch - LOWEST_PITCH
            top = (high - key) * _KEY_HEIGHT
            # a note that goes on in the next line touches the edge
            field[top + 1 : top + _KEY_HEIGHT - 1, left : right - (note.end <= end)] = _FIRST_NOTE + key
    for place, level in enumerate(piece.levels()[start:end]):
        height, left = round(_LEVEL_HEIGHT * level), _LEFT + place * _FRAME_WIDTH
        picture[_ABOVE + rows + band - height : _ABOVE + rows + band, left : left + _FRAME_WIDTH - 1] = _INK
    return picture


def _write(picture: Pixels, text: str, top: int, left: int) -> None:
    """Writes a text into a picture; what is right of its edge is cut off."""
    for number, character in enumerate(text):
        bits = [[int(row) >> column & 1 for column in (2, 1, 0)] for row in _GLYPHS[character]]
        glyph = np.kron(np.array(bits, np.uint8), np.ones((2, 2), np.uint8))
        x = left + 8 * number
        part = picture[top : top + len(glyph), x : x + glyph.shape[1]]
        part[glyph[:, : part.shape[1]] == 1] = _INK


def _palette() -> Pixels:
    """The colours, uint8 (96, 3)."""
    palette = np.zeros((_FIRST_NOTE + KEYS, 3), np.uint8)
    palette[: len(_GREYS)] = _GREYS
    # most music lies in the middle of the keyboard
    place = np.clip((np.arange(KEYS) - 15) / 48, 0, 1) * (len(_SPECTRUM) - 1)
    for channel in range(3):
        palette[_FIRST_NOTE:, channel] = np.interp(place, range(len(_SPECTRUM)), [c[channel] for c in _SPECTRUM])
    return palette


def write_png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Returns the content of a PNG file.

    Args:
        pixels: (height, width) for grey, (height, width, 3) for red, green and blue; 0 is dark.

    Source: PNG specification, third edition, chapters 5, 9 and 11.
    """
    height, width = pixels.shape[:2]
    colour_type = 0 if pixels.ndim == 2 else 2
    rows = np.ascontiguousarray(pixels, np.uint8).reshape(height, -1)
    unfiltered = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(unfiltered.tobytes())), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
