"""A decoder without repeats, against brute force over what a search finds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.inference.decoder import Start, Step
from rnn_apps.inference.repeats import WithoutRepeats
from rnn_apps.inference.search import BeamSearch

START, END, SIZE = 0, 1, 6


class Stutterer:
    """Likes the token that its source names best, and then the next ones; it never wants to end."""

    start_token, end_token = START, END

    def start(self, batch):
        rows = len(batch["source"])
        return Start({"liked": batch["source"]}, {"steps": np.zeros((rows, 1, 1))}, np.ones((rows, 2), bool))

    def step(self, tokens, memory, states):
        batch, beams = tokens.shape
        scores = np.full((batch, beams, SIZE), -1.0)
        scores[:, :, END] = -6.0
        scores[:, :, START] = -np.inf
        for row, liked in enumerate(memory["liked"][:, 0]):
            scores[row, :, liked] = -0.1
        attention = np.full((batch, beams, 2), 0.5)
        return Step(scores, attention, {"steps": states["steps"] + 1})


def found(size, free, exempt=(), sources=(2, 3)):
    decoder = Stutterer()
    if size:
        decoder = WithoutRepeats(decoder, size, np.array(free), exempt)
    batch = {"source": np.array([[own, own] for own in sources])}
    return [own[0].tokens.tolist() for own in BeamSearch(decoder, batch, [12] * len(sources), 3).run()]


def repeated(tokens, size):
    grams = [tuple(tokens[n : n + size]) for n in range(len(tokens) - size + 1)]
    return len(grams) - len(set(grams))


@pytest.mark.parametrize("size", [2, 3, 4])
def test_no_ngram_is_said_twice(size):
    for tokens in found(size, [False, False]):
        assert len(tokens) > size
        assert repeated(tokens, size) == 0
    assert all(repeated(tokens, size) for tokens in found(0, None))


def test_a_row_that_may_repeat_does():
    plain, free, bound = found(0, None)[0], *found(2, [True, False])
    assert free == plain
    assert repeated(bound, 2) == 0


def test_what_is_exempt_comes_again():
    assert found(2, [False, False], exempt=(2,))[0] == found(0, None)[0]


@given(st.lists(st.integers(2, SIZE - 1), min_size=1, max_size=4), st.integers(2, 4), st.randoms())
def test_a_batch_is_searched_as_each_of_its_rows(sources, size, random):
    free = [random.random() < 0.5 for _ in sources]
    together = found(size, free, sources=sources)
    assert together == [found(size, [own], sources=[source])[0] for own, source in zip(free, sources, strict=True)]
