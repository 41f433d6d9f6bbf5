"""A decoder that leaves tokens out in some rows."""

import numpy as np
import pytest

from rnn_apps.inference.barred import Barred
from rnn_apps.inference.decoder import Start, Step
from rnn_apps.inference.search import BeamSearch

START, END = 0, 1


class Reciter:
    """Says 2, 3, 4 and ends, whatever it reads; 5 and then 6 are what it likes next."""

    start_token, end_token = START, END

    def start(self, batch):
        rows = len(batch["source"])
        return Start({"rows": np.arange(rows)}, {"steps": np.zeros((rows, 1, 1), int)}, np.ones((rows, 2), bool))

    def step(self, tokens, memory, states):
        scores = np.full((*tokens.shape, 7), -9.0)
        scores[:, :, 5], scores[:, :, 6] = -1.0, -2.0
        for row, steps in enumerate(states["steps"]):
            for beam, (step,) in enumerate(steps):
                scores[row, beam, [2, 3, 4, END][min(step, 3)]] = -0.1
        return Step(scores, np.full((*tokens.shape, 2), 0.5), {"steps": states["steps"] + 1})


def said(tokens, rows):
    decoder = Barred(Reciter(), tokens, np.array(rows))
    batch = {"source": np.ones((len(rows), 2), int)}
    return [own[0].tokens.tolist() for own in BeamSearch(decoder, batch, [9] * len(rows), 3).run()]


@pytest.mark.parametrize(
    ("tokens", "other"), [([3], [2, 5, 4]), ([3, 5], [2, 6, 4]), ([2, 4], [5, 3, 5]), ([], [2, 3, 4])]
)
def test_what_is_barred_is_said_in_no_such_row(tokens, other):
    assert said(tokens, [False, True, False]) == [[2, 3, 4], other, [2, 3, 4]]
    assert said(tokens, [True, True]) == [other, other]
    assert said(tokens, [False]) == [[2, 3, 4]]
