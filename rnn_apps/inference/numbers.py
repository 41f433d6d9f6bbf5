"""A number for one input: the prediction with its interval, its predictor, and how good it is.

A model says a number and how sure it is of it: the location m and the scale b of a Laplace distribution, both in the
units of the training numbers less their mean and divided by their deviation. The interval is m - q b to m + q b, with
the q that holds 90 % of the validation numbers (split conformal prediction, normalised: Lei et al., arXiv:1604.04173,
section 5.2), so it is right whatever the errors are distributed like.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnn_apps.arrays import Array
from rnn_apps.bundle import Bundle
from rnn_apps.data.processor import Processor
from rnn_apps.inference.cases import Score
from rnn_apps.inference.many_to_one import Explained, ManyToOnePredictor
from rnn_apps.inference.metrics import Judgement, Metrics
from rnn_apps.inference.options import Options
from rnn_apps.inference.predictor import Prediction
from rnn_apps.inference.units import Units
from rnn_apps.views import Text, View

COVERAGE = 0.9
"""Share of the numbers that are to lie in their intervals."""


class NumberPrediction(Prediction):
    """A number, and between what bounds the right one is to be expected.

    Attributes:
        number: the answer.
        low: lower bound of the interval that holds 90 of 100 right numbers.
        high: its upper bound.
    """

    number: float
    low: float
    high: float


class NumberPredictor(ManyToOnePredictor):
    """Says a number for each input, from `logits` (batch, 2).

    Args:
        bundle: a verified bundle with the width of the interval in its calibration.
        processor: the bundle's processor.
        units: what the logits are measured in.
    """

    def __init__(self, bundle: Bundle, processor: Processor, units: Units) -> None:
        super().__init__(bundle, processor)
        self.units, self.width = units, bundle.calibration["interval"]

    def answer(self, inputs: Sequence[Any], options: Options) -> Sequence[NumberPrediction]:
        """Returns the number of each input, in their order."""
        if not len(inputs):
            return []
        numbers, scales = self.units.numbers(self.logits(inputs))
        bounds = zip(numbers, numbers - self.width * scales, numbers + self.width * scales, strict=True)
        return [NumberPrediction(number=float(own), low=float(low), high=float(high)) for own, low, high in bounds]

    def explained(self, prediction: NumberPrediction) -> Explained:
        """Returns what can be explained: the number; its loss is taken against the mean of the training numbers."""
        return Explained(in_words(prediction), np.array(0.0, np.float32), (Score("the number", ((0,),)),))

    def views(self, given: Any, prediction: NumberPrediction) -> Sequence[View]:
        """Returns the number with its interval, in words."""
        return [Text(in_words(prediction))]


def in_words(prediction: NumberPrediction) -> str:
    """Returns a number with its interval, written with the digits that the interval leaves a meaning."""
    width = prediction.high - prediction.low
    digits = max(0, 2 - math.floor(math.log10(width))) if width > 0 else 4
    number, low, high = (f"{own:,.{digits}f}" for own in (prediction.number, prediction.low, prediction.high))
    return f"{number}  ({COVERAGE:.0%} between {low} and {high})"


class NumberMetrics(Metrics):
    """How far off numbers are, and how often the right one lies in the interval.

    Args:
        units: what the logits are measured in.
        calibration: the width of the interval; that of the Laplace distribution where it has none.
    """

    headline = "MAE"
    less_is_better = True

    def __init__(self, units: Units, calibration: Mapping[str, float]) -> None:
        self.units = units
        self.width = calibration.get("interval", -math.log(1 - COVERAGE))
        self._found: list[tuple[Array, Array, Array]] = []

    def update(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> None:
        """Takes `logits` (batch, 2) and `label` (batch,) in the model's units."""
        right = self.units.mean + self.units.deviation * batch["label"].astype(np.float64)
        self._found.append((*self.units.numbers(outputs["logits"]), right))

    def calibrate(self) -> dict[str, float]:
        """Fits the width: the quantile of the errors over their scales, with the correction for few of them."""
        numbers, scales, right = self._gathered()
        ratios = np.sort(np.abs(right - numbers) / scales)
        self.width = float(ratios[min(math.ceil(COVERAGE * (len(ratios) + 1)), len(ratios)) - 1])
        return {"interval": self.width}

    def result(self) -> dict[str, float]:
        """Returns `mae`, `rmse`, `r2`, `loss` (nats) and `coverage` (share of right numbers in their interval)."""
        numbers, scales, right = self._gathered()
        errors = np.abs(numbers - right)
        spread = float(((right - right.mean()) ** 2).mean())
        return {
            "mae": float(errors.mean()),
            "rmse": float(np.sqrt((errors**2).mean())),
            "r2": 1.0 - float((errors**2).mean()) / spread if spread else 0.0,
            "loss": float((errors / scales + np.log(2 * scales)).mean()),
            "coverage": float((errors <= self.width * scales).mean()),
        }

    def judge(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> list[Judgement]:
        """Returns each number beside the right one; how sure a model is falls as the interval widens."""
        numbers, scales = self.units.numbers(outputs["logits"])
        right = self.units.mean + self.units.deviation * batch["label"].astype(np.float64)
        found = []
        for number, scale, own in zip(numbers, scales, right, strict=True):
            error = float(abs(number - own))
            quality = 1 / (1 + error / self.units.deviation)
            certainty = float(1 / (1 + scale / self.units.deviation))
            found.append(Judgement(f"{number:.4g}", f"{own:.4g}", quality, certainty, (error, 1.0)))
        return found

    def _gathered(self) -> tuple[Array, Array, Array]:
        numbers, scales, right = (np.concatenate(parts) for parts in zip(*self._found, strict=True))
        return numbers, scales, right
