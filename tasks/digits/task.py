"""Handwritten digits, one-to-one: the plain dense network that recurrent networks are measured against.

With a recurrent cell the same image is read row by row, as a sequence.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnn_apps.arrays import Array
from rnn_apps.errors import DataError
from rnn_apps.inference.classification import ClassificationMetrics
from rnn_apps.task import Shape, Task
from rnn_apps.tasks.digits import sample
from rnn_apps.tasks.digits.config import DigitsConfig
from rnn_apps.tasks.digits.processor import DigitsProcessor, LabelledImage

if TYPE_CHECKING:
    from rnn_apps.data.readers.tfds import TFDSDataset


class DigitsTask(Task[DigitsConfig, DigitsProcessor]):
    """Classifies small grey images."""

    name = "digits"
    summary = "classify a small grey image, such as a handwritten digit"
    shape = Shape.ONE_TO_ONE
    monitor = "accuracy"
    Config = DigitsConfig
    processor = DigitsProcessor
    network = "rnn_apps.tasks.digits.network:DigitsNetwork"
    predictor = "rnn_apps.tasks.digits.predictor:DigitsPredictor"
    sample_licence = "Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI repository, CC BY 4.0"

    def read(self, paths: Sequence[Path]) -> Iterator[LabelledImage]:
        """Streams an .npz with `images` (examples, height, width) and `labels` (examples,)."""
        if len(paths) != 1:
            raise DataError(f"Expected one data file. Received {len(paths)}: {', '.join(map(str, paths))}")
        images, labels = _read_npz(paths[0])
        for number, (label, image) in enumerate(zip(labels, images, strict=True), 1):
            yield LabelledImage(str(label), image, f"{paths[0]}, image {number}")

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
        return ClassificationMetrics(calibration.get("temperature", 1.0))


def _read_npz(path: Path) -> tuple[Array, Array]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = dict(arrays) if hasattr(arrays, "files") else {}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path} cannot be read as an .npz file: {error}") from None
    images, labels = found.get("images"), found.get("labels")
    if images is None or labels is None:
        raise DataError(f"Expected the arrays images and labels in {path}. It has: {', '.join(found) or 'none'}.")
    if images.ndim != 3 or labels.shape != images.shape[:1] or images.dtype.kind not in "fiub":
        raise DataError(
            f"{path}: expected numbers images (examples, height, width) and labels (examples,). "
            f"Received: {images.dtype} {images.shape} and {labels.shape}."
        )
    if not len(images):
        raise DataError(f"{path} has no image.")
    return images, labels
