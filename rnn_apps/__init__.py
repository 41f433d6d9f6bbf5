"""RNN Apps: train, look into and save recurrent networks.

    model = rnn_apps.load("sentiment")
    model.predict(["A film to remember."])
    model = rnn_apps.train("sentiment", data="reviews.tsv", config={"training": {"epochs": 3}})

A task of one's own derives from `Task`, `Processor`, `Network` and `Predictor`; see docs/extending.md.

Importing this package imports no TensorFlow; `train` does, when it is called.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnn_apps.data.processor import Processor
    from rnn_apps.data.readers.columns import Columns
    from rnn_apps.errors import RnnAppsError
    from rnn_apps.inference.options import Options, option
    from rnn_apps.inference.predictor import Prediction, Predictor
    from rnn_apps.model import Model, load
    from rnn_apps.task import Network, Shape, Task, find_task, task_names
    from rnn_apps.training.run import train

__version__ = "0.1.0"

__all__ = [
    "Columns",
    "Model",
    "Network",
    "Options",
    "Prediction",
    "Predictor",
    "Processor",
    "RnnAppsError",
    "Shape",
    "Task",
    "find_task",
    "load",
    "option",
    "task_names",
    "train",
]

_HOMES = {
    "Columns": "rnn_apps.data.readers.columns",
    "Model": "rnn_apps.model",
    "Network": "rnn_apps.task",
    "Options": "rnn_apps.inference.options",
    "Prediction": "rnn_apps.inference.predictor",
    "Predictor": "rnn_apps.inference.predictor",
    "Processor": "rnn_apps.data.processor",
    "RnnAppsError": "rnn_apps.errors",
    "Shape": "rnn_apps.task",
    "Task": "rnn_apps.task",
    "find_task": "rnn_apps.task",
    "load": "rnn_apps.model",
    "option": "rnn_apps.inference.options",
    "task_names": "rnn_apps.task",
    "train": "rnn_apps.training.run",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rnn_apps' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
