"""Answers images with a saved digits model, without TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rnn_apps.bundle import Bundle
from rnn_apps.data.batching import pad_batch
from rnn_apps.inference.calibration import softmax
from rnn_apps.inference.classification import ClassPrediction, class_prediction
from rnn_apps.inference.predictor import BATCH_SIZE, Predictor
from rnn_apps.inference.session import Session
from rnn_apps.tasks.digits.task import DigitsProcessor


class DigitsPredictor(Predictor):
    """Classifies images.

    Args:
        bundle: a verified bundle of the task `digits`.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.processor = DigitsProcessor.load(bundle.folder)
        self.session = Session(bundle.folder / "model.onnx")
        self.temperature = bundle.calibration["temperature"]

    def predict(self, inputs: Sequence[Any], **options: Any) -> list[ClassPrediction]:
        """Returns the class of each image, rows of numbers (height, width), in their order."""
        rows = self.processor.encode_inputs(inputs)
        predictions = []
        for start in range(0, len(rows), BATCH_SIZE):
            logits = self.session.run(pad_batch(rows[start : start + BATCH_SIZE]))["logits"]
            predictions += [
                class_prediction(self.processor.class_names, row) for row in softmax(logits / self.temperature)
            ]
        return predictions
