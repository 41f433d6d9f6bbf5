"""Functions of one number that compiled loops are made of."""

import numpy as np
import pytest

from rnn_apps.kernels import activations, compiler


def plain(x):
    return np.array([activations.exp(value) for value in x], np.float32)


def compiled(x):
    import numba

    compiler._shared()

    @numba.njit
    def fill(x, y):
        for i in range(len(x)):
            y[i] = activations.exp(x[i])

    y = np.empty_like(x)
    fill(x, y)
    return y


@pytest.mark.parametrize("run", [plain, compiled])
def test_the_exponential(run):
    x = np.linspace(-87, 88, 20_001).astype(np.float32)
    np.testing.assert_allclose(run(x), np.exp(x.astype(np.float64)), rtol=2e-7)


@pytest.mark.parametrize("run", [plain, compiled])
def test_the_exponential_beyond_its_range(run):
    """What is next to nothing stays finite and above zero, and a NaN is not hidden."""
    with np.errstate(invalid="ignore"):
        low, high, zero, nan = run(np.array([-np.inf, 200, 0, np.nan], np.float32))
    assert 0 < low < 1e-37
    assert np.isfinite(high)
    assert zero == 1
    assert np.isnan(nan)
