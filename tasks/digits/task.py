"""Handwritten digits, one-to-one: the plain dense network that recurrent networks are measured against.

With a recurrent cell the same image is read row by row, as a sequence.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, PositiveInt

from rnn_apps.arrays import Array, Arrays
from rnn_apps.config import ClippingConfig, DataConfig, Section, TaskConfig, TrainingConfig
from rnn_apps.errors import DataError
from rnn_apps.inference.classification import ClassificationMetrics, ClassPrediction, class_bars, class_view
from rnn_apps.task import Processor, Shape, Task
from rnn_apps.tasks.digits import sample
from rnn_apps.views import DrawingInput, InputView, View

if TYPE_CHECKING:
    from rnn_apps.bundle import Bundle
    from rnn_apps.data.readers.tfds import TFDSDataset
    from rnn_apps.tasks.digits.predictor import DigitsPredictor


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """One image (height, width) and its class."""

    label: str
    image: Array
    where: str


class DigitsModelConfig(Section):
    """The network.

    Attributes:
        cell: "dense" for a plain network over all pixels, or the recurrent cell that reads row by row.
        units: width of each layer.
        layers: hidden layers.
        dropout: share of the features dropped before the last layer.
    """

    cell: Literal["dense", "lstm", "gru", "simple_rnn"] = "dense"
    units: PositiveInt = 128
    layers: PositiveInt = 2
    dropout: float = Field(default=0.2, ge=0.0, lt=1.0)


class DigitsConfig(TaskConfig):
    """Settings of the task `digits`."""

    model: DigitsModelConfig = DigitsModelConfig()
    training: TrainingConfig = TrainingConfig(
        epochs=30, batch_size=32, learning_rate=2e-3, patience=8, clipping=ClippingConfig(threshold=5.0)
    )
    data: DataConfig = DataConfig(validation_fraction=0.2)


class DigitsProcessor(Processor):
    """Images to numbers from 0 to 1, labels to class numbers.

    Args:
        class_names: the classes in the order of the model's outputs.
        image_shape: (height, width) of every image.
        full_ink: the pixel value that becomes 1.
    """

    def __init__(self, class_names: Sequence[str], image_shape: Sequence[int], full_ink: float) -> None:
        self.class_names = tuple(class_names)
        self.image_shape = tuple(image_shape)
        self.full_ink = full_ink

    def encode(self, examples: Sequence[LabelledImage], training: bool = False) -> list[Arrays]:
        """Returns `image`, float32 (height, width), and `label`, an int32 scalar, for each example."""
        return [
            {"image": self._scaled(e.image, e.where), "label": np.array(self._class_number(e), np.int32)}
            for e in examples
        ]

    def encode_inputs(self, inputs: Sequence[Any]) -> list[Arrays]:
        """Returns `image`, float32 (height, width), for each image."""
        return [{"image": self._scaled(image, f"input {number}")} for number, image in enumerate(inputs, 1)]

    def save(self, folder: Path) -> None:
        """Writes `processor.json`."""
        facts = {"class_names": self.class_names, "image_shape": self.image_shape, "full_ink": self.full_ink}
        (folder / "processor.json").write_text(json.dumps(facts), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> DigitsProcessor:
        """Reads what `save` wrote."""
        return cls(**json.loads((folder / "processor.json").read_text(encoding="utf-8")))

    def _scaled(self, image: Any, where: str) -> Array:
        try:
            array = np.asarray(image, np.float32)
        except (TypeError, ValueError, OverflowError):
            raise DataError(f"{where}: expected rows of numbers, all of one length.") from None
        if array.shape != self.image_shape:
            raise DataError(f"{where}: expected an image of shape {self.image_shape}. Received: {array.shape}")
        _require_numbers(array, where)
        return array / np.float32(self.full_ink)

    def _class_number(self, example: LabelledImage) -> int:
        if example.label not in self.class_names:
            raise DataError(
                f"{example.where}: the label '{example.label}' was not in the training data. "
                f"The model knows: {', '.join(self.class_names)}."
            )
        return self.class_names.index(example.label)


class DigitsTask(Task):
    """Classifies small grey images."""

    name = "digits"
    summary = "classify a small grey image, such as a handwritten digit"
    shape = Shape.ONE_TO_ONE
    monitor = "accuracy"
    Config = DigitsConfig
    processor_class = DigitsProcessor
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

    def fit_processor(self, examples: Iterable[LabelledImage], config: TaskConfig) -> DigitsProcessor:
        """Learns the classes, the size of the images, and what full ink is."""
        labels: Counter[str] = Counter()
        shape, full_ink = (), 0.0
        for example in examples:
            _require_numbers(example.image, example.where)
            labels[example.label] += 1
            shape, full_ink = example.image.shape, max(full_ink, float(example.image.max(initial=0.0)))
        if len(labels) < 2:
            raise DataError(f"Expected two classes or more. All {labels.total()} images have the label {min(labels)}.")
        if not full_ink > 0:
            raise DataError("Expected images with some pixel above 0. All are empty.")
        return DigitsProcessor(sorted(labels), shape, full_ink)

    def build_model(self, config: TaskConfig, processor: Processor) -> Any:
        """Returns the network of `model.py`."""
        from rnn_apps.tasks.digits.model import build_model

        assert isinstance(config, DigitsConfig)
        assert isinstance(processor, DigitsProcessor)
        return build_model(config.model, processor.image_shape, len(processor.class_names))

    def loss(self, outputs: Mapping[str, Any], batch: Mapping[str, Any]) -> tuple[Any, Any]:
        """Returns the summed cross-entropy of `logits` and `label`, and the number of images."""
        from rnn_apps.training.losses import summed_cross_entropy

        return summed_cross_entropy(outputs["logits"], batch["label"])

    def metrics(self, processor: Processor, calibration: Mapping[str, float]) -> ClassificationMetrics:
        """Returns a fresh accumulator."""
        return ClassificationMetrics(calibration.get("temperature", 1.0))

    def predictor(self, bundle: Bundle) -> DigitsPredictor:
        """Returns what answers with the bundle's graph."""
        from rnn_apps.tasks.digits.predictor import DigitsPredictor

        return DigitsPredictor(bundle)

    @property
    def example_inputs(self) -> Sequence[Array]:
        """Three digits drawn by hand."""
        return sample.EXAMPLES

    @property
    def example_argument(self) -> str:
        """One of them as JSON."""
        return f"'{json.dumps(sample.EXAMPLES[0].astype(int).tolist(), separators=(',', ':'))}'"

    def parse_input(self, text: str) -> Any:
        """Reads an image as JSON rows of numbers, or from an .npy file."""
        if text.endswith(".npy"):
            try:
                return np.load(text, allow_pickle=False)
            except (OSError, ValueError) as error:
                raise DataError(f"{text} cannot be read as one image: {error}") from None
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise DataError(
                f"Expected an image as JSON rows of numbers, or an .npy file. Received: {text[:60]!r}"
            ) from None

    def show(self, given: Any, prediction: ClassPrediction) -> str:
        """Returns the image in characters, and a bar for each likely class."""
        image = np.asarray(given, float)
        ink = " .:-=+*#%@"
        shares = (image / max(float(image.max()), 1e-9)).clip(0.0, 1.0)
        levels = (shares * (len(ink) - 1)).round().astype(int)
        rows = ["  " + "".join(ink[level] * 2 for level in row) for row in levels]
        return "\n".join([*rows, class_bars(prediction, most=3)])

    def input_view(self, bundle: Bundle) -> InputView:
        """Returns a pad for images of the model's size; those of 20 pixels and more have the margin of MNIST's."""
        processor = DigitsProcessor.load(bundle.folder)
        height, width = processor.image_shape
        margin = height // 7 if height >= 20 else 0
        return InputView(DrawingInput((height, width), processor.full_ink, margin), action="Classify")

    def views(self, given: Any, prediction: ClassPrediction) -> Sequence[View]:
        """Returns a bar for each class."""
        return [class_view(prediction)]


def _require_numbers(image: Array, where: str) -> None:
    if not np.isfinite(image).all():
        raise DataError(f"{where}: the image has pixels that are no numbers.")


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
