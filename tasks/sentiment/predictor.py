"""Answers texts with a saved sentiment model, without TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any, TypeVar

from rnn_apps.arrays import Arrays
from rnn_apps.bundle import Bundle
from rnn_apps.inference.classification import ClassPrediction, ClassPredictor
from rnn_apps.inference.many_to_one import ManyToOnePredictor
from rnn_apps.inference.options import Options
from rnn_apps.inference.predictor import Prediction, WarnedPrediction
from rnn_apps.tasks.sentiment import sample
from rnn_apps.tasks.sentiment.processor import OrderedProcessor, SentimentProcessor, TextProcessor

if TYPE_CHECKING:
    from rnn_apps.views import InputView, View

PredictionT = TypeVar("PredictionT", bound=WarnedPrediction)


class TextClass(WarnedPrediction, ClassPrediction):
    """The class of a text; see `ClassPrediction` for the other attributes.

    Attributes:
        warnings: why it may not be trusted.
    """

    warnings: list[str] = field(default_factory=list)


class TextPredictor(ManyToOnePredictor):
    """What is the same for all that a text can be given; the class behind it says what that is."""

    processor: TextProcessor[Any]

    def warned(
        self, kind: Callable[..., PredictionT], inputs: Sequence[str], found: Sequence[Prediction]
    ) -> list[PredictionT]:
        """Returns answers with why they may not be trusted."""
        pairs = zip(inputs, found, strict=True)
        return [kind(**vars(own), warnings=self.processor.warnings(text)) for text, own in pairs]

    def views(self, given: str, prediction: Any) -> Sequence[View]:
        """Returns the answer, and a note."""
        from rnn_apps.views import Text

        warnings = getattr(prediction, "warnings", [])
        return [*super().views(given, prediction), *([Text("\n".join(warnings), "Note")] if warnings else [])]

    def step_names(self, given: str, row: Arrays) -> Sequence[str]:
        """Returns the part of the text that each token stands for."""
        return self.processor.pieces(given)

    @property
    def examples(self) -> Sequence[str]:
        """Three short reviews."""
        return sample.EXAMPLES

    def input_view(self) -> InputView:
        """Returns a box whose text is classified while it is typed."""
        from rnn_apps.views import InputView, TextInput

        return InputView(TextInput(live=True), action="Classify")


class SentimentPredictor(TextPredictor, ClassPredictor):
    """Classifies texts.

    Args:
        bundle: a verified bundle of the task `sentiment`.
    """

    def __init__(self, bundle: Bundle) -> None:
        processor = self.processor_of(bundle)
        super().__init__(bundle, processor, processor.target.names)

    def processor_of(self, bundle: Bundle) -> TextProcessor[Any]:
        """Returns the bundle's processor."""
        return SentimentProcessor.load(bundle.folder)

    def answer(self, inputs: Sequence[str], options: Options) -> list[TextClass]:
        """Returns the class of each text, in their order."""
        return self.warned(TextClass, inputs, super().answer(inputs, options))


class OrderedPredictor(SentimentPredictor):
    """The same for classes that have an order."""

    def processor_of(self, bundle: Bundle) -> TextProcessor[Any]:
        """Returns the bundle's processor."""
        return OrderedProcessor.load(bundle.folder)
