import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.data.drawing import fit_drawing
from rnn_apps.model import load


@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_an_enlarged_image_that_fills_the_height_comes_back_as_it_was(times, seed):
    image = np.random.default_rng(seed).random((8, 6)).clip(0.2)
    large = np.kron(image, np.ones((times, times)))
    np.testing.assert_allclose(fit_drawing(large, (8, 6), 0), image, atol=1e-6)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 50), st.integers(0, 50), st.integers(0, 4))
def test_whatever_is_drawn_lies_in_the_middle_within_the_margin(height, width, top, left, margin):
    ink = np.zeros((120, 120))
    ink[top : top + height, left : left + width] = 1.0
    small = fit_drawing(ink, (28, 28), margin)
    assert small.dtype == np.float32
    rows, columns = np.flatnonzero(small.any(axis=1)), np.flatnonzero(small.any(axis=0))
    room = 28 - 2 * margin
    assert max(len(rows), len(columns)) == room
    assert abs(rows[0] - (27 - rows[-1])) <= 1
    assert abs(columns[0] - (27 - columns[-1])) <= 1
    assert small.max() == pytest.approx(1.0)


def test_nothing_drawn_is_an_empty_image():
    assert not fit_drawing(np.zeros((20, 30)), (8, 8), 0).any()


def test_a_zero_and_a_one_drawn_at_any_size_are_read():
    model = load("digits")
    y, x = np.mgrid[0:120, 0:160]
    rings, lines = [], []
    for size in (20, 35, 50):
        distance = np.hypot((y - 60) / size, (x - 70) / (0.7 * size))
        rings.append(np.abs(distance - 0.85) < 0.15)
        lines.append((np.abs(y - 60) < size) & (np.abs(x - 70) < size / 6))
    images = [fit_drawing(ink.astype(float), (8, 8), 0) * 16 for ink in (*rings, *lines)]
    assert [prediction.label for prediction in model.predict(images)] == ["0"] * 3 + ["1"] * 3
