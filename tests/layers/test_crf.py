"""The CRF layer against brute force over all paths, finite differences, and its own padding."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.data.text.tags import legal_transitions
from rnn_apps.errors import ConfigError
from rnn_apps.layers import CRF, generic_path
from rnn_apps.layers.crf import ILLEGAL, log_likelihood


def score(emissions, transitions, path):
    outside = emissions.shape[1]
    full = [outside, *path, outside]
    moves = sum(transitions[i, j] for i, j in itertools.pairwise(full)) if path else 0.0
    return moves + sum(emissions[t, tag] for t, tag in enumerate(path))


def all_paths(emissions, transitions):
    """Every path of one sentence with its score."""
    paths = list(itertools.product(range(emissions.shape[1]), repeat=len(emissions)))
    return paths, np.array([score(emissions, transitions, path) for path in paths])


def mask_of(lengths, time):
    return np.arange(time) < np.asarray(lengths)[:, None]


@st.composite
def batches(draw):
    """(emissions, transitions, tags, lengths) of up to 3 sentences of up to 5 tokens with up to 4 tags."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tags, time, batch = draw(st.integers(1, 4)), draw(st.integers(1, 5)), draw(st.integers(1, 3))
    spread = draw(st.sampled_from([0.0, 1.0, 5.0]))
    lengths = rng.integers(0, time + 1, batch)
    lengths[0] = time
    return (
        rng.normal(0, spread, (batch, time, tags)).astype(np.float32),
        rng.normal(0, spread, (tags + 1, tags + 1)).astype(np.float32),
        rng.integers(0, tags, (batch, time)),
        lengths,
    )


@pytest.mark.parametrize("generic", [False, True])
@given(data=batches())
def test_log_likelihood_is_that_of_brute_force(generic, data):
    emissions, transitions, tags, lengths = data
    expected = []
    for row, length in enumerate(lengths):
        _, scores = all_paths(emissions[row, :length].astype(float), transitions.astype(float))
        own = score(emissions[row, :length], transitions, tags[row, :length].tolist())
        expected.append(own - np.logaddexp.reduce(scores))
    mask = mask_of(lengths, emissions.shape[1])
    if generic:
        with generic_path():
            found = log_likelihood(emissions, tf.constant(transitions), tags, mask)
    else:
        found = log_likelihood(emissions, tf.constant(transitions), tags, mask)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@given(data=batches())
def test_best_path_and_marginals_are_those_of_brute_force(data):
    emissions, transitions, _, lengths = data
    layer = CRF(emissions.shape[2])
    layer.build(emissions.shape)
    layer.transitions.assign(transitions)
    mask = mask_of(lengths, emissions.shape[1])
    best, best_scores = layer.viterbi(emissions, mask)
    marginals = layer.marginals(emissions, mask)
    for row, length in enumerate(lengths):
        paths, scores = all_paths(emissions[row, :length].astype(float), transitions.astype(float))
        np.testing.assert_allclose(best_scores[row], scores.max(), rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(
            score(emissions[row], transitions, best[row, :length].tolist()), scores.max(), rtol=1e-4, atol=1e-5
        )
        weights = np.exp(scores - np.logaddexp.reduce(scores))
        expected = np.zeros(marginals.shape[1:])
        for path, weight in zip(paths, weights, strict=True):
            for step, tag in enumerate(path):
                expected[step, tag] += weight
        np.testing.assert_allclose(marginals[row], expected, atol=1e-5)
        assert not best[row, length:].any()


@pytest.mark.parametrize("generic", [False, True])
def test_gradients_are_those_of_finite_differences(generic):
    rng = np.random.default_rng(4)
    emissions = rng.normal(size=(3, 5, 3)).astype(np.float32)
    transitions = rng.normal(size=(4, 4)).astype(np.float32)
    tags, lengths = rng.integers(0, 3, (3, 5)), [5, 2, 0]
    mask = mask_of(lengths, 5)

    def exact(emissions, transitions):
        total = 0.0
        for row, length in enumerate(lengths):
            _, scores = all_paths(emissions[row, :length], transitions)
            own = score(emissions[row, :length], transitions, tags[row, :length].tolist())
            total += (row + 1.0) * (own - np.logaddexp.reduce(scores))
        return total

    sources = [tf.constant(emissions), tf.constant(transitions)]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        if generic:
            with generic_path():
                likelihood = log_likelihood(*sources, tags, mask)
        else:
            likelihood = log_likelihood(*sources, tags, mask)
        total = tf.reduce_sum(likelihood * [1.0, 2.0, 3.0])
    gradients = tape.gradient(total, sources)
    arrays = [emissions.astype(float), transitions.astype(float)]
    for number, gradient in enumerate(gradients):
        expected = np.zeros(arrays[number].shape)
        for place in np.ndindex(expected.shape):
            sides = []
            for step in (1e-5, -1e-5):
                moved = [array.copy() for array in arrays]
                moved[number][place] += step
                sides.append(exact(*moved))
            expected[place] = (sides[0] - sides[1]) / 2e-5
        np.testing.assert_allclose(gradient, expected, atol=1e-4)


def test_padding_has_no_influence():
    rng = np.random.default_rng(1)
    emissions = rng.normal(size=(2, 4, 3)).astype(np.float32)
    tags, mask = rng.integers(0, 3, (2, 4)), mask_of([4, 2], 4)
    transitions = tf.constant(rng.normal(size=(4, 4)), tf.float32)
    padded = np.concatenate([emissions, np.full((2, 3, 3), 50.0, np.float32)], axis=1)
    alone = log_likelihood(emissions[1:, :2], transitions, tags[1:, :2])
    together = log_likelihood(padded, transitions, np.pad(tags, ((0, 0), (0, 3))), np.pad(mask, ((0, 0), (0, 3))))
    np.testing.assert_allclose(together[1], alone[0], rtol=1e-6)
    np.testing.assert_allclose(together, log_likelihood(emissions, transitions, tags, mask), rtol=1e-6)


@pytest.mark.parametrize("tags", [["O", "B-PER", "I-PER"], ["O", "B-X", "I-X", "E-X", "S-X"]])
def test_illegal_transitions_are_impossible_whatever_was_learnt(tags):
    legal = legal_transitions(tags)
    layer = CRF(len(tags), legal.tolist())
    layer.build((None, None, len(tags)))
    layer.transitions.assign(np.where(legal, -20.0, 300.0))
    rng = np.random.default_rng(7)
    emissions = rng.normal(0, 30, (20, 6, len(tags))).astype(np.float32)
    best, _ = layer.viterbi(emissions)
    outside = len(tags)
    for path in best.tolist():
        assert all(legal[i, j] for i, j in itertools.pairwise([outside, *path, outside]))
    marginals = layer.marginals(emissions)
    assert not marginals[:, 0][:, ~legal[outside, :-1]].any()
    assert not marginals[:, -1][:, ~legal[:-1, outside]].any()
    np.testing.assert_allclose(marginals.sum(axis=2), 1.0, atol=1e-9)


def test_layer_hands_on_emissions_and_gives_each_row_the_transitions():
    layer = CRF(2, [[True, False, True]] * 3)
    emissions = np.random.default_rng(0).normal(size=(3, 4, 2)).astype(np.float32)
    handed, transitions = layer(emissions)
    np.testing.assert_array_equal(handed, emissions)
    assert transitions.shape == (3, 3, 3)
    np.testing.assert_array_equal(transitions[1, :, 1], [ILLEGAL] * 3)
    again = CRF.from_config(layer.get_config())
    np.testing.assert_array_equal(again.legal, layer.legal)


def test_mask_and_shapes_in_a_model():
    x = keras.Input((None, 3))
    emissions, transitions = CRF(3)(keras.layers.Masking()(x))
    assert emissions.shape == (None, None, 3)
    assert transitions.shape == (None, 4, 4)


def test_wrong_arguments_are_named():
    with pytest.raises(ConfigError, match=r"legal of shape \(4, 4\)"):
        CRF(3, [[True] * 3] * 3)
    with pytest.raises(ConfigError, match="at least 1"):
        CRF(0)
    with pytest.raises(ConfigError, match="emissions of 3 tags"):
        CRF(3).build((None, None, 4))
