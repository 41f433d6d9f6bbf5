"""Answers images with a saved digits model, without TensorFlow."""

from __future__ import annotations

from rnn_apps.bundle import Bundle
from rnn_apps.inference.classification import ClassPredictor
from rnn_apps.tasks.digits.task import DigitsProcessor


class DigitsPredictor(ClassPredictor):
    """Classifies images, rows of numbers (height, width).

    Args:
        bundle: a verified bundle of the task `digits`.
    """

    def __init__(self, bundle: Bundle) -> None:
        processor = DigitsProcessor.load(bundle.folder)
        super().__init__(bundle, processor, processor.class_names)
