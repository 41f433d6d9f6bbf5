"""Answers texts with a saved model of several labels, without TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from rnn_apps.bundle import Bundle
from rnn_apps.inference.labels import LabelsPrediction, LabelsPredictor
from rnn_apps.inference.options import Options
from rnn_apps.inference.predictor import WarnedPrediction
from rnn_apps.tasks.sentiment.predictor import TextPredictor
from rnn_apps.tasks.sentiment.processor import LabelsProcessor


class TextLabels(WarnedPrediction, LabelsPrediction):
    """The labels of a text; see `LabelsPrediction` for the other attributes.

    Attributes:
        warnings: why they may not be trusted.
    """

    warnings: list[str] = field(default_factory=list)


class TextLabelsPredictor(TextPredictor, LabelsPredictor):
    """Gives each text any number of labels.

    Args:
        bundle: a verified bundle of the task `sentiment` with several labels.
    """

    def __init__(self, bundle: Bundle) -> None:
        processor = LabelsProcessor.load(bundle.folder)
        super().__init__(bundle, processor, processor.target.names)

    def answer(self, inputs: Sequence[str], options: Options) -> list[TextLabels]:
        """Returns the labels of each text, in their order."""
        return self.warned(TextLabels, inputs, super().answer(inputs, options))
