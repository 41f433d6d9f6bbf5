"""The decoder with input feeding against its parts, called one step at a time; padding; saving."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.layers import GRU, LSTM, Attention, InputFeedingDecoder


def decoder(cell):
    layer = InputFeedingDecoder(
        cell(4, return_sequences=True), Attention(6), cell(3, return_sequences=True), keras.layers.Dense(2, "tanh")
    )
    layer.build((None, None, 5), (None, None, 6), (None, None, 7), (None, None))
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(scale=0.7, size=weight.shape) for weight in layer.get_weights()])
    return layer


def batch(padding=0):
    """(y, keys, memory, source, target): three rows, the last of which has no target."""
    rng = np.random.default_rng(1)
    y, keys, memory = (rng.normal(size=size).astype(np.float32) for size in ((3, 4, 5), (3, 6, 6), (3, 6, 7)))
    source = (np.arange(6) < np.array([6, 2, 4])[:, None]).astype(np.int32)
    target = (np.arange(4) < np.array([4, 2, 0])[:, None]).astype(np.int32)
    behind = [(0, 0), (0, padding), (0, 0)]
    y, keys, memory = (np.pad(array, behind, constant_values=50) for array in (y, keys, memory))
    return y, keys, memory, np.pad(source, behind[:2]), np.pad(target, behind[:2])


def first_states(layer):
    rng = np.random.default_rng(2)
    sizes = [4] * layer.lower.state_count + [3] * layer.upper.state_count + [2]
    return [rng.normal(size=(3, size)).astype(np.float32) for size in sizes]


def step_by_step(layer, y, keys, memory, source, target, states):
    """Each recurrent layer called on one step, as anybody could call it."""
    count, outputs = layer.lower.state_count, []
    layer.lower.return_state = layer.upper.return_state = True
    *own, fed = states
    for t in range(y.shape[1]):
        real = target[:, t : t + 1] != 0
        asked, *lower = layer.lower(tf.concat([y[:, t], fed], 1)[:, None], initial_state=own[:count])
        answer, _ = layer.attention(asked, keys, memory, source)
        said, *upper = layer.upper(tf.concat([asked, answer], 2), initial_state=own[count:])
        read = layer.readout(tf.concat([said[:, 0], answer[:, 0], y[:, t]], 1))
        own = [tf.where(real, new, old) for new, old in zip([*lower, *upper], own, strict=True)]
        fed = tf.where(real, read, fed)
        outputs.append(tf.where(real, read, 0))
    layer.lower.return_state = layer.upper.return_state = False
    return tf.stack(outputs, 1)


def results(function, layer, arrays):
    y, keys, memory, source, target = map(tf.constant, arrays)
    states = [tf.constant(state) for state in first_states(layer)]
    with tf.GradientTape() as tape:
        tape.watch([y, keys, memory, *states])
        read = function(y, keys, memory, source, target, states)
        loss = tf.reduce_sum(tf.sin(2 * read))
    sources = [*states, *(weight.value for weight in layer.trainable_weights), y, keys, memory]
    return [np.asarray(value) for value in (read, *tape.gradient(loss, sources))]


@pytest.mark.parametrize("cell", [GRU, LSTM])
def test_it_is_its_parts_one_step_at_a_time(cell):
    layer = decoder(cell)
    found = results(layer, layer, batch())
    expected = results(lambda *given: step_by_step(layer, *given), layer, batch())
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)


def test_what_is_fed_back_matters():
    """Another vector before the first step changes the first, and by way of it the second."""
    layer = decoder(GRU)
    y, *rest = batch()
    states = first_states(layer)
    plain = np.asarray(layer(y, *rest, states))
    states[-1] = states[-1] + 1
    changed = np.asarray(layer(y, *rest, states))
    assert np.abs(plain - changed)[0, 0].max() > 1e-3
    assert np.abs(plain - changed)[0, 1].max() > 1e-4


def test_padding_is_inert():
    layer = decoder(GRU)
    plain, padded = results(layer, layer, batch()), results(layer, layer, batch(padding=3))
    for a, b in zip(plain, padded, strict=True):
        cut = tuple(map(slice, a.shape))
        np.testing.assert_allclose(b[cut], a, atol=1e-5)
        rest = b.copy()
        rest[cut] = 0
        assert not rest.any()
    assert not plain[0][2].any()


def test_in_a_graph_of_unknown_lengths():
    layer = decoder(GRU)
    given = (*batch(), first_states(layer))
    specs = [tf.TensorSpec([None] * (array.ndim - 1) + [array.shape[-1]], array.dtype) for array in given[:3]]
    specs += [tf.TensorSpec([None, None], tf.int32)] * 2
    specs.append([tf.TensorSpec([None, state.shape[1]]) for state in given[5]])
    run = tf.function(lambda *arguments: layer(*arguments), input_signature=specs)
    np.testing.assert_allclose(run(*given), layer(*given), atol=1e-6)


def test_saving(tmp_path):
    layer = decoder(LSTM)
    given = (*batch(), first_states(layer))
    inputs = [keras.Input((None, array.shape[2]) if array.ndim == 3 else (None,)) for array in given[:5]]
    states = [keras.Input(state.shape[1:]) for state in given[5]]
    keras.Model([*inputs, *states], layer(*inputs, states)).save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_allclose(again([*given[:5], *given[5]]), layer(*given), atol=1e-6)
