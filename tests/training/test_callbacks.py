"""Keras' callbacks, and their state in a checkpoint."""

import keras
import numpy as np
import pytest

from rnn_apps.errors import ConfigError
from training.small import (
    STEPS,
    At,
    Killed,
    kill,
    timeless,
)


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


RATE = {"schedule": "constant", "warmup": 0.0, "epochs": 6, "patience": 6}


def plateau():
    """Callbacks that wait for what never comes: each has counted something when the run is killed."""
    return [
        keras.callbacks.ReduceLROnPlateau(
            "val_accuracy", mode="max", factor=0.5, patience=2, min_delta=2.0, cooldown=1
        ),
        keras.callbacks.EarlyStopping("val_accuracy", mode="max", min_delta=2.0, patience=5),
    ]


def test_callbacks_go_on_where_they_were_after_a_kill(trainer):
    rows = trainer("whole", callbacks=plateau(), **RATE).fit()
    rates = [row["learning_rate"] for row in rows]
    assert rates[0] > rates[-1]
    for epoch, batch in ((1, 2), (2, 4), (4, 0)):
        with pytest.raises(Killed):
            trainer("killed", callbacks=[*plateau(), At(epoch, batch, kill)], **RATE).fit()
    assert timeless(trainer("killed", callbacks=plateau(), **RATE).fit()) == timeless(rows)


def test_what_a_callback_was_made_with_is_that_of_the_new_one(trainer):
    with pytest.raises(Killed):
        trainer(callbacks=[*plateau(), At(3, 1, kill)], **RATE).fit()
    patient = keras.callbacks.EarlyStopping("val_accuracy", mode="max", min_delta=2.0, patience=50)
    assert len(trainer(callbacks=[plateau()[0], patient], **RATE).fit()) == 6
    assert patient.patience == 50
    assert patient.wait >= 3


def test_a_callback_that_sets_the_rate_and_a_schedule_do_not_go_together(trainer):
    with pytest.raises(ConfigError, match=r"ReduceLROnPlateau sets the learning rate.*training.schedule to 'constant'"):
        trainer(callbacks=plateau())
