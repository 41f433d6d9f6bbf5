"""CRF decoding in NumPy against brute force: best paths, marginals, whole spans, and numbers at the edge."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.inference import crf


def legal_paths(emissions, transitions):
    """Every possible path of one sentence with its score, best first."""
    tags = emissions.shape[1]
    found = []
    for path in itertools.product(range(tags), repeat=len(emissions)):
        full = [tags, *path, tags]
        moves = [transitions[i, j] for i, j in itertools.pairwise(full)] if path else []
        if all(move > crf.ILLEGAL for move in moves):
            found.append((path, sum(moves) + sum(emissions[t, tag] for t, tag in enumerate(path))))
    return sorted(found, key=lambda pair: -pair[1])


@st.composite
def batches(draw):
    """(emissions, transitions, lengths), some transitions illegal, but each row with a path."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tags, time, batch = draw(st.integers(1, 4)), draw(st.integers(0, 5)), draw(st.integers(1, 3))
    transitions = rng.normal(0, 2, (tags + 1, tags + 1))
    # tag 0 may stand anywhere
    transitions[1:tags, 1:tags][rng.random((max(tags - 1, 0),) * 2) < 0.5] = crf.ILLEGAL
    transitions[tags, 1:][rng.random(tags) < 0.3] = crf.ILLEGAL
    return rng.normal(0, 2, (batch, time, tags)), transitions, rng.integers(0, time + 1, batch), rng


@given(batches(), st.integers(1, 4))
def test_best_paths(data, count):
    emissions, transitions, lengths, _ = data
    paths, scores = crf.best_paths(emissions, transitions, lengths, count)
    for row, length in enumerate(lengths):
        expected = legal_paths(emissions[row, :length], transitions)
        for n in range(count):
            if n < len(expected):
                assert scores[row, n] == pytest.approx(expected[n][1], abs=1e-9)
                assert tuple(paths[row, n, :length]) == expected[n][0]
            else:
                assert scores[row, n] == -np.inf
        assert not paths[row, :, length:].any()
    np.testing.assert_allclose(crf.path_scores(emissions, transitions, paths[:, 0], lengths), scores[:, 0], atol=1e-9)


@given(batches())
def test_marginals_of_tags_and_of_transitions(data):
    emissions, transitions, lengths, _ = data
    tags = emissions.shape[2]
    passes = crf.forward_backward(emissions, transitions, lengths)
    marginals, moves = passes.marginals(), passes.move_marginals()
    for row, length in enumerate(lengths):
        paths = legal_paths(emissions[row, :length], transitions)
        total = np.logaddexp.reduce([score for _, score in paths])
        assert passes.log_partition[row] == pytest.approx(total, abs=1e-9)
        expected, expected_moves = np.zeros(marginals.shape[1:]), np.zeros((tags + 1, tags + 1))
        for path, score in paths:
            for step, tag in enumerate(path):
                expected[step, tag] += np.exp(score - total)
            for i, j in itertools.pairwise([tags, *path, tags]) if path else ():
                expected_moves[i, j] += np.exp(score - total)
        np.testing.assert_allclose(marginals[row], expected, atol=1e-9)
        np.testing.assert_allclose(moves[row], expected_moves, atol=1e-9)


@given(batches())
def test_probability_of_a_whole_span(data):
    emissions, transitions, lengths, rng = data
    tags = emissions.shape[2]
    continuations = rng.integers(-1, tags, tags)
    paths, _ = crf.viterbi(emissions, transitions, lengths)
    rows = np.flatnonzero(lengths)
    starts = np.array([rng.integers(0, lengths[row]) for row in rows], int)
    ends = np.array([rng.integers(start + 1, lengths[row] + 1) for start, row in zip(starts, rows, strict=True)], int)
    passes = crf.forward_backward(emissions, transitions, lengths)
    found = passes.span_probabilities(paths, rows, starts, ends, continuations)
    for row, start, end, probability in zip(rows, starts, ends, found, strict=True):
        span = tuple(paths[row, start:end])
        longer = continuations[span[-1]]
        likely = 0.0
        total = np.logaddexp.reduce([score for _, score in legal_paths(emissions[row, : lengths[row]], transitions)])
        for path, score in legal_paths(emissions[row, : lengths[row]], transitions):
            goes_on = longer >= 0 and end < lengths[row] and path[end] == longer
            if path[start:end] == span and not goes_on:
                likely += np.exp(score - total)
        assert probability == pytest.approx(likely, abs=1e-9)


def test_large_scores_and_long_sentences():
    rng = np.random.default_rng(0)
    emissions = rng.normal(0, 200, (2, 10_000, 3))
    transitions = rng.normal(0, 50, (4, 4))
    passes = crf.forward_backward(emissions, transitions, np.array([10_000, 9_000]))
    _, scores = crf.viterbi(emissions, transitions, np.array([10_000, 9_000]))
    assert np.isfinite(passes.log_partition).all()
    assert (passes.log_partition >= scores - 1e-6).all()
    np.testing.assert_allclose(passes.marginals()[0].sum(axis=1), 1.0, atol=1e-6)


def test_padding_has_no_influence():
    rng = np.random.default_rng(3)
    emissions, transitions = rng.normal(size=(3, 6, 4)), rng.normal(size=(5, 5))
    lengths = np.array([6, 3, 1])
    passes = crf.forward_backward(emissions, transitions, lengths)
    for row, length in enumerate(lengths):
        alone = crf.forward_backward(emissions[row : row + 1, :length], transitions, lengths[row : row + 1])
        np.testing.assert_allclose(passes.log_partition[row], alone.log_partition[0], atol=1e-12)
        np.testing.assert_allclose(passes.marginals()[row, :length], alone.marginals()[0], atol=1e-12)
