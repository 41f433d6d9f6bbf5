"""The piano roll: its pixels are the notes."""

import io

import matplotlib.image
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image as Pillow

from rnn_apps.tasks.music.sample import pieces
from rnn_apps.tasks.music.scores.piece import KEYS, Note, Piece, frames_of
from rnn_apps.tasks.music.sound.picture import draw, png_bytes, write_png


def colours(pixels):
    """The pitches whose colours there are."""
    return {int(number) - 8 + 21 for number in np.unique(pixels) if number >= 8}


def test_every_pitch_has_its_colour_and_place():
    piece = Piece("x", frames_of([Note(60, 0, 4), Note(64, 4, 8), Note(67, 8, 16)], 16))
    pixels = draw(piece)
    assert colours(pixels) == {60, 64, 67}
    rows, columns = {}, {}
    for pitch in (60, 64, 67):
        rows[pitch], columns[pitch] = (places.mean() for places in np.nonzero(pixels == pitch - 21 + 8))
    assert rows[60] > rows[64] > rows[67]
    assert columns[60] < columns[64] < columns[67]
    assert (rows[60] - rows[64]) / 4 == pytest.approx((rows[64] - rows[67]) / 3)
    assert (pixels == 67 - 21 + 8).sum() > 1.9 * (pixels == 64 - 21 + 8).sum()


def test_a_long_piece_takes_several_lines_of_one_width():
    short = draw(Piece("x", frames_of([Note(60, 0, 240)], 240)))
    long = draw(Piece("x", frames_of([Note(60, 0, 250)], 250)))
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
    assert colours(draw(piece)) == {note.pitch for note in piece.notes()}


def test_the_file_is_the_picture_in_colours_low_to_high():
    piece = Piece("x", frames_of([Note(40, 0, 4), Note(80, 4, 8)], 8))
    image, numbers = matplotlib.image.imread(io.BytesIO(png_bytes(piece))), draw(piece)
    assert image.shape == (*numbers.shape, 3)
    low, high = (image[numbers == pitch - 21 + 8] for pitch in (40, 80))
    assert len(np.unique(low, axis=0)) == len(np.unique(high, axis=0)) == 1
    assert low[0, 2] > low[0, 0]
    assert high[0, 0] > high[0, 2]


@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=20)))
def test_a_grey_png_reads_back_as_it_was_written(pixels):
    image = Pillow.open(io.BytesIO(write_png(pixels)))
    assert image.mode == "L"
    np.testing.assert_array_equal(np.asarray(image), pixels)


@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=20).map(lambda shape: (*shape, 3))))
def test_a_coloured_png_reads_back_as_it_was_written(pixels):
    image = Pillow.open(io.BytesIO(write_png(pixels)))
    assert image.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(image), pixels)
