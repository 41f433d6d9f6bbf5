import numpy as np
import pytest

from rnn_apps.data.store import Store, write_store
from rnn_apps.inference.classification import ClassificationMetrics
from rnn_apps.training.trainer import Problem, Trainer
from training.small import (
    EXAMPLES,
    Weights,
    build_model,
    loss,
    small_config,
    values,
)


@pytest.fixture(scope="session")
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
        stores.append(Store(folder / name))
    return stores


@pytest.fixture
def trainer(stores, tmp_path):
    def make(folder="run", callbacks=(), metrics=lambda: ClassificationMetrics(1.0), mode="max", **changes):
        parts = {"build_model": build_model, "loss": loss, "monitor": "accuracy"}
        parts |= {name: changes.pop(name) for name in parts if name in changes}
        seed = changes.pop("seed", 7)
        problem = Problem(metrics=metrics, monitor_mode=mode, **parts)
        return Trainer(problem, *stores, small_config(**changes), seed, tmp_path / folder, callbacks=callbacks)

    return make


@pytest.fixture(scope="session")
def undisturbed(stores, tmp_path_factory):
    """(rows, all variables at the end, weights after each epoch) of a run that nothing happened to."""
    weights = Weights()
    problem = Problem(build_model, loss, lambda: ClassificationMetrics(1.0), "accuracy")
    folder = tmp_path_factory.mktemp("undisturbed")
    run = Trainer(problem, *stores, small_config(), 7, folder, callbacks=[weights])
    return run.fit(), values(run.variables), weights.epochs
