"""A small problem that tests of training share, and ways to disturb a run."""

import os
import signal
import time

import keras
import numpy as np

from rnn_apps.config import TrainingConfig
from rnn_apps.layers import GRU, Embedding, MaskedPooling
from rnn_apps.training.losses import summed_cross_entropy

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


def timeless(rows):
    return [{name: value for name, value in row.items() if name not in TIMES} for row in rows]


def values(variables):
    return [variable.numpy() for variable in variables]


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


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


def press_control_c_twice():
    press_control_c()
    while signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # two at once would be one
        time.sleep(0.01)
    press_control_c()
    time.sleep(10)
