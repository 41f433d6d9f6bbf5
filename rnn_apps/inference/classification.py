"""What every task that picks one class has in common: its predictor and its metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_apps.arrays import Array
from rnn_apps.bundle import Bundle
from rnn_apps.data.processor import Processor
from rnn_apps.inference.cases import Score
from rnn_apps.inference.many_to_one import Explained, ManyToOnePredictor
from rnn_apps.inference.metrics import Judgement, Metrics
from rnn_apps.inference.options import Options
from rnn_apps.inference.predictor import Prediction
from rnn_apps.inference.probabilities import expected_calibration_error, fit_temperature, log_softmax, softmax

if TYPE_CHECKING:
    from rnn_apps.views import View

MOST_SHOWN = 10


class ClassPrediction(Prediction):
    """The most likely class of an input, and how likely each is.

    Attributes:
        label: the most likely class.
        probability: its calibrated probability.
        probabilities: that of every class; they sum to 1.
    """

    label: str
    probability: float
    probabilities: dict[str, float]


def class_prediction(class_names: Sequence[str], probabilities: Array) -> ClassPrediction:
    """Returns the prediction for one input's probabilities, shape (classes,)."""
    by_name = dict(zip(class_names, probabilities.tolist(), strict=True))
    best = max(by_name, key=by_name.__getitem__)
    return ClassPrediction(label=best, probability=by_name[best], probabilities=by_name)


def likeliest(probabilities: Mapping[str, float]) -> list[tuple[str, float]]:
    """Returns the likeliest names with their probabilities, the likeliest first, as many as are shown."""
    return sorted(probabilities.items(), key=lambda item: -item[1])[:MOST_SHOWN]


class ClassPredictor(ManyToOnePredictor):
    """Picks a class for each input, from `logits` (batch, classes).

    Args:
        bundle: a verified bundle with a temperature in its calibration.
        processor: the bundle's processor.
        class_names: the classes in the order of the logits.
    """

    def __init__(self, bundle: Bundle, processor: Processor, class_names: Sequence[str]) -> None:
        super().__init__(bundle, processor)
        self.class_names = class_names
        self.temperature = bundle.calibration["temperature"]

    def answer(self, inputs: Sequence[Any], options: Options) -> Sequence[ClassPrediction]:
        """Returns the class of each input, in their order."""
        probabilities = softmax(self.logits(inputs) / self.temperature)
        return [class_prediction(self.class_names, row) for row in probabilities]

    def explained(self, prediction: ClassPrediction) -> Explained:
        """Returns what can be explained: the logit of each class, the likeliest first."""
        number = {name: index for index, name in enumerate(self.class_names)}
        return Explained(
            f"{prediction.label} ({prediction.probability:.1%})",
            np.array(number[prediction.label], np.int32),
            tuple(Score(label, ((number[label],),)) for label, _ in likeliest(prediction.probabilities)),
        )

    def views(self, given: Any, prediction: ClassPrediction) -> Sequence[View]:
        """Returns a bar for each of the likeliest classes."""
        from rnn_apps.views import Bars

        return [Bars(dict(likeliest(prediction.probabilities)))]


class ClassificationMetrics(Metrics):
    """Accuracy, mean negative log-likelihood, and calibration.

    Args:
        temperature: what logits are divided by.
        class_names: the classes in the order of the logits, to judge single examples.
    """

    def __init__(self, temperature: float, class_names: Sequence[str] = ()) -> None:
        self.temperature, self.class_names = temperature, tuple(class_names)
        self._logits: list[Array] = []
        self._labels: list[Array] = []

    def update(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> None:
        """Takes `logits` (batch, classes) and `label` (batch,)."""
        self._logits.append(outputs["logits"])
        self._labels.append(batch["label"])

    def judge(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> list[Judgement]:
        """Returns the likeliest class of each row beside the right one."""
        probabilities = softmax(outputs["logits"] / self.temperature)
        found = []
        for row, right in zip(probabilities, batch["label"].tolist(), strict=True):
            said = int(row.argmax())
            correct = float(said == right)
            names = self.class_names[said], self.class_names[right]
            found.append(Judgement(*names, correct, float(row[said]), (correct, 1.0)))
        return found

    def groups(self, judgements: Sequence[Judgement]) -> dict[str, tuple[int, int, int]]:
        """Returns the counts of each class."""
        pairs = Counter((own.said, own.right) for own in judgements)
        return {
            name: (
                pairs[name, name],
                sum(count for (said, _), count in pairs.items() if said == name),
                sum(count for (_, right), count in pairs.items() if right == name),
            )
            for name in self.class_names
        }

    def calibrate(self) -> dict[str, float]:
        """Fits the temperature."""
        self.temperature = fit_temperature(np.concatenate(self._logits), np.concatenate(self._labels))
        return {"temperature": self.temperature}

    def result(self) -> dict[str, float]:
        """Returns `accuracy`, `loss` (nats) and `ece` (expected calibration error)."""
        labels = np.concatenate(self._labels)
        log_probabilities = log_softmax(np.concatenate(self._logits) / self.temperature)
        correct = log_probabilities.argmax(axis=1) == labels
        return {
            "accuracy": float(correct.mean()),
            "loss": float(-log_probabilities[np.arange(len(labels)), labels].mean()),
            "ece": expected_calibration_error(np.exp(log_probabilities.max(axis=1)), correct),
        }
