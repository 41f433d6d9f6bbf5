"""Weights and sampling for classes of unequal size."""

import numpy as np
import pytest
import tensorflow as tf

import rnn_apps
from rnn_apps.data.store import Store, write_store
from rnn_apps.errors import ConfigError
from rnn_apps.training.losses import summed_cross_entropy
from rnn_apps.training.prepare import _weights
from rnn_apps.training.trainer import Problem, Trainer
from training.small import build_model, loss, small_config

CLASSES = np.repeat([1, 2, 3], [90, 9, 1]).astype(np.int32)
COUNTS = np.bincount(CLASSES)
NAMES = {None: 0, "common": 1, "rare": 2, "rarest": 3}


def task_config(**training):
    from rnn_apps.tasks.sentiment.config import SentimentConfig

    return SentimentConfig(training=training)


def test_a_weight_counts_like_so_many_examples():
    rng = np.random.default_rng(0)
    logits, labels = tf.constant(rng.normal(size=(3, 4)), tf.float32), tf.constant([0, 3, 1])
    weighted, total = summed_cross_entropy(logits, labels, tf.constant([1.0, 3.0, 2.0]))
    rows = [0, 1, 1, 1, 2, 2]
    repeated, count = summed_cross_entropy(tf.gather(logits, rows), tf.gather(labels, rows))
    assert float(weighted) == pytest.approx(float(repeated), rel=1e-6)
    assert float(total) == float(count) == 6


def test_balanced_weights_give_each_class_the_same_part():
    weights = _weights(task_config(class_weights="balanced"), COUNTS, NAMES)
    sums = np.bincount(CLASSES, weights=weights[CLASSES])[1:]
    np.testing.assert_allclose(sums, 100 / 3, rtol=1e-6)


def test_a_table_names_classes_and_leaves_the_others_at_one():
    weights = _weights(task_config(class_weights={"rare": 10}), COUNTS, NAMES)
    np.testing.assert_array_equal(weights[1:], [1, 10, 1])
    with pytest.raises(ConfigError, match=r"names the class 'rares', which is not in the data.*Did you mean"):
        _weights(task_config(class_weights={"rares": 10}), COUNTS, NAMES)
    assert _weights(task_config(), COUNTS, NAMES) is None


@pytest.mark.parametrize("setting", [{"class_weights": "balanced"}, {"sampling": "balanced"}])
def test_a_task_without_classes_says_so(setting):
    with pytest.raises(ConfigError, match="no classes that could be weighted"):
        _weights(task_config(**setting), np.array([10]), {None: 0})


def test_balanced_sampling_draws_of_each_class_as_many(tmp_path):
    rows = [{"tokens": np.array([1, 2], np.int32), "label": np.array(n - 1, np.int32)} for n in CLASSES]
    for name in ("train", "valid"):
        write_store(tmp_path / name, rows, CLASSES)
    stores = [Store(tmp_path / name) for name in ("train", "valid")]
    problem = Problem(build_model, loss, lambda: None, "accuracy")

    def drawn(epoch, **changes):
        trainer = Trainer(problem, *stores, small_config(**changes), 0, tmp_path / "run")
        drawn = [numbers for _, numbers in trainer._plan(epoch).batches()]
        return np.bincount(CLASSES[np.concatenate(drawn)], minlength=4)[1:]

    np.testing.assert_array_equal(drawn(0), [90, 9, 1])
    counts = drawn(0, sampling="balanced")
    assert counts.sum() == 100
    assert counts.min() > 15
    assert drawn(1, sampling="balanced").tolist() != counts.tolist()


def test_a_run_with_weights_leans_towards_a_rare_class(tmp_path):
    path = tmp_path / "mail.tsv"
    path.write_text("".join(f"{'urgent' if n % 20 == 0 else 'other'}\tword{n % 7} and more\n" for n in range(400)))
    leaning = {}
    for name, weights in (("plain", None), ("weighted", "balanced")):
        config = {
            "model": {"units": 4, "layers": 1, "embedding": 4},
            "training": {"epochs": 2, "batch_size": 16, "learning_rate": 0.02, "class_weights": weights},
            "data": {"vocabulary_size": 300},
        }
        model = rnn_apps.train("sentiment", path, config=config, output=tmp_path / name, progress=False)
        tokens = model.predictor.processor.encode_inputs(["word3 and more"])
        logits = model.predictor.session.run({"tokens": next(iter(tokens))["tokens"][None]})["logits"][0]
        leaning[name] = float(logits[model.predictor.class_names.index("urgent")] - logits.mean())
    assert leaning["plain"] < -0.5
    assert abs(leaning["weighted"]) < 0.5


def test_mlflow_has_the_settings_and_every_epoch(rnnapps, reviews, sentiment_settings, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    result = rnnapps(
        "train", "sentiment", "--data", reviews, *sentiment_settings, "--output", "mine", "--mlflow", "runs"
    )
    assert result.status == 0, result.stderr
    mlflow.set_tracking_uri("runs")
    (run,) = mlflow.search_runs(search_all_experiments=True, output_format="list")
    assert run.info.run_name == "mine"
    assert run.data.params["model.units"] == "8"
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "val_accuracy")
    assert [own.step for own in history] == [1, 2]
