"""The gradient through time is that of TensorFlow's tape; integrated gradients add up."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.backward import gradient_through_time, integrated_gradients
from rnn_apps.errors import ConfigError
from rnn_apps.inference.cases import Axis, Case, Score
from rnn_apps.layers import CELLS, LSTM, Bidirectional, Deep, Embedding, MaskedPooling
from rnn_apps.layers.observation import first_layers, recurrent_parts
from rnn_apps.layers.paths import generic_path
from rnn_apps.training.losses import summed_cross_entropy

TOKENS = np.array([[3, 1, 4, 1, 5, 9, 2, 6]], np.int32)


class Network:
    def loss(self, outputs, batch):
        return summed_cross_entropy(outputs["logits"], batch["label"])


def classifier(cell, seed=0):
    """Two bidirectional layers and a pooling over time."""
    keras.utils.set_random_seed(seed)
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    x = Embedding(12, 5, embeddings_initializer="random_normal", mask_zero=True)(tokens)
    x = Deep([Bidirectional(cell(4, return_sequences=True)) for _ in range(2)], name="encoder")(x)
    x = MaskedPooling(("max", "mean"))(x)
    model = keras.Model({"tokens": tokens}, {"logits": keras.layers.Dense(3, name="logits")(x)})
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(0, 0.7, weight.shape) for weight in model.get_weights()])
    return model


@pytest.fixture
def case():
    arrays = {"tokens": TOKENS, "label": np.array([1], np.int32)}
    scores = tuple(Score(f"class {number}", ((number,),)) for number in range(3))
    return Case("an input", "class 1", (Axis("tokens", tuple("abcdefgh")),), arrays, scores)


@pytest.mark.parametrize("cell", CELLS)
def test_the_gradient_is_that_of_the_tape(cell, case):
    model = classifier(CELLS[cell])
    found = gradient_through_time(model, Network(), case)
    with generic_path():  # plain operations of TensorFlow, whose gradient is the tape's own
        expected = gradient_through_time(model, Network(), case)
    assert [layer.name for layer in found] == [
        "layer 1, forward",
        "layer 1, backward",
        "layer 2, forward",
        "layer 2, backward",
    ]
    for own, other in zip(found, expected, strict=True):
        assert own.norms.min() > 0
        np.testing.assert_allclose(own.norms, other.norms, rtol=1e-5, atol=1e-8)


def test_the_gradient_is_that_of_a_loss_with_a_moved_state(case):
    """By differences: the state after each step of a single layer is moved by a little."""
    keras.utils.set_random_seed(1)
    x = keras.Input((None, 3), name="x")
    layer = LSTM(4)
    model = keras.Model({"x": x}, {"logits": keras.layers.Dense(3)(layer(x))})
    rows = np.random.default_rng(0).normal(size=(1, 6, 3)).astype(np.float32)
    own = Case("", "", (Axis("x", tuple("abcdef")),), {"x": rows, "label": np.array([2], np.int32)}, ())
    (found,) = gradient_through_time(model, Network(), own)

    def loss_from(step, hidden, cell):
        states = [tf.constant(hidden[None], tf.float32), tf.constant(cell[None], tf.float32)]
        if step < 5:
            with generic_path():
                final = layer(rows[:, step + 1 :], initial_state=states)
        else:
            final = states[0]
        logits = model.layers[-1](final)
        return float(summed_cross_entropy(logits, tf.constant([2]))[0])

    states = [np.zeros(4), np.zeros(4)]
    for step in range(6):
        new, _ = layer.step(rows[:, step], [tf.constant(s.reshape(1, -1), tf.float32) for s in states], None)
        states = [value.numpy()[0].astype(np.float64) for value in new]
        slopes = []
        for unit in range(4):
            moved = [states[0] + sign * 1e-2 * np.eye(4)[unit] for sign in (1, -1)]
            slopes.append((loss_from(step, moved[0], states[1]) - loss_from(step, moved[1], states[1])) / 2e-2)
        assert np.linalg.norm(slopes) == pytest.approx(found.norms[step], rel=2e-2, abs=1e-4)


def test_the_model_answers_as_before_when_nobody_looks(case):
    model = classifier(LSTM)
    before = model({"tokens": TOKENS})["logits"].numpy()
    gradient_through_time(model, Network(), case)
    integrated_gradients(model, case)
    np.testing.assert_array_equal(model({"tokens": TOKENS})["logits"].numpy(), before)


@pytest.mark.parametrize("cell", CELLS)
def test_contributions_add_up_to_the_difference_in_the_logit(cell, case):
    model = classifier(CELLS[cell])
    found = integrated_gradients(model, case)
    logits = model({"tokens": TOKENS})["logits"].numpy()[0]
    table = model.layers[1]
    saved = table.get_weights()
    table.set_weights([np.zeros_like(saved[0])])
    silent = model({"tokens": TOKENS})["logits"].numpy()[0]
    table.set_weights(saved)
    np.testing.assert_allclose(found.totals, logits - silent, atol=1e-4)
    np.testing.assert_allclose(found.values[0].sum(axis=1), found.totals, rtol=3e-2, atol=1e-2)
    np.testing.assert_allclose(found.errors, np.abs(found.values[0].sum(axis=1) - found.totals), atol=1e-9)
    assert found.values[0].shape == (3, 8)


def test_what_is_linear_is_explained_exactly():
    x = keras.Input((None, 2), name="x")
    layer = CELLS["simple_rnn"](3, activation=None, use_bias=False)
    model = keras.Model({"x": x}, {"logits": keras.layers.Dense(2, use_bias=False)(layer(x))})
    rows = np.random.default_rng(0).normal(size=(1, 5, 2)).astype(np.float32)
    own = Case("", "", (Axis("x", tuple("abcde")),), {"x": rows}, (Score("first", ((0,),)),))
    found = integrated_gradients(model, own)
    for step in range(5):
        alone = np.zeros_like(rows)
        alone[0, step] = rows[0, step]
        assert found.values[0][0, step] == pytest.approx(float(model({"x": alone})["logits"][0, 0]), abs=1e-5)


def test_a_model_without_a_recurrent_layer_says_so(case):
    x = keras.Input((4,), name="x")
    model = keras.Model({"x": x}, {"logits": keras.layers.Dense(2)(x)})
    with pytest.raises(ConfigError, match="no recurrent layer"):
        integrated_gradients(model, case)


def test_first_layers_are_those_that_read_no_other(case):
    x, z = keras.Input((None, 3), name="x"), keras.Input((None, 3), name="z")
    first, second, other = (CELLS["gru"](4, return_sequences=True, name=name) for name in ("one", "two", "three"))
    y = second(keras.layers.Dense(2)(first(x)))
    model = keras.Model({"x": x, "z": z}, {"y": keras.layers.Concatenate()([y, other(z)])})
    assert {layer.name for layer in first_layers(model)} == {"one", "three"}
    assert {(part.layer.name, part.number) for part in recurrent_parts(model)} == {("one", 1), ("two", 2), ("three", 1)}
