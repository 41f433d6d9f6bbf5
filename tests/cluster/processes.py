"""What the tests on Ray share: small runs, and processes found by their names."""

import csv
import time
from pathlib import Path

import pytest

from rnn_apps.config import load_config
from rnn_apps.progress import Reporter
from rnn_apps.task import find_task
from rnn_apps.training.run import new_run


def workers_of_ray(kind):
    """Numbers of the processes that work as `kind`, such as "MapWorker", in rising order."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name = (folder / "cmdline").read_bytes().split(b"\0")[0]
        except OSError:
            continue
        if name.startswith(b"ray::") and kind.encode() in name:
            found.append(int(folder.name))
    return sorted(found)


def wait_until(holds, seconds=90):
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < seconds
        time.sleep(0.02)


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


def small_run(name, output, epochs=1, data=(), **training):
    """A run whose result does not hang on chance: dropout draws for each worker by itself."""
    task = find_task(name)
    values = {**SMALL[name], "training": {**SMALL[name].get("training", {}), "epochs": epochs, **training}}
    config = load_config(task.Config, values=values)
    still = {field: 0.0 for field in type(config.model).model_fields if "dropout" in field}
    config = config.model_copy(update={"model": config.model.model_copy(update=still)})
    return new_run(task, config, data=data, output=output, reporter=Reporter(False))


def history(folder):
    with (folder / "history.csv").open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def assert_same(one, other):
    for row, expected in zip(history(other), history(one), strict=True):
        assert row["loss"] == pytest.approx(expected["loss"], rel=1e-4)
        assert row["gradient_norm"] == pytest.approx(expected["gradient_norm"], rel=1e-3)
        assert row["steps"] == expected["steps"]
