"""Answers images with a saved digits model, without TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

import numpy as np

from rnn_apps.arrays import Array, Arrays
from rnn_apps.bundle import Bundle
from rnn_apps.errors import DataError
from rnn_apps.inference.cases import Case, tiled
from rnn_apps.inference.classification import ClassPrediction, ClassPredictor
from rnn_apps.inference.options import Options
from rnn_apps.inference.predictor import WarnedPrediction
from rnn_apps.tasks.digits import sample
from rnn_apps.tasks.digits.pictures import SUFFIXES, read_picture
from rnn_apps.tasks.digits.processor import DigitsProcessor
from rnn_apps.views import DrawingInput, InputView, Text, View

_INK = " .:-=+*#%@"


class ImageClass(WarnedPrediction, ClassPrediction):
    """The class of an image; see `ClassPrediction` for the other attributes.

    Attributes:
        warnings: why it may not be trusted.
    """

    warnings: list[str] = field(default_factory=list)


class DigitsPredictor(ClassPredictor):
    """Classifies images, rows of numbers (height, width), or pictures given as `pathlib.Path`.

    Args:
        bundle: a verified bundle of the task `digits`.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.images = DigitsProcessor.load(bundle.folder)
        super().__init__(bundle, self.images, self.images.class_names)

    def answer(self, inputs: Sequence[Any], options: Options) -> list[ImageClass]:
        """Returns the class of each image, in their order."""
        images = [self._image(given) for given in inputs]
        pairs = zip(images, super().answer(images, options), strict=True)
        return [ImageClass(**vars(own), warnings=self.images.warnings(image)) for image, own in pairs]

    def cases(self, given: Any) -> Sequence[Case]:
        """Returns the image with its answer."""
        return super().cases(self._image(given))

    @property
    def examples(self) -> Sequence[Array]:
        """Three digits drawn by hand, where the model is for images of their size."""
        return [image for image in sample.EXAMPLES if image.shape == self.images.image_shape]

    @property
    def example_argument(self) -> str:
        """One of them as JSON."""
        return f"'{json.dumps(self.examples[0].astype(int).tolist(), separators=(',', ':'))}'"

    def step_names(self, given: Any, row: Arrays) -> Sequence[str]:
        """Returns the rows of the image."""
        return [f"row {number}" for number in range(1, self.images.image_shape[0] + 1)]

    def without(self, case: Case, ranges: Sequence[range]) -> Arrays:
        """Wipes rows of the image out."""
        batch = tiled(case.arrays, len(ranges))
        for image, rows in zip(batch["image"], ranges, strict=True):
            image[rows] = 0
        return batch

    def parse(self, text: str) -> Any:
        """Reads an image as JSON rows of numbers, from an .npy file, or from a picture of it."""
        if Path(text).suffix.lower() in SUFFIXES:
            return self._image(Path(text))
        if text.endswith(".npy"):
            try:
                return np.load(text, allow_pickle=False)
            except (OSError, ValueError) as error:
                raise DataError(f"{text} cannot be read as one image: {error}") from None
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise DataError(
                f"Expected an image as JSON rows of numbers, an .npy file, or a picture ({', '.join(SUFFIXES)}). "
                f"Received: {text[:60]!r}"
            ) from None

    def views(self, given: Any, prediction: Any) -> Sequence[View]:
        """Returns a bar for each likely class, and a note."""
        notes = [Text("\n".join(prediction.warnings), "Note")] if prediction.warnings else []
        return [*super().views(given, prediction), *notes]

    def terminal_views(self, given: Any, prediction: ClassPrediction) -> Sequence[View]:
        """Returns the image in characters, and a bar for each likely class."""
        image = np.asarray(given, float)
        shares = (image / max(float(image.max()), 1e-9)).clip(0.0, 1.0)
        levels = (shares * (len(_INK) - 1)).round().astype(int)
        return [
            Text("\n".join("".join(_INK[level] * 2 for level in row) for row in levels)),
            *self.views(given, prediction),
        ]

    def input_view(self) -> InputView:
        """Returns a pad for images of the model's size; those of 20 pixels and more have the margin of MNIST's."""
        height, width = self.images.image_shape
        return InputView(DrawingInput((height, width), self.images.full_ink, self._margin), action="Classify")

    def _image(self, given: Any) -> Any:
        """Reads a picture; what is none stays. A client of the server cannot send a `Path`."""
        if not isinstance(given, Path):
            return given
        height, width = self.images.image_shape
        return read_picture(given, (height, width), self._margin) * self.images.full_ink

    @property
    def _margin(self) -> int:
        height = self.images.image_shape[0]
        return height // 7 if height >= 20 else 0
