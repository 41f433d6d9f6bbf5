"""Every cell against a plain loop written from the equations, and against keras.layers with the same weights."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import assert_close, results, right_padded
from rnn_apps.layers import GRU, LSTM, Bidirectional, SimpleRNN, from_keras, generic_path, to_keras

CELLS = {
    "SimpleRNN tanh": lambda **kw: SimpleRNN(5, **kw),
    "SimpleRNN sigmoid": lambda **kw: SimpleRNN(5, activation="sigmoid", **kw),
    "SimpleRNN relu": lambda **kw: SimpleRNN(5, activation="relu", **kw),
    "SimpleRNN with output": lambda **kw: SimpleRNN(5, output_units=3, output_activation="sigmoid", **kw),
    "GRU": lambda **kw: GRU(5, **kw),
    "GRU reset before": lambda **kw: GRU(5, reset_after=False, **kw),
    "GRU without bias": lambda **kw: GRU(5, use_bias=False, **kw),
    "LSTM": lambda **kw: LSTM(5, **kw),
    "LSTM linear output": lambda **kw: LSTM(5, output_activation=None, **kw),
    "LSTM relevance gate": lambda **kw: LSTM(5, relevance_gate=True, **kw),
    "LSTM without bias": lambda **kw: LSTM(5, use_bias=False, **kw),
    "LSTM normalised": lambda **kw: LSTM(5, layer_normalization=True, **kw),
    "GRU normalised": lambda **kw: GRU(5, layer_normalization=True, **kw),
    "LSTM zoneout": lambda **kw: LSTM(5, zoneout=0.25, **kw),
}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


FUNCTIONS = {"tanh": np.tanh, "sigmoid": sigmoid, "relu": lambda x: np.maximum(x, 0), "linear": lambda x: x}


def normalised(z, scale):
    parts = [(p - p.mean()) / np.sqrt(p.var() + 1e-5) for p in np.split(z, len(z) // 5)]
    return np.concatenate(parts) * scale


def textbook(layer, x):
    """Outputs (time, width) and final states of one row x (time, features), step by step, in float64."""
    weights = {v.name: np.asarray(v, np.float64) for v in layer.weights}
    W, U = weights["kernel"], weights["recurrent_kernel"]
    b = weights.get("bias", np.zeros(layer.bias_shape))
    g = FUNCTIONS[layer.activation.__name__]
    H = layer.units
    norm = layer.layer_normalization
    a, c = np.zeros(H), np.zeros(H)
    outputs = []
    for x_t in x.astype(np.float64):
        before = a, c
        Wx, Ua = x_t @ W, a @ U
        if norm:
            Wx, Ua = normalised(Wx, weights["kernel_scale"]), normalised(Ua, weights["recurrent_scale"])
        if isinstance(layer, SimpleRNN):
            a = g(Wx + Ua + b)
        elif isinstance(layer, GRU):
            bx, ba = b if layer.reset_after else (b, np.zeros(3 * H))
            z = sigmoid((Wx + bx + Ua + ba)[:H])
            r = sigmoid((Wx + bx + Ua + ba)[H : 2 * H])
            relevant = r * (Ua + ba)[2 * H :] if layer.reset_after else (r * a) @ U[:, 2 * H :]
            update = 1 - z
            a = update * g((Wx + bx)[2 * H :] + relevant) + (1 - update) * a
        else:
            z = Wx + Ua + b
            if layer.relevance_gate:
                relevance = sigmoid(z[4 * H :])
                z[2 * H : 3 * H] = (Wx + b)[2 * H : 3 * H] + (relevance * a) @ U[:, 2 * H : 3 * H]
            update, forget, output = sigmoid(z[:H]), sigmoid(z[H : 2 * H]), sigmoid(z[3 * H : 4 * H])
            c = update * g(z[2 * H : 3 * H]) + forget * c
            shown = normalised(c, weights["cell_scale"]) + weights["cell_offset"] if norm else c
            a = output * FUNCTIONS[layer.output_activation.__name__](shown)
        keep = layer.zoneout
        a, c = keep * before[0] + (1 - keep) * a, keep * before[1] + (1 - keep) * c
        outputs.append(a)
    y = np.stack(outputs)
    if getattr(layer, "output_units", None):
        y = FUNCTIONS[layer.output_activation.__name__](y @ weights["output_kernel"] + weights["output_bias"])
    return y, [a, c][: layer.state_count]


def randomise(layer, features, seed):
    rng = np.random.default_rng(seed)
    layer.build((None, None, features))
    layer.set_weights([rng.normal(0, 0.6, w.shape) for w in layer.get_weights()])
    return rng


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("generic", [False, True], ids=["fast", "generic"])
def test_equations(name, generic):
    layer = CELLS[name](return_sequences=True, return_state=True)
    rng = randomise(layer, 3, 0)
    x = rng.normal(0, 1, (4, 6, 3)).astype(np.float32)
    (y, *states), _ = results(layer, x, generic=generic)
    for row in range(len(x)):
        expected, final = textbook(layer, x[row])
        np.testing.assert_allclose(y[row], expected, atol=2e-6)
        for state, value in zip(states, final, strict=True):
            np.testing.assert_allclose(state[row], value, atol=2e-6)


@pytest.mark.parametrize("name", CELLS)
def test_gates_are_those_of_the_pass(name):
    layer = CELLS[name](return_sequences=True, return_state=True)
    rng = randomise(layer, 3, 1)
    x = rng.normal(0, 1, (2, 4, 3)).astype(np.float32)
    mask = np.array([[True] * 4, [True, True, False, False]])
    y, *_, gates = layer(x, mask=mask, gates=True)
    assert set(gates) == set(layer.gate_names)
    np.testing.assert_allclose(y, layer(x, mask=mask)[0], atol=1e-6)
    for gate in gates.values():
        assert tuple(gate.shape) == (2, 4, 5)
        assert not np.any(np.array(gate)[1, 2:])
    if layer.zoneout or layer.layer_normalization or isinstance(layer, SimpleRNN):
        return
    gates = {gate: np.array(value)[0] for gate, value in gates.items()}
    if isinstance(layer, GRU):
        a = np.zeros(5)
        for t in range(4):
            a = gates["update"][t] * gates["candidate"][t] + (1 - gates["update"][t]) * a
    else:
        c = np.zeros(5)
        for t in range(4):
            c = gates["update"][t] * gates["candidate"][t] + gates["forget"][t] * c
        a = gates["output"][3] * FUNCTIONS[layer.output_activation.__name__](c)
    np.testing.assert_allclose(np.array(y)[0, 3], a, atol=1e-6)


KERAS = {
    "SimpleRNN": lambda **kw: keras.layers.SimpleRNN(6, **kw),
    "SimpleRNN relu": lambda **kw: keras.layers.SimpleRNN(6, activation="relu", use_bias=False, **kw),
    "GRU": lambda **kw: keras.layers.GRU(6, **kw),
    "GRU reset before": lambda **kw: keras.layers.GRU(6, reset_after=False, **kw),
    "LSTM": lambda **kw: keras.layers.LSTM(6, **kw),
}


@pytest.mark.parametrize("name", KERAS)
@pytest.mark.parametrize("wrapped", [False, True], ids=["one direction", "both"])
@settings(max_examples=6)
@given(data=st.data())
def test_equals_keras(name, wrapped, data):
    options = {
        "return_sequences": data.draw(st.booleans()),
        "return_state": True,
        "go_backwards": data.draw(st.booleans()) and not wrapped,
        "bias_initializer": "normal",
    }
    batch, time = data.draw(st.integers(1, 20)), data.draw(st.integers(1, 7))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    theirs = KERAS[name](**options)
    if wrapped:
        theirs = keras.layers.Bidirectional(
            theirs, merge_mode=data.draw(st.sampled_from(["concat", "sum", "ave", "mul"]))
        )
    theirs.build((batch, time, 3))
    ours = from_keras(theirs)
    # Keras repeats outputs at padded steps: compare where there are none
    lengths = rng.integers(1, time + 1, batch) if not options["return_sequences"] else np.full(batch, time)
    mask = right_padded(lengths, time)
    x = rng.normal(0, 1, (batch, time, 3)).astype(np.float32)
    states = [rng.normal(0, 1, (batch, size)).astype(np.float32) for size in ours.state_sizes]
    found, expected = (results(layer, x, mask, states) for layer in (ours, theirs))
    assert_close(found[0], expected[0], 1e-5)
    assert_close(found[1], expected[1], 1e-4)


@pytest.mark.parametrize("layer", [LSTM(4), GRU(4, reset_after=False), SimpleRNN(4), Bidirectional(GRU(4))], ids=str)
def test_to_keras_and_back(layer):
    x = np.random.default_rng(0).normal(0, 1, (3, 5, 2)).astype(np.float32)
    expected = layer(x)
    there = to_keras(layer)
    back = from_keras(there)
    assert [w.shape for w in layer.weights] == [w.shape for w in there.weights]
    for same in (there, back):
        np.testing.assert_allclose(same(x), expected, atol=1e-6)


def test_set_weights_takes_those_of_keras():
    theirs, ours = keras.layers.LSTM(4), LSTM(4)
    x = np.random.default_rng(0).normal(0, 1, (3, 5, 2)).astype(np.float32)
    expected = theirs(x)
    ours.build(x.shape)
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours(x), expected, atol=1e-6)


def test_forget_bias_starts_at_one():
    layer = LSTM(3)
    layer.build((None, None, 2))
    np.testing.assert_array_equal(layer.get_weights()[2], [0] * 3 + [1] * 3 + [0] * 6)


def test_a_gpu_leaves_the_cell_to_keras(monkeypatch):
    """Here on a CPU: Keras' layer runs with our weights, and an empty row is put right."""
    from rnn_apps.layers import paths

    x = np.random.default_rng(0).normal(0, 1, (4, 6, 3)).astype(np.float32)
    mask = right_padded([6, 0, 3, 1], 6)
    for layer in (LSTM(5, return_sequences=True, return_state=True), GRU(5, go_backwards=True, dropout=0.2)):
        expected = results(layer, x, mask)
        with monkeypatch.context() as patch:
            patch.setattr(paths, "on_gpu", lambda: True)
            found = results(layer, x, mask, graph=True)
        assert_close(found[0], expected[0], 1e-6)
        assert_close(found[1], expected[1], 1e-5)


def test_generic_path_is_left_again():
    from rnn_apps.layers import paths

    with generic_path():
        assert paths.is_generic_only()
    assert not paths.is_generic_only()
