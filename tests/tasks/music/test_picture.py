"""The piano roll: a valid PNG whose pixels are the notes."""

import struct
import zlib

import numpy as np
import pytest

from rnn_apps.tasks.music.picture import png_bytes
from rnn_apps.tasks.music.piece import KEYS, Note, Piece, frames_of
from rnn_apps.tasks.music.sample import pieces


def read_png(content):
    """(height, width) palette numbers of an unfiltered PNG with a palette, its check sums verified."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, place = {}, 8
    while place < len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        name, body = content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        assert zlib.crc32(name + body) == struct.unpack(">I", content[place + 8 + length : place + 12 + length])[0]
        chunks[name] = body
        place += 12 + length
    assert list(chunks) == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]
    width, height, *kind = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert kind == [8, 3, 0, 0, 0]
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not rows[:, 0].any()
    assert rows.max() < len(chunks[b"PLTE"]) // 3
    return rows[:, 1:]


def colours(pixels):
    return {int(number) - 8 + 21 for number in np.unique(pixels) if number >= 8}


def test_every_pitch_has_its_colour_and_place():
    piece = Piece("x", frames_of([Note(60, 0, 4), Note(64, 4, 8), Note(67, 8, 16)], 16))
    pixels = read_png(png_bytes(piece))
    assert colours(pixels) == {60, 64, 67}
    rows, columns = {}, {}
    for pitch in (60, 64, 67):
        rows[pitch], columns[pitch] = (places.mean() for places in np.nonzero(pixels == pitch - 21 + 8))
    assert rows[60] > rows[64] > rows[67]
    assert columns[60] < columns[64] < columns[67]
    assert (rows[60] - rows[64]) / 4 == pytest.approx((rows[64] - rows[67]) / 3)
    assert (pixels == 67 - 21 + 8).sum() > 1.9 * (pixels == 64 - 21 + 8).sum()


def test_a_long_piece_takes_several_lines_of_one_width():
    short = read_png(png_bytes(Piece("x", frames_of([Note(60, 0, 240)], 240))))
    long = read_png(png_bytes(Piece("x", frames_of([Note(60, 0, 250)], 250))))
    assert long.shape == (2 * short.shape[0], short.shape[1])


@pytest.mark.parametrize(
    "piece",
    [
        Piece("nothing", np.zeros((0, KEYS), np.uint8)),
        Piece("silence", np.zeros((7, KEYS), np.uint8)),
        Piece("all keys", np.ones((3, KEYS), np.uint8), articulated=False),
        Piece("a long bar", frames_of([Note(60, 0, 2000)], 2000), metre=(255, 4)),
        Piece("no bars", frames_of([Note(60, 0, 999)], 999), frames_per_quarter=1, metre=(1, 32)),
        pieces()[0],
    ],
    ids=lambda piece: piece.name,
)
def test_any_piece_can_be_drawn(piece):
    assert colours(read_png(png_bytes(piece))) == {note.pitch for note in piece.notes()}
