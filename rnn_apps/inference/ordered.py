"""Classes that have an order, such as one to five stars: how far off an answer is counts beside whether it is right."""

from __future__ import annotations

import numpy as np

from rnn_apps.inference.classification import ClassificationMetrics


class OrderedMetrics(ClassificationMetrics):
    """Those of classes, and how many steps answers are off."""

    def result(self) -> dict[str, float]:
        """Returns `kappa` (quadratic weighted, Cohen 1968), `accuracy`, `mae` (steps), `loss` (nats) and `ece`."""
        logits, labels = np.concatenate(self._logits), np.concatenate(self._labels)
        said = logits.argmax(axis=1)
        found = super().result()
        return {
            "kappa": weighted_kappa(said, labels, logits.shape[1]),
            "accuracy": found.pop("accuracy"),
            "mae": float(np.abs(said - labels).mean()),
            **found,
        }


def weighted_kappa(said: np.ndarray, right: np.ndarray, classes: int) -> float:
    """Returns Cohen's quadratic weighted kappa: 1 for answers that are all right, 0 for what chance would give.

    Args:
        said: numbers of classes, (answers,).
        right: the right ones, (answers,).
        classes: how many there are.
    """
    distance = (np.arange(classes)[:, None] - np.arange(classes)) ** 2
    share = np.bincount(said, minlength=classes) / len(said), np.bincount(right, minlength=classes) / len(right)
    by_chance = float((distance * np.outer(*share)).sum())
    return 1.0 - float(((said - right) ** 2).mean()) / by_chance if by_chance else 1.0
