"""The ways through time: threads, other backends, and no compiler at all."""

import numpy as np
import pytest

from helpers import assert_close, results
from rnn_apps.kernels import compiler
from rnn_apps.layers import LSTM


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
