"""How likely a translation is good, from how likely the model found it: a logistic curve fitted on validation pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

import numpy as np

from rnn_apps.arrays import Array
from rnn_apps.errors import MissingExtraError
from rnn_apps.inference.probabilities import sigmoid
from rnn_apps.inference.search import DEFAULT_PENALTIES, Hypothesis

GOOD = 0.5
"""chrF with the reference, from 0 to 1, from which on a translation counts as good."""

DOUBTFUL = 0.33
"""Confidence below which a translation carries a warning."""

_SHORT = 60

NO_CALIBRATION: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True)
class Confidence:
    """P(good | s) = sigmoid(offset + slope s), with the score s of a search with the usual penalties.

    Attributes:
        offset: the log-odds at the score 0.
        slope: what a score one higher adds to them.
    """

    offset: float
    slope: float

    @classmethod
    def of(cls, calibration: Mapping[str, float]) -> Self | None:
        """Returns what a bundle says; None where it says nothing."""
        if "confidence_slope" not in calibration:
            return None
        return cls(calibration["confidence_offset"], calibration["confidence_slope"])

    @classmethod
    def fit(cls, scores: Array, good: Array) -> Self:
        """Fits the curve.

        Args:
            scores: of translations, (translations,).
            good: whether each is, bool (translations,); where all are alike, the curve is flat.
        """
        if good.all() or not good.any():
            share = (good.sum() + 1) / (len(good) + 2)
            return cls(float(np.log(share / (1 - share))), 0.0)
        try:
            from sklearn.linear_model import LogisticRegression
        except ImportError:
            raise MissingExtraError("Fitting how sure translations are", "train") from None
        found = LogisticRegression().fit(scores[:, None], good)
        return cls(float(found.intercept_[0]), float(found.coef_[0, 0]))

    def as_calibration(self) -> dict[str, float]:
        """Returns what `of` takes."""
        return {"confidence_offset": self.offset, "confidence_slope": self.slope}

    def of_scores(self, scores: Array) -> Array:
        """Returns P(good) for each score."""
        return sigmoid(self.offset + self.slope * scores)

    def of_hypothesis(self, hypothesis: Hypothesis) -> float:
        """Returns P(good), whatever penalties it was searched with."""
        length = len(hypothesis.tokens) + 1
        score = DEFAULT_PENALTIES.score(hypothesis.log_probability, length, hypothesis.attention.sum(axis=0))
        return float(self.of_scores(np.array(score)))


def doubts(sentences: Sequence[str], confidences: Sequence[float]) -> list[str]:
    """What is to be said of sentences whose translations are probably bad."""
    return [
        f"'{_shortened(sentence)}' is probably translated badly (confidence {confidence:.0%})."
        for sentence, confidence in zip(sentences, confidences, strict=False)
        if confidence < DOUBTFUL
    ]


def _shortened(sentence: str) -> str:
    return sentence if len(sentence) <= _SHORT else sentence[: _SHORT - 1] + "…"
