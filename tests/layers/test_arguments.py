"""Bad arguments: what was expected, what came, what to do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.errors import ConfigError
from rnn_apps.layers import GRU, LSTM, Bidirectional, MaskedPooling, SimpleRNN, from_keras, to_keras

X = np.zeros((4, 5, 3), np.float32)


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: LSTM(0), "units.*at least 1. Received: 0"),
        (lambda: GRU(2.5), "units.*Received: 2.5"),
        (lambda: SimpleRNN(True), "units.*Received: True"),
        (lambda: SimpleRNN(3, output_units=-1), "output_units"),
        (lambda: LSTM(3, dropout=1.0), "dropout.*0 to below 1. Received: 1.0"),
        (lambda: LSTM(3, zoneout=-0.1), "zoneout"),
        (lambda: GRU(3, activation="tanhh"), "activation.*Received: 'tanhh'. Did you mean 'tanh'"),
        (lambda: GRU(3, recurrent_activation="sigmod"), "recurrent_activation.*Did you mean 'sigmoid'"),
        (lambda: LSTM(3)(np.zeros((4, 5, 3)), mask=np.ones((4, 6), bool)), r"mask.*\(4, 5\).*\(4, 6\)"),
        (lambda: LSTM(3)(X, mask=np.ones((4, 5, 1), bool)), r"mask.*Received: .*\(4, 5, 1\)"),
        (lambda: LSTM(3)(X, initial_state=np.zeros((4, 3))), "2 tensor.*Received: 1"),
        (lambda: GRU(3)(X, initial_state=np.zeros((1, 3))), r"\(4, 3\).*Received: \(1, 3\).*never broadcast"),
        (lambda: GRU(3)(X, initial_state=[np.zeros((4, 2))]), r"Received: \(4, 2\)"),
        (lambda: GRU(3).build((None, None, None)), "known number of features"),
        (lambda: MaskedPooling(("mean", "median")), "kinds.*Received: 'median'"),
        (lambda: MaskedPooling("max"), "list of names"),
        (lambda: MaskedPooling()(X, mask=np.ones((4, 4), bool)), "mask"),
        (lambda: from_keras(keras.layers.Dense(3)), "keras.layers.LSTM.*Received: Dense"),
        (lambda: from_keras(keras.layers.LSTM(3, stateful=True)), "stateful.*return_state=True"),
        (lambda: to_keras(LSTM(3, relevance_gate=True)), "options of its own"),
        (lambda: to_keras(Bidirectional(SimpleRNN(3, output_units=2))), "options of its own"),
    ],
)
def test_errors(build, says):
    with pytest.raises(ConfigError, match=says):
        build()


@pytest.mark.parametrize("generic", [False, True])
def test_a_wrong_batch_is_an_error_at_run_time_too(generic):
    """Where the size of the batch is unknown when the graph is made, a state is still not broadcast."""
    layer = GRU(3, zoneout=0.1 if generic else 0.0)
    layer.build((None, None, 3))
    call = tf.function(
        lambda x, state: layer(x, initial_state=state),
        input_signature=[tf.TensorSpec((None, None, 3)), tf.TensorSpec((None, 3))],
    )
    assert call(X, np.zeros((4, 3), np.float32)).shape == (4, 3)
    with pytest.raises(tf.errors.InvalidArgumentError):
        call(X, np.zeros((1, 3), np.float32))
