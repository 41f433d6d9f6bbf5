"""How likely music is to a model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rnn_apps.arrays import Array
from rnn_apps.inference.metrics import Metrics
from rnn_apps.inference.probabilities import log_softmax
from rnn_apps.tasks.music.context import is_key


class MusicMetrics(Metrics):
    """Mean negative log-likelihood of a frame in nats, each given all frames before it; the first is only given.

    Source: Boulanger-Lewandowski et al. (2012), "Modeling temporal dependencies in high-dimensional sequences"; summed
    and divided as in Bai et al. (2018), arXiv:1803.01271.
    """

    def __init__(self) -> None:
        self._nats, self._frames = 0.0, 0
        self._all_nats, self._tokens = 0.0, 0

    def update(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> None:
        """Takes `logits` (batch, time, tokens), `targets` and `frames` (batch, time)."""
        real = batch["targets"] > 0
        targets = batch["targets"][real]
        nats = -log_softmax(outputs["logits"][real])[np.arange(len(targets)), targets - 1]
        counted = batch["frames"][real] > 0
        self._nats += float(nats[counted].sum())
        self._frames += int((~is_key(targets[counted])).sum())
        self._all_nats += float(nats.sum())
        self._tokens += len(targets)

    def result(self) -> dict[str, float]:
        """Returns `nll`, nats a frame, and `loss`, nats a token, the first frame counted in."""
        return {"nll": self._nats / max(self._frames, 1), "loss": self._all_nats / max(self._tokens, 1)}
