"""Finds what a decoder finds likely: beam search, which with a beam of one is greedy search, and sampling. NumPy only.

Of the beam's hypotheses with one token more, the likeliest are kept; one that ends leaves the beam and takes its place
along (Sutskever et al., 2014, section 3.2), so a beam of one is greedy search. A sentence is done when its beam is
empty, or when no hypothesis in it can come to score as well as those that ended: log P only falls, so the divisor at
the greatest length allowed bounds what is yet to come.
"""

from __future__ import annotations

import heapq
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from rnn_apps.arrays import Array, Arrays
from rnn_apps.errors import ConfigError, check_count, check_number
from rnn_apps.inference.decoder import Decoder
from rnn_apps.inference.sampling import check_sampling, sample

T = TypeVar("T")

# columns that share a maximum when the greatest of a row are looked for
_GROUPS = 512

_LEAST_COVERAGE = 1e-9


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


class Search(ABC):
    """A search over a batch, step by step; sentences that are done leave it.

    Args:
        decoder: what is searched.
        batch: what it starts from.
        limits: tokens of each sentence at most, its end token not counted, (batch,).
        width: hypotheses of a sentence.
        penalties: how hypotheses are scored.
    """

    def __init__(
        self, decoder: Decoder, batch: Arrays, limits: npt.ArrayLike, width: int, penalties: Penalties
    ) -> None:
        self.decoder, self.width, self.penalties = decoder, width, penalties
        self.limits = np.asarray(limits)
        self._memory, self._states, self._mask = decoder.start(batch)
        self._sources = self._mask
        count = len(self._mask)
        self._rows = np.arange(count)
        self._tokens = np.full((count, 1), decoder.start_token)
        self._log_probabilities = np.zeros((count, 1))
        self._coverage = np.zeros((count, 1, self._mask.shape[1]))
        self._history: list[_Record] = []
        self._ends: list[list[_End]] = [[] for _ in range(count)]

    def run(self) -> list[list[Hypothesis]]:
        """Searches to the end; returns the hypotheses of each sentence, best first."""
        for _ in self.steps():
            pass
        return [[self._hypothesis(row, end) for end in self._best(row)] for row in range(len(self._ends))]

    def steps(self) -> Iterator[None]:
        """Searches; yields after each step."""
        while len(self._rows):
            self._advance()
            yield

    def leading(self, row: int) -> Array:
        """Returns the tokens of the likeliest hypothesis of a sentence so far; of the best one when it is done."""
        local = np.flatnonzero(self._rows == row)
        if not len(local):
            return self._hypothesis(row, self._best(row)[0]).tokens
        return self._path(row, len(self._history), int(self._log_probabilities[local[0]].argmax()))[0]

    @abstractmethod
    def choose(self, log_probabilities: Array) -> Choice:
        """Chooses what to go on with from the log-probabilities of what may follow, (batch, beams, V)."""

    def _finished(self, ends: list[_End], bound: float) -> bool:
        """Whether a sentence with these ends needs no other, where none can come that scores above `bound`."""
        return False

    def _best(self, row: int) -> list[_End]:
        return sorted(self._ends[row], key=lambda end: -end.score)

    def _advance(self) -> None:
        number = len(self._history)
        step = self.decoder.step(self._tokens.astype(np.int32), self._memory, self._states)
        self._end_at_limit(step.log_probabilities, number)
        chosen = self.choose(step.log_probabilities)
        self._coverage = self._coverage + step.attention
        possible = np.isfinite(chosen.log_probabilities)
        ended = possible & (chosen.tokens == self.decoder.end_token)
        for row, place in np.argwhere(ended):
            parent, log_probability = chosen.parents[row, place], float(chosen.log_probabilities[row, place])
            covered = self._coverage[row, parent, self._mask[row]]
            score = self.penalties.score(log_probability, number + 1, covered)
            self._ends[self._rows[row]].append(_End(score, log_probability, number, int(parent)))
        rows = self._rows
        tokens, parents = self._go_on(chosen, possible & ~ended, step.states)
        self._history.append(_Record(rows, tokens, parents, step.attention))

    def _end_at_limit(self, log_probabilities: Array, number: int) -> None:
        """Leaves the end token only to sentences that have as many tokens as they may."""
        full = np.flatnonzero(self.limits[self._rows] <= number)
        ends = log_probabilities[full, :, self.decoder.end_token]
        log_probabilities[full] = -np.inf
        log_probabilities[full, :, self.decoder.end_token] = ends

    def _go_on(self, chosen: Choice, alive: npt.NDArray[np.bool_], states: Arrays) -> tuple[Array, Array]:
        """Takes over what lives on, in front; returns all new tokens and the hypotheses that they continue."""
        order = np.argsort(~alive, axis=1, kind="stable")[:, : alive.sum(axis=1).max()]
        log_probabilities, parents, tokens = (np.take_along_axis(part, order, axis=1) for part in chosen)
        log_probabilities[~np.take_along_axis(alive, order, axis=1)] = -np.inf
        bounds = log_probabilities.max(axis=1, initial=-np.inf) / self.penalties.divisor(self.limits[self._rows] + 1)
        going = [
            bool(np.isfinite(bound)) and not self._finished(self._ends[row], bound)
            for row, bound in zip(self._rows, bounds, strict=True)
        ]
        kept = np.flatnonzero(going)
        self._rows, self._tokens, self._log_probabilities = self._rows[kept], tokens[kept], log_probabilities[kept]
        picked = kept[:, None], parents[kept]
        self._coverage = self._coverage[picked]
        self._states = {name: value[picked] for name, value in states.items()}
        if len(kept) < len(going):
            self._memory = {name: value[kept] for name, value in self._memory.items()}
            self._mask = self._mask[kept]
        return tokens, parents

    def _hypothesis(self, row: int, end: _End) -> Hypothesis:
        tokens, attention = self._path(row, end.step, end.parent)
        record = self._history[end.step]
        attention.append(record.attention[np.searchsorted(record.rows, row), end.parent])
        return Hypothesis(tokens, end.score, end.log_probability, np.stack(attention)[:, self._sources[row]])

    def _path(self, row: int, step: int, place: int) -> tuple[Array, list[Array]]:
        """Follows a hypothesis of so many tokens back; returns them and what each attended to."""
        tokens, attention = np.zeros(step, np.int32), []
        for number in range(step - 1, -1, -1):
            record = self._history[number]
            local = np.searchsorted(record.rows, row)
            tokens[number], place = record.tokens[local, place], int(record.parents[local, place])
            attention.append(record.attention[local, place])
        return tokens, attention[::-1]


class BeamSearch(Search):
    """Follows the likeliest hypotheses.

    Args:
        decoder: what is searched.
        batch: what it starts from.
        limits: tokens of each sentence at most, its end token not counted, (batch,).
        beam: hypotheses that are followed at once; 1 is greedy search.
        nbest: hypotheses to find for each sentence, at most `beam`; there are fewer where there are no more sequences.
        penalties: how hypotheses are scored.

    Raises:
        ConfigError: if `beam` or `nbest` is out of its range.
    """

    def __init__(
        self,
        decoder: Decoder,
        batch: Arrays,
        limits: npt.ArrayLike,
        beam: int,
        nbest: int = 1,
        penalties: Penalties = DEFAULT_PENALTIES,
    ) -> None:
        check_beam(beam, nbest)
        super().__init__(decoder, batch, limits, beam, penalties)
        self.nbest = nbest

    def choose(self, log_probabilities: Array) -> Choice:
        """Chooses the likeliest continuations of all hypotheses of a sentence."""
        batch, beams, size = log_probabilities.shape
        most = min(self.width, size)
        values, tokens = best_columns(log_probabilities.reshape(-1, size), most)
        sums = (self._log_probabilities[:, :, None] + values.reshape(batch, beams, most)).reshape(batch, -1)
        order = np.argsort(-sums, axis=1, kind="stable")[:, : self.width]
        best = np.take_along_axis(sums, order, axis=1)
        room = self.width - np.array([len(self._ends[row]) for row in self._rows])
        best[np.arange(order.shape[1]) >= room[:, None]] = -np.inf
        return Choice(best, order // most, np.take_along_axis(tokens.reshape(batch, -1), order, axis=1))

    def _finished(self, ends: list[_End], bound: float) -> bool:
        return len(ends) >= self.nbest and bound <= sorted(end.score for end in ends)[-self.nbest]

    def _best(self, row: int) -> list[_End]:
        return super()._best(row)[: self.nbest]


class SamplingSearch(Search):
    """Draws hypotheses token by token; the same one may come twice.

    Args:
        decoder: what is searched.
        batch: what it starts from.
        limits: tokens of each sentence at most, its end token not counted, (batch,).
        count: hypotheses to draw for each sentence.
        rng: where chance comes from.
        temperature: see `rnn_apps.inference.sampling.sample`.
        top_k: likewise.
        top_p: likewise.
        penalties: how hypotheses are scored.

    Raises:
        ConfigError: if `count` or a setting of the sampling is out of its range.
    """

    def __init__(
        self,
        decoder: Decoder,
        batch: Arrays,
        limits: npt.ArrayLike,
        count: int,
        rng: np.random.Generator,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        penalties: Penalties = DEFAULT_PENALTIES,
    ) -> None:
        check_count("count", count)
        check_sampling(temperature, top_k, top_p)
        super().__init__(decoder, batch, limits, count, penalties)
        self.rng, self.settings = rng, (temperature, top_k, top_p)

    def choose(self, log_probabilities: Array) -> Choice:
        """Chooses the likeliest continuations of all hypotheses of a sentence."""
        batch, beams, size = log_probabilities.shape
        # all hypotheses continue the start, and later each itself
        parents = np.tile(np.arange(beams) if self._history else np.zeros(self.width, int), (batch, 1))
        own = np.take_along_axis(log_probabilities, parents[:, :, None], axis=1)
        tokens = sample(own.reshape(-1, size), self.rng, *self.settings).reshape(parents.shape)
        drawn = np.take_along_axis(own, tokens[:, :, None], axis=2)[:, :, 0]
        return Choice(np.take_along_axis(self._log_probabilities, parents, axis=1) + drawn, parents, tokens)


def best_columns(values: Array, count: int) -> tuple[Array, Array]:
    """Returns the `count` greatest numbers of each row, greatest first, and their columns; equal ones by their column.

    Each row is folded into few columns of maxima. The count-th greatest of these is no greater than the count-th
    greatest of the row, so what is below it need not be sorted.

    Args:
        values: (rows, columns).
        count: how many, at most as many as there are columns.

    Returns:
        values and columns, (rows, count) both.
    """
    rows, columns = values.shape
    groups = _GROUPS if columns >= 2 * _GROUPS and count <= _GROUPS else columns
    folded = values[:, : columns // groups * groups].reshape(rows, -1, groups).max(axis=1)
    least = np.partition(folded, groups - count, axis=1)[:, groups - count]
    row, column = np.divmod(np.flatnonzero(values >= least[:, None]), columns)
    found = values[row, column]
    order = np.lexsort((-found, row))
    picked = order[np.searchsorted(row, np.arange(rows))[:, None] + np.arange(count)]
    return found[picked], column[picked]


def check_beam(beam: int, nbest: int) -> None:
    """Makes sure, before long work, that `BeamSearch` can use its settings.

    Raises:
        ConfigError: saying which one is out of its range.
    """
    check_count("beam", beam)
    check_count("nbest", nbest)
    if nbest > beam:
        raise ConfigError(f"Expected nbest to be at most the beam, {beam}. Received: {nbest}.")


class Choice(NamedTuple):
    """What sentences go on with, (batch, width) each; what is not to be taken has the log-probability -inf."""

    log_probabilities: Array
    parents: Array
    tokens: Array


class _Record(NamedTuple):
    """What a step leaves: the sentences, their new tokens, whom these continue, and where that one looked."""

    rows: Array
    tokens: Array
    parents: Array
    attention: Array


class _End(NamedTuple):
    """A hypothesis that ended: at which step, and which one of the step before it continues."""

    score: float
    log_probability: float
    step: int
    parent: int


def best_combinations(parts: Sequence[Sequence[T]], score: Callable[[T], float], count: int) -> list[list[T]]:
    """Chooses one alternative for each part of a whole, such as the sentences of a text.

    Args:
        parts: the alternatives for each part.
        score: of an alternative; those of the chosen ones add up, so of a probability its logarithm.
        count: combinations at most.

    Returns:
        The best combinations, best first.
    """
    chosen: list[tuple[float, list[T]]] = [(0.0, [])]
    for alternatives in parts:
        own = sorted(((score(one), one) for one in alternatives), key=lambda pair: -pair[0])
        # with both sorted, each pair has (i + 1) (j + 1) - 1 others before it that are at least as good
        pairs = (
            (total + own[j][0], i, j)
            for i, (total, _) in enumerate(chosen)
            for j in range(min(len(own), count // (i + 1)))
        )
        best = heapq.nlargest(count, pairs, key=lambda pair: pair[0])
        chosen = [(total, [*chosen[i][1], own[j][1]]) for total, i, j in best]
    return [combination for _, combination in chosen]
