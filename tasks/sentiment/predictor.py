"""Answers texts with a saved sentiment model, without TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from rnn_apps.arrays import Arrays
from rnn_apps.bundle import Bundle
from rnn_apps.data.text.scripts import warnings_of
from rnn_apps.inference.classification import ClassPrediction, ClassPredictor
from rnn_apps.inference.options import Options
from rnn_apps.inference.predictor import WarnedPrediction
from rnn_apps.tasks.sentiment import sample
from rnn_apps.tasks.sentiment.processor import SentimentProcessor
from rnn_apps.views import InputView, Text, TextInput, View


class TextClass(WarnedPrediction, ClassPrediction):
    """The class of a text; see `ClassPrediction` for the other attributes.

    Attributes:
        warnings: why it may not be trusted.
    """

    warnings: list[str] = Field(default_factory=list)


class SentimentPredictor(ClassPredictor):
    """Classifies texts.

    Args:
        bundle: a verified bundle of the task `sentiment`.
    """

    def __init__(self, bundle: Bundle) -> None:
        processor = SentimentProcessor.load(bundle.folder)
        super().__init__(bundle, processor, processor.class_names)
        self.texts, self.tokenizer = processor, processor.tokenizer

    def answer(self, inputs: Sequence[str], options: Options) -> list[TextClass]:
        """Returns the class of each text, in their order."""
        found = super().answer(inputs, options)
        return [
            TextClass(**dict(own), warnings=warnings_of(text, self.tokenizer.scripts))
            for text, own in zip(inputs, found, strict=True)
        ]

    def views(self, given: str, prediction: ClassPrediction) -> Sequence[View]:
        """Returns a bar for each class, and a note."""
        warnings = prediction.warnings if isinstance(prediction, TextClass) else []
        notes = [Text("\n".join(warnings), "Note")] if warnings else []
        return [*super().views(given, prediction), *notes]

    def step_names(self, given: str, row: Arrays) -> Sequence[str]:
        """Returns the part of the text that each token stands for."""
        return self.texts.pieces(given)

    @property
    def examples(self) -> Sequence[str]:
        """Three short reviews."""
        return sample.EXAMPLES

    def input_view(self) -> InputView:
        """Returns a box whose text is classified while it is typed."""
        return InputView(TextInput(live=True), action="Classify")
