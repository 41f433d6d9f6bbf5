"""Answers texts with a saved sentiment model, without TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence

from rnn_apps.bundle import Bundle
from rnn_apps.inference.classification import ClassPredictor
from rnn_apps.tasks.sentiment import sample
from rnn_apps.tasks.sentiment.processor import SentimentProcessor
from rnn_apps.views import InputView, TextInput


class SentimentPredictor(ClassPredictor):
    """Classifies texts.

    Args:
        bundle: a verified bundle of the task `sentiment`.
    """

    def __init__(self, bundle: Bundle) -> None:
        processor = SentimentProcessor.load(bundle.folder)
        super().__init__(bundle, processor, processor.class_names)

    @property
    def examples(self) -> Sequence[str]:
        """Three short reviews."""
        return sample.EXAMPLES

    def input_view(self) -> InputView:
        """Returns a box whose text is classified while it is typed."""
        return InputView(TextInput(live=True), action="Classify")
