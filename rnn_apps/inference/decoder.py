"""What a search asks of a decoder, and the decoder of a saved model: two ONNX graphs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from rnn_apps.arrays import Array, Arrays
from rnn_apps.inference.session import Session


class Start(NamedTuple):
    """What a decoder begins with.

    Attributes:
        memory: what belongs to a sentence and stays, (batch, ...) each.
        states: what belongs to a hypothesis and changes, (batch, 1, ...) each.
        mask: true where a source position counts, (batch, S).
    """

    memory: Arrays
    states: Arrays
    mask: npt.NDArray[np.bool_]


class Step(NamedTuple):
    """What a decoder says to one more token of each hypothesis.

    Attributes:
        log_probabilities: those of the token that follows, (batch, beams, V); the search may write into it.
        attention: to each source position, (batch, beams, S).
        states: those that follow, (batch, beams, ...) each.
    """

    log_probabilities: Array
    attention: Array
    states: Arrays


class Decoder(Protocol):
    """What is searched: P(y<t> | x, y<1> ... y<t-1>), a step at a time."""

    @property
    def start_token(self) -> int:
        """Stands before each sequence."""

    @property
    def end_token(self) -> int:
        """Ends each sequence."""

    def start(self, batch: Arrays) -> Start:
        """Reads the sources of a batch."""

    def step(self, tokens: Array, memory: Arrays, states: Arrays) -> Step:
        """Takes the last token of each hypothesis, int32 (batch, beams)."""


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
