"""A decoder that is urged to say a token: it does, as often as it owes it, and is judged by what it says beside."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.inference.decoder import Start, Step
from rnn_apps.inference.search import BeamSearch, Penalties
from rnn_apps.inference.urging import Urged

START, END, COPY, SIZE = 0, 1, 2, 6


class Shy:
    """Draws its log-probabilities from the token before; it hardly ever says the one that is to be copied."""

    start_token, end_token = START, END

    def __init__(self, seed):
        scores = np.random.default_rng(seed).normal(0, 1, (SIZE, SIZE))
        scores[:, COPY] -= 5.0
        scores[:, START] = -np.inf
        self.table = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))

    def start(self, batch):
        rows = len(batch["source"])
        return Start({}, {"steps": np.zeros((rows, 1, 1))}, np.ones((rows, 2), bool))

    def step(self, tokens, memory, states):
        attention = np.full((*tokens.shape, 2), 0.5)
        return Step(self.table[tokens].copy(), attention, {"steps": states["steps"] + 1})

    def log_probability(self, tokens, nats):
        """Of what it says, with what it copies so much likelier, at most certain."""
        said = list(pairwise([START, *tokens, END]))
        own = [self.table[pair] for pair in said]
        return sum(min(log + nats, 0.0) if pair[1] == COPY else log for log, pair in zip(own, said, strict=True))


def found(decoder, rows, penalties=Penalties()):  # noqa: B008 (it is frozen)
    return BeamSearch(decoder, {"source": np.zeros((rows, 2))}, [12] * rows, 4, 4, penalties).run()


@given(st.integers(0, 200), st.lists(st.integers(0, 3), min_size=1, max_size=3))
def test_each_row_says_it_as_often_as_it_owes_it(seed, owed):
    for own, count in zip(found(Urged(Shy(seed), COPY, np.array(owed), 50.0), len(owed)), owed, strict=True):
        assert [(hypothesis.tokens == COPY).sum() for hypothesis in own] == [count] * len(own)


@pytest.mark.parametrize("nats", [0.0, 1.0, 20.0])
@pytest.mark.parametrize("length", [0.0, 1.0])
def test_an_end_before_its_time_is_judged_as_any_other(nats, length):
    shy, penalties = Shy(3), Penalties(length)
    decoder = Urged(shy, COPY, np.array([2, 0]), nats)
    for row, own in enumerate(found(decoder, 2, penalties)):
        for hypothesis in own:
            judged = decoder.judged(hypothesis, row, penalties)
            expected = shy.log_probability(hypothesis.tokens.tolist(), nats)
            assert judged.log_probability == pytest.approx(expected)
            assert judged.score == pytest.approx(expected / penalties.divisor(len(hypothesis.tokens) + 1))
