"""Sequences without their padding."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.layers import RealSteps

X = np.random.default_rng(0).normal(size=(3, 4, 2)).astype(np.float32)
MASK = np.array([[1, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]], bool)


@pytest.mark.parametrize("mask", [MASK, MASK * 7], ids=["mask", "tokens"])
def test_the_steps_that_count_in_their_order(mask):
    found = RealSteps()(X, mask)
    np.testing.assert_array_equal(found, X[MASK])


def test_padding_gets_no_gradient():
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(tf.square(RealSteps()(x, MASK)))
    gradient = tf.convert_to_tensor(tape.gradient(loss, x))
    np.testing.assert_allclose(gradient, 2 * X * MASK[:, :, None])


def test_nothing_counts():
    assert RealSteps()(X, np.zeros_like(MASK)).shape == (0, 2)


def test_in_a_model(tmp_path):
    x, mask = keras.Input((None, 2)), keras.Input((None,), dtype="bool")
    steps = RealSteps()(x, mask)
    assert steps.shape == (None, 2)
    keras.Model([x, mask], steps).save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(again([X, MASK]), X[MASK])
