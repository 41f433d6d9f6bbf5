"""Sentiment classification, many-to-one: what it reads and how it is measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rnn_apps.data.examples import LabelledText
from rnn_apps.data.files import only
from rnn_apps.data.readers.columns import AS_SEEN, Columns, Survey
from rnn_apps.inference.classification import ClassificationMetrics
from rnn_apps.task import Shape, Task
from rnn_apps.tasks.sentiment import sample
from rnn_apps.tasks.sentiment.config import SentimentConfig
from rnn_apps.tasks.sentiment.processor import SentimentProcessor

if TYPE_CHECKING:
    from rnn_apps.data.readers.tfds import TFDSDataset


class SentimentTask(Task[SentimentConfig, SentimentProcessor]):
    """Classifies texts."""

    name = "sentiment"
    summary = "classify a text: positive or negative, or any other set of classes"
    shape = Shape.MANY_TO_ONE
    monitor = "accuracy"
    Config = SentimentConfig
    processor = SentimentProcessor
    network = "rnn_apps.tasks.sentiment.network:SentimentNetwork"
    predictor = "rnn_apps.tasks.sentiment.predictor:SentimentPredictor"

    columns = frozenset({"text", "label", "encoding"})

    def read(self, paths: Sequence[Path], columns: Columns = AS_SEEN) -> Iterator[LabelledText]:
        """Streams a .tsv, .csv, .jsonl or .parquet of labelled texts."""
        from rnn_apps.data.readers.labelled import read_labelled_texts

        return read_labelled_texts(only(paths), columns)

    def survey(self, paths: Sequence[Path], columns: Columns = AS_SEEN) -> Survey:
        """Says how the file is read, and which labels are rare."""
        from rnn_apps.data.readers.labelled import survey_labelled_texts

        return survey_labelled_texts(only(paths), columns)

    def class_of(self, example: LabelledText) -> str:
        """The label."""
        return example.label

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

    def metrics(self, processor: SentimentProcessor, calibration: Mapping[str, float]) -> ClassificationMetrics:
        """Returns a fresh accumulator."""
        return ClassificationMetrics(calibration.get("temperature", 1.0), processor.class_names)
