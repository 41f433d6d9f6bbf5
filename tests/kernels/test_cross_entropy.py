"""The compiled cross-entropy against TensorFlow's."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_apps.kernels.cross_entropy import cross_entropy


def by_tensorflow(logits, targets, smoothing):
    size = logits.shape[1]
    labels = tf.one_hot(targets, size) * (1 - smoothing) + smoothing / size
    return tf.nn.softmax_cross_entropy_with_logits(labels, logits)


def results(function, logits, targets, smoothing):
    """Losses, and the gradient of their sum weighted differently for each token."""
    logits = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        losses = function(logits, tf.constant(targets), smoothing)
        total = tf.reduce_sum(losses * tf.range(1.0, len(targets) + 1))
    return np.asarray(losses), np.asarray(tape.gradient(total, logits))


@settings(max_examples=30)
@given(tokens=st.integers(0, 20), size=st.integers(2, 70), smoothing=st.sampled_from([0.0, 0.1, 0.7]))
def test_losses_and_gradients(tokens, size, smoothing):
    rng = np.random.default_rng(tokens + 100 * size)
    logits = rng.normal(0, 4, (tokens, size)).astype(np.float32)
    targets = rng.integers(0, size, tokens).astype(np.int32)
    found = results(cross_entropy, logits, targets, smoothing)
    expected = results(by_tensorflow, logits, targets, smoothing)
    np.testing.assert_allclose(found[0], expected[0], atol=1e-4)
    np.testing.assert_allclose(found[1], expected[1], atol=1e-4)


def test_large_logits_neither_overflow_nor_vanish():
    logits = np.array([[1000, 0, -1000], [-1000, 999, 1000]], np.float32)
    losses, gradient = results(cross_entropy, logits, np.array([1, 2], np.int32), 0.0)
    np.testing.assert_allclose(losses, [1000, np.log1p(np.exp(-1))], rtol=1e-5)
    np.testing.assert_allclose(gradient[0], [1, -1, 0], atol=1e-6)


@pytest.mark.parametrize("place", [0, 7, 30])
def test_a_nan_is_not_hidden(place):
    logits = np.zeros((2, 33), np.float32)
    logits[1, place] = np.nan
    losses, _ = results(cross_entropy, logits, np.array([3, 4], np.int32), 0.1)
    assert np.isfinite(losses[0])
    assert np.isnan(losses[1])


def test_in_a_graph():
    """Shapes are known where the graph is traced, and the result is that of a call outside."""
    logits = np.random.default_rng(0).normal(size=(5, 9)).astype(np.float32)
    targets = tf.constant([1, 2, 0, 8, 3])

    @tf.function(input_signature=[tf.TensorSpec([None, 9])])
    def run(logits):
        losses = cross_entropy(logits, targets, 0.1)
        gradient = tf.gradients(losses, logits)[0]
        assert losses.shape.rank == 1
        assert gradient.shape[1] == 9
        return losses, gradient

    losses, gradient = run(tf.constant(logits))
    np.testing.assert_allclose(losses, by_tensorflow(tf.constant(logits), targets, 0.1), atol=1e-5)
    np.testing.assert_allclose(np.sum(gradient, axis=1), 0, atol=1e-6)
