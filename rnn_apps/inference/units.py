"""What numbers are measured in while a model learns them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnn_apps.arrays import Array

_LARGEST = 10.0  # of the logarithm of a scale


@dataclass(frozen=True)
class Units:
    """Mean and deviation of numbers; what is standard has 0 and 1.

    Attributes:
        mean: of the training numbers.
        deviation: their standard deviation.
    """

    mean: float
    deviation: float

    def numbers(self, logits: Array) -> tuple[Array, Array]:
        """Returns the number and the scale of each row of `logits`, (rows, 2): m and log b; both float64 (rows,)."""
        logits = logits.astype(np.float64)
        scale = np.exp(np.clip(logits[:, 1], -_LARGEST, _LARGEST))
        return self.mean + self.deviation * logits[:, 0], self.deviation * scale

    def standard(self, number: float) -> float:
        """Returns a number in these units."""
        return (number - self.mean) / self.deviation
