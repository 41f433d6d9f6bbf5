"""The loops, run as plain Python in float64, against finite differences: each weight and input moved a little."""

import numpy as np
import pytest

from rnn_apps.kernels import activations, matmul, recurrence
from rnn_apps.layers import gru, lstm, simple_rnn

CELLS = {
    "LSTM": (lstm, {"activate": "tanh", "show": "tanh"}),
    "LSTM linear output": (lstm, {"activate": "tanh", "show": "linear"}),
    "GRU": (gru, {"activate": "tanh"}),
    "SimpleRNN": (simple_rnn, {"activate": "tanh"}),
    "SimpleRNN sigmoid": (simple_rnn, {"activate": "sigmoid"}),
}
H, D = 3, 2
# three rows with 3, 2 and 1 steps in a batch of 3 x 3
ALIVE, INDEX = np.array([3, 2, 1]), np.array([0, 3, 6, 1, 4, 2])
STEP = 1e-5


class Loops:
    """A cell's loops with weights, inputs and states to move, and the gradients of what comes out of them."""

    def __init__(self, module):
        rng = np.random.default_rng(0)
        self.states = 2 if module is lstm else 1
        blocks, own, self.columns, self.offset = {lstm: (4, 4, 4, 0), gru: (3, 3, 4, H), simple_rnn: (1, 1, 1, 0)}[
            module
        ]
        self.wide = matmul.padded(blocks * H), matmul.padded(own * H)
        self.width = max(self.wide[0], self.offset + self.wide[1])
        self.values = {
            "x": rng.normal(0, 1, (9, D)),
            "W": rng.normal(0, 1, (D, blocks * H)),
            "U": rng.normal(0, 1, (H, own * H)),
            "bias": rng.normal(0, 1, self.columns * H),
            "state": rng.normal(0, 1, (3, self.states, H)),
        }
        self.dy, self.dstate = rng.normal(0, 1, (9, H)), rng.normal(0, 1, (3, self.states, H))

    def loss(self):
        """Returns a weighted sum of all outputs and final states, and what the way back needs."""
        bias = np.zeros(self.width)
        bias[: self.columns * H] = self.values["bias"]
        state = self.side_by_side(self.values["state"])
        gates, before, y = np.zeros((6, self.width)), np.zeros((6, state.shape[1])), np.zeros((9, H))
        W, U, block = panels(self.values["W"]), panels(self.values["U"]), np.zeros((4, D))
        x = self.values["x"]
        recurrence.forward(x, INDEX, ALIVE, W, U, bias, self.offset, state, gates, before, True, y, 0, block)
        return np.sum(self.dy * y) + np.sum(self.dstate * self.apart(state)), gates, before

    def gradients(self):
        """Returns the gradient of that sum for everything that can be moved."""
        _, gates, before = self.loss()
        dx, db = np.zeros((9, D)), np.zeros(self.width)
        dW, dU = np.zeros((D, self.wide[0])), np.zeros((H, self.wide[1]))
        state = self.side_by_side(self.dstate)
        WT, UT = panels(self.values["W"].T), panels(self.values["U"].T)
        room = np.zeros((4, D)), np.zeros((4, self.width)), np.zeros((4, matmul.padded(D)))
        inputs = self.values["x"], INDEX, ALIVE, WT, UT, self.offset, gates, before, self.dy, 0
        recurrence.backward(*inputs, state, dx, False, dW, dU, db, *room)
        return {"x": dx, "W": dW, "U": dU, "bias": db, "state": self.apart(state)}

    def side_by_side(self, state):
        room = np.zeros((3, self.states, matmul.padded(H)))
        room[:, :, :H] = state
        return room.reshape(3, -1)

    def apart(self, packed):
        return packed.reshape(3, self.states, -1)[:, :, :H]


def panels(matrix):
    room = np.zeros((matmul.padded(matrix.shape[1]) // matmul.PANEL, matrix.shape[0], matmul.PANEL))
    matmul.pack(matrix, room)
    return room


@pytest.fixture(params=CELLS)
def loops(request, monkeypatch):
    """The loops of a cell with its steps put in, and the activations into these, uncompiled."""
    module, slots = CELLS[request.param]
    for slot, activation in slots.items():
        function, slope = activations.ACTIVATIONS[activation]
        monkeypatch.setattr(module, slot, function)
        monkeypatch.setattr(module, f"{slot}_slope", slope)
    monkeypatch.setattr(recurrence, "forward_step", module.forward_step)
    monkeypatch.setattr(recurrence, "backward_step", module.backward_step)
    return Loops(module)


def test_gradients_are_finite_differences(loops):
    gradients = loops.gradients()
    for name, value in loops.values.items():
        for position in np.ndindex(value.shape):
            middle, sides = value[position], []
            for moved in (middle - STEP, middle + STEP):
                value[position] = moved
                sides.append(loops.loss()[0])
            value[position] = middle
            difference = (sides[1] - sides[0]) / (2 * STEP)
            assert gradients[name][position] == pytest.approx(difference, rel=2e-5, abs=2e-5), (name, position)
