"""The saved model that a run goes on from; nothing here needs TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

from rnn_apps.config import FrozenName, TaskConfig
from rnn_apps.data.processor import Processor
from rnn_apps.data.readers.columns import Columns
from rnn_apps.errors import ConfigError
from rnn_apps.model import Model
from rnn_apps.progress import Reporter
from rnn_apps.sources import file_source
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
    config = model.bundle.manifest["config"]
    begun = task.Config().data.beginnings
    return {"model": config["model"], "data": {key: value for key, value in config["data"].items() if key not in begun}}


def check_settings(start: Start | None, task: Task[Any, Any], config: TaskConfig, texts: bool) -> None:
    """Makes sure that settings fit what a run goes on from, and what it learns a language from.

    Args:
        start: the saved model; None for a run from nothing.
        task: what is learnt.
        config: the settings.
        texts: whether there are texts without labels.

    Raises:
        ConfigError: for settings that would do nothing, and as `check_start`.
        NotFoundError: as `check_start`.
    """
    frozen = set(config.training.freeze)
    if start:
        check_start(start, task, config)
    elif frozen:
        raise ConfigError("Layers are frozen where a run goes on from a saved model. Say from which with --from.")
    elif config.training.keep:
        raise ConfigError(
            "A share of the weights is kept where a run goes on from a saved model. Say from which with --from, or "
            "leave training.keep out."
        )
    if texts and frozen == set(get_args(FrozenName)):
        raise ConfigError(
            "With the encoder and the embedding frozen nothing is left that texts could teach. Leave --unlabelled or "
            "one of them out."
        )
    if not texts and config.pretraining != task.Config().pretraining:
        raise ConfigError(
            "The settings of pretraining are for a language that is learnt from texts. Say which with --unlabelled, or "
            "leave them out."
        )


def check_start(start: Start, task: Task[Any, Any], config: TaskConfig) -> None:
    """Makes sure that a run of a task with these settings can go on from a model.

    Raises:
        ConfigError: naming the settings that differ, with both values, those that go on from nothing only, or that the
            model answers otherwise.
        NotFoundError: if the model is an export without its Keras model.
    """
    name, facts = start.model.bundle.name, start.model.bundle.manifest
    if type(start.model.task) is not type(task):
        there, here = ((own.get("data") or {}).get("target") for own in (facts["config"], config.model_dump()))
        raise ConfigError(
            f"'{name}' was trained for data.target={there or 'class'}, and here it is {here}. Go on with the same, or "
            "train from nothing."
        )
    for key in sorted(config.data.beginnings):
        if given := getattr(config.data, key):
            raise ConfigError(
                f"'{name}' has its own {key}; data.{key} ({given}) is for a model from nothing. Leave one of them out."
            )
    start.model.require_keras_model()
    old, new = facts["config"]["model"], config.model.model_dump(mode="json")
    differing = [key for key, value in new.items() if "dropout" not in key and key in old and old[key] != value]
    if differing:
        pairs = ", ".join(f"model.{key} is {old[key]!r} there and {new[key]!r} here" for key in differing)
        raise ConfigError(
            f"The network of '{name}' has another shape: {pairs}. Leave these settings out, or train from nothing."
        )


def start_facts(
    start: Start, task: Task[Any, Any], model: Model, columns: Columns, reporter: Reporter
) -> dict[str, Any]:
    """Returns what the card says of the model that was gone on from, and what was forgotten, if that is measured.

    Args:
        start: that model.
        task: of both.
        model: the new one.
        columns: how its data is read.
        reporter: what shows the progress.
    """
    facts: dict[str, Any] = {"model": start.model.bundle.name, "sha256": start.identity}
    if start.old_data:
        old = file_source(task, [start.old_data], columns=columns)
        facts["old_data"] = start.old_data.name
        for when, own in (("before", start.model), ("after", model)):
            facts[when] = own.evaluate(reporter.track(old, f"measuring ({when})"))[1]
        reporter.note(f"on {start.old_data.name}, before and after: {before_and_after(facts)}")
    return facts


def before_and_after(start: Mapping[str, Any]) -> str:
    """Returns the metrics on the data of the model that was gone on from: its own, and those of the new model."""
    return ", ".join(f"{name} {start['before'][name]:.4f} → {value:.4f}" for name, value in start["after"].items())
