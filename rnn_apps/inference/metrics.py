"""The contract of metrics: outputs of a model in, numbers out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from rnn_apps.arrays import Array


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
