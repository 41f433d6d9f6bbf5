"""The contract of a task and of its network, and how tasks are found.

A task is four classes, each in a file of its own and for one audience:

    Task         facts and data: its name, what it reads, how it is measured      no TensorFlow
    Processor    examples and inputs to arrays (`rnn_apps.data.processor`)        no TensorFlow
    Network      the Keras model, its loss, its graphs                            the only one that needs it
    Predictor    answers, and what a person sees (`rnn_apps.inference.predictor`) no TensorFlow

The way of the data, which no module reaches back on:

    file --read--> examples --processor--> arrays --batching--> batch --network--> outputs --predictor--> predictions
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from rnn_apps.arrays import Array, Arrays, Tensor
from rnn_apps.bundle import Bundle
from rnn_apps.data.processor import Processor
from rnn_apps.data.readers.columns import AS_SEEN, Columns, Survey
from rnn_apps.errors import ConfigError, NotFoundError, RnnAppsError, did_you_mean
from rnn_apps.inference.metrics import Metrics
from rnn_apps.inference.predictor import Predictor
from rnn_apps.inference.session import Runner, Session

if TYPE_CHECKING:
    from rnn_apps.config import TaskConfig
    from rnn_apps.data.readers.tfds import TFDSDataset

ENTRY_POINT_GROUP = "rnn_apps.tasks"

ConfigT = TypeVar("ConfigT", bound="TaskConfig")
ProcessorT = TypeVar("ProcessorT", bound=Processor)


class Shape(Enum):
    """The five shapes of a sequence problem: Tx input steps, Ty output steps."""

    ONE_TO_ONE = "one-to-one"
    ONE_TO_MANY = "one-to-many"
    MANY_TO_ONE = "many-to-one"
    ALIGNED = "many-to-many, aligned"
    UNALIGNED = "many-to-many, unaligned"


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


class Network(ABC, Generic[ConfigT, ProcessorT]):
    """How a task is modelled. Importing its module imports TensorFlow and registers the layers of its models."""

    @abstractmethod
    def build(self, config: ConfigT, processor: ProcessorT) -> Any:
        """Returns a functional `keras.Model` with a dict of named inputs and a dict of named outputs.

        The names of the inputs are those that the processor's arrays have.
        """

    @abstractmethod
    def loss(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Returns the loss summed over the items of a batch and the number of these items, as two scalar tensors.

        The training loop divides one by the other after both are summed over all devices. Padding is no item.
        """

    def graphs(self, model: Any) -> Sequence[GraphSpec]:
        """Returns the graphs of a saved model; one that has several (an encoder and a step, say) shares their weights.

        Args:
            model: the trained `keras.Model`.
        """
        return [GraphSpec("model", model, lambda batch: batch)]

    def grown(self, path: str, old: Array, new: Array, before: ProcessorT, after: ProcessorT) -> Array:
        """Returns the value of a weight array that has grown, where a run goes on from a saved model.

        Unless a task says otherwise, what was known stands in front, and what is new keeps its first values.

        Args:
            path: of the weight in the model.
            old: its value in the saved model.
            new: its value in the new one, larger along some axes.
            before: the processor of the saved model.
            after: that of the new one, see `Processor.extended`.
        """
        new[tuple(slice(size) for size in old.shape)] = old
        return new

    def language_layers(self, model: Any) -> tuple[Any, Any]:
        """Returns the features and the bidirectional layer of a model that can learn from texts without labels.

        The features are an `Embedding`, or a functional model that has one called "embedding".

        Raises:
            ConfigError: if the task has no such layers.
        """
        raise ConfigError("This task does not learn from texts without labels. Leave --unlabelled out.")


class Task(ABC, Generic[ConfigT, ProcessorT]):
    """One kind of problem: what it reads, what it is made of, how it is measured.

    Attributes:
        name: what the user types.
        summary: one line for `rnnapps tasks`.
        shape: which of the five shapes of a sequence problem it is.
        monitor: the metric on the validation part that decides which weights are best.
        monitor_mode: "max" where more is better, "min" otherwise.
        config: where the class of its settings is, as "module:Class", with defaults that work; `Config` imports it.
        processor: the class of its processor.
        network: where the class of its network is, as "module:Class"; it is imported when something is trained.
        predictor: where the class of its predictor is, likewise; it is imported when something is answered.
        columns: which of the fields of `rnn_apps.data.readers.columns.Columns` its files have; where there are none,
            `read` and `survey` are called without them.
        reads_folders: whether a folder is data of its own; elsewhere it stands for the files in it.
        sample_licence: where the built-in sample comes from and how it is licensed.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    shape: ClassVar[Shape]
    monitor: ClassVar[str]
    monitor_mode: ClassVar[str] = "max"
    config: ClassVar[str]
    processor: ClassVar[type[Processor]]
    network: ClassVar[str]
    predictor: ClassVar[str]
    columns: ClassVar[frozenset[str]] = frozenset()
    reads_folders: ClassVar[bool] = False
    sample_licence: ClassVar[str] = "written for this project, MIT"

    # What settings make of it

    def settled(self, config: ConfigT, paths: Sequence[Path], columns: Columns) -> ConfigT:
        """Returns the settings of a run with those chosen that were left to the data.

        Args:
            config: as far as they were said.
            paths: the data files; none where it comes from elsewhere.
            columns: how they are to be read.

        Raises:
            ConfigError: for settings that do not fit each other.
        """
        return config

    def adapted(self, settings: Mapping[str, Any]) -> Task[ConfigT, ProcessorT]:
        """Returns the task as settings make it, where they decide what it is made of; as it is, unless overridden.

        Args:
            settings: of a run or a saved model, as a nested mapping.
        """
        return self

    # What it learns from

    @abstractmethod
    def read(self, paths: Sequence[Path], columns: Columns = AS_SEEN) -> Iterator[Any]:
        """Streams the examples of a data file (or of several that belong together).

        Args:
            paths: the files.
            columns: what a person has said of how they are to be read.

        Raises:
            DataError: with file and line for anything that does not fit.
        """

    def survey(self, paths: Sequence[Path], columns: Columns = AS_SEEN) -> Survey:
        """Reads data files as a whole, and says how they are read and what one should know of them."""
        return Survey("", ())

    def class_of(self, example: Any) -> str | None:
        """Returns the class of an example, where it has one: of each, some are trained on when a part is held out."""
        return None

    def input_of(self, example: Any) -> Any:
        """Returns what the predictor takes of an example; None where it can be shown nothing of it."""
        return getattr(example, "text", None)

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

    # How it is measured

    @abstractmethod
    def metrics(self, processor: ProcessorT, calibration: Mapping[str, float]) -> Metrics:
        """Returns a fresh accumulator of this task's metrics."""

    def runner(self, folder: Path) -> Runner:
        """Returns what runs the saved model in `folder` when its metrics are measured."""
        return Session(folder / "model.onnx")

    def report(self, bundle: Bundle, train: Iterable[Any], valid: Iterable[Any]) -> str:
        """Returns what the card of a model says that only this task can say, as Markdown; "" for nothing.

        Args:
            bundle: the model; its files are written but its card, and its facts are not yet whole.
            train: the training examples, streamed.
            valid: the validation examples, streamed.
        """
        return ""

    # Its other classes

    @property
    def Config(self) -> type[TaskConfig]:  # noqa: N802 (it is a class)
        """The class of its settings."""
        config: type[TaskConfig] = resolve_name(self.config)
        return config

    def new_network(self) -> Network[Any, Any]:
        """Returns its network; this imports TensorFlow."""
        network = resolve_name(self.network)()
        assert isinstance(network, Network)
        return network

    @property
    def predictor_class(self) -> type[Predictor]:
        """The class of its predictor."""
        predictor: type[Predictor] = resolve_name(self.predictor)
        return predictor


def _built_in() -> dict[str, str]:
    """Where the tasks that come with this package are, by their names."""
    places: dict[str, str] = resolve_name("rnn_apps.tasks:TASKS")
    return places


@cache
def _declared() -> dict[str, str]:
    """Where those of other packages are; one whose name is taken is passed over, and said to be."""
    from importlib.metadata import entry_points  # all installed packages are looked through

    taken, found = _built_in(), dict[str, str]()
    for point in entry_points(group=ENTRY_POINT_GROUP):
        first = taken.get(point.name) or found.setdefault(point.name, point.value)
        if first != point.value:
            from rnn_apps.progress import tell_once

            tell_once(
                f"The task '{point.name}' of {point.value} is passed over: {first} has that name. Give it another in "
                "the pyproject.toml of its package."
            )
    return found


def task_names() -> list[str]:
    """Returns the names of all installed tasks in alphabetical order."""
    return sorted({*_built_in(), *_declared()})


def find_task(name: str) -> Task[Any, Any]:
    """Returns the task of this name.

    Raises:
        ConfigError: if it is no name.
        NotFoundError: if no installed package declares it.
        RnnAppsError: if the package that declares it cannot be imported, or was written for an older RNN Apps.
    """
    if not isinstance(name, str):
        raise ConfigError(f"Expected the name of a task. Received: {type(name).__name__}.")
    place = _built_in().get(name) or _declared().get(name)
    if place is None:
        known = task_names()
        raise NotFoundError(f"There is no task '{name}'.{did_you_mean(name, known)} Installed: {', '.join(known)}.")
    where = f"The task '{name}' ({place})"
    try:
        task_class = resolve_name(place)
    except (ImportError, AttributeError, ValueError) as error:
        raise RnnAppsError(
            f"{where} cannot be imported: {error}. If it was written for an older RNN Apps, docs/extending.md says "
            "where everything is now."
        ) from error
    lacking = [part for part in ("config", "processor", "network", "predictor") if not hasattr(task_class, part)]
    if lacking:
        raise RnnAppsError(f"{where} lacks {', '.join(lacking)}: docs/extending.md says what a task is made of.")
    task = task_class()
    assert isinstance(task, Task)
    return task
