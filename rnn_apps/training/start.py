"""The saved model that a run goes on from; nothing here needs TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rnn_apps.config import TaskConfig
from rnn_apps.data.processor import Processor
from rnn_apps.errors import ConfigError
from rnn_apps.model import Model
from rnn_apps.task import Task


@dataclass(frozen=True)
class Start:
    """The saved model that a run goes on from.

    Attributes:
        model: the model.
        old_data: where its validation examples are, to measure what is forgotten.
    """

    model: Model
    old_data: Path | None = None

    @property
    def identity(self) -> str:
        """Tells one model from another."""
        return str(self.model.bundle.manifest["sha256"])

    @cached_property
    def processor(self) -> Processor:
        """The model's processor."""
        return self.model.task.processor.load(self.model.bundle.folder)


def first_config(model: Model, task: Task[Any, Any]) -> dict[str, Any]:
    """Returns the settings of a saved model that a run which goes on from it keeps: of the network and the data.

    Raises:
        ConfigError: if the model solves another task.
    """
    name, solved = model.bundle.name, model.bundle.manifest["task"]
    if solved != task.name:
        raise ConfigError(f"Expected a model of the task '{task.name}' to go on from. '{name}' solves '{solved}'.")
    return {name: model.bundle.manifest["config"][name] for name in ("model", "data")}


def check_start(start: Start, config: TaskConfig) -> None:
    """Makes sure that a run with these settings can go on from a model.

    Raises:
        ConfigError: naming the settings that differ, with both values.
        NotFoundError: if the model is an export without its Keras model.
    """
    name, facts = start.model.bundle.name, start.model.bundle.manifest
    start.model.require_keras_model()
    old, new = facts["config"]["model"], config.model.model_dump(mode="json")
    differing = [key for key, value in new.items() if "dropout" not in key and key in old and old[key] != value]
    if differing:
        pairs = ", ".join(f"model.{key} is {old[key]!r} there and {new[key]!r} here" for key in differing)
        raise ConfigError(
            f"The network of '{name}' has another shape: {pairs}. Leave these settings out, or train from nothing."
        )
