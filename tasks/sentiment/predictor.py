"""Answers texts with a saved sentiment model, without TensorFlow."""

from __future__ import annotations

from rnn_apps.bundle import Bundle
from rnn_apps.inference.classification import ClassPredictor
from rnn_apps.tasks.sentiment.task import SentimentProcessor


class SentimentPredictor(ClassPredictor):
    """Classifies texts.

    Args:
        bundle: a verified bundle of the task `sentiment`.
    """

    def __init__(self, bundle: Bundle) -> None:
        processor = SentimentProcessor.load(bundle.folder)
        super().__init__(bundle, processor, processor.class_names)
