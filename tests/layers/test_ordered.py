"""Classes that have an order: the layer against brute force, and against its ONNX form."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.errors import ConfigError
from rnn_apps.export import to_onnx
from rnn_apps.inference.session import Session
from rnn_apps.layers import OrderedClasses


def built(classes, seed, features=3, scale=1.0):
    inputs = keras.Input((features,), name="x")
    model = keras.Model({"x": inputs}, {"y": OrderedClasses(classes)(inputs)})
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(0, scale, weight.shape) for weight in model.get_weights()])
    return model


def by_definition(layer, x):
    """P(y > k) for each threshold, and their differences, in float64."""
    kernel, first, gaps = (np.asarray(weight, np.float64) for weight in layer.get_weights())
    thresholds = first + np.concatenate([[0.0], np.cumsum(np.log1p(np.exp(gaps)) + 1e-3)])
    above = 1 / (1 + np.exp(-(x.astype(np.float64) @ kernel - thresholds)))
    bounds = np.concatenate([np.ones((len(x), 1)), above, np.zeros((len(x), 1))], axis=1)
    return -np.diff(bounds, axis=1)


@given(st.integers(2, 7), st.integers(0, 1000))
def test_probabilities_are_those_of_the_definition(classes, seed):
    model = built(classes, seed)
    x = np.random.default_rng(seed).normal(0, 2, (5, 3)).astype(np.float32)
    found = np.exp(np.asarray(model({"x": x})["y"], np.float64))
    np.testing.assert_allclose(found, by_definition(model.layers[-1], x), atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_far_from_every_threshold_no_probability_is_lost():
    model = built(5, 0, scale=3.0)
    found = np.asarray(model({"x": np.array([[300.0, -300, 50], [-300, 300, -50]], np.float32)})["y"])
    assert np.isfinite(found).all()
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1, atol=1e-5)


def test_at_first_all_classes_are_as_likely():
    found = np.asarray(OrderedClasses(4)(np.zeros((1, 6), np.float32)))
    np.testing.assert_allclose(np.exp(found), 0.25, atol=1e-5)


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_the_graph_says_the_same(classes, tmp_path):
    model = built(classes, classes)
    (tmp_path / "model.onnx").write_bytes(to_onnx(model).SerializeToString())
    x = np.random.default_rng(1).normal(0, 5, (9, 3)).astype(np.float32)
    found = Session(tmp_path / "model.onnx").run({"x": x})["y"]
    np.testing.assert_allclose(found, np.asarray(model({"x": x})["y"]), atol=1e-5)


def test_it_is_saved_and_loaded(tmp_path):
    model = built(4, 2)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(np.asarray(loaded({"x": x})["y"]), np.asarray(model({"x": x})["y"]))


def test_one_class_has_no_order():
    with pytest.raises(ConfigError, match="classes to be a whole number of at least 2"):
        OrderedClasses(1)
