"""The products: compiled, they compute what their plain bodies say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_apps.kernels import compiler, matmul


@pytest.fixture(scope="module")
def compiled():
    """The products, compiled for float32 arrays."""
    import numba

    compiler._shared()
    product = numba.njit(lambda C, A, panels: matmul.add_product(C, A, panels))
    transposed = numba.njit(lambda C, A, B: matmul.add_transposed_product(C, A, B))
    return product, transposed


@settings(max_examples=15)
@given(m=st.integers(0, 20), k=st.integers(0, 40), n=st.integers(1, 100))
def test_compiled_products(compiled, m, k, n):
    """For any size, also of blocks inside larger arrays, nothing but the result is touched."""
    rng = np.random.default_rng(m + 100 * k + n)
    width = matmul.padded(n)
    B = rng.normal(0, 1, (k, n)).astype(np.float32)
    panels = np.empty((width // matmul.PANEL, k, matmul.PANEL), np.float32)
    matmul.pack(B, panels)
    A = rng.normal(0, 1, (m, k + 3)).astype(np.float32)
    C = rng.normal(0, 1, (m + 1, width + 5)).astype(np.float32)
    expected = C.copy()
    expected[:m, :n] += A[:, :k] @ B
    compiled[0](C[:m, :width], A[:, :k], panels)
    np.testing.assert_allclose(C, expected, atol=1e-4)

    D = rng.normal(0, 1, (m, width)).astype(np.float32)
    total = rng.normal(0, 1, (k, width)).astype(np.float32)
    expected = total + A[:, :k].T @ D
    compiled[1](total, A[:, :k], D)
    np.testing.assert_allclose(total, expected, atol=1e-4)
