"""The models of a server: their names, what they take, and how one is replaced while requests run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

import numpy as np

from rnn_apps.bundle import MANIFEST, read_bundle
from rnn_apps.errors import ConfigError, DataError, did_you_mean
from rnn_apps.inference.deadline import Deadline, working_until
from rnn_apps.inference.options import check_options
from rnn_apps.inference.predictor import Prediction
from rnn_apps.model import Model
from rnn_apps.serving.batching import Batcher, Meter, Options
from rnn_apps.serving.http import RequestError
from rnn_apps.serving.settings import Limits

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
Stamp = tuple[int, int, int]

_DATATYPES = {str: "BYTES", bool: "BOOL", int: "INT64", float: "FP64"}


@dataclass(frozen=True)
class TensorSpec:
    """A tensor as the Open Inference Protocol describes it; -1 stands for any size, first is the batch.

    Attributes:
        name: its name.
        datatype: "BYTES", "FP32" and so on.
        shape: (batch, ...).
        json: whether each element is a JSON document.
    """

    name: str
    datatype: str
    shape: tuple[int, ...] = (-1,)
    json: bool = False


class ServedModel:
    """A saved model behind a server.

    Args:
        model: a saved model; it is made ready to answer.
        limits: the server's.
        meter: see `Batcher`.

    Attributes:
        name: what clients call it.
        version: counts from 1 and grows when the model is replaced.
        batcher: what gathers inputs.
    """

    def __init__(self, model: Model, limits: Limits, meter: Meter | None = None) -> None:
        self.name, self.version = model.bundle.name, 1
        self._take(model)
        self.batcher = Batcher(self.name, self._predict, limits, meter, self._cost)

    def replace(self, model: Model) -> None:
        """Answers with another model from the next batch on."""
        self._take(model)
        self.version += 1

    async def answer(self, inputs: Sequence[Any], options: Options) -> list[Prediction]:
        """Returns a prediction for each input, given as JSON; see `Batcher.answer`."""
        return await self.batcher.answer(inputs, options)

    async def parts(self, given: Any, options: Options) -> AsyncGenerator[Prediction, None]:
        """Yields the parts of the prediction for one input, given as JSON, as they come; the last is the whole.

        Each part is made in the model's thread, between the batches of other requests.

        Raises:
            RequestError: with status 503 if too many inputs wait already.
            RnnAppsError: for an input or an option that the model cannot use.
        """
        self.batcher.checked_cost([given], options)
        deadline = Deadline()
        with self.batcher.admission(1):
            parts = self._stream(given, options)

            def following() -> Prediction | None:
                with working_until(deadline):
                    return next(parts, None)

            try:
                while (part := await self.batcher.call(following)) is not None:
                    yield part
            finally:
                deadline.end()
                self.batcher.call_soon(parts.close)

    async def call(self, work: Callable[[Model], Result], given: Any) -> Result:
        """Lets other work than answering be done with the model, in its thread.

        Args:
            work: what is done; it ends where this call is cancelled.
            given: the input that it is done with, as JSON, which must not be too expensive to answer.

        Raises:
            RequestError: with status 503 if too many inputs wait already.
            RnnAppsError: for an input that the model cannot use.
        """
        self.batcher.checked_cost([given], {})
        deadline = Deadline()

        def done() -> Result:
            with working_until(deadline), _nesting_is_bad_input():
                return work(self.model)

        with self.batcher.admission(1):
            try:
                return await self.batcher.call(done)
            finally:
                deadline.end()

    @property
    def description(self) -> dict[str, Any]:
        """What a client may want to know of the model."""
        facts, task, predictor = self.model.bundle.manifest, self.model.task, self.model.predictor
        return {
            "name": self.name,
            "version": str(self.version),
            "task": task.name,
            "summary": task.summary,
            "options": predictor.Options.names(),
            "metrics": facts["metrics"],
            "parameters": facts["parameters"],
        }

    def _take(self, model: Model) -> None:
        predictor = model.predictor  # loads the graphs
        self.input = _input_spec(predictor.examples)
        self.outputs = _output_specs(predictor.answer)
        self.model = model

    def _cost(self, inputs: Sequence[Any], options: Options) -> float:
        predictor = self.model.predictor
        chosen = check_options(predictor.ClientOptions or predictor.Options, options)
        return sum(predictor.cost(given, chosen) for given in inputs)

    def _stream(self, given: Any, options: Options) -> Generator[Prediction, None, None]:
        predictor = self.model.predictor
        with _nesting_is_bad_input():
            yield from predictor.stream(predictor.from_json(given), **predictor.client_options(dict(options)))

    def _predict(self, inputs: Sequence[Any], options: Options) -> Sequence[Prediction]:
        predictor = self.model.predictor
        with _nesting_is_bad_input():
            given = [predictor.from_json(value) for value in inputs]
            return predictor.predict(given, **predictor.client_options(dict(options)))


class ServedModels(Mapping[str, ServedModel]):
    """The models of a server by name.

    Args:
        models: saved models with different names.
        limits: the server's.
        meter: see `Batcher`.

    Raises:
        ConfigError: if two have the same name.
    """

    def __init__(self, models: Iterable[Model], limits: Limits, meter: Meter | None = None) -> None:
        models = list(models)
        _check_names(models)
        self._models = {model.bundle.name: ServedModel(model, limits, meter) for model in models}

    def __getitem__(self, name: str) -> ServedModel:
        return self._models[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def find(self, name: str, version: str | None = None) -> ServedModel:
        """Returns the model that a client asks for.

        Raises:
            RequestError: with status 404 if there is none of this name or version; it names those there are.
        """
        served = self._models.get(name)
        if served is None:
            known = ", ".join(self._models)
            meant = did_you_mean(name, self._models)
            raise RequestError(404, f"There is no model '{name[:100]}'.{meant} There are: {known}.")
        if version not in (None, "", str(served.version)):
            raise RequestError(
                404, f"The model '{name}' has no version '{str(version)[:20]}'. It has version {served.version}."
            )
        return served


@contextmanager
def _nesting_is_bad_input() -> Iterator[None]:
    """What an input nested a thousand times makes of the program is no fault of it."""
    try:
        yield
    except RecursionError:
        raise DataError("Expected inputs that are not nested so deep.") from None


def _check_names(models: Sequence[Model]) -> None:
    """Makes sure that clients can tell the models apart.

    Raises:
        ConfigError: naming two folders whose models have the same name.
    """
    folders: dict[str, Any] = {}
    for model in models:
        name, folder = model.bundle.name, model.bundle.folder
        if name in folders:
            raise ConfigError(
                f"Expected models of different names. Received '{name}' twice: {folders[name]} and {folder}."
            )
        folders[name] = folder


def _input_spec(examples: Sequence[Any]) -> TensorSpec:
    """Returns what an input looks like, from an example: a text, an array of numbers, or anything else as JSON."""
    example = examples[0] if examples else None
    if isinstance(example, str):
        return TensorSpec("text", "BYTES")
    if isinstance(example, np.ndarray):
        return TensorSpec("input", "FP32", (-1,) * (1 + example.ndim))
    return TensorSpec("input", "BYTES", json=True)


def _output_specs(predict: Callable[..., Any]) -> tuple[TensorSpec, ...]:
    """Returns a tensor for each field of the predictions that `predict` says it returns."""
    (prediction,) = get_args(get_type_hints(predict)["return"])
    hints = get_type_hints(prediction)
    return tuple(
        TensorSpec(name, _DATATYPES.get(hints[name], "BYTES"), json=hints[name] not in _DATATYPES)
        for name in prediction.names()
    )


async def watch(models: ServedModels, seconds: float = 1.0) -> None:
    """Looks for new bundles in the folders of the models, until it is cancelled.

    A bundle is written beside the old one and renamed, so that it is whole when it is seen. It is verified and loaded
    in another thread; requests go on with the old one until then, and where it is broken, for good.

    Args:
        models: the models of the server.
        seconds: between two looks.
    """
    stamps = {name: _stamp(served.model.bundle.folder) for name, served in models.items()}
    while True:
        await asyncio.sleep(seconds)
        for name, served in models.items():
            stamp = _stamp(served.model.bundle.folder)
            if stamp is not None and stamp != stamps[name]:
                stamps[name] = stamp
                await _renew(served)


async def _renew(served: ServedModel) -> None:
    try:
        served.replace(await asyncio.to_thread(_load, served.model.bundle.folder))
    except Exception as error:  # whatever is wrong with the new one, the old one answers
        logger.error("The new model '%s' is not taken, the old one goes on: %s", served.name, error)
    else:
        logger.warning("Took the new model '%s', version %d.", served.name, served.version)


def _load(folder: Path) -> Model:
    model = Model(read_bundle(folder))
    _ = model.predictor  # loads the graphs, here and not in the event loop
    return model


def _stamp(folder: Path) -> Stamp | None:
    """Returns what tells one saved bundle from the next; None between the two renames of a replacement."""
    try:
        facts = (folder / MANIFEST).stat()
    except OSError:
        return None
    # st_ctime, since a copy may bring the st_mtime of its original along
    return facts.st_ino, facts.st_ctime_ns, facts.st_size
