"""Probabilities that mean what they say: temperature scaling, and how far off they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from rnn_apps.arrays import Floats, Ints


def log_softmax(logits: Floats) -> Floats:
    """Returns log probabilities over the last axis, in float64."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def softmax(logits: Floats) -> Floats:
    """Returns probabilities over the last axis, in float64."""
    return np.asarray(np.exp(log_softmax(logits)))


def sigmoid(values: Floats) -> Floats:
    """Returns 1 / (1 + exp(-x)) in float64, without overflow."""
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * values.astype(np.float64)))


def fit_temperature(logits: Floats, labels: Ints) -> float:
    """Finds the temperature t that makes softmax(logits / t) most likely; 1 changes nothing, above 1 is more modest.

    Source: Guo et al. (2017), "On calibration of modern neural networks". The loss is convex in 1/t, so a
    golden-section search on log t between 1/20 and 20 finds its only minimum. As in Platt (1999), "Probabilistic
    outputs for support vector machines", section 2.2, each label leaves 1 / (examples + 2) to the other classes: where
    no example is wrong, that keeps the temperature from falling without end.

    Args:
        logits: shape (examples, classes).
        labels: right classes, shape (examples,).
    """
    rest = 1.0 / (len(labels) + 2)
    target = np.full(logits.shape, rest / max(logits.shape[1] - 1, 1))
    target[np.arange(len(labels)), labels] = 1.0 - rest

    return best_temperature(lambda temperature: float(-(target * log_softmax(logits / temperature)).sum(axis=1).mean()))


def best_temperature(loss: Callable[[float], float]) -> float:
    """Returns the temperature between 1/20 and 20 with the smallest loss, by golden-section search on its logarithm."""
    low, high = -np.log(20.0), np.log(20.0)
    golden = (np.sqrt(5.0) - 1.0) / 2.0
    while high - low > 1e-4:
        left, right = high - golden * (high - low), low + golden * (high - low)
        if loss(float(np.exp(left))) < loss(float(np.exp(right))):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2.0))


def expected_calibration_error(confidences: Floats, correct: npt.NDArray[np.bool_], bins: int = 15) -> float:
    """Returns the mean distance between confidence and accuracy over bins of equal width, weighted by their size.

    Source: Guo et al. (2017), equation 3.

    Args:
        confidences: probability of each predicted answer, shape (examples,).
        correct: whether it was right, shape (examples,).
        bins: number of bins between 0 and 1.
    """
    if not len(confidences):
        return 0.0
    which = np.minimum((confidences * bins).astype(int), bins - 1)
    counts = np.bincount(which, minlength=bins)
    gaps = np.bincount(which, weights=confidences - correct, minlength=bins)
    return float(np.abs(gaps).sum() / counts.sum())
