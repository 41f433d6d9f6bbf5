"""Images to numbers from 0 to 1, labels to class numbers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_apps.arrays import Array, Arrays
from rnn_apps.data.processor import Processor
from rnn_apps.errors import DataError, unknown_class
from rnn_apps.tasks.digits.handwriting import other_hand
from rnn_apps.tasks.digits.images import LabelledImage

if TYPE_CHECKING:
    from rnn_apps.tasks.digits.config import DigitsConfig


_MARGIN = 0.3  # of the least and the most ink
_AS_IT_IS = 1 / 3


class DigitsProcessor(Processor):
    """Images to numbers from 0 to 1, labels to class numbers.

    Args:
        class_names: the classes in the order of the model's outputs.
        image_shape: (height, width) of every image.
        full_ink: the pixel value that becomes 1.
        usual_ink: the least and the greatest mean pixel of a training image; an older model does not know them.
        distortion: see `DigitsDataConfig`.
    """

    def __init__(
        self,
        class_names: Sequence[str],
        image_shape: Sequence[int],
        full_ink: float,
        usual_ink: tuple[float, float] | None = None,
        distortion: float = 0.0,
    ) -> None:
        self.class_names = tuple(class_names)
        self.image_shape = tuple(image_shape)
        self.full_ink, self.usual_ink, self.distortion = full_ink, usual_ink, distortion

    @classmethod
    def fit(cls, examples: Iterable[LabelledImage], config: DigitsConfig) -> DigitsProcessor:
        """Learns the classes, the size of the images, and what full ink is."""
        labels: Counter[str] = Counter()
        shape, full_ink, means = (), 0.0, list[float]()
        for example in examples:
            require_numbers(example.image, example.where)
            labels[example.label] += 1
            shape, full_ink = example.image.shape, max(full_ink, float(example.image.max(initial=0.0)))
            means.append(float(example.image.mean()))
        if len(labels) < 2:
            raise DataError(f"Expected two classes or more. All {labels.total()} images have the label {min(labels)}.")
        if not full_ink > 0:
            raise DataError("Expected images with some pixel above 0. All are empty.")
        return cls(sorted(labels), shape, full_ink, (min(means), max(means)), config.data.distortion)

    def extended(self, examples: Iterable[LabelledImage], config: DigitsConfig) -> tuple[DigitsProcessor, str]:
        """Adds classes; images must have the size that there is."""
        new = sorted({example.label for example in examples} - set(self.class_names))
        means = [float(example.image.mean()) for example in examples]
        ink = self.usual_ink and (min(self.usual_ink[0], *means), max(self.usual_ink[1], *means))
        names = [*self.class_names, *new]
        extended = DigitsProcessor(names, self.image_shape, self.full_ink, ink, config.data.distortion)
        return extended, f"the classes {', '.join(new)}" if new else ""

    def encode(self, examples: Sequence[LabelledImage], training: bool = False) -> list[Arrays]:
        """Returns `image`, float32 (height, width), and `label`, an int32 scalar, for each example."""
        return [
            {"image": self._scaled(e.image, e.where), "label": np.array(self._class_index(e), np.int32)}
            for e in examples
        ]

    def encode_inputs(self, inputs: Sequence[Any]) -> list[Arrays]:
        """Returns `image`, float32 (height, width), for each image."""
        return [{"image": self._scaled(image, f"input {number}")} for number, image in enumerate(inputs, 1)]

    def augment(self, row: Arrays, rng: np.random.Generator) -> Arrays:
        """Returns an encoded image as another hand might have written it, two of three times."""
        if not self.distortion or rng.random() < _AS_IT_IS:
            return row
        return {**row, "image": other_hand(row["image"], self.distortion, rng)}

    def warnings(self, given: Any) -> list[str]:
        """Returns why the answer to an image may not be trusted: far more or less ink than in those of the training."""
        mean, (least, most) = float(np.mean(given)), self.usual_ink or (-np.inf, np.inf)
        if least - _MARGIN * abs(least) <= mean <= most + _MARGIN * abs(most):
            return []
        return [
            f"A pixel of the image is {mean:.3g} on average, in those that the model has learnt from {least:.3g} to "
            f"{most:.3g}, where {self.full_ink:g} is full ink: is it empty, scaled otherwise, or light on dark?"
        ]

    def save(self, folder: Path) -> None:
        """Writes `processor.json`."""
        facts = {"class_names": self.class_names, "image_shape": self.image_shape, "full_ink": self.full_ink}
        facts |= {"usual_ink": self.usual_ink, "distortion": self.distortion}
        (folder / "processor.json").write_text(json.dumps(facts), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> DigitsProcessor:
        """Reads what `save` wrote."""
        return cls(**json.loads((folder / "processor.json").read_text(encoding="utf-8")))

    def _scaled(self, image: Any, where: str) -> Array:
        try:
            array = np.asarray(image, np.float32)
        except (TypeError, ValueError, OverflowError):
            hint = " In Python a picture is given as pathlib.Path." if isinstance(image, str) else ""
            raise DataError(f"{where}: expected rows of numbers, all of one length.{hint}") from None
        if array.shape != self.image_shape:
            raise DataError(f"{where}: expected an image of shape {self.image_shape}. Received: {array.shape}")
        require_numbers(array, where)
        return array / np.float32(self.full_ink)

    def _class_index(self, example: LabelledImage) -> int:
        if example.label not in self.class_names:
            raise DataError(f"{example.where}: {unknown_class('label', example.label, self.class_names)}")
        return self.class_names.index(example.label)


def require_numbers(image: Array, where: str) -> None:
    """Makes sure that all pixels are finite numbers.

    Raises:
        DataError: saying where one is not.
    """
    if not np.isfinite(image).all():
        raise DataError(f"{where}: the image has pixels that are no numbers.")
