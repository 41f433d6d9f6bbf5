"""A saved model in the hand: predict, evaluate, or take its Keras model for further work."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from importlib import import_module
from itertools import islice
from typing import Any

from rnn_apps.arrays import Arrays
from rnn_apps.bundle import Bundle, find_bundle
from rnn_apps.environment import start_tensorflow
from rnn_apps.errors import ConfigError, DataError, did_you_mean
from rnn_apps.inference.predictor import Prediction, Predictor, batches_by_length
from rnn_apps.task import Runner, Task

_CHUNK = 2048


class Model:
    """A saved model that answers.

    Args:
        bundle: a verified bundle; `load` finds one by its name.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    @property
    def task(self) -> Task:
        """The task that the model solves."""
        return self.bundle.task

    @cached_property
    def predictor(self) -> Predictor:
        """The task's predictor with this model's graphs and processor."""
        return self.task.predictor(self.bundle)

    def predict(self, inputs: Sequence[Any], **options: Any) -> Sequence[Prediction]:
        """Returns one prediction for each input, in their order.

        Args:
            inputs: what the task takes: texts, say.
            options: the task's own options.

        Raises:
            DataError: for an input that cannot be used, with its number.
            ConfigError: for an option that the task does not have.
        """
        self._check_options(options)
        return self.predictor.predict(inputs, **options)

    def stream(self, given: Any, **options: Any) -> Iterator[Prediction]:
        """Yields the prediction for one input in parts, as they come, and last the whole of it.

        Args:
            given: what the task takes: a text, say.
            options: the task's own options.

        Raises:
            DataError: for an input that cannot be used.
            ConfigError: for an option that the task does not have.
        """
        self._check_options(options)
        return self.predictor.stream(given, **options)

    def evaluate(self, examples: Iterable[Any]) -> tuple[int, dict[str, float]]:
        """Measures the model on labelled examples, streamed.

        Returns:
            (number of examples, metrics by name).

        Raises:
            DataError: if there is no example, or one has a label that the model does not know.
        """
        processor = self.task.processor_class.load(self.bundle.folder)
        metrics = self.task.metrics(processor, self.bundle.calibration)
        runner = self.task.runner(self.bundle.folder)
        count = 0
        for chunk in _chunks(examples, _CHUNK):
            count += len(chunk)
            for outputs, batch in run_batches(runner, processor.encode(chunk)):
                metrics.update(outputs, batch)
        if not count:
            raise DataError("Expected at least one example to evaluate on. There is none.")
        return count, metrics.result()

    def keras_model(self) -> Any:
        """Returns the `keras.Model`, loaded in Keras' safe mode (needs the extra "train")."""
        start_tensorflow("The Keras model")
        import keras

        for module in ("rnn_apps.layers", self.task.layers_module):  # these register the layers
            import_module(module)
        return keras.saving.load_model(self.bundle.folder / "model.keras", compile=False, safe_mode=True)

    def _check_options(self, options: Iterable[str]) -> None:
        known = self.predictor.options
        for name in options:
            if name not in known:
                has = f"It has: {', '.join(known)}." if known else "It has none."
                raise ConfigError(
                    f"The task '{self.task.name}' has no option '{name}' of predict.{did_you_mean(name, known)} {has}"
                )


def load(name: str | os.PathLike[str]) -> Model:
    """Loads a saved model by its name (looked up in ./saved_models, then among those that ship) or its folder.

    Raises:
        NotFoundError: if there is none of this name.
        BundleError: if it cannot be trusted.
    """
    return Model(find_bundle(name))


def run_batches(runner: Runner, rows: Sequence[Arrays]) -> Iterator[tuple[Arrays, Arrays]]:
    """Streams (outputs, batch) for encoded examples, those of like length together."""
    for _, batch in batches_by_length(rows):
        yield runner.run(batch), batch


def _chunks(examples: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(examples)
    while chunk := list(islice(iterator, size)):
        yield chunk
