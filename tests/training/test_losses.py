"""Losses against NumPy by hand."""

import contextlib

import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.layers import generic_path
from rnn_apps.training.losses import (
    sequence_cross_entropy,
    summed_binary_cross_entropy,
    summed_cross_entropy,
    summed_laplace_loss,
)


def test_summed_cross_entropy_counts_rows():
    logits = np.array([[2.0, 0.0], [0.0, 1.0], [0.0, 0.0]], np.float32)
    total, items = summed_cross_entropy(tf.constant(logits), tf.constant([0, 0, 1]))
    expected = sum(np.log(np.exp(row).sum()) - row[label] for row, label in zip(logits, [0, 0, 1], strict=True))
    assert float(total) == pytest.approx(expected, rel=1e-6)
    assert int(items) == 3


LOGITS = np.random.default_rng(3).normal(0, 2, (4, 5)).astype(np.float32)
TARGETS = np.array([[2, 4, 0], [1, 0, 0], [3, 0, 0]], np.int32)  # 0 is padding, and no item


def by_hand(smoothing):
    log_probabilities = LOGITS - np.log(np.exp(LOGITS).sum(axis=1, keepdims=True))
    shares = np.full(LOGITS.shape, smoothing / 5)
    shares[np.arange(4), [2, 4, 1, 3]] += 1 - smoothing
    return -(shares * log_probabilities).sum()


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("generic", [False, True])
def test_sequence_cross_entropy_is_summed_over_real_tokens(smoothing, generic):
    with generic_path() if generic else contextlib.nullcontext():
        total, items = sequence_cross_entropy(tf.constant(LOGITS), tf.constant(TARGETS), smoothing)
    assert float(total) == pytest.approx(by_hand(smoothing), rel=1e-5)
    assert float(items) == 4


def test_nothing_but_padding_costs_nothing():
    total, items = sequence_cross_entropy(tf.zeros((0, 5)), tf.zeros((2, 3), tf.int32), 0.1)
    assert (float(total), float(items)) == (0.0, 0.0)


def test_binary_cross_entropy_counts_rows_and_sums_labels():
    logits, labels = np.array([[2.0, -1.0], [0.5, 3.0]], np.float32), np.array([[1, 0], [0, 1]], np.float32)
    total, count = summed_binary_cross_entropy(tf.constant(logits), tf.constant(labels))
    probabilities = 1 / (1 + np.exp(-logits))
    expected = -np.log(np.where(labels == 1, probabilities, 1 - probabilities)).sum()
    assert (float(total), int(count)) == (pytest.approx(expected, rel=1e-6), 2)


def test_the_laplace_loss_is_that_of_the_density():
    from scipy.stats import laplace

    logits, numbers = np.array([[0.3, 0.5], [-1.0, -2.0]], np.float32), np.array([1.0, -1.2], np.float32)
    total, count = summed_laplace_loss(tf.constant(logits), tf.constant(numbers))
    expected = -laplace.logpdf(numbers, logits[:, 0], np.exp(logits[:, 1])).sum()
    assert (float(total), int(count)) == (pytest.approx(expected, rel=1e-6), 2)
