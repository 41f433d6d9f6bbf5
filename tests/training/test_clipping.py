"""Clipping: its equations, gradients of embeddings, and a run that explodes without it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_apps.errors import ConfigError
from rnn_apps.layers import SimpleRNN
from rnn_apps.training.clipping import KINDS, clip_gradients

RNG = np.random.default_rng(0)
VARIABLES = [tf.Variable(RNG.normal(0, 1, shape).astype(np.float32)) for shape in ((4, 3), (3,), (6, 2))]
GRADIENTS = [tf.constant(RNG.normal(0, 2, shape).astype(np.float32)) for shape in ((4, 3), (3,), (6, 2))]


def norm(*arrays):
    return np.sqrt(sum(np.sum(np.square(np.asarray(a, np.float64))) for a in arrays))


def clip(kind, threshold, gradients=GRADIENTS):
    run = tf.function(lambda: clip_gradients(gradients, VARIABLES, kind, threshold))
    clipped, global_norm, changed = run()
    return (
        [None if c is None else np.array(tf.convert_to_tensor(c)) for c in clipped],
        float(global_norm),
        bool(changed),
    )


def test_by_value():
    clipped, global_norm, changed = clip("value", 0.5)
    assert changed
    assert global_norm == pytest.approx(norm(*GRADIENTS), rel=1e-6)
    for found, gradient in zip(clipped, GRADIENTS, strict=True):
        np.testing.assert_array_equal(found, np.clip(gradient, -0.5, 0.5))


def test_by_norm_treats_each_array_by_itself():
    smallest, *_, largest = sorted(range(3), key=lambda n: norm(GRADIENTS[n]))
    threshold = norm(GRADIENTS[smallest]) * 1.01
    clipped, _, changed = clip("norm", threshold)
    assert changed
    np.testing.assert_array_equal(clipped[smallest], GRADIENTS[smallest])
    factor = threshold / norm(GRADIENTS[largest])
    np.testing.assert_allclose(clipped[largest], np.array(GRADIENTS[largest]) * factor, rtol=1e-5)


@settings(max_examples=20)
@given(threshold=st.floats(0.01, 100))
def test_by_global_norm_keeps_the_direction(threshold):
    clipped, _, changed = clip("global_norm", threshold)
    factor = min(1.0, threshold / norm(*GRADIENTS))
    assert changed == (factor < 1)
    assert norm(*clipped) <= threshold * (1 + 1e-5)
    for found, gradient in zip(clipped, GRADIENTS, strict=True):
        np.testing.assert_allclose(found, np.array(gradient) * factor, rtol=1e-5)


def test_adaptive_compares_each_unit_with_its_weights():
    clipped, _, changed = clip("adaptive", 0.1)
    assert changed
    for found, gradient, variable in zip(clipped, GRADIENTS, VARIABLES, strict=True):
        g, w = (np.atleast_2d(np.asarray(v).T) for v in (gradient, variable.numpy()))
        allowed = 0.1 * np.maximum(np.linalg.norm(w, axis=1), 1e-3)
        size = np.linalg.norm(g, axis=1)
        expected = g * np.minimum(1, allowed / size)[:, None]
        np.testing.assert_allclose(np.atleast_2d(found.T), expected, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_small_gradients_stay_as_they_are(kind):
    small = [gradient * 1e-6 for gradient in GRADIENTS]
    clipped, _, changed = clip(kind, 1.0, small)
    assert not changed
    for found, gradient in zip(clipped, small, strict=True):
        np.testing.assert_array_equal(found, gradient)


@pytest.mark.parametrize("kind", KINDS)
def test_an_embedding_is_clipped_as_its_dense_gradient_would_be(kind):
    """A token that occurs twice has one gradient, the sum; rows that do not occur have none."""
    rows = tf.constant(RNG.normal(0, 3, (4, 2)).astype(np.float32))
    sparse = tf.IndexedSlices(rows, tf.constant([1, 5, 1, 2]), tf.constant([6, 2]))
    dense = np.zeros((6, 2), np.float32)
    np.add.at(dense, [1, 5, 1, 2], rows)
    found, global_norm, _ = clip(kind, 0.7, [None, None, sparse])
    assert found[:2] == [None, None]
    assert global_norm == pytest.approx(norm(dense), rel=1e-5)
    if kind == "adaptive":
        # a token is a unit: the units of a dense kernel are its columns, so the transposes are compared
        table = [*VARIABLES[:2], tf.Variable(tf.transpose(VARIABLES[2]))]
        expected = np.array(clip_gradients([None, None, tf.constant(dense.T)], table, kind, 0.7)[0][2]).T
    else:
        expected = clip(kind, 0.7, [None, None, tf.constant(dense)])[0][2]
    np.testing.assert_allclose(found[2], expected, rtol=1e-5)


def test_without_clipping_the_norm_is_still_told():
    clipped, global_norm, changed = clip(None, 0.0)
    assert not changed
    assert global_norm == pytest.approx(norm(*GRADIENTS), rel=1e-6)
    np.testing.assert_array_equal(clipped[0], GRADIENTS[0])


def test_a_norm_that_is_not_a_number_is_told():
    _, global_norm, _ = clip("global_norm", 1.0, [GRADIENTS[0] * np.nan, None, None])
    assert np.isnan(global_norm)


def test_bad_arguments():
    with pytest.raises(ConfigError, match=r"global_norm.*Received: 'globalnorm'\. Did you mean 'global_norm'"):
        clip_gradients(GRADIENTS, VARIABLES, "globalnorm", 1.0)
    with pytest.raises(ConfigError, match=r"above 0\. Received: 0"):
        clip_gradients(GRADIENTS, VARIABLES, "norm", 0)


def exploding_run(kind, threshold):
    """Losses of 40 steps of a linear network over 30 steps of time whose recurrent kernel starts too large."""
    keras.utils.set_random_seed(0)
    layer = SimpleRNN(8, activation="linear", recurrent_initializer=keras.initializers.Orthogonal(1.15))
    read = keras.layers.Dense(1)
    x = np.random.default_rng(1).normal(0, 1, (32, 30, 2)).astype(np.float32)
    target = x[:, -1, :1]
    layer.build(x.shape)
    read.build((None, 8))
    optimizer = keras.optimizers.SGD(0.01)
    variables = [*layer.trainable_variables, *read.trainable_variables]
    losses = []
    for _ in range(40):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((read(layer(x, training=True)) - target) ** 2)
        gradients = tape.gradient(loss, [v.value for v in variables])
        optimizer.apply(clip_gradients(gradients, variables, kind, threshold)[0], variables)
        losses.append(float(loss))
    return losses


@pytest.mark.parametrize(
    ("kind", "threshold"), [("value", 0.1), ("norm", 1.0), ("global_norm", 1.0), ("adaptive", 0.1)]
)
def test_clipping_rescues_a_run_that_explodes(kind, threshold):
    assert not np.isfinite(exploding_run(None, 0)[-1])
    rescued = exploding_run(kind, threshold)
    assert np.isfinite(rescued).all()
    assert rescued[-1] < 0.1 * rescued[0]
