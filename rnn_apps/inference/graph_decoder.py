"""A decoder of two ONNX graphs: one reads the source, one takes a step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rnn_apps.arrays import Array, Arrays
from rnn_apps.inference.decoding import Start, Step
from rnn_apps.inference.session import Session


class GraphDecoder:
    """Decodes with `encoder.onnx` and `step.onnx`.

        encoder   source int32 (batch, S), 0 = padding -> the memory, (batch, S, ...), and the first states, (batch, H)
        step      token int32 (batch, beams), source, the memory, states (batch, beams, H)
                  -> log_probabilities (batch, beams, V), attention (batch, beams, S), states

    A state goes into the step as NAME and comes out of it as next_NAME.

    Args:
        folder: where the graphs are.
        start_token: stands before each sequence.
        end_token: ends each sequence.
        forbidden: tokens that are never to follow.
        threads: threads inside one run of a graph; 0 takes one per core.
    """

    def __init__(
        self, folder: Path, start_token: int, end_token: int, forbidden: Sequence[int] = (), threads: int = 0
    ) -> None:
        self.start_token, self.end_token, self.forbidden = start_token, end_token, list(forbidden)
        self._encoder = Session(folder / "encoder.onnx", threads)
        self._step = Session(folder / "step.onnx", threads)
        self._states = [name for name in self._step.inputs if f"next_{name}" in self._step.outputs]

    def start(self, batch: Arrays) -> Start:
        """Reads `source`, int32 (batch, S)."""
        found = {"source": batch["source"], **self._encoder.run(batch)}
        states = {name: found.pop(name)[:, None] for name in self._states}
        return Start(found, states, batch["source"] != 0)

    def step(self, tokens: Array, memory: Arrays, states: Arrays) -> Step:
        """Takes the last token of each hypothesis, int32 (batch, beams)."""
        found = self._step.run({"token": tokens, **memory, **states})
        found["log_probabilities"][..., self.forbidden] = -np.inf
        following = {name: found[f"next_{name}"] for name in self._states}
        return Step(found["log_probabilities"], found["attention"], following)
