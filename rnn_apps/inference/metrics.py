"""The contract of metrics: outputs of a model in, numbers out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnn_apps.arrays import Array


@dataclass(frozen=True)
class Judgement:
    """One answer beside the right one.

    Attributes:
        said: the answer, in words.
        right: the right one.
        quality: how good it is, from 0 to 1; 1 is right.
        certainty: how sure the model was, from 0 to 1.
        parts: numbers whose sums over examples give the score of all, see `Metrics.score`.
    """

    said: str
    right: str
    quality: float
    certainty: float
    parts: tuple[float, ...]


@dataclass(frozen=True)
class PairedTest:
    """A metric of two models on the same examples, and whether chance would make its difference.

    Attributes:
        metric: its name.
        scores: of both models.
        p_value: how likely a difference as large would be if they were equally good.
    """

    metric: str
    scores: tuple[float, float]
    p_value: float


class Metrics(ABC):
    """Gathers batches of model outputs and sums them up; NumPy only, so Keras and ONNX outputs go the same way.

    Attributes:
        headline: what `score` is, in words.
        less_is_better: whether a smaller score is the better one.
    """

    headline = "accuracy"
    less_is_better = False

    @abstractmethod
    def update(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> None:
        """Takes the outputs for one batch of encoded examples."""

    @abstractmethod
    def result(self) -> dict[str, float]:
        """Returns the metrics over everything taken so far."""

    def calibrate(self) -> dict[str, float]:
        """Fits, on everything taken so far, what turns outputs into honest probabilities, and uses it from now on."""
        return {}

    def confidences(self) -> tuple[Array, Array] | None:
        """Returns the probability of each answer and whether it was right, (answers,) both; None without such."""
        return None

    def doubts(self) -> list[str]:
        """Returns why everything taken so far is hardly what the model was made for, in words; mostly nothing."""
        return []

    def judge(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> Sequence[Judgement]:
        """Returns a judgement for each row of a batch; none where a task judges no single example."""
        return []

    def score(self, sums: Sequence[float]) -> float:
        """Returns the score of examples from the sums of their `Judgement.parts`: the share that is right."""
        return sums[0] / max(sums[1], 1.0)

    def paired_tests(self, first: Sequence[Judgement], second: Sequence[Judgement]) -> Sequence[PairedTest]:
        """Returns what a library of the field says of two models' judgements of the same examples.

        The first is that of the headline; none where there is no such library, and a bootstrap of scores is taken.
        """
        return []

    def by_familiarity(
        self, judgements: Sequence[Judgement], inputs: Sequence[Any]
    ) -> Mapping[str, tuple[int, int, int]]:
        """Returns the same counts for what was met in training and for what is new; nothing where that is not known.

        Args:
            judgements: of examples.
            inputs: what was judged, in the same order.
        """
        return {}

    def groups(self, judgements: Sequence[Judgement]) -> Mapping[str, tuple[int, int, int]]:
        """Returns, for each class or type: how often it was said rightly, how often said, how often right."""
        return {}
