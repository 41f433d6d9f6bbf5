"""Several labels for one input: the prediction, its predictor, and how good it is.

Each label is a question of its own, answered by a sigmoid; what has a probability above the label's threshold is said.
Temperature and thresholds are fitted on the validation part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnn_apps.arrays import Array
from rnn_apps.bundle import Bundle
from rnn_apps.data.processor import Processor
from rnn_apps.inference.cases import Score
from rnn_apps.inference.classification import likeliest
from rnn_apps.inference.many_to_one import Explained, ManyToOnePredictor
from rnn_apps.inference.metrics import Judgement, Metrics
from rnn_apps.inference.options import Options
from rnn_apps.inference.predictor import Prediction
from rnn_apps.inference.probabilities import best_temperature, expected_calibration_error, sigmoid
from rnn_apps.views import Bars, Text, View

_FEWEST = 5
_THRESHOLD = "threshold: "
NONE = "no label"


class LabelsPrediction(Prediction):
    """The labels of an input, and how likely each of all is.

    Attributes:
        labels: those that it has, the likeliest first.
        probabilities: the calibrated probability of every label, each by itself.
    """

    labels: list[str]
    probabilities: dict[str, float]


def thresholds_of(label_names: Sequence[str], calibration: Mapping[str, float]) -> Array:
    """Returns the threshold of each label, (labels,): as it was fitted, else a half."""
    return np.array([calibration.get(_THRESHOLD + name, 0.5) for name in label_names])


def label_probabilities(logits: Array, temperature: float) -> Array:
    """Returns the probability of each label, float64 of the shape of the logits."""
    return sigmoid(logits / temperature)


class LabelsPredictor(ManyToOnePredictor):
    """Says for each label whether an input has it, from `logits` (batch, labels).

    Args:
        bundle: a verified bundle with temperature and thresholds in its calibration.
        processor: the bundle's processor.
        label_names: the labels in the order of the logits.
    """

    def __init__(self, bundle: Bundle, processor: Processor, label_names: Sequence[str]) -> None:
        super().__init__(bundle, processor)
        self.label_names = label_names
        self.temperature = bundle.calibration["temperature"]
        self.thresholds = thresholds_of(label_names, bundle.calibration)

    def answer(self, inputs: Sequence[Any], options: Options) -> Sequence[LabelsPrediction]:
        """Returns the labels of each input, in their order."""
        return list(map(self._prediction, label_probabilities(self.logits(inputs), self.temperature)))

    def _prediction(self, probabilities: Array) -> LabelsPrediction:
        said = [number for number in np.argsort(-probabilities, kind="stable") if self._says(probabilities, number)]
        by_name = dict(zip(self.label_names, probabilities.tolist(), strict=True))
        return LabelsPrediction(labels=[self.label_names[number] for number in said], probabilities=by_name)

    def _says(self, probabilities: Array, number: int) -> bool:
        return bool(probabilities[number] >= self.thresholds[number])

    def explained(self, prediction: LabelsPrediction) -> Explained:
        """Returns what can be explained: the logit of each label, the likeliest first."""
        number = {name: index for index, name in enumerate(self.label_names)}
        return Explained(
            ", ".join(f"{name} ({prediction.probabilities[name]:.1%})" for name in prediction.labels) or NONE,
            np.array([name in prediction.labels for name in self.label_names], np.float32),
            tuple(Score(name, ((number[name],),)) for name, _ in likeliest(prediction.probabilities)),
        )

    def views(self, given: Any, prediction: LabelsPrediction) -> Sequence[View]:
        """Returns the labels, and a bar for each of the likeliest."""
        return [Text(", ".join(prediction.labels) or NONE), Bars(dict(likeliest(prediction.probabilities)))]


class LabelsMetrics(Metrics):
    """F1 over all labels and as the mean of the labels, the share of inputs with exactly the right ones, calibration.

    Args:
        label_names: the labels in the order of the logits.
        calibration: temperature and thresholds; 1 and a half each where it has none.
    """

    headline = "micro F1"

    def __init__(self, label_names: Sequence[str], calibration: Mapping[str, float]) -> None:
        self.label_names = tuple(label_names)
        self.temperature = calibration.get("temperature", 1.0)
        self.thresholds = thresholds_of(label_names, calibration)
        self._logits: list[Array] = []
        self._labels: list[Array] = []

    def update(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> None:
        """Takes `logits` (batch, labels) and `label` (batch, labels), 1 where an input has it."""
        self._logits.append(outputs["logits"])
        self._labels.append(batch["label"] > 0.5)

    def calibrate(self) -> dict[str, float]:
        """Fits the temperature, then for each label the threshold with the best F1.

        A label that fewer than five inputs have keeps a half: of so few nothing is learnt but chance.
        """
        logits, right = self._gathered()
        self.temperature = best_temperature(lambda temperature: _loss(logits / temperature, right))
        probabilities = label_probabilities(logits, self.temperature)
        self.thresholds = np.array([best_threshold(*pair) for pair in zip(probabilities.T, right.T, strict=True)])
        named = zip(self.label_names, self.thresholds.tolist(), strict=True)
        return {"temperature": self.temperature, **{_THRESHOLD + name: value for name, value in named}}

    def confidences(self) -> tuple[Array, Array]:
        """Returns the probability of each label of each input, and whether it has it."""
        logits, right = self._gathered()
        return label_probabilities(logits, self.temperature).ravel(), right.ravel()

    def result(self) -> dict[str, float]:
        """Returns `micro_f1`, `macro_f1`, `exact` (share of inputs), `loss` (nats an input) and `ece`."""
        logits, right = self._gathered()
        probabilities = label_probabilities(logits, self.temperature)
        hits, said, true = _counts(probabilities >= self.thresholds, right)
        return {
            "micro_f1": _f1(hits.sum(), said.sum(), true.sum()),
            "macro_f1": float(np.mean([_f1(*own) for own in zip(hits, said, true, strict=True)])),
            "exact": float(((probabilities >= self.thresholds) == right).all(axis=1).mean()),
            "loss": _loss(logits / self.temperature, right),
            "ece": expected_calibration_error(probabilities.ravel(), right.ravel()),
        }

    def judge(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> list[Judgement]:
        """Returns the labels that were said of each input beside the right ones."""
        probabilities = label_probabilities(outputs["logits"], self.temperature)
        found = []
        for row, right in zip(probabilities, batch["label"] > 0.5, strict=True):
            said = row >= self.thresholds
            counts = float((said & right).sum()), float(said.sum()), float(right.sum())
            certainty = float(np.where(said, row, 1 - row).min())
            found.append(
                Judgement(self._named(said), self._named(right), _f1(*counts, of_nothing=1.0), certainty, counts)
            )
        return found

    def score(self, sums: Sequence[float]) -> float:
        """Returns the F1 over all labels of all inputs."""
        return _f1(*sums)

    def groups(self, judgements: Sequence[Judgement]) -> dict[str, tuple[int, int, int]]:
        """Returns the counts of each label."""
        logits, right = self._gathered()
        counts = _counts(label_probabilities(logits, self.temperature) >= self.thresholds, right)
        rows = np.stack(counts, axis=1).tolist()
        return {name: (row[0], row[1], row[2]) for name, row in zip(self.label_names, rows, strict=True)}

    def _gathered(self) -> tuple[Array, Array]:
        return np.concatenate(self._logits), np.concatenate(self._labels)

    def _named(self, chosen: Array) -> str:
        return ", ".join(name for name, has in zip(self.label_names, chosen, strict=True) if has)


def best_threshold(probabilities: Array, right: Array) -> float:
    """Returns the threshold with the best F1, in the middle between two probabilities; a half where that is as good.

    Args:
        probabilities: of one label, (inputs,).
        right: whether an input has it, (inputs,).
    """
    if right.sum() < _FEWEST:
        return 0.5
    order = np.argsort(-probabilities, kind="stable")
    ordered = probabilities[order]
    hits = np.cumsum(right[order])
    scores = 2 * hits / (np.arange(1, len(order) + 1) + right.sum())
    scores[:-1][ordered[:-1] == ordered[1:]] = 0.0  # no threshold can stand between equal ones
    best = int(scores.argmax())
    said = probabilities >= 0.5
    if _f1((said & right).sum(), said.sum(), right.sum()) >= scores[best]:
        return 0.5
    below = ordered[best + 1] if best + 1 < len(ordered) else 0.0
    return float((ordered[best] + below) / 2)


def _loss(logits: Array, right: Array) -> float:
    """The binary cross-entropy in nats, summed over labels, mean over inputs."""
    wrong_way = np.where(right, -logits, logits).astype(np.float64)
    return float(np.logaddexp(0.0, wrong_way).sum(axis=1).mean())


def _counts(said: Array, right: Array) -> tuple[Array, Array, Array]:
    """Of each label how often it was said rightly, said, and right."""
    return (said & right).sum(axis=0), said.sum(axis=0), right.sum(axis=0)


def _f1(hits: Any, said: Any, right: Any, of_nothing: float = 0.0) -> float:
    """F1; `of_nothing` where nothing was to be said and nothing was."""
    return float(2 * hits / (said + right)) if said + right else of_nothing
