import json

import keras
import numpy as np
import pytest

from rnn_apps.config import ClippingConfig
from rnn_apps.errors import TrainingError
from rnn_apps.progress import Reporter
from rnn_apps.training.checkpoint import load_checkpoint
from rnn_apps.training.trainer import BEST_WEIGHTS, CHECKPOINT
from training.small import (
    STEPS,
    TIMES,
    At,
    Weights,
    assert_same,
    build_model,
    timeless,
    values,
)


class Scripted:
    """Metrics whose results are known beforehand."""

    def __init__(self, scores):
        self.scores = iter(scores)

    def __call__(self):
        return self

    def update(self, outputs, batch):
        assert outputs["logits"].shape == (len(batch["label"]), 3)

    def result(self):
        return {"accuracy": next(self.scores), "loss": 1.0}


def test_the_history_has_a_row_an_epoch_and_the_model_learns(undisturbed):
    rows, _, _ = undisturbed
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert rows[-1]["val_loss"] < rows[0]["val_loss"]
    for row in rows:
        assert {"val_loss", "val_ece", "learning_rate", "gradient_norm", "clip_rate", *TIMES} <= row.keys()
        assert row["steps"] == STEPS
        assert 0 <= row["waiting_share"] <= 1


def test_the_same_seed_gives_the_same_run_and_another_seed_another(trainer, undisturbed):
    rows, variables, _ = undisturbed
    same = trainer("same")
    assert timeless(same.fit()) == timeless(rows)
    assert_same(values(same.variables), variables)
    assert timeless(trainer("other", seed=8, epochs=1).fit()) != timeless(rows[:1])


@pytest.mark.parametrize(
    ("mode", "scores", "epochs", "best"),
    [
        ("max", [0.1, 0.5, 0.4, 0.5, 0.9], 4, 2),
        ("min", [0.9, 0.4, 0.4, 0.6, 0.1], 4, 2),
        ("max", [0.5, 0.6, 0.7], 3, 3),
    ],
)
def test_training_stops_early_and_the_best_weights_win(trainer, mode, scores, epochs, best):
    weights = Weights()
    limit = max(len(scores), epochs) if len(scores) > epochs else epochs
    run = trainer(callbacks=[weights], metrics=Scripted(scores), mode=mode, epochs=limit, patience=2)
    rows = run.fit()
    assert [row["val_accuracy"] for row in rows] == scores[:epochs]
    assert_same(values(run.model.weights), weights.epochs[best - 1])


def test_the_loss_is_the_mean_over_examples_not_over_batches(trainer, stores):
    model = build_model()
    plain = keras.Model(model.input, model.output)
    start = values(plain.weights)

    def same_start():
        model = build_model()
        for weight, value in zip(model.weights, start, strict=True):
            weight.assign(value)
        for layer in model.layers:  # no dropout
            for name in ("rate", "dropout", "token_dropout"):
                if hasattr(layer, name):
                    setattr(layer, name, 0.0)
        return model

    row = trainer(build_model=same_start, epochs=1, learning_rate=1e-20).fit()[0]
    losses = []
    for example in stores[0].rows():
        logits = np.array(plain({"tokens": example["tokens"][None]})["logits"])[0]
        losses.append(np.log(np.exp(logits).sum()) - logits[example["label"]])
    assert row["loss"] == pytest.approx(np.mean(losses), rel=1e-5)


def test_a_loss_that_is_no_number_stops_with_the_step_and_advice(trainer):
    with pytest.raises(TrainingError) as caught:
        trainer(learning_rate=1e30, clipping=ClippingConfig(kind="none"), warmup=0.0).fit()
    message = str(caught.value)
    assert "at step 2 (epoch 1)" in message
    assert "The learning rate is 1e+30" in message
    assert "--set training.learning_rate=1e+29" in message
    assert "--set training.clipping" in message


def test_an_output_that_is_no_number_after_an_epoch_stops_too(trainer):
    spoil = At(0, STEPS - 1, lambda: run.model.weights[0].assign(run.model.weights[0] * np.nan))
    run = trainer(callbacks=[spoil])
    with pytest.raises(TrainingError, match=rf"output is no number at step {STEPS} \(epoch 1\).*Try a smaller one"):
        run.fit()


def test_the_step_of_a_late_failure_counts_all_epochs(trainer):
    run = trainer(callbacks=[At(1, 1, lambda: run.model.weights[0].assign(run.model.weights[0] * np.nan))])
    with pytest.raises(TrainingError, match=rf"at step {STEPS + 3} \(epoch 2\)"):
        run.fit()


@pytest.mark.parametrize(
    ("clipping", "rate"),
    [
        ({"kind": "none"}, 0.0),
        ({"threshold": 1e6}, 0.0),
        ({"threshold": 1e-6}, 1.0),
        ({"kind": "adaptive", "threshold": 1e-6}, 1.0),
    ],
)
def test_the_history_says_how_often_gradients_were_clipped(trainer, clipping, rate):
    row = trainer(epochs=1, clipping=ClippingConfig(**clipping)).fit()[0]
    assert row["clip_rate"] == rate
    assert row["gradient_norm"] > 0


TWO_DEVICES = """
import json, sys
import numpy as np
import tensorflow as tf

devices = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(devices[0], [tf.config.LogicalDeviceConfiguration()] * 2)
import keras
from pathlib import Path
from rnn_apps.config import ClippingConfig, TrainingConfig
from rnn_apps.data.store import Store
from rnn_apps.inference.classification import ClassificationMetrics
from rnn_apps.training.trainer import Problem, Trainer
from rnn_apps.training.losses import summed_cross_entropy
from rnn_apps.layers import GRU, Embedding, MaskedPooling

train, valid, out = map(Path, sys.argv[1:])

def build_model():
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    x = MaskedPooling(("max",))(GRU(5, return_sequences=True)(Embedding(12, 6, mask_zero=True)(tokens)))
    return keras.Model({"tokens": tokens}, {"logits": keras.layers.Dense(3)(x)})

found = {}
for kind in ("none", "global_norm"):
    results = []
    for name, strategy in (
        ("one", tf.distribute.get_strategy()),
        ("two", tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])),
    ):
        problem = Problem(
            build_model, lambda outputs, batch: summed_cross_entropy(outputs["logits"], batch["label"]),
            lambda: ClassificationMetrics(1.0), "accuracy",
        )
        clipping = ClippingConfig(kind=kind, threshold=0.05)
        config = TrainingConfig(epochs=2, batch_size=7, learning_rate=0.02, clipping=clipping)
        stores = Store(train), Store(valid)
        trainer = Trainer(problem, *stores, config, 3, out / (kind + name), strategy=strategy)
        rows = trainer.fit()
        weights = np.concatenate([w.numpy().ravel() for w in trainer.model.weights]).tolist()
        results.append({"replicas": trainer.step.strategy.num_replicas_in_sync, "rows": rows, "weights": weights})
    found[kind] = results
(out / "found.json").write_text(json.dumps(found))
"""


def test_two_devices_give_the_losses_of_one(run_python, stores, tmp_path):
    folders = [store.folder for store in stores]
    result = run_python(TWO_DEVICES, *folders, tmp_path)
    assert result.status == 0, result.stderr
    for kind, (one, two) in json.loads((tmp_path / "found.json").read_text()).items():
        assert (one["replicas"], two["replicas"]) == (1, 2)
        for row, other in zip(timeless(one["rows"]), timeless(two["rows"]), strict=True):
            assert other == pytest.approx(row, rel=1e-4, abs=1e-6), kind
        np.testing.assert_allclose(two["weights"], one["weights"], atol=2e-5)


def test_equal_scores_are_decided_by_the_loss_and_the_end_is_explained(trainer, capsys):
    class Losses(Scripted):
        def result(self):
            return {"accuracy": 0.5, "loss": next(self.scores)}

    run = trainer(metrics=Losses([0.9, 0.4, 0.6]), epochs=3)
    run.reporter = Reporter()
    run.fit()
    weights = np.load(run.folder / BEST_WEIGHTS)
    progress = load_checkpoint(run.folder / CHECKPOINT, run.variables)
    assert (progress.best_epoch, progress.best_loss) == (1, 0.4)
    assert len(weights.files) == len(run.model.weights)
    assert "ended: all epochs are done; epoch 2 (val_accuracy 0.5000) is kept" in capsys.readouterr().err


def test_a_run_without_patience_left_says_so(trainer, capsys):
    run = trainer(metrics=Scripted([0.9, 0.5, 0.5, 0.5]), epochs=9, patience=2)
    run.reporter = Reporter()
    assert len(run.fit()) == 3
    told = capsys.readouterr().err
    assert "ended: no better val_accuracy for 2 epochs; epoch 1 (val_accuracy 0.9000) is kept" in told
