"""Weights in 8 bits: how much they lose, and what is left alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rnn_apps.export.quantization import quantize

ARRAYS = hnp.arrays(
    np.float32, st.tuples(st.integers(16, 24), st.integers(16, 24)), elements=st.floats(-100, 100, width=32)
)


@given(ARRAYS)
def test_no_weight_is_off_by_more_than_half_a_step_of_its_row(values):
    numbers, scales, axis = quantize(values)
    shape = [1, 1]
    shape[axis] = -1
    scales = scales.reshape(shape)
    assert numbers.dtype == np.int8
    assert (np.abs(values - numbers * scales) <= 0.5001 * scales + 1e-6).all()


def test_the_axis_that_loses_least_is_taken():
    rows = np.random.default_rng(0).normal(size=(32, 32)).astype(np.float32) * np.geomspace(1, 1000, 32)[:, None]
    for values in (rows.astype(np.float32), rows.T.astype(np.float32)):
        numbers, scales, axis = quantize(values)
        assert axis == (0 if np.ptp(values[:, 0]) > np.ptp(values[0]) else 1)
        found = numbers * (scales[:, None] if axis == 0 else scales)
        np.testing.assert_allclose(found, values, atol=np.abs(values).max() / 254 + 1e-6)
