"""Truncated backpropagation through time: the state goes on from window to window, on one device and on two."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.config import TrainingConfig
from rnn_apps.data.store import Store, write_store
from rnn_apps.inference.metrics import Metrics
from rnn_apps.layers import GRU, Embedding
from rnn_apps.training.losses import summed_cross_entropy
from rnn_apps.training.trainer import Problem, Trainer

LENGTHS = (3, 11, 7, 1, 10, 6)


def build_model():
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    state = keras.Input((4,), name="initial_0")
    layer = GRU(4, return_sequences=True, return_state=True)
    x, final = layer(Embedding(8, 5, mask_zero=True)(tokens), initial_state=state, mask=keras.ops.not_equal(tokens, 0))
    outputs = {"logits": keras.layers.Dense(8)(x), "final_0": final}
    return keras.Model({"tokens": tokens, "initial_0": state}, outputs)


def loss(outputs, batch):
    real = batch["targets"] > 0
    return summed_cross_entropy(tf.boolean_mask(outputs["logits"], real), tf.boolean_mask(batch["targets"], real))


class Likelihood(Metrics):
    """Mean nats a token."""

    def __init__(self):
        self.nats, self.count = 0.0, 0

    def update(self, outputs, batch):
        real = batch["targets"] > 0
        logits = outputs["logits"][real].astype(np.float64)
        self.nats += float(np.log(np.exp(logits).sum(axis=1)).sum())
        self.nats -= float(logits[np.arange(len(logits)), batch["targets"][real]].sum())
        self.count += len(logits)

    def result(self):
        return {"nll": self.nats / self.count}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    rng = np.random.default_rng(1)
    rows = [rng.integers(1, 8, length + 1).astype(np.int32) for length in LENGTHS]
    folder = tmp_path_factory.mktemp("store")
    write_store(folder, [{"tokens": row[:-1], "targets": row[1:]} for row in rows])
    return Store(folder)


def trainer(store, folder, **changes):
    settings = {"epochs": 2, "batch_size": 4, "learning_rate": 0.02, "warmup": 0.0}
    augment, strategy = changes.pop("augment", None), changes.pop("strategy", None)
    problem = Problem(build_model, loss, Likelihood, "nll", "min", augment)
    config = TrainingConfig(**(settings | changes))
    return Trainer(problem, store, store, config, 5, folder, strategy=strategy)


def test_a_window_as_long_as_the_longest_example_cuts_nothing(store, tmp_path):
    whole = trainer(store, tmp_path / "whole").fit()
    cut = trainer(store, tmp_path / "cut", window=11).fit()
    for name in ("loss", "val_nll", "steps"):
        assert [row[name] for row in cut] == pytest.approx([row[name] for row in whole])


def test_windows_change_no_likelihood(store, tmp_path):
    """With a rate of nothing the weights stay, and the loss over windows is that over whole examples."""
    whole = trainer(store, tmp_path / "whole", epochs=1, learning_rate=1e-20).fit()[0]
    cut = trainer(store, tmp_path / "cut", epochs=1, learning_rate=1e-20, window=3).fit()[0]
    assert cut["loss"] == pytest.approx(whole["loss"], rel=1e-5)
    assert cut["val_nll"] == pytest.approx(whole["val_nll"], rel=1e-5)
    assert (whole["steps"], cut["steps"]) == (2, sum(-(-max(lengths) // 3) for lengths in ((11, 10, 7, 6), (3, 1))))


def test_training_examples_are_changed_anew_in_each_epoch_and_the_same_way_again(store, tmp_path):
    seen = []

    def augment(row, rng):
        seen.append(int(rng.integers(1_000_000)))
        return row

    trainer(store, tmp_path / "first", augment=augment).fit()
    first, seen[:] = list(seen), []
    trainer(store, tmp_path / "second", augment=augment).fit()
    assert first == seen
    assert len(set(first)) == 2 * len(LENGTHS)


TWO_DEVICES = """
import importlib.util, json, os, sys
from pathlib import Path
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np, tensorflow as tf
cpus = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpus[0], [tf.config.LogicalDeviceConfiguration()] * 2)
spec = importlib.util.spec_from_file_location("windows", sys.argv[1])
windows = importlib.util.module_from_spec(spec)
spec.loader.exec_module(windows)
store, out, results = windows.Store(Path(sys.argv[2])), Path(sys.argv[3]), []
for name, strategy in (
    ("one", tf.distribute.get_strategy()),
    ("two", tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])),
):
    trainer = windows.trainer(store, out / name, window=3, strategy=strategy)
    rows = trainer.fit()
    results.append({"loss": [row["loss"] for row in rows], "nll": [row["val_nll"] for row in rows]})
print(json.dumps(results))
"""


def test_the_state_goes_on_alike_on_two_devices(store, run_python, tmp_path):
    result = run_python(TWO_DEVICES, __file__, store.folder, tmp_path)
    assert result.status == 0, result.stderr
    one, two = json.loads(result.stdout.splitlines()[-1])
    assert two["loss"] == pytest.approx(one["loss"], rel=1e-4)
    assert two["nll"] == pytest.approx(one["nll"], rel=1e-4)
