"""Cells that somebody derives: what the parent says of its own equations is not said of new ones."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from rnn_apps.config import CellName
from rnn_apps.errors import ConfigError, ExportError
from rnn_apps.export import to_onnx
from rnn_apps.layers import CELLS, GRU, LSTM, Bidirectional, SimpleRNN, generic_path, to_keras
from rnn_apps.layers.recurrent import Recurrent, equations_of

X = np.random.default_rng(0).normal(0, 1, (3, 5, 4)).astype(np.float32)


class Leaky(SimpleRNN):
    """Half of the old state stays."""

    def step(self, x, states, dropped):
        (new,), gates = super().step(x, states, dropped)
        return [0.5 * states[0] + 0.5 * new], gates


class Negative(GRU):
    """Other products inside the same step."""

    def products(self, x, hidden, columns=slice(None)):
        xW, hU = super().products(x, hidden, columns)
        return -xW, hU


class Named(LSTM):
    """The same equations by another name."""


class Minimal(Recurrent):
    """A minimal gated unit (Zhou et al., arXiv:1603.09420): one gate, in one method."""

    gate_count = 2

    @property
    def gate_names(self):
        return ("forget", "candidate")

    def step(self, x, states, dropped):
        (a,) = states
        xW, hU = self.products(x, a)
        f = ops.sigmoid(xW[:, : self.units] + hU[:, : self.units])
        _, relevant = self.products(x, f * a, slice(self.units, None))
        candidate = self.activation(xW[:, self.units :] + relevant)
        return [(1 - f) * a + f * candidate], {"forget": f, "candidate": candidate}


def model_of(layer):
    x = keras.Input((None, 4), name="x")
    return keras.Model({"x": x}, {"y": layer(x)})


@pytest.mark.parametrize("kind", [Leaky, Negative, Minimal])
def test_new_equations_are_computed_and_not_those_of_the_parent(kind):
    layer = kind(6, return_sequences=True)
    found = np.array(layer(X))
    with generic_path():
        np.testing.assert_allclose(found, layer(X), atol=1e-6)
    assert layer.compiled() is None
    assert equations_of(kind) is kind


def test_the_parents_equations_would_have_differed():
    layer, parent = Leaky(6), SimpleRNN(6)
    layer.build(X.shape)
    parent.build(X.shape)
    parent.set_weights(layer.get_weights())
    assert np.abs(np.array(layer(X)) - np.array(parent(X))).max() > 0.05


@pytest.mark.parametrize("kind", [Leaky, Negative, Minimal])
@pytest.mark.parametrize("wrapped", [False, True])
def test_new_equations_are_no_layer_of_keras_and_no_graph(kind, wrapped):
    layer = Bidirectional(kind(6)) if wrapped else kind(6)
    model = model_of(layer)
    with pytest.raises(ConfigError, match="equations or options of its own"):
        to_keras(layer)
    with pytest.raises(
        ExportError, match=f"has equations of its own, those of {kind.__name__}.*Add {kind.__name__} to"
    ):
        to_onnx(model)


def test_a_class_without_equations_of_its_own_is_what_it_derives_from():
    layer = Named(6)
    assert equations_of(Named) is LSTM
    assert layer.compiled() is not None
    np.testing.assert_allclose(to_keras(layer)(X).shape, layer(X).shape)
    assert to_onnx(model_of(Named(6))).graph.node


def test_settings_name_the_cells_that_there_are():
    assert set(CELLS) == set(CellName.__args__)


def test_a_graph_that_has_lost_the_number_of_features():
    layer = Minimal(6, return_sequences=True)
    layer.build(X.shape)
    mask = np.arange(5) < np.array([[5], [2], [3]])
    signature = [tf.TensorSpec([None, None, None]), tf.TensorSpec([None, None], tf.bool)]
    run = tf.function(lambda x, mask: layer(x, mask=mask), input_signature=signature)
    np.testing.assert_allclose(run(X, mask), layer(X, mask=mask), atol=1e-6)
