"""Several models that pick a class as one: their calibrated probabilities are averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_apps.inference.classification import ClassPrediction, ClassPredictor
from rnn_apps.inference.options import Options
from rnn_apps.inference.predictor import Predictor

if TYPE_CHECKING:
    from rnn_apps.views import InputView, View


class JoinedPredictor(Predictor):
    """Answers with the mean of what several models say.

    Args:
        members: predictors of one task with the same classes, in any order.
    """

    def __init__(self, members: Sequence[ClassPredictor]) -> None:
        self.members = list(members)
        self.first = self.members[0]
        self.class_names = self.first.class_names

    def answer(self, inputs: Sequence[Any], options: Options) -> list[ClassPrediction]:
        """Returns the class of each input, in their order, with the warnings of all models; the rest is the first's."""
        answers = [member.answer(inputs, options) for member in self.members]
        return [self._mean(own) for own in zip(*answers, strict=True)]

    def _mean(self, answers: Sequence[Any]) -> ClassPrediction:
        means = {name: float(np.mean([own.probabilities[name] for own in answers])) for name in self.class_names}
        best = max(means, key=means.__getitem__)
        found: dict[str, Any] = {"label": best, "probability": means[best], "probabilities": means}
        if hasattr(answers[0], "warnings"):
            found["warnings"] = list(dict.fromkeys(chain.from_iterable(own.warnings for own in answers)))
        mean: ClassPrediction = replace(answers[0], **found)
        return mean

    def cost(self, value: Any, options: Any) -> float:
        """That of all models."""
        return sum(member.cost(value, options) for member in self.members)

    @property
    def examples(self) -> Sequence[Any]:
        """Those of the first model."""
        return self.first.examples

    @property
    def example_argument(self) -> str:
        """That of the first model."""
        return self.first.example_argument

    def parse(self, text: str) -> Any:
        """As the first model does."""
        return self.first.parse(text)

    def from_json(self, value: Any) -> Any:
        """As the first model does."""
        return self.first.from_json(value)

    def input_view(self) -> InputView:
        """As the first model has it."""
        return self.first.input_view()

    def views(self, given: Any, prediction: Any) -> Sequence[View]:
        """As the first model has them."""
        return self.first.views(given, prediction)

    def terminal_views(self, given: Any, prediction: Any) -> Sequence[View]:
        """As the first model has them."""
        return self.first.terminal_views(given, prediction)
