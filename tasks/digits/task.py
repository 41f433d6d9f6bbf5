"""Handwritten digits, one-to-one: the plain dense network that recurrent networks are measured against.

With a recurrent cell the same image is read row by row, as a sequence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnn_apps.arrays import Array
from rnn_apps.data.files import only
from rnn_apps.data.readers.columns import AS_SEEN, Columns
from rnn_apps.errors import DataError
from rnn_apps.inference.classification import ClassificationMetrics
from rnn_apps.task import Shape, Task
from rnn_apps.tasks.digits import sample
from rnn_apps.tasks.digits.images import LabelledImage, read_images
from rnn_apps.tasks.digits.processor import DigitsProcessor

if TYPE_CHECKING:
    from rnn_apps.data.readers.tfds import TFDSDataset
    from rnn_apps.tasks.digits.config import DigitsConfig  # noqa: F401 (the base names it)


class DigitsTask(Task["DigitsConfig", DigitsProcessor]):
    """Classifies small grey images."""

    name = "digits"
    summary = "classify a small grey image, such as a handwritten digit"
    shape = Shape.ONE_TO_ONE
    monitor = "accuracy"
    config = "rnn_apps.tasks.digits.config:DigitsConfig"
    processor = DigitsProcessor
    network = "rnn_apps.tasks.digits.network:DigitsNetwork"
    predictor = "rnn_apps.tasks.digits.predictor:DigitsPredictor"
    sample_licence = "Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI repository, CC BY 4.0"

    columns = frozenset({"label", "encoding"})

    def read(self, paths: Sequence[Path], columns: Columns = AS_SEEN) -> Iterator[LabelledImage]:
        """Streams the labelled images of an .npz or of a table with a pixel in each column."""
        return read_images(only(paths), columns)

    def class_of(self, example: LabelledImage) -> str:
        """The label."""
        return example.label

    def input_of(self, example: LabelledImage) -> Array:
        """Returns the image."""
        return example.image

    def sample(self) -> Sequence[LabelledImage]:
        """Returns scikit-learn's bundled digits."""
        return [LabelledImage(label, image, f"sample {n}") for n, (label, image) in enumerate(sample.examples(), 1)]

    def read_tfds(self, dataset: TFDSDataset, split: str) -> Iterator[LabelledImage]:
        """Streams a dataset with `image` and `label` (mnist, fashion_mnist); colours are averaged to grey."""
        if not {"image", "label"} <= set(dataset.features):
            raise DataError(f"Expected the features image and label. The dataset has: {', '.join(dataset.features)}.")
        for number, record in enumerate(dataset.records(split), 1):
            image = np.asarray(record["image"], np.float32)
            grey = image.mean(axis=-1) if image.ndim == 3 else image
            yield LabelledImage(str(record["label"]), grey, f"{split}, record {number}")

    def metrics(self, processor: DigitsProcessor, calibration: Mapping[str, float]) -> ClassificationMetrics:
        """Returns a fresh accumulator."""
        return ClassificationMetrics(calibration.get("temperature", 1.0), processor.class_names)
