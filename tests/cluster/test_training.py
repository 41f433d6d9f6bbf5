"""One training by two workers: the losses of one process, whoever is killed, and a bundle like any other."""

import csv
import os
import signal
import threading
import time

import pytest

pytest.importorskip("ray", reason='needs the extra "cluster"')

from cluster.processes import workers_of_ray

from rnn_apps.cluster.engine import Workers
from rnn_apps.cluster.training import train_together
from rnn_apps.config import load_config
from rnn_apps.errors import ConfigError
from rnn_apps.progress import Reporter
from rnn_apps.task import find_task
from rnn_apps.training.run import new_run

SMALL = {
    "sentiment": {"model": {"units": 8, "layers": 1, "embedding": 8}, "data": {"vocabulary_size": 400}},
    "digits": {"model": {"units": 16}, "training": {"batch_size": 128}},
    "ner": {"model": {"units": 8, "embedding": 8}},
    "translation": {
        "model": {"units": 8, "embedding": 8, "attention_units": 8},
        "data": {"vocabulary_size": 400, "max_tokens": 30},
    },
    "music": {"model": {"units": 12, "embedding": 8, "roll_features": 12}, "training": {"window": 64, "batch_size": 8}},
}


def small_run(name, output, epochs=1, **training):
    """A run whose result does not hang on chance: dropout draws for each worker by itself."""
    task = find_task(name)
    values = {**SMALL[name], "training": {**SMALL[name].get("training", {}), "epochs": epochs, **training}}
    config = load_config(task.Config, values=values)
    still = {field: 0.0 for field in type(config.model).model_fields if "dropout" in field}
    config = config.model_copy(update={"model": config.model.model_copy(update=still)})
    return new_run(task, config, output=output, reporter=Reporter(False))


def history(folder):
    with (folder / "history.csv").open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def assert_same(one, other):
    for row, expected in zip(history(other), history(one), strict=True):
        assert row["loss"] == pytest.approx(expected["loss"], rel=1e-4)
        assert row["gradient_norm"] == pytest.approx(expected["gradient_norm"], rel=1e-3)
        assert row["steps"] == expected["steps"]


@pytest.mark.parametrize("name", SMALL)
def test_two_workers_have_the_losses_of_one_process(name, tmp_path):
    small_run(name, tmp_path / "one").execute()
    run = small_run(name, tmp_path / "two")
    model = train_together(run, Workers(2))
    assert_same(tmp_path / "one", tmp_path / "two")
    assert model.bundle.manifest["fingerprint"] == run.fingerprint
    assert not run.work.exists()
    given = list(model.predictor.examples)[:1]
    if name != "music":
        assert len(model.predict(given)) == 1


@pytest.mark.parametrize("which", [0, -1], ids=["first", "last"])
def test_a_killed_worker_costs_time_and_nothing_else(which, tmp_path):
    small_run("sentiment", tmp_path / "one", epochs=3).execute()
    run = small_run("sentiment", tmp_path / "two", epochs=3, checkpoint_seconds=0.0)
    checkpoint = run.work / "training" / "checkpoint.npz"
    killed = []

    def kill_one():
        while not checkpoint.exists():
            time.sleep(0.05)
        time.sleep(0.5)
        killed.extend(workers_of_ray("TrainWorker"))
        os.kill(killed[which], signal.SIGKILL)

    thread = threading.Thread(target=kill_one, daemon=True)
    thread.start()
    train_together(run, Workers(2))
    thread.join(1)
    assert len(killed) == 2
    assert_same(tmp_path / "one", tmp_path / "two")


def test_what_cannot_be_divided_is_refused(tmp_path):
    run = small_run("digits", tmp_path / "new")
    run.unlabelled = tmp_path / "texts.txt"
    with pytest.raises(ConfigError, match="learnt by one process"):
        train_together(run, Workers(2))
    logged = small_run("digits", tmp_path / "new")
    logged.callbacks = [object()]
    with pytest.raises(ConfigError, match="keep no logs"):
        train_together(logged, Workers(2))
    with pytest.raises(ConfigError, match="64 workers need 64 cores"):
        train_together(small_run("digits", tmp_path / "new"), Workers(64))
    assert not (tmp_path / "new").exists()
