"""Answers texts with a saved model of numbers, without TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from rnn_apps.bundle import Bundle
from rnn_apps.inference.numbers import NumberPrediction, NumberPredictor
from rnn_apps.inference.options import Options
from rnn_apps.inference.predictor import WarnedPrediction
from rnn_apps.tasks.sentiment.predictor import TextPredictor
from rnn_apps.tasks.sentiment.processor import NumberProcessor


class TextNumber(WarnedPrediction, NumberPrediction):
    """The number of a text; see `NumberPrediction` for the other attributes.

    Attributes:
        warnings: why it may not be trusted.
    """

    warnings: list[str] = field(default_factory=list)


class TextNumberPredictor(TextPredictor, NumberPredictor):
    """Gives each text a number.

    Args:
        bundle: a verified bundle of the task `sentiment` with a number as its target.
    """

    def __init__(self, bundle: Bundle) -> None:
        processor = NumberProcessor.load(bundle.folder)
        super().__init__(bundle, processor, processor.target.units)

    def answer(self, inputs: Sequence[str], options: Options) -> list[TextNumber]:
        """Returns the number of each text, in their order."""
        return self.warned(TextNumber, inputs, super().answer(inputs, options))
