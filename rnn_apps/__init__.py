"""RNN Apps: train, look into and save recurrent networks.

    model = rnn_apps.load("sentiment")
    model.predict(["A film to remember."])
    model = rnn_apps.train("sentiment", data="reviews.tsv", config={"training": {"epochs": 3}})

Importing this package imports no TensorFlow; `train` does, when it is called.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnn_apps.errors import RnnAppsError
    from rnn_apps.model import Model, load
    from rnn_apps.task import Task, find_task, task_names
    from rnn_apps.training.run import train

__version__ = "0.1.0"

__all__ = ["Model", "RnnAppsError", "Task", "find_task", "load", "task_names", "train"]

_HOMES = {
    "Model": "rnn_apps.model",
    "RnnAppsError": "rnn_apps.errors",
    "Task": "rnn_apps.task",
    "find_task": "rnn_apps.task",
    "load": "rnn_apps.model",
    "task_names": "rnn_apps.task",
    "train": "rnn_apps.training.run",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rnn_apps' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
