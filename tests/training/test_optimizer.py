"""The optimizer of one pass is Keras' own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.training.optimizer import AdamW, WarmUpThenDecay
from training.small import values


def gradients(step):
    rng = np.random.default_rng(step)
    rows = tf.constant(rng.normal(size=(4, 3)).astype(np.float32))
    sparse = tf.IndexedSlices(rows, tf.constant([5, 1, 2, 0]), tf.constant([6, 3]))
    return [sparse, tf.constant(rng.normal(size=(2, 2)).astype(np.float32))]


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_the_same_steps_as_keras(decay):
    found = []
    for kind in (AdamW, keras.optimizers.AdamW):
        rng = np.random.default_rng(9)
        variables = [keras.Variable(rng.normal(size=shape).astype(np.float32)) for shape in ((6, 3), (2, 2))]
        optimizer = kind(0.1, weight_decay=decay, beta_2=0.99)
        optimizer.build(variables)
        step = tf.function(lambda *given, optimizer=optimizer: optimizer.apply(given))
        for number in range(5):
            step(*gradients(number))
        found.append([np.asarray(v) for v in (*variables, *optimizer.variables)])
    for own, expected in zip(*found, strict=True):
        np.testing.assert_allclose(own, expected, atol=1e-6)


def test_rows_of_one_token_are_summed():
    """Before anything is squared, which Keras does row by row."""
    rows = tf.constant([[1.0, 2.0], [3.0, -1.0]])
    given = tf.IndexedSlices(rows, tf.constant([2, 2]), tf.constant([3, 2]))
    found = []
    for gradient in (given, tf.convert_to_tensor(given)):
        variable = keras.Variable(np.ones((3, 2), np.float32))
        optimizer = AdamW(0.1, weight_decay=0.0)
        optimizer.apply([gradient], [variable])
        found.append([np.asarray(v) for v in (variable, *optimizer.variables)])
    for own, expected in zip(*found, strict=True):
        np.testing.assert_array_equal(own, expected)


def test_it_can_be_written_down():
    config = keras.optimizers.serialize(AdamW(0.1, weight_decay=0.2))
    again = keras.optimizers.deserialize(config)
    assert isinstance(again, AdamW)
    assert again.weight_decay == 0.2


@pytest.mark.parametrize("shape", ["constant", "linear", "cosine"])
def test_the_learning_rate_rises_to_its_peak_and_falls(shape):
    rate = WarmUpThenDecay(0.5, 100, 0.1, shape)
    rates = np.array([float(rate(step)) for step in range(100)])
    np.testing.assert_allclose(rates[:10], 0.05 * np.arange(1, 11), rtol=1e-5)
    assert rates.max() == pytest.approx(0.5)
    if shape == "constant":
        np.testing.assert_allclose(rates[9:], 0.5)
    else:
        assert (np.diff(rates[9:]) < 0).all()
        assert rates[-1] == pytest.approx(0.0, abs=1e-7)
        middle = 54  # half of the way from step 9 to step 99
        assert rates[middle] == pytest.approx(0.25, rel=1e-4)


def test_without_warm_up_the_first_step_has_the_full_rate():
    assert float(WarmUpThenDecay(0.5, 100, 0.0, "constant")(0)) == pytest.approx(0.5)
    assert float(WarmUpThenDecay(0.5, 1, 0.0, "cosine")(0)) >= 0


def test_the_schedule_survives_keras_serialisation():
    rate = WarmUpThenDecay(0.5, 100, 0.1, "linear")
    loaded = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(rate))
    assert loaded.get_config() == rate.get_config()


def test_the_average_of_the_weights_is_what_is_validated_and_kept(trainer):
    steps = []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: steps.append(values(run.model.weights))
    )
    run = trainer(callbacks=[note], epochs=1, average=0.6)
    run.fit()
    average = steps[0]
    for weights in steps[1:]:
        average = [0.6 * one + 0.4 * other for one, other in zip(average, weights, strict=True)]
    trainable = [np.issubdtype(weight.dtype, np.floating) for weight in average]
    found = values(run.model.weights)
    for mean, weight, counts in zip(average, found, trainable, strict=True):
        if counts:
            np.testing.assert_allclose(weight, mean, rtol=1e-4, atol=1e-6)
