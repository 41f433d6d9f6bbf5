import json
import os
import signal
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.config import ClippingConfig, TrainingConfig
from rnn_apps.data.store import ArrayStore, read_rows, write_store
from rnn_apps.errors import TrainingError, TrainingInterrupted
from rnn_apps.inference.classification import ClassificationMetrics
from rnn_apps.layers import GRU, Embedding, MaskedPooling
from rnn_apps.training.checkpoint import Progress, load_checkpoint
from rnn_apps.training.losses import summed_cross_entropy
from rnn_apps.training.trainer import BEST_WEIGHTS, CHECKPOINT, Trainer, WarmUpThenDecay

TIMES = ("seconds", "validation_seconds", "examples_per_second", "tokens_per_second", "waiting_share")
EXAMPLES, BATCH, EPOCHS = 43, 10, 3
STEPS = 5


def small_config(**changes):
    values = {"epochs": EPOCHS, "batch_size": BATCH, "learning_rate": 0.02, "checkpoint_seconds": 0.0}
    return TrainingConfig(**(values | changes))


def build_model():
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    x = Embedding(12, 6, token_dropout=0.1, mask_zero=True)(tokens)
    x = GRU(5, dropout=0.2, return_sequences=True)(x)
    x = keras.layers.Dropout(0.2)(MaskedPooling(("max",))(x))
    return keras.Model({"tokens": tokens}, {"logits": keras.layers.Dense(3)(x)})


def loss(outputs, batch):
    return summed_cross_entropy(outputs["logits"], batch["label"])


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("stores")
    stores = []
    for name, count in (("train", EXAMPLES), ("valid", 17)):
        labels = rng.integers(0, 3, count)
        rows = [
            {"tokens": rng.integers(1, 4, rng.integers(1, 9)).astype(np.int32) + 3 * n, "label": np.array(n, np.int32)}
            for n in labels
        ]
        write_store(folder / name, rows)
        stores.append(ArrayStore(folder / name))
    return stores


@pytest.fixture
def trainer(stores, tmp_path):
    def make(folder="run", callbacks=(), metrics=lambda: ClassificationMetrics(1.0), mode="max", **changes):
        arguments = {"build_model": build_model, "loss": loss, "monitor": "accuracy", "seed": 7} | {
            name: changes.pop(name) for name in ("build_model", "loss", "monitor", "seed") if name in changes
        }
        return Trainer(
            train=stores[0],
            valid=stores[1],
            metrics=metrics,
            monitor_mode=mode,
            config=small_config(**changes),
            folder=tmp_path / folder,
            callbacks=callbacks,
            **arguments,
        )

    return make


def timeless(rows):
    return [{name: value for name, value in row.items() if name not in TIMES} for row in rows]


def values(variables):
    return [variable.numpy() for variable in variables]


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


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


class Weights(keras.callbacks.Callback):
    """Keeps the weights after every epoch."""

    def __init__(self):
        super().__init__()
        self.epochs = []

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(values(self.model.weights))


class Killed(BaseException):
    pass


class At(keras.callbacks.Callback):
    """Does something once, after the given batch."""

    def __init__(self, epoch, batch, action):
        super().__init__()
        self.place, self.action, self.epoch = (epoch, batch), action, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.place:
            self.action()


def kill():
    raise Killed


def press_control_c():
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(scope="module")
def undisturbed(stores, tmp_path_factory):
    """(rows, all variables at the end, weights after each epoch) of a run that nothing happened to."""
    weights = Weights()
    run = Trainer(
        build_model=build_model,
        loss=loss,
        train=stores[0],
        valid=stores[1],
        metrics=lambda: ClassificationMetrics(1.0),
        monitor="accuracy",
        monitor_mode="max",
        config=small_config(),
        seed=7,
        folder=tmp_path_factory.mktemp("undisturbed"),
        callbacks=[weights],
    )
    return run.fit(), values(run.variables), weights.epochs


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


def test_a_run_killed_again_and_again_ends_like_an_undisturbed_one(trainer, undisturbed):
    for place in ((0, 0), (0, 3), (1, 4), (2, 0), (2, 2)):
        with pytest.raises(Killed):
            trainer(callbacks=[At(*place, kill)]).fit()
    last = trainer()
    assert timeless(last.fit()) == timeless(undisturbed[0])
    assert_same(values(last.variables), undisturbed[1])


def test_a_run_killed_while_it_writes_ends_like_an_undisturbed_one(trainer, undisturbed, monkeypatch):
    savez, calls = np.savez, []

    def die_half_way(file, **arrays):
        calls.append(file)
        if len(calls) in (3, 9, 16):  # a checkpoint in an epoch, the best weights, a checkpoint after an epoch
            file.write(b"PK\x03\x04 half")
            file.flush()
            raise Killed
        savez(file, **arrays)

    monkeypatch.setattr(np, "savez", die_half_way)
    for _ in range(3):
        with pytest.raises(Killed):
            trainer().fit()
    last = trainer()
    assert timeless(last.fit()) == timeless(undisturbed[0])
    assert_same(values(last.variables), undisturbed[1])


def test_control_c_finishes_the_step_and_the_run_goes_on_later(trainer, undisturbed):
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(TrainingInterrupted, match=r"Stopped at epoch 2, step 3\. The same command goes on from there"):
        trainer(callbacks=[At(1, 2, press_control_c)], checkpoint_seconds=1e9).fit()
    assert signal.getsignal(signal.SIGINT) is handler
    last = trainer(checkpoint_seconds=1e9)
    assert timeless(last.fit()) == timeless(undisturbed[0])
    assert_same(values(last.variables), undisturbed[1])


def test_control_c_in_the_last_step_of_the_last_epoch_loses_nothing(trainer, undisturbed):
    with pytest.raises(TrainingInterrupted):
        trainer(callbacks=[At(EPOCHS - 1, STEPS - 1, press_control_c)]).fit()
    last = trainer()
    assert timeless(last.fit()) == timeless(undisturbed[0])
    assert_same(values(last.variables), undisturbed[1])


def test_a_second_control_c_stops_at_once(trainer):
    with pytest.raises(KeyboardInterrupt):
        trainer(callbacks=[At(0, 1, lambda: (press_control_c(), press_control_c()))]).fit()


def test_a_finished_run_is_not_run_again(trainer, undisturbed):
    trainer().fit()
    never = At(0, 0, kill)
    again = trainer(callbacks=[never])
    assert timeless(again.fit()) == timeless(undisturbed[0])
    assert_same(values(again.variables), undisturbed[1])


def test_training_runs_in_a_thread_too(trainer):
    found = []
    thread = threading.Thread(target=lambda: found.append(trainer(epochs=1).fit()))
    thread.start()
    thread.join()
    assert len(found[0]) == 1


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
    for example in read_rows(stores[0], range(EXAMPLES)):
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


class Recorder(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append("train")

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch}")

    def on_train_batch_begin(self, batch, logs=None):
        self.calls.append(f"batch {batch}")

    def on_train_batch_end(self, batch, logs=None):
        assert logs["loss"] > 0
        self.calls.append(f"batch {batch} done")

    def on_epoch_end(self, epoch, logs=None):
        assert {"loss", "val_accuracy", "val_loss"} <= logs.keys()
        self.calls.append(f"epoch {epoch} done")

    def on_train_end(self, logs=None):
        self.calls.append("train done")


def test_keras_callbacks_are_called_in_their_order(trainer):
    recorder = Recorder()
    trainer(callbacks=[recorder], epochs=2).fit()
    batches = [call for n in range(STEPS) for call in (f"batch {n}", f"batch {n} done")]
    epochs = [call for n in range(2) for call in (f"epoch {n}", *batches, f"epoch {n} done")]
    assert recorder.calls == ["train", *epochs, "train done"]


def test_callbacks_that_keras_brings_work(trainer, tmp_path):
    callbacks = [
        keras.callbacks.CSVLogger(str(tmp_path / "log.csv")),
        keras.callbacks.ModelCheckpoint(str(tmp_path / "best.keras"), monitor="val_loss", save_best_only=True),
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.EarlyStopping("val_loss", mode="max", patience=1),
    ]
    run = trainer(callbacks=callbacks, epochs=9)
    rows = run.fit()
    assert len(rows) == 2  # the loss falls, and more was called better
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3
    kept = keras.saving.load_model(tmp_path / "best.keras", compile=False)
    tokens = {"tokens": np.array([[4, 5, 0]], np.int32)}
    np.testing.assert_allclose(kept(tokens)["logits"], run.model(tokens)["logits"], atol=1e-6)


@pytest.mark.parametrize("shape", ["constant", "linear", "cosine"])
def test_the_learning_rate_rises_to_its_peak_and_falls(shape):
    rate = WarmUpThenDecay(0.5, 100, 0.1, shape)
    rates = np.array([float(rate(step)) for step in range(100)])
    np.testing.assert_allclose(rates[:10], 0.05 * np.arange(1, 11), rtol=1e-5)
    assert rates.max() == pytest.approx(0.5)
    if shape == "constant":
        np.testing.assert_allclose(rates[9:], 0.5)
    else:
        assert (np.diff(rates[9:]) < 0).all()
        assert rates[-1] == pytest.approx(0.0, abs=1e-7)
        middle = 54  # half of the way from step 9 to step 99
        assert rates[middle] == pytest.approx(0.25, rel=1e-4)


def test_without_warm_up_the_first_step_has_the_full_rate():
    assert float(WarmUpThenDecay(0.5, 100, 0.0, "constant")(0)) == pytest.approx(0.5)
    assert float(WarmUpThenDecay(0.5, 1, 0.0, "cosine")(0)) >= 0


def test_the_schedule_survives_keras_serialisation():
    rate = WarmUpThenDecay(0.5, 100, 0.1, "linear")
    loaded = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(rate))
    assert loaded.get_config() == rate.get_config()


def test_a_checkpoint_holds_the_state_of_dropout(trainer):
    with pytest.raises(Killed):
        trainer(callbacks=[At(0, 3, kill)]).fit()
    run = trainer()
    fresh = values(run.variables)
    progress = load_checkpoint(run.folder / CHECKPOINT, run.variables)
    assert (progress.epoch, progress.batch) == (0, 3)
    seeds = [n for n, variable in enumerate(run.variables) if "seed" in variable.path]
    assert len(seeds) >= 3
    for number in seeds:
        assert (run.variables[number].numpy() != fresh[number]).any()


def test_nothing_but_the_two_files_is_left(trainer, files_below):
    run = trainer(epochs=1)
    run.fit()
    assert files_below(run.folder) == sorted([BEST_WEIGHTS, CHECKPOINT])
    assert load_checkpoint(run.folder / CHECKPOINT, run.variables) != Progress()


TWO_DEVICES = """
import json, sys
import numpy as np
import tensorflow as tf

devices = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(devices[0], [tf.config.LogicalDeviceConfiguration()] * 2)
import keras
from pathlib import Path
from rnn_apps.config import ClippingConfig, TrainingConfig
from rnn_apps.data.store import ArrayStore
from rnn_apps.inference.classification import ClassificationMetrics
from rnn_apps.training.trainer import Trainer
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
        trainer = Trainer(
            build_model=build_model,
            loss=lambda outputs, batch: summed_cross_entropy(outputs["logits"], batch["label"]),
            train=ArrayStore(train), valid=ArrayStore(valid), metrics=lambda: ClassificationMetrics(1.0),
            monitor="accuracy", monitor_mode="max",
            config=TrainingConfig(
                epochs=2, batch_size=7, learning_rate=0.02, clipping=ClippingConfig(kind=kind, threshold=0.05)
            ),
            seed=3, folder=out / (kind + name), strategy=strategy,
        )
        rows = trainer.fit()
        weights = np.concatenate([w.numpy().ravel() for w in trainer.model.weights]).tolist()
        results.append({"replicas": trainer.strategy.num_replicas_in_sync, "rows": rows, "weights": weights})
    found[kind] = results
(out / "found.json").write_text(json.dumps(found))
"""


def test_two_devices_give_the_losses_of_one(run_python, stores, tmp_path):
    folders = [store._files["label"].name.rpartition("/")[0] for store in stores]
    result = run_python(TWO_DEVICES, *folders, tmp_path)
    assert result.status == 0, result.stderr
    for kind, (one, two) in json.loads((tmp_path / "found.json").read_text()).items():
        assert (one["replicas"], two["replicas"]) == (1, 2)
        for row, other in zip(timeless(one["rows"]), timeless(two["rows"]), strict=True):
            assert other == pytest.approx(row, rel=1e-4, abs=1e-6), kind
        np.testing.assert_allclose(two["weights"], one["weights"], atol=2e-5)


def test_summed_cross_entropy_counts_rows():
    logits = np.array([[2.0, 0.0], [0.0, 1.0], [0.0, 0.0]], np.float32)
    total, items = summed_cross_entropy(tf.constant(logits), tf.constant([0, 0, 1]))
    expected = sum(np.log(np.exp(row).sum()) - row[label] for row, label in zip(logits, [0, 0, 1], strict=True))
    assert float(total) == pytest.approx(expected, rel=1e-6)
    assert int(items) == 3
