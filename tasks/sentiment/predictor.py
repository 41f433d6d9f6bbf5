"""Answers texts with a saved sentiment model, without TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnn_apps.bundle import Bundle
from rnn_apps.inference.calibration import softmax
from rnn_apps.inference.classification import ClassPrediction, class_prediction
from rnn_apps.inference.predictor import Predictor, batches_by_length
from rnn_apps.inference.session import Session
from rnn_apps.tasks.sentiment.task import SentimentProcessor


class SentimentPredictor(Predictor):
    """Classifies texts.

    Args:
        bundle: a verified bundle of the task `sentiment`.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.processor = SentimentProcessor.load(bundle.folder)
        self.session = Session(bundle.folder / "model.onnx")
        self.temperature = bundle.calibration["temperature"]

    def predict(self, inputs: Sequence[str], **options: Any) -> list[ClassPrediction]:
        """Returns the class of each text, in their order."""
        rows = self.processor.encode_inputs(inputs)
        probabilities = np.zeros((len(rows), len(self.processor.class_names)))
        for numbers, batch in batches_by_length(rows):
            probabilities[numbers] = softmax(self.session.run(batch)["logits"] / self.temperature)
        return [class_prediction(self.processor.class_names, row) for row in probabilities]
