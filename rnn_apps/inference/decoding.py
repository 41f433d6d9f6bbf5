"""What a search and the decoder that it searches say to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from rnn_apps.arrays import Array, Arrays
from rnn_apps.errors import check_number

_LEAST_COVERAGE = 1e-9


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


class Hypothesis(NamedTuple):
    """A sequence that was found.

    Attributes:
        tokens: without the end token, int32 (T,).
        score: by which hypotheses are compared, see `Penalties`.
        log_probability: log P(y | x) with its end token, in nats.
        attention: of each token, and last of the end token, to the source positions that count, (T + 1, S).
    """

    tokens: Array
    score: float
    log_probability: float
    attention: Array


@dataclass(frozen=True)
class Penalties:
    """How a hypothesis y with |y| tokens, its end token among them, is scored.

        s(y) = log P(y | x) / ((5 + |y|) / 6)^α  +  β Σ_i log min(Σ_t p<t,i>, 1)

    with the attention p<t,i> of step t to the source position i (Wu et al., 2016, arXiv:1609.08144, equation 14).

    Attributes:
        length: α, at least 0; 0 compares plain log-probabilities, 1 nearly those per token.
        coverage: β, at least 0; what it costs to leave a part of the source without attention.

    Raises:
        ConfigError: for a number below 0.
    """

    length: float = 1.0
    coverage: float = 0.0

    def __post_init__(self) -> None:
        for name in ("length", "coverage"):
            check_number(f"the {name} penalty", getattr(self, name), "a number of at least 0", lambda value: value >= 0)

    def divisor(self, lengths: Array | int) -> Array:
        """Returns what the log-probability is divided by at these lengths."""
        return np.asarray(((5.0 + np.asarray(lengths)) / 6.0) ** self.length)

    def score(self, log_probability: float, length: int, attention: Array) -> float:
        """Returns s(y).

        Args:
            log_probability: log P(y | x).
            length: |y|.
            attention: Σ_t p<t,i> for each source position that counts, (S,).
        """
        score = log_probability / float(self.divisor(length))
        if self.coverage:
            score += self.coverage * float(np.log(np.clip(attention, _LEAST_COVERAGE, 1.0), dtype=np.float64).sum())
        return score


DEFAULT_PENALTIES = Penalties()
