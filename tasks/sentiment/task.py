"""Sentiment classification, many-to-one: what it reads and how it is measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rnn_apps.data.examples import LabelledText
from rnn_apps.data.files import only
from rnn_apps.data.processor import Processor
from rnn_apps.data.readers.columns import AS_SEEN, Columns, Survey
from rnn_apps.errors import ConfigError
from rnn_apps.inference.classification import ClassificationMetrics
from rnn_apps.inference.metrics import Metrics
from rnn_apps.task import Shape, Task
from rnn_apps.tasks.sentiment import sample
from rnn_apps.tasks.sentiment.processor import (
    LabelsProcessor,
    NumberProcessor,
    OrderedProcessor,
    SentimentProcessor,
    TextProcessor,
)

if TYPE_CHECKING:
    from rnn_apps.data.readers.tfds import TFDSDataset
    from rnn_apps.tasks.sentiment.config import SentimentConfig


_SETTINGS_OF = {
    "order": ("ordered",),
    "label_separator": ("labels",),
    "class_names": ("class", "labels", "ordered"),
}
"""Which targets have use for a setting of the data."""


class SentimentTask(Task["SentimentConfig", TextProcessor[Any]]):
    """Classifies texts; `adapted` gives the task of several labels, of classes that have an order, and of numbers.

    Args:
        separator: what stands between the labels of a cell, where a text can have several.
        names: of the classes, by the labels of the data file that stand for them; other labels are names.
    """

    name = "sentiment"
    summary = "classify a text: positive or negative, any other set of classes, several labels, or a number"
    shape = Shape.MANY_TO_ONE
    monitor = "accuracy"
    config = "rnn_apps.tasks.sentiment.config:SentimentConfig"
    processor: ClassVar[type[Processor]] = SentimentProcessor
    network = "rnn_apps.tasks.sentiment.network:SentimentNetwork"
    predictor = "rnn_apps.tasks.sentiment.predictor:SentimentPredictor"

    columns = frozenset({"text", "label", "encoding"})
    describe = "describe_classes"

    def __init__(self, separator: str | None = None, names: Mapping[str, str] | None = None) -> None:
        self.separator, self.names = separator, names or {}

    def settled(self, config: SentimentConfig, paths: Sequence[Path], columns: Columns) -> SentimentConfig:
        """Chooses several labels where the first of a file is a list, one class elsewhere.

        Raises:
            ConfigError: for weights of classes where there are none, and for settings of another target.
        """
        from rnn_apps.data.readers.labelled import has_lists

        defaults = type(config)().data
        target = config.data.target or ("labels" if paths and has_lists(only(paths), columns) else "class")
        if target in ("labels", "number") and (config.training.class_weights or config.training.sampling == "balanced"):
            raise ConfigError(
                f"Classes are weighted where each text has one. With data.target={target} leave class_weights and "
                "sampling out."
            )
        for setting, targets in _SETTINGS_OF.items():
            if target not in targets and getattr(config.data, setting) != getattr(defaults, setting):
                raise ConfigError(f"data.{setting} is for data.target={' or '.join(targets)}, and here it is {target}.")
        return config.model_copy(update={"data": config.data.model_copy(update={"target": target})})

    def adapted(self, settings: Mapping[str, Any]) -> SentimentTask:
        """Returns the task of what texts are given."""
        data = settings.get("data", {})
        variants = {"labels": LabelsTask, "ordered": OrderedTask, "number": NumberTask}
        variant = variants.get(data.get("target"), SentimentTask)
        return variant(data["label_separator"] if variant is LabelsTask else None, data.get("class_names"))

    def read(self, paths: Sequence[Path], columns: Columns = AS_SEEN) -> Iterator[LabelledText]:
        """Streams a .tsv, .csv, .jsonl, .json or .parquet of labelled texts."""
        from rnn_apps.data.readers.labelled import read_labelled_texts

        return read_labelled_texts(only(paths), columns, self.separator)

    def survey(self, paths: Sequence[Path], columns: Columns = AS_SEEN) -> Survey:
        """Says how the file is read, and what of its labels one should know."""
        from rnn_apps.data.readers import labelled

        describe = getattr(labelled, self.describe)
        return labelled.survey_labelled_texts(only(paths), columns, self.separator, describe, self.names)

    def class_of(self, example: LabelledText) -> str | None:
        """The class that its label stands for."""
        return self.names.get(example.label, example.label)

    def sample(self) -> Sequence[LabelledText]:
        """Returns short reviews in which the order of the words decides."""
        return [LabelledText(label, text, f"sample {n}") for n, (label, text) in enumerate(sample.examples(), 1)]

    def read_tfds(self, dataset: TFDSDataset, split: str) -> Iterator[LabelledText]:
        """Streams any dataset that has one text and one class label."""
        from rnn_apps.data.readers.tfds import text_and_label_features

        text, label = text_and_label_features(dataset.features)
        for number, record in enumerate(dataset.records(split), 1):
            if record[label] is not None:  # a split of a challenge comes without
                yield LabelledText(str(record[label]), record[text], f"{split}, record {number}")

    def metrics(self, processor: TextProcessor[Any], calibration: Mapping[str, float]) -> Metrics:
        """Returns a fresh accumulator."""
        return ClassificationMetrics(calibration.get("temperature", 1.0), processor.target.names)


class OrderedTask(SentimentTask):
    """Gives each text one class of some that have an order."""

    monitor = "kappa"
    processor = OrderedProcessor
    network = "rnn_apps.tasks.sentiment.network:OrderedNetwork"
    predictor = "rnn_apps.tasks.sentiment.predictor:OrderedPredictor"

    def metrics(self, processor: TextProcessor[Any], calibration: Mapping[str, float]) -> Metrics:
        """Returns a fresh accumulator."""
        from rnn_apps.inference.ordered import OrderedMetrics

        return OrderedMetrics(calibration.get("temperature", 1.0), processor.target.names)


class LabelsTask(SentimentTask):
    """Gives each text several labels, or one, or none."""

    monitor = "micro_f1"
    processor = LabelsProcessor
    network = "rnn_apps.tasks.sentiment.network:LabelsNetwork"
    predictor = "rnn_apps.tasks.sentiment.labels_predictor:TextLabelsPredictor"
    describe = "describe_labels"

    def metrics(self, processor: TextProcessor[Any], calibration: Mapping[str, float]) -> Metrics:
        """Returns a fresh accumulator."""
        from rnn_apps.inference.labels import LabelsMetrics

        return LabelsMetrics(processor.target.names, calibration)


class NumberTask(SentimentTask):
    """Gives each text a number."""

    monitor, monitor_mode = "mae", "min"
    processor = NumberProcessor
    network = "rnn_apps.tasks.sentiment.network:NumberNetwork"
    predictor = "rnn_apps.tasks.sentiment.number_predictor:TextNumberPredictor"
    describe = "describe_numbers"

    def class_of(self, example: LabelledText) -> None:
        """Numbers are no classes."""

    def metrics(self, processor: TextProcessor[Any], calibration: Mapping[str, float]) -> Metrics:
        """Returns a fresh accumulator."""
        from rnn_apps.inference.numbers import NumberMetrics

        return NumberMetrics(processor.target.units, calibration)
