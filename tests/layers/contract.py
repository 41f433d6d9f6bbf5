"""What every layer promises, in one call: it builds, saves, masks, trains, takes bfloat16, and is written as ONNX."""

import json

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.export import to_onnx
from rnn_apps.inference.session import Session
from rnn_apps.layers import Embedding

TOKENS = np.array([[3, 1, 4, 1, 5, 2], [2, 6, 5, 0, 0, 0], [5, 0, 0, 0, 0, 0]], np.int32)
FEATURES = 4


def after_embedding(layer, dtype="float32"):
    """A model from `tokens` (batch, time), padded with 0, by way of vectors to the outputs of a layer."""
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    vectors = Embedding(7, FEATURES, mask_zero=True, embeddings_initializer="normal", dtype=dtype, name="vectors")
    return _model({"tokens": tokens}, layer(vectors(tokens)))


def on_numbers(*shape):
    """Returns what makes a model from `tokens`, whole numbers (batch, *shape), to the outputs of a layer."""

    def model(layer, dtype="float32"):
        tokens = keras.Input(shape, dtype="int32", name="tokens")
        return _model({"tokens": tokens}, layer(tokens))

    return model


def _model(inputs, outputs):
    flat = keras.tree.flatten(outputs)
    return keras.Model(inputs, {f"y{number}": output for number, output in enumerate(flat)})


def run_layer_test(build, folder, wrap=after_embedding, tokens=TOKENS, exported=True):
    """Puts a layer through the contract.

    Args:
        build: (**options) -> the layer, new; the options are `dtype` or none.
        folder: where models are saved.
        wrap: makes a model from `tokens` of the layer.
        tokens: a batch with padding, whole numbers (batch, time, ...), 0 behind the end of a row.
        exported: whether the layer can be written as ONNX by itself.
    """
    model = wrap(build())
    _randomise(model)
    batch = {"tokens": tokens}
    outputs = {name: np.array(value) for name, value in model(batch).items()}
    assert all(np.isfinite(value).all() for value in outputs.values())
    _check_configuration(build(), model, outputs, batch, folder / "model.keras")
    _check_padding(model, outputs, tokens)
    _check_gradients(model, batch)
    _check_bfloat16(wrap(build(dtype="mixed_bfloat16"), "mixed_bfloat16"), model, outputs, batch)
    if exported:
        _check_graph(model, outputs, batch, folder / "model.onnx")


def _randomise(model):
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if "seed" not in weight.path:
            weight.assign(rng.normal(0, 0.5, weight.shape))


def _check_configuration(layer, model, outputs, batch, path):
    again = type(layer).from_config(layer.get_config())
    assert json.dumps(again.get_config()) == json.dumps(layer.get_config())
    model.save(path)
    loaded = keras.saving.load_model(path, safe_mode=True)
    for name, value in loaded(batch).items():
        np.testing.assert_array_equal(value, outputs[name])


def _check_padding(model, outputs, tokens):
    """Three more steps of padding change nothing, and are zero themselves where sequences come out."""
    longer = np.pad(tokens, [(0, 0), (0, 3), *[(0, 0)] * (tokens.ndim - 2)])
    for name, value in model({"tokens": longer}).items():
        found, expected = np.array(value), outputs[name]
        if found.shape != expected.shape:
            real = (tokens != 0).reshape(*tokens.shape[:2], -1).any(axis=2)
            np.testing.assert_allclose(found[:, : tokens.shape[1]][real], expected[real], atol=1e-5)
        else:
            np.testing.assert_allclose(found, expected, atol=1e-5)


def _check_gradients(model, batch):
    """One step reaches every weight, and lessens the loss."""

    def loss(training):
        return sum(tf.reduce_mean(tf.square(value - 0.3)) for value in model(batch, training=training).values())

    with tf.GradientTape() as tape:
        chance = loss(training=True)
    before = loss(training=False)
    gradients = tape.gradient(chance, [weight.value for weight in model.trainable_weights])
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert gradient is not None, weight.path
        gradient = np.array(tf.convert_to_tensor(gradient))
        assert np.isfinite(gradient).all(), weight.path
        assert np.abs(gradient).max() > 0, weight.path
        weight.assign_sub(1e-3 * gradient)
    assert float(loss(training=False)) < float(before)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        weight.assign_add(1e-3 * np.array(tf.convert_to_tensor(gradient)))


def _check_bfloat16(half, model, outputs, batch):
    half.set_weights(model.get_weights())
    for name, value in half(batch).items():
        assert value.dtype == tf.bfloat16
        expected = outputs[name]
        np.testing.assert_allclose(tf.cast(value, "float32"), expected, atol=0.05 * max(1.0, np.abs(expected).max()))


def _check_graph(model, outputs, batch, path):
    path.write_bytes(to_onnx(model).SerializeToString())
    for name, value in Session(path).run(batch).items():
        expected = outputs[name]
        if value.ndim == 3 and value.shape[1] == batch["tokens"].shape[1] and batch["tokens"].ndim == 2:
            real = batch["tokens"] != 0
            value, expected = value[real], expected[real]
        np.testing.assert_allclose(value, expected, atol=2e-5)
