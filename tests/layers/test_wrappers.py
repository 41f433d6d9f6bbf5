"""Bidirectional and Deep: what they merge, stack and return."""

import numpy as np
import pytest

from rnn_apps.errors import ConfigError
from rnn_apps.layers import GRU, LSTM, Bidirectional, Deep, SimpleRNN

X = np.random.default_rng(0).normal(0, 1, (3, 5, 4)).astype(np.float32)
MASK = np.arange(5) < np.array([5, 2, 0])[:, None]


@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("mode", ["concat", "sum", "ave", "mul", None])
def test_merging(mode, sequences):
    layer = Bidirectional(GRU(3, return_sequences=sequences), merge_mode=mode)
    merged = layer(X, mask=MASK)
    forward = np.array(layer.forward_layer(X, mask=MASK))
    backward = np.array(layer.backward_layer(X, mask=MASK))
    backward = backward[:, ::-1] if sequences else backward
    expected = {
        "concat": np.concatenate([forward, backward], -1),
        "sum": forward + backward,
        "ave": (forward + backward) / 2,
        "mul": forward * backward,
        None: (forward, backward),
    }[mode]
    np.testing.assert_allclose(merged, expected, atol=1e-6)


def test_states_and_gates_of_both_directions():
    layer = Bidirectional(LSTM(3, return_state=True, return_sequences=True))
    y, *states, gates = layer(X, mask=MASK, gates=True)
    assert len(states) == 4
    assert layer.state_sizes == [3] * 4
    np.testing.assert_allclose(y, layer(X, mask=MASK)[0], atol=1e-6)
    # the backward layer starts at a row's last step: there its forget gate saw no state
    own = layer.backward_layer
    z = X[1, 1] @ own.get_weights()[0] + own.get_weights()[2]
    expected = 1 / (1 + np.exp(-z[3:6]))
    np.testing.assert_allclose(np.array(gates["backward"]["forget"])[1, 1], expected, atol=1e-6)
    assert set(gates) == {"forward", "backward"}
    again = layer(X, initial_state=states, mask=MASK)
    assert not np.allclose(again[0], y)


def test_deep_is_one_layer_after_the_other():
    layers = [Bidirectional(LSTM(2, return_sequences=True)), GRU(4, return_sequences=True), SimpleRNN(4)]
    x = X
    for layer in layers:
        x = layer(x, mask=MASK)
    np.testing.assert_allclose(Deep(layers)(X, mask=MASK), x, atol=1e-6)


def test_residual_connections_leave_padding_at_zero():
    layers = [GRU(4, return_sequences=True), GRU(6, return_sequences=True), GRU(6, return_sequences=True)]
    first = np.array(layers[0](X, mask=MASK)) + X * MASK[:, :, None]
    second = np.array(layers[1](first, mask=MASK))
    expected = np.array(layers[2](second, mask=MASK)) + second
    np.testing.assert_allclose(Deep(layers, residual=True)(X, mask=MASK), expected, atol=1e-6)
    assert not np.any(expected[~MASK])


def test_dropout_between_layers_acts_in_training_only():
    deep = Deep([GRU(8, return_sequences=True), GRU(8, return_sequences=True)], dropout=0.5, seed=0)
    np.testing.assert_array_equal(deep(X), deep(X, training=False))
    assert not np.allclose(deep(X, training=True), deep(X))


def test_states_and_gates_of_a_stack():
    deep = Deep([Bidirectional(GRU(2, return_sequences=True, return_state=True)), LSTM(3, return_state=True)])
    y, *states, gates = deep(X, gates=True)
    assert [tuple(state.shape) for state in states] == [(3, 2), (3, 2), (3, 3), (3, 3)]
    assert [set(part) for part in gates] == [{"forward", "backward"}, {"update", "forget", "candidate", "output"}]
    np.testing.assert_array_equal(y, states[2])
    assert not np.allclose(deep(X, initial_state=states)[0], y)


def test_any_nesting():
    inner = Deep([LSTM(3, return_sequences=True), GRU(2, return_sequences=True)], residual=True)
    nested = Bidirectional(inner)
    outer = Deep([nested, SimpleRNN(3, return_sequences=True)])
    y, _ = outer(X, mask=MASK, gates=True)
    assert tuple(y.shape) == (3, 5, 3)
    reversed_rows = [row[:length][::-1] for row, length in zip(X, MASK.sum(1), strict=True)]
    backward = np.array(nested(X, mask=MASK))[:, :, 2:]
    alone = np.array(nested.backward_layer(reversed_rows[1][None]))[0][::-1]
    np.testing.assert_allclose(backward[1, :2], alone, atol=1e-6)


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: Bidirectional(GRU(2), merge_mode="concatenate"), "'concat', .*Received: 'concatenate'"),
        (lambda: Bidirectional(GRU(2), backward_layer=GRU(2)), "opposite directions"),
        (lambda: Bidirectional(GRU(2), backward_layer=GRU(2, go_backwards=True, return_state=True)), "return_state"),
        (lambda: Deep([]), "at least one layer"),
        (lambda: Deep([GRU(2), GRU(2)]), "return_sequences=True. Received: layer 0"),
        (lambda: Deep([GRU(2, return_sequences=True, return_state=True), GRU(2)]), "same return_state"),
        (lambda: Bidirectional(GRU(2))(X, initial_state=[np.zeros((3, 2))]), "2 tensors.*Received: 1"),
        (lambda: Deep([GRU(2)])(X, initial_state=[np.zeros((3, 2))] * 2), "1 tensors.*Received: 2"),
    ],
)
def test_errors_say_what_was_expected(build, says):
    with pytest.raises(ConfigError, match=says):
        build()
