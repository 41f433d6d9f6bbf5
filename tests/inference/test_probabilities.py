import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rnn_apps.inference.classification import (
    ClassificationMetrics,
    ClassPrediction,
    class_prediction,
)
from rnn_apps.inference.probabilities import expected_calibration_error, fit_temperature, log_softmax, softmax

logits_strategy = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9),
    elements=st.floats(-1e4, 1e4, width=32),
)


@given(logits_strategy)
def test_probabilities_are_positive_and_sum_to_one(logits):
    probabilities = softmax(logits)
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1.0, atol=1e-12)


@given(logits_strategy, st.floats(-100, 100))
def test_softmax_does_not_change_when_all_logits_move(logits, shift):
    np.testing.assert_allclose(softmax(logits.astype(np.float64) + shift), softmax(logits), atol=1e-9)


@given(logits_strategy)
def test_log_softmax_is_the_logarithm_of_softmax(logits):
    np.testing.assert_allclose(np.exp(log_softmax(logits)), softmax(logits))


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_the_temperature_that_made_the_labels_is_found(temperature):
    rng = np.random.default_rng(0)
    honest = rng.normal(size=(20_000, 4)) * 2
    labels = (softmax(honest).cumsum(axis=1) > rng.random((20_000, 1))).argmax(axis=1)
    assert fit_temperature(honest * temperature, labels) == pytest.approx(temperature, rel=0.05)


@given(st.integers(0, 99))
def test_a_fitted_temperature_never_lowers_the_likelihood(seed):
    rng = np.random.default_rng(seed)
    logits, labels = rng.normal(size=(30, 3)) * 3, rng.integers(0, 3, 30)

    def loss(temperature):
        return -log_softmax(logits / temperature)[np.arange(30), labels].mean()

    assert loss(fit_temperature(logits, labels)) <= loss(1.0) + 1e-6


def test_calibration_error_of_honest_and_of_boasting_answers():
    correct = np.array([True] * 80 + [False] * 20)
    assert expected_calibration_error(np.full(100, 0.8), correct) == pytest.approx(0.0)
    assert expected_calibration_error(np.full(100, 1.0), correct) == pytest.approx(0.2)
    assert expected_calibration_error(np.zeros(0), np.zeros(0, np.bool_)) == 0.0


def test_calibration_error_by_hand_over_two_bins():
    confidences = np.array([0.2, 0.4, 0.9, 0.9])
    correct = np.array([False, True, True, False])
    # bins: (0.5 - 0.3) * 2/4 and (0.9 - 0.5) * 2/4
    assert expected_calibration_error(confidences, correct, bins=2) == pytest.approx(0.3)


def test_metrics_do_not_depend_on_how_examples_are_batched():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(60, 3)), rng.integers(0, 3, 60)
    results = []
    for size in (60, 7, 1):
        metrics = ClassificationMetrics(1.3)
        for start in range(0, 60, size):
            metrics.update({"logits": logits[start : start + size]}, {"label": labels[start : start + size]})
        results.append(metrics.result())
    for result in results[1:]:
        assert result == pytest.approx(results[0])
    assert results[0]["accuracy"] == pytest.approx((logits.argmax(axis=1) == labels).mean())


def test_calibrating_changes_the_loss_and_not_the_accuracy():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 500)
    logits = (np.eye(3)[labels] + rng.normal(size=(500, 3))) * 9
    metrics = ClassificationMetrics(1.0)
    metrics.update({"logits": logits}, {"label": labels})
    before = metrics.result()
    assert metrics.calibrate()["temperature"] > 1
    after = metrics.result()
    assert after["accuracy"] == before["accuracy"]
    assert after["loss"] < before["loss"]
    assert after["ece"] < before["ece"]


def test_a_prediction_names_the_likeliest_class():
    prediction = class_prediction(["a", "b", "c"], np.array([0.2, 0.5, 0.3]))
    assert prediction == ClassPrediction(label="b", probability=0.5, probabilities={"a": 0.2, "b": 0.5, "c": 0.3})
