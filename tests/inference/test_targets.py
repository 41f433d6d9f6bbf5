"""Several labels, ordered classes and numbers: their metrics against scikit-learn's and against brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.inference.labels import LabelsMetrics, best_threshold
from rnn_apps.inference.numbers import NumberMetrics, NumberPrediction, in_words
from rnn_apps.inference.ordered import OrderedMetrics, weighted_kappa
from rnn_apps.inference.units import Units

NAMES = ("a", "b", "c")
UNITS = Units(mean=10.0, deviation=4.0)


def labels_metrics(seed, calibration=None, rows=80):
    rng = np.random.default_rng(seed)
    right = (rng.random((rows, 3)) < [0.5, 0.3, 0.1]).astype(np.float32)
    logits = (right * 2 - 1.5 + rng.normal(0, 1.5, right.shape)).astype(np.float32)
    metrics = LabelsMetrics(NAMES, calibration or {})
    for part in (slice(0, 30), slice(30, None)):
        metrics.update({"logits": logits[part]}, {"label": right[part]})
    return metrics, logits, right


@pytest.mark.parametrize("seed", range(5))
def test_labels_are_scored_as_scikit_learn_does(seed):
    from sklearn.metrics import accuracy_score, f1_score, log_loss

    metrics, logits, right = labels_metrics(seed)
    found, said = metrics.result(), logits >= 0
    assert found["micro_f1"] == pytest.approx(f1_score(right, said, average="micro"))
    assert found["macro_f1"] == pytest.approx(f1_score(right, said, average="macro", zero_division=0))
    assert found["exact"] == pytest.approx(accuracy_score(right, said))
    probabilities = 1 / (1 + np.exp(-logits.astype(np.float64)))
    losses = [log_loss(right[:, n], probabilities[:, n]) for n in range(3)]
    assert found["loss"] == pytest.approx(sum(losses), rel=1e-5)


def test_the_parts_of_judgements_add_up_to_the_score():
    metrics, logits, right = labels_metrics(7)
    judgements = metrics.judge({"logits": logits}, {"label": right})
    sums = np.array([own.parts for own in judgements]).sum(axis=0)
    assert metrics.score(sums.tolist()) == pytest.approx(metrics.result()["micro_f1"])
    hits, said, true = np.array(list(metrics.groups(judgements).values())).sum(axis=0)
    assert (hits, said, true) == tuple(sums)
    all_right = [own for own in judgements if own.said == own.right]
    assert all(own.quality == 1 for own in all_right)
    assert len(all_right) / len(judgements) == pytest.approx(metrics.result()["exact"])


@pytest.mark.parametrize("seed", range(5))
def test_calibration_makes_neither_the_loss_nor_f1_worse(seed):
    metrics, logits, right = labels_metrics(seed, rows=200)
    before = metrics.result()
    calibration = metrics.calibrate()
    after = metrics.result()
    assert after["loss"] <= before["loss"] + 1e-9
    assert after["macro_f1"] >= before["macro_f1"]
    again = LabelsMetrics(NAMES, calibration)
    again.update({"logits": logits}, {"label": right})
    assert again.result() == pytest.approx(after)
    assert calibration.keys() == {"temperature", "threshold: a", "threshold: b", "threshold: c"}


@given(st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=5, max_size=30))
def test_no_other_threshold_is_better(pairs):
    probabilities = np.array([value / 10 for value, _ in pairs])
    right = np.array([own for _, own in pairs])

    def f1(threshold):
        said = probabilities >= threshold
        return 2 * (said & right).sum() / max(said.sum() + right.sum(), 1)

    found = best_threshold(probabilities, right)
    if right.sum() < 5:
        assert found == 0.5
    else:
        assert f1(found) == pytest.approx(max(f1(threshold) for threshold in np.arange(-0.05, 1.1, 0.05)))


@pytest.mark.parametrize("seed", range(5))
def test_kappa_is_that_of_scikit_learn(seed):
    from sklearn.metrics import cohen_kappa_score

    rng = np.random.default_rng(seed)
    right = rng.integers(0, 5, 60)
    said = np.clip(right + rng.integers(-1, 2, 60), 0, 4)
    assert weighted_kappa(said, right, 5) == pytest.approx(cohen_kappa_score(said, right, weights="quadratic"))
    assert weighted_kappa(right, right, 5) == 1.0
    assert weighted_kappa(np.full(60, 2), np.full(60, 2), 5) == 1.0


def test_ordered_classes_know_how_far_off_they_are():
    metrics = OrderedMetrics(1.0, ("1", "2", "3"))
    logits = np.log(np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.2, 0.7, 0.1]], np.float32))
    metrics.update({"logits": logits}, {"label": np.array([0, 0, 1], np.int32)})
    found = metrics.result()
    assert found["mae"] == pytest.approx(2 / 3)
    assert found["accuracy"] == pytest.approx(2 / 3)


def number_metrics(seed, rows, calibration=None):
    rng = np.random.default_rng(seed)
    location, log_scale = rng.normal(size=rows), rng.normal(-1, 0.5, rows)
    right = location + rng.standard_t(3, rows) * np.exp(log_scale)
    metrics = NumberMetrics(UNITS, calibration or {})
    batch = {"label": right.astype(np.float32)}
    metrics.update({"logits": np.stack([location, log_scale], axis=1).astype(np.float32)}, batch)
    return metrics, UNITS.mean + UNITS.deviation * location, UNITS.mean + UNITS.deviation * right


def test_numbers_are_scored_as_scikit_learn_does():
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    metrics, said, right = number_metrics(0, 100)
    found = metrics.result()
    assert found["mae"] == pytest.approx(mean_absolute_error(right, said), rel=1e-5)
    assert found["rmse"] == pytest.approx(root_mean_squared_error(right, said), rel=1e-5)
    assert found["r2"] == pytest.approx(r2_score(right, said), rel=1e-5)


def test_the_interval_holds_what_it_promises_on_other_numbers():
    calibration = number_metrics(1, 4000)[0].calibrate()
    assert number_metrics(2, 4000, calibration)[0].result()["coverage"] == pytest.approx(0.9, abs=0.015)
    few = number_metrics(3, 5)[0]
    few.calibrate()
    assert few.result()["coverage"] == 1.0  # of five numbers, only the largest error is wide enough


def test_a_far_off_model_gives_numbers_all_the_same():
    metrics = NumberMetrics(UNITS, {})
    metrics.update({"logits": np.array([[0.0, 1e6], [0.0, -1e6]], np.float32)}, {"label": np.zeros(2, np.float32)})
    assert all(np.isfinite(value) for value in metrics.result().values())


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ((2.5, 1.0, 4.0), "2.50  (90% between 1.00 and 4.00)"),
        ((12345.678, 9000.0, 16000.0), "12,346  (90% between 9,000 and 16,000)"),
        ((0.5, 0.5, 0.5), "0.5000  (90% between 0.5000 and 0.5000)"),
    ],
)
def test_a_number_has_the_digits_that_mean_something(bounds, words):
    number, low, high = bounds
    assert in_words(NumberPrediction(number=number, low=low, high=high)) == words
