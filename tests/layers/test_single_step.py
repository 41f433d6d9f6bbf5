"""One step after the other is the layer itself, for every cell and for many hypotheses at once."""

import numpy as np
import pytest

from rnn_apps.layers import GRU, LSTM, SimpleRNN, SingleStep


@pytest.mark.parametrize("cell", [GRU, LSTM, SimpleRNN])
def test_steps_are_the_layer(cell):
    rng = np.random.default_rng(2)
    layer = cell(4, return_sequences=True, return_state=True)
    x = rng.normal(size=(6, 5, 3)).astype(np.float32)
    states = [rng.normal(size=(6, 4)).astype(np.float32) for _ in range(layer.state_count)]
    expected, *finals = layer(x, initial_state=states)
    # six rows as two sentences with three hypotheses each
    step, carried = SingleStep(layer), [state.reshape(2, 3, 4) for state in states]
    for t in range(5):
        carried = [np.asarray(state) for state in step(x[:, t].reshape(2, 3, 3), *carried)]
        np.testing.assert_allclose(carried[0].reshape(6, 4), np.asarray(expected)[:, t], atol=1e-5)
    for state, final in zip(carried, finals, strict=True):
        np.testing.assert_allclose(state.reshape(6, 4), final, atol=1e-5)
