"""What stands under the fast path: products, packing, memory, compilation."""

import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import assert_close, results
from rnn_apps.kernels import compiler, matmul, packing, workspace
from rnn_apps.layers import LSTM


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


@given(data=st.data())
@settings(max_examples=20)
def test_packing(data):
    """Each step that counts is packed exactly once, in the order of its row."""
    batch, time = data.draw(st.integers(0, 12)), data.draw(st.integers(0, 6))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    backwards = data.draw(st.booleans())
    mask = rng.random((batch, time)) < 0.6
    parts = packing.split(mask.sum(1), data.draw(st.integers(1, 3)))
    seen = []
    for part in parts:
        index = np.empty(part.count, np.int64)
        packing.index_steps(mask, part.rows, part.alive, backwards, index)
        assert part.alive.sum() == part.count
        starts = np.concatenate([[0], np.cumsum(part.alive)])
        for q, row in enumerate(part.rows):
            steps = [index[starts[s] + q] for s in range(len(part.alive)) if q < part.alive[s]]
            expected = [row * time + t for t in range(time) if mask[row, t]]
            assert steps == (expected[::-1] if backwards else expected)
        seen += list(index)
    assert sorted(seen) == list(np.flatnonzero(mask))
    assert [part.start for part in parts] == [sum(p.count for p in parts[:n]) for n in range(len(parts))]


def test_memory_is_used_again_but_not_while_somebody_reads_it():
    pool = workspace.Pool()
    first = pool.empty(200, 200)
    assert first.ctypes.data % workspace.ALIGNMENT == 0
    view = first[3:5]
    address = first.ctypes.data
    del first
    other = pool.empty(200, 200)
    assert other.ctypes.data != address
    del view
    assert pool.empty(200, 200).ctypes.data == address
    assert len(pool.blocks) == 2


def test_idle_memory_does_not_pile_up():
    """Batches of ever other sizes: what is free and does not fit is given up for what is new."""
    pool = workspace.Pool()
    for rows in range(100, 1000, 50):
        pool.empty(rows, 1000)
    assert len(pool.blocks) <= 2


def test_results_do_not_depend_on_the_rows_beside():
    """One row alone and among 63 others: the same bits."""
    layer = LSTM(20, return_sequences=True)
    x = np.random.default_rng(0).normal(0, 1, (64, 11, 7)).astype(np.float32)
    np.testing.assert_array_equal(np.array(layer(x))[5], np.array(layer(x[5:6]))[0])


@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_any_number_of_threads(threads, monkeypatch):
    layer = LSTM(9, return_sequences=True)
    x = np.random.default_rng(0).normal(0, 1, (50, 8, 7)).astype(np.float32)
    expected = results(layer, x, generic=True)
    monkeypatch.setenv("RNNAPPS_THREADS", threads)
    found = results(layer, x)
    assert_close(found[0], expected[0], 1e-5)
    assert_close(found[1], expected[1], 1e-4)


def test_compiled_once_and_kept(monkeypatch, tmp_path, caplog):
    """The first time there is a message; the machine code lies in the folder that was named."""
    monkeypatch.setenv("RNNAPPS_CACHE", str(tmp_path))
    for function in (compiler._cell, compiler._shared, compiler.kept_in):
        function.cache_clear()
    try:
        from rnn_apps.layers import simple_rnn

        steps = simple_rnn.forward_step, simple_rnn.backward_step
        with caplog.at_level(logging.WARNING, logger="rnn_apps"):
            compiler.load("SimpleRNN", steps, {"activate": "linear"})
            compiler.load("SimpleRNN", steps, {"activate": "linear"})
        assert len(caplog.records) == 1
        assert "once" in caplog.text
        compiler._cell.cache_clear()
        again = compiler.load("SimpleRNN", steps, {"activate": "linear"})
        assert sum(again.forward.stats.cache_hits.values()) == 1
        assert len(caplog.records) == 1
        assert [*tmp_path.rglob("*.nbc")]
    finally:
        for function in (compiler._cell, compiler._shared, compiler.kept_in):
            function.cache_clear()


def test_a_cache_that_cannot_be_written(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("RNNAPPS_CACHE", str(blocked))
    compiler.kept_in.cache_clear()
    try:
        assert tmp_path not in compiler.kept_in(()).parents
        assert compiler.kept_in(()).is_dir()
    finally:
        compiler.kept_in.cache_clear()


def test_importing_the_layers_loads_no_compiler(run_python):
    result = run_python("import sys, rnn_apps.layers; print('numba' in sys.modules)")
    assert result.stdout.strip() == "False", result.stderr


def test_without_numba_the_generic_path_runs(monkeypatch):
    layer, x = LSTM(3), np.ones((2, 4, 3), np.float32)
    expected = layer(x)
    monkeypatch.setattr(compiler, "available", lambda: False)
    np.testing.assert_allclose(layer(x), expected, atol=1e-6)


BACKEND = """
import numpy as np, keras
from rnn_apps.layers import LSTM, GRU, SimpleRNN, Bidirectional, Deep
rng = np.random.default_rng(0)
x = rng.normal(0, 1, (4, 6, 3)).astype("f")
mask = np.arange(6) < np.array([6, 0, 3, 1])[:, None]
layer = Deep([Bidirectional(LSTM(4, return_sequences=True)), GRU(8, return_sequences=True),
              SimpleRNN(3, activation="relu", output_units=2)], residual=True)
layer.build(x.shape)
layer.set_weights([rng.normal(0, 0.5, w.shape) for w in layer.get_weights()])
backend = keras.backend.backend()
if backend == "tensorflow":
    import tensorflow as tf
    with tf.GradientTape() as tape:
        y = layer(x, mask=mask)
        loss = tf.reduce_sum(tf.sin(y))
    gradients = tape.gradient(loss, [v.value for v in layer.trainable_variables])
elif backend == "jax":
    import jax
    values = [v.value for v in layer.trainable_variables]
    run = lambda values: layer.stateless_call(values, [], x, mask=mask)[0]
    y, gradients = run(values), jax.grad(lambda values: keras.ops.sum(keras.ops.sin(run(values))))(values)
else:
    y = layer(x, mask=mask)
    keras.ops.sum(keras.ops.sin(y)).backward()
    gradients = [v.value.grad for v in layer.trainable_variables]
np.savez(__import__("sys").argv[1], *[keras.ops.convert_to_numpy(v) for v in (y, *gradients)])
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends(backend, run_python, tmp_path):
    """The same outputs and gradients with KERAS_BACKEND=jax and torch, where they are installed."""
    pytest.importorskip(backend)
    found = []
    for name in (backend, "tensorflow"):
        result = run_python(BACKEND, tmp_path / f"{name}.npz", KERAS_BACKEND=name)
        assert result.status == 0, result.stderr
        found.append(list(np.load(tmp_path / f"{name}.npz").values()))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5, rtol=1e-4)
