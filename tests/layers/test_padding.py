"""Padding is inert: right padding of any length, alone or among others, an empty row, a sequence cut in two."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import assert_close, right_padded
from rnn_apps.layers import GRU, LSTM, Bidirectional, Deep, MaskedPooling, SimpleRNN

SEQUENCES = {"return_sequences": True, "return_state": True}
LAYERS = {
    "SimpleRNN": lambda: SimpleRNN(4, output_units=3, **SEQUENCES),
    "GRU": lambda: GRU(4, **SEQUENCES),
    "GRU reset before": lambda: GRU(4, reset_after=False, **SEQUENCES),
    "LSTM": lambda: LSTM(4, **SEQUENCES),
    "LSTM relevance gate": lambda: LSTM(4, relevance_gate=True, layer_normalization=True, **SEQUENCES),
    "bi-LSTM": lambda: Bidirectional(LSTM(4, **SEQUENCES)),
    "deep bi-GRU": lambda: Deep([Bidirectional(GRU(4, **SEQUENCES)), GRU(8, **SEQUENCES)], residual=True),
    "bi-deep": lambda: Bidirectional(Deep([LSTM(4, **SEQUENCES), GRU(3, **SEQUENCES)])),
    "backwards": lambda: Bidirectional(GRU(4, go_backwards=True, **SEQUENCES)),
}


def built(name, features=3, seed=0):
    layer = LAYERS[name]()
    layer.build((None, None, features))
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(0, 0.6, w.shape) for w in layer.get_weights()])
    return layer, rng


def gradients_of(layer, x, mask, upstream):
    """Outputs, final states, and gradients of x and the weights under given gradients of all outputs."""
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = layer(x, mask=mask)
        loss = sum(tf.reduce_sum(output * value) for output, value in zip(outputs, upstream, strict=True))
    sources = [x, *(v.value for v in layer.trainable_variables)]
    return [np.array(v) for v in outputs], tape.gradient(loss, sources, unconnected_gradients="zero")


@pytest.mark.parametrize("name", LAYERS)
@settings(max_examples=5)
@given(data=st.data())
def test_padding_is_inert(name, data):
    """Every row length from 0 to T: a row in a padded batch, with padding of any content and length, as by itself."""
    layer, rng = built(name)
    time = data.draw(st.integers(1, 5))
    padding = data.draw(st.integers(0, 3))
    lengths = rng.permutation(time + 1)
    rows = len(lengths)
    x = rng.normal(0, 1, (rows, time + padding, 3)).astype(np.float32)
    mask = right_padded(lengths, time + padding)
    width = layer.compute_output_spec(tf.keras.KerasTensor((rows, time + padding, 3)))[0].shape[-1]
    upstream = [rng.normal(0, 1, (rows, time + padding, width)).astype(np.float32)]
    upstream += [rng.normal(0, 1, (rows, size)).astype(np.float32) for size in layer.state_sizes]
    (y, *states), (dx, *dweights) = gradients_of(layer, x, mask, upstream)
    assert not np.any(y[~mask])
    assert not np.any(np.array(dx)[~mask])
    totals = [0.0] * len(dweights)
    for row, length in enumerate(lengths):
        alone = [values[row : row + 1] for values in upstream]
        alone[0] = alone[0][:, :length]
        (y1, *states1), (dx1, *dweights1) = gradients_of(layer, x[row : row + 1, :length], None, alone)
        np.testing.assert_allclose(y[row : row + 1, :length], y1, atol=1e-6)
        for state, state1 in zip(states, states1, strict=True):
            np.testing.assert_allclose(state[row : row + 1], state1, atol=1e-6)
        np.testing.assert_allclose(dx[row : row + 1, :length], dx1, atol=1e-5)
        totals = [total + np.array(value) for total, value in zip(totals, dweights1, strict=True)]
    for found, total in zip(dweights, totals, strict=True):
        np.testing.assert_allclose(found, total, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["SimpleRNN", "GRU", "GRU reset before", "LSTM"])
@settings(max_examples=5)
@given(cut=st.integers(0, 6))
def test_chunks_equal_the_whole(name, cut):
    """Streaming: the final state of one chunk goes into the next; outputs, states and gradients are the same."""
    layer, rng = built(name)
    x = tf.constant(rng.normal(0, 1, (5, 6, 3)).astype(np.float32))
    mask = right_padded([6, 0, 3, 2, 5], 6)
    results = []
    for chunks in ([slice(0, 6)], [slice(0, cut), slice(cut, 6)]):
        with tf.GradientTape() as tape:
            tape.watch(x)
            states, outputs = None, []
            for chunk in chunks:
                y, *states = layer(x[:, chunk], initial_state=states, mask=mask[:, chunk])
                outputs.append(y)
            y = tf.concat(outputs, 1)
            loss = tf.reduce_sum(tf.sin(y)) + sum(tf.reduce_sum(state**2) for state in states)
        gradients = tape.gradient(loss, [x, *(v.value for v in layer.trainable_variables)])
        results.append([np.array(v) for v in (y, *states, *gradients)])
    assert_close(results[1], results[0], 1e-5)


def test_a_row_may_be_long_and_the_others_empty():
    layer, rng = built("LSTM")
    x = rng.normal(0, 1, (30, 9, 3)).astype(np.float32)
    mask = right_padded([0] * 29 + [9], 9)
    y, *states = layer(x, mask=mask)
    alone, *states1 = layer(x[29:])
    assert not np.any(np.array(y)[:29])
    np.testing.assert_allclose(y[29:], alone, atol=1e-6)
    np.testing.assert_allclose(states[0][29:], states1[0], atol=1e-6)
    assert not np.any(np.array(states[0])[:29])


@pytest.mark.parametrize("mask", [None, "right", "holes"])
def test_pooling(mask):
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (4, 5, 3)).astype(np.float32)
    masks = {
        None: np.ones((4, 5), bool),
        "right": right_padded([5, 0, 2, 1], 5),
        "holes": np.array([[0, 1, 0, 1, 0], [0, 0, 0, 0, 0], [1, 0, 0, 0, 1], [1, 1, 1, 1, 1]], bool),
    }
    kinds = ("max", "mean", "last", "first")
    pooled = np.array(MaskedPooling(kinds)(x, mask=None if mask is None else masks[mask]))
    for row in range(4):
        steps = x[row][masks[mask][row]]
        expected = [steps.max(0), steps.mean(0), steps[-1], steps[0]] if len(steps) else np.zeros((4, 3))
        np.testing.assert_allclose(pooled[row], np.concatenate(expected), atol=1e-6)
