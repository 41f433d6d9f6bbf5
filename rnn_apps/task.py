"""The contract of a task, and how tasks are found.

Everything a task says in this module's terms runs without TensorFlow; the three methods that need it
(`build_model`, `loss`, and what they call) live in the task's `model.py` and import it there.

The way of the data, which no module reaches back on:

    file --read--> examples --processor--> arrays --batching--> batch --model--> outputs --predictor--> predictions
"""

from __future__ import annotations

import json
import shlex
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from rnn_apps.arrays import Array, Arrays
from rnn_apps.config import TaskConfig
from rnn_apps.errors import ConfigError, NotFoundError, RnnAppsError, did_you_mean
from rnn_apps.views import InputView, Text, View

if TYPE_CHECKING:
    from rnn_apps.bundle import Bundle
    from rnn_apps.data.readers.tfds import TFDSDataset
    from rnn_apps.inference.predictor import Predictor

ENTRY_POINT_GROUP = "rnn_apps.tasks"


class Shape(Enum):
    """The five shapes of a sequence problem: Tx input steps, Ty output steps."""

    ONE_TO_ONE = "one-to-one"
    ONE_TO_MANY = "one-to-many"
    MANY_TO_ONE = "many-to-one"
    ALIGNED = "many-to-many, aligned"
    UNALIGNED = "many-to-many, unaligned"


class Processor(ABC):
    """Turns examples and inputs into arrays; it is fitted on the training examples and saved with the model."""

    @abstractmethod
    def encode(self, examples: Sequence[Any], training: bool = False) -> list[Arrays]:
        """Encodes labelled examples: one dict of arrays each, inputs and targets.

        Arrays of one name have one dtype and one number of dimensions; the first dimension of an array that
        is no scalar is time. Batches are padded with zeros behind the longest.

        Args:
            examples: what the task reads.
            training: whether they are to be trained on; a processor may shorten long ones for that.

        Raises:
            DataError: for an example that does not fit, with its place in the user's data.
        """

    @abstractmethod
    def encode_inputs(self, inputs: Sequence[Any]) -> list[Arrays]:
        """Encodes inputs without targets, for prediction.

        Raises:
            DataError: for an input that cannot be used, with its number.
        """

    def augment(self, row: Arrays, rng: np.random.Generator) -> Arrays:
        """Returns an encoded training example changed at random, anew in each epoch; as it is, unless overridden.

        The arrays keep their shapes.
        """
        return row

    def learn_texts(self, texts: Iterable[str]) -> None:  # noqa: B027 (most need nothing)
        """Learns what texts without labels can teach, such as more words; they are read once."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Writes `processor.json`, and other files if it needs them, into `folder`."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Processor:
        """Reads what `save` wrote."""


class Runner(Protocol):
    """What gives the outputs for a batch: one graph, or a search that runs several."""

    def run(self, arrays: Mapping[str, Array]) -> Arrays:
        """Returns the outputs by name for the inputs by name."""


@dataclass(frozen=True)
class GraphSpec:
    """One ONNX graph of a saved model.

    Attributes:
        name: it is written as `NAME.onnx`.
        model: a functional `keras.Model` with a dict of named inputs and a dict of named outputs.
        probe: makes inputs for it, to prove the graph equal to it, from a padded batch of encoded examples.
    """

    name: str
    model: Any
    probe: Callable[[Arrays], Arrays]


class Metrics(ABC):
    """Gathers batches of model outputs and sums them up; NumPy only, so Keras and ONNX outputs go the same way."""

    @abstractmethod
    def update(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> None:
        """Takes the outputs for one batch of encoded examples."""

    @abstractmethod
    def result(self) -> dict[str, float]:
        """Returns the metrics over everything taken so far."""

    def calibrate(self) -> dict[str, float]:
        """Fits, on everything taken so far, what turns outputs into honest probabilities, and uses it from now on."""
        return {}

    def confidences(self) -> tuple[Array, Array] | None:
        """Returns the probability of each answer and whether it was right, (answers,) both; None without such."""
        return None


class Task(ABC):
    """One kind of problem: what it reads, how it is modelled, what it answers.

    Attributes:
        name: what the user types.
        summary: one line for `rnnapps tasks`.
        shape: which of the five shapes of a sequence problem it is.
        monitor: the metric on the validation part that decides which weights are best.
        monitor_mode: "max" where more is better, "min" otherwise.
        Config: its settings, with defaults that work.
        processor_class: the class of its processor.
        sample_licence: where the built-in sample comes from and how it is licensed.
        layers_module: the module whose import registers the Keras layers of its models, where it has layers of its own.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    shape: ClassVar[Shape]
    monitor: ClassVar[str]
    monitor_mode: ClassVar[str] = "max"
    Config: ClassVar[type[TaskConfig]]
    processor_class: ClassVar[type[Processor]]
    sample_licence: ClassVar[str] = "written for this project, MIT"
    layers_module: ClassVar[str] = "rnn_apps.layers"

    # What it learns from

    @abstractmethod
    def read(self, paths: Sequence[Path]) -> Iterator[Any]:
        """Streams the examples of a data file (or of several that belong together).

        Raises:
            DataError: with file and line for anything that does not fit.
        """

    def splits(self, paths: Sequence[Path]) -> Sequence[str]:
        """Returns the names of the parts that a data file is itself divided into; most are not.

        The first is the one that `read` streams; one whose name begins with "valid" is validated on.
        """
        return ()

    def read_split(self, paths: Sequence[Path], split: str) -> Iterator[Any]:
        """Streams the examples of one of the parts that `splits` names."""
        raise NotImplementedError

    @abstractmethod
    def sample(self) -> Sequence[Any]:
        """Returns the built-in sample: small, deterministic, free to use."""

    def read_tfds(self, dataset: TFDSDataset, split: str) -> Iterator[Any]:
        """Streams the examples of one split of a TensorFlow dataset.

        Raises:
            DataError: where the dataset has not the features that the task needs.
        """
        raise RnnAppsError(f"The task '{self.name}' does not read TensorFlow datasets. Use --data with a file.")

    @abstractmethod
    def fit_processor(self, examples: Iterable[Any], config: TaskConfig) -> Processor:
        """Fits a processor on training examples, which can be iterated more than once."""

    # How it is modelled (these import TensorFlow)

    @abstractmethod
    def build_model(self, config: TaskConfig, processor: Processor) -> Any:
        """Returns a functional `keras.Model` with a dict of named inputs and a dict of named outputs.

        The names of the inputs are those that the processor's arrays have.
        """

    @abstractmethod
    def loss(self, outputs: Mapping[str, Any], batch: Mapping[str, Any]) -> tuple[Any, Any]:
        """Returns the loss summed over the items of a batch and the number of these items, as two scalar tensors.

        The training loop divides one by the other after both are summed over all devices. Padding is no item.
        """

    def graphs(self, model: Any) -> Sequence[GraphSpec]:
        """Returns the graphs of a saved model; one that has several (an encoder and a step, say) shares their weights.

        Args:
            model: the trained `keras.Model`.
        """
        return [GraphSpec("model", model, lambda batch: batch)]

    def language_layers(self, model: Any) -> tuple[Any, Any]:
        """Returns the features and the bidirectional layer of a model that can learn from texts without labels.

        The features are an `Embedding`, or a functional model that has one called "embedding".

        Raises:
            ConfigError: if the task has no such layers.
        """
        raise ConfigError(f"The task '{self.name}' does not learn from texts without labels. Leave --unlabelled out.")

    # How it is measured and used

    @abstractmethod
    def metrics(self, processor: Processor, calibration: Mapping[str, float]) -> Metrics:
        """Returns a fresh accumulator of this task's metrics."""

    def runner(self, folder: Path) -> Runner:
        """Returns what runs the saved model in `folder` when its metrics are measured."""
        from rnn_apps.inference.session import Session

        return Session(folder / "model.onnx")

    @abstractmethod
    def predictor(self, bundle: Bundle) -> Predictor:
        """Returns what answers with the bundle's model."""

    def report(self, bundle: Bundle, train: Iterable[Any], valid: Iterable[Any]) -> str:
        """Returns what the card of a model says that only this task can say, as Markdown; "" for nothing.

        Args:
            bundle: the model; its files are written but its card, and its facts are not yet whole.
            train: the training examples, streamed.
            valid: the validation examples, streamed.
        """
        return ""

    @property
    @abstractmethod
    def example_inputs(self) -> Sequence[Any]:
        """A few inputs worth trying, for the end of a run and the demo."""

    @property
    def example_argument(self) -> str:
        """An input as one would type it behind `rnnapps predict MODEL`."""
        return shlex.quote(str(self.example_inputs[0]))

    def parse_input(self, text: str) -> Any:
        """Turns what a user typed or piped into an input of the predictor; text stays text."""
        return text

    def input_from_json(self, value: Any) -> Any:
        """Turns a JSON value that a client of the server sent into an input of the predictor.

        Whoever sends it is not at this machine: a task whose inputs can be paths does not take them here.

        Raises:
            DataError: for a value that is no input.
        """
        return value

    def options_from_json(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Turns options that a client of the server sent as JSON into those of `predict` and `stream`.

        Raises:
            ConfigError: for one that cannot be used, or that asks for too much work.
        """
        return dict(options)

    @abstractmethod
    def show(self, given: Any, prediction: Any) -> str:
        """Returns one prediction as text for a terminal (rich markup)."""

    def input_view(self, bundle: Bundle) -> InputView:
        """Returns what a person gives on the demo page: a text, unless the task says otherwise."""
        return InputView()

    def views(self, given: Any, prediction: Any) -> Sequence[View]:
        """Returns what one prediction, or a part of it while it streams, looks like on the demo page: its JSON, unless
        the task says otherwise.
        """
        return [Text(json.dumps(prediction.model_dump(mode="json"), indent=2, ensure_ascii=False))]


@cache
def _entry_points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}


def task_names() -> list[str]:
    """Returns the names of all installed tasks in alphabetical order."""
    return sorted(_entry_points())


def find_task(name: str) -> Task:
    """Returns the task of this name.

    Raises:
        NotFoundError: if no installed package declares it.
        RnnAppsError: if the package that declares it cannot be imported.
    """
    points = _entry_points()
    if name not in points:
        raise NotFoundError(
            f"There is no task '{name}'.{did_you_mean(name, points)} Installed: {', '.join(task_names())}."
        )
    try:
        task = points[name].load()()
    except ImportError as error:
        raise RnnAppsError(f"The task '{name}' ({points[name].value}) cannot be imported: {error}") from error
    assert isinstance(task, Task)
    return task
