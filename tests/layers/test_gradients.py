"""The compiled backward pass against automatic differentiation, and both against finite differences in float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import assert_close, results, right_padded
from rnn_apps.layers import GRU, LSTM, Bidirectional, SimpleRNN

FAST = {
    "SimpleRNN": lambda **kw: SimpleRNN(7, **kw),
    "SimpleRNN relu": lambda **kw: SimpleRNN(7, activation="relu", **kw),
    "SimpleRNN with output": lambda **kw: SimpleRNN(7, output_units=2, output_activation="tanh", **kw),
    "GRU": lambda **kw: GRU(7, **kw),
    "LSTM": lambda **kw: LSTM(7, **kw),
    "LSTM linear output": lambda **kw: LSTM(7, output_activation=None, **kw),
}


@pytest.mark.parametrize("name", FAST)
@settings(max_examples=12)
@given(data=st.data())
def test_compiled_equals_automatic_differentiation(name, data):
    """Any mask, holes included; batches from none to more than two threads' worth; with and without states."""
    batch, time = data.draw(st.integers(0, 40)), data.draw(st.integers(1, 9))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    layer = FAST[name](
        return_sequences=data.draw(st.booleans()),
        return_state=data.draw(st.booleans()),
        go_backwards=data.draw(st.booleans()),
        bias_initializer="normal",
    )
    if data.draw(st.booleans()):
        layer = Bidirectional(layer, merge_mode=data.draw(st.sampled_from(["concat", "sum", "ave", "mul"])))
    x = rng.normal(0, 1, (batch, time, 3)).astype(np.float32)
    mask = data.draw(st.sampled_from(["none", "right", "holes"]))
    mask = {
        "none": None,
        "right": right_padded(rng.integers(0, time + 1, batch), time),
        "holes": rng.random((batch, time)) < 0.6,
    }[mask]
    states = None
    if data.draw(st.booleans()):
        states = [rng.normal(0, 1, (batch, size)).astype(np.float32) for size in layer.state_sizes]
    layer.build(x.shape)
    training = data.draw(st.sampled_from([None, True, False]))
    found = results(layer, x, mask, states, training=training)
    expected = results(layer, x, mask, states, generic=True)
    assert_close(found[0], expected[0], 1e-5)
    assert_close(found[1], expected[1], 1e-4)


@pytest.mark.parametrize("units", [16, 31, 33, 64, 100])
@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_widths_beside_whole_panels(kind, units):
    rng = np.random.default_rng(units)
    layer = Bidirectional(kind(units, return_sequences=True))
    x = rng.normal(0, 1, (19, 12, 45)).astype(np.float32)
    layer.build(x.shape)
    mask = right_padded(rng.integers(0, 13, 19), 12)
    found, expected = (results(layer, x, mask, generic=generic) for generic in (False, True))
    assert_close(found[0], expected[0], 1e-5)
    assert_close(found[1], expected[1], 1e-4)


@pytest.mark.parametrize(
    "layer",
    [
        LSTM(3, relevance_gate=True, output_activation=None, dtype="float64"),
        LSTM(3, layer_normalization=True, dtype="float64"),
        GRU(3, reset_after=False, zoneout=0.2, dtype="float64"),
        GRU(3, dtype="float64"),
        SimpleRNN(3, output_units=2, output_activation="sigmoid", dtype="float64"),
    ],
    ids=lambda layer: layer.name,
)
def test_generic_against_finite_differences(layer):
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (2, 3, 2))
    layer.build(x.shape)
    for weight in layer.weights:
        weight.assign(rng.normal(0, 1, weight.shape))

    point = tf.Variable(x)

    @tf.function
    def loss():
        return tf.reduce_sum(tf.sin(layer(point, mask=np.array([[True] * 3, [True, True, False]]))))

    with tf.GradientTape() as tape:
        value = loss()
    variables = [point, *(v.value for v in layer.trainable_variables)]
    for variable, gradient in zip(variables, tape.gradient(value, variables), strict=True):
        start = variable.numpy()
        for position in np.ndindex(start.shape):
            sides = []
            for step in (-1e-6, 1e-6):
                moved = start.copy()
                moved[position] += step
                variable.assign(moved)
                sides.append(float(loss()))
            variable.assign(start)
            assert float(gradient[position]) == pytest.approx((sides[1] - sides[0]) / 2e-6, rel=1e-5, abs=1e-7)


def test_a_gradient_after_a_pass_that_kept_nothing():
    """With training=False nothing is kept; a gradient that is asked for all the same is right."""
    layer = LSTM(6, return_sequences=True)
    x = np.random.default_rng(0).normal(0, 1, (5, 7, 3)).astype(np.float32)
    layer.build(x.shape)
    kept, not_kept = (results(layer, x, training=training) for training in (True, False))
    for a, b in zip(kept[1], not_kept[1], strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_persistent_tape_may_ask_twice():
    layer = GRU(6)
    x = tf.constant(np.random.default_rng(0).normal(0, 1, (5, 7, 3)).astype(np.float32))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = tf.reduce_sum(layer(x, training=True))
    np.testing.assert_array_equal(tape.gradient(y, x), tape.gradient(y, x))


@pytest.mark.parametrize("kind", [LSTM, GRU, SimpleRNN])
def test_not_a_number_comes_through(kind):
    layer = kind(4, return_sequences=True)
    x = np.ones((2, 5, 3), np.float32)
    x[1, 2, 0] = np.nan
    y = np.array(layer(x))
    assert np.isfinite(y[0]).all()
    assert np.isfinite(y[1, :2]).all()
    assert np.isnan(y[1, 2:]).all()


def test_dropout_gradients_flow():
    """With dropout on its inputs a layer trains: gradients are finite and not zero."""
    keras.utils.set_random_seed(0)
    layer = Bidirectional(LSTM(6, return_sequences=True, dropout=0.5, recurrent_dropout=0.2))
    x = np.random.default_rng(0).normal(0, 1, (5, 7, 3)).astype(np.float32)
    layer.build(x.shape)
    _, gradients = results(layer, x, training=True)
    assert all(np.isfinite(gradient).all() and gradient.any() for gradient in gradients)
