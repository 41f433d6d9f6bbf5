"""Attention by its equations, and padding of the memory, which must not be seen."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_apps.errors import ConfigError
from rnn_apps.layers import Attention, generic_path


def by_hand(layer, query, keys, memory, counts):
    """The equations of the docstring, one query and one step at a time."""
    W = np.asarray(layer.query_kernel)
    contexts = np.zeros((*query.shape[:2], memory.shape[-1]), np.float32)
    weights = np.zeros((*query.shape[:2], memory.shape[1]), np.float32)
    for row in range(len(query)):
        steps = np.flatnonzero(counts[row])
        for t, q in enumerate(query[row]):
            if layer.score == "additive":
                v = np.asarray(layer.score_kernel)[:, 0]
                scores = np.array([v @ np.tanh(q @ W + keys[row, s]) for s in steps])
            else:
                scores = np.array([(q @ W) @ keys[row, s] for s in steps])
            if len(steps):
                weights[row, t, steps] = np.exp(scores) / np.exp(scores).sum()
            contexts[row, t] = weights[row, t] @ memory[row]
    return contexts, weights


@pytest.fixture
def batch():
    rng = np.random.default_rng(1)
    query, keys, memory = (rng.normal(size=size).astype(np.float32) for size in ((3, 4, 5), (3, 6, 7), (3, 6, 2)))
    return query, keys, memory, np.arange(6) < np.array([6, 2, 0])[:, None]


@pytest.mark.parametrize("score", ["additive", "multiplicative"])
def test_the_equations(batch, score):
    layer = Attention(7, score)
    contexts, weights = layer(*batch)
    expected = by_hand(layer, *batch)
    np.testing.assert_allclose(contexts, expected[0], atol=1e-5)
    np.testing.assert_allclose(weights, expected[1], atol=1e-5)
    np.testing.assert_allclose(np.sum(weights, axis=-1)[:2], 1.0, atol=1e-5)
    assert not np.any(np.asarray(contexts)[2])


@pytest.mark.parametrize("score", ["additive", "multiplicative"])
def test_padding_changes_neither_outputs_nor_gradients(batch, score):
    layer = Attention(7, score)
    layer(*batch)

    def run(extra):
        query, keys, memory, counts = batch
        wild = np.full((3, extra, 1), 1e3, np.float32)
        keys = tf.constant(np.concatenate([keys, wild * np.ones((1, 1, 7), np.float32)], axis=1))
        memory = tf.constant(np.concatenate([memory, wild * np.ones((1, 1, 2), np.float32)], axis=1))
        counts = np.concatenate([counts, np.zeros((3, extra), bool)], axis=1)
        with tf.GradientTape() as tape:
            contexts, _ = layer(query, keys, memory, counts)
            loss = tf.reduce_sum(tf.sin(contexts))
        return [contexts, *tape.gradient(loss, [weight.value for weight in layer.trainable_weights])]

    for found, expected in zip(run(5), run(0), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def outputs_and_gradients(layer, batch):
    query, keys, memory = (tf.convert_to_tensor(array) for array in batch[:3])
    with tf.GradientTape() as tape:
        tape.watch([query, keys, memory])
        contexts, weights = layer(query, keys, memory, batch[3])
        loss = tf.reduce_sum(tf.sin(contexts)) + tf.reduce_sum(tf.cos(3 * weights))
    sources = [query, keys, memory, *(weight.value for weight in layer.trainable_weights)]
    return [contexts, weights, *tape.gradient(loss, sources)]


@settings(max_examples=20)
@given(rows=st.integers(1, 5), T=st.integers(1, 4), S=st.integers(2, 6), units=st.integers(1, 40))
def test_the_compiled_loops_are_the_plain_operations(rows, T, S, units):
    """Outputs and all gradients, also those by way of the weights, under any mask."""
    rng = np.random.default_rng([rows, T, S, units])
    sizes = ((rows, T, 3), (rows, S, units), (rows, S, 5))
    batch = (*(rng.normal(size=size).astype(np.float32) for size in sizes), rng.random((rows, S)) < 0.7)
    layer = Attention(units)
    compiled = outputs_and_gradients(layer, batch)
    with generic_path():
        plain = outputs_and_gradients(layer, batch)
    for found, expected in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(found, expected, atol=2e-5)


def test_the_compiled_loops_in_a_graph(batch):
    layer = Attention(7)
    expected = outputs_and_gradients(layer, batch)
    found = tf.function(lambda *arrays: outputs_and_gradients(layer, arrays))(*map(tf.constant, batch))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_any_number_of_threads(batch, threads, monkeypatch):
    """More threads than rows, too; and for one number of threads always the same bits."""
    layer = Attention(7)
    expected = outputs_and_gradients(layer, batch)
    monkeypatch.setenv("RNNAPPS_THREADS", threads)
    first, second = outputs_and_gradients(layer, batch), outputs_and_gradients(layer, batch)
    for a, b, c in zip(first, second, expected, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(a, c, atol=1e-5)


def test_a_batch_without_rows(batch):
    layer = Attention(7)
    layer(*batch)
    found = outputs_and_gradients(layer, [array[:0] for array in batch])
    assert [value.shape for value in found[:2]] == [(0, 4, 2), (0, 4, 6)]
    assert not any(np.any(gradient) for gradient in found[2:])


def test_numbers_of_tokens_do_for_a_mask(batch):
    layer = Attention(7)
    *rest, counts = batch
    tokens = counts * np.array([[9, 4, 1, 3, 3, 2]], np.int32)
    np.testing.assert_array_equal(layer(*rest, tokens)[0], layer(*rest, counts)[0])


def test_saving(batch, tmp_path):
    inputs = [keras.Input(array.shape[1:], dtype=array.dtype.name) for array in batch]
    model = keras.Model(inputs, Attention(7, "multiplicative")(*inputs))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for found, expected in zip(again(batch), model(batch), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_wrong_arguments():
    with pytest.raises(ConfigError, match="Did you mean 'additive'"):
        Attention(7, "aditive")
    with pytest.raises(ConfigError, match="units"):
        Attention(0)
