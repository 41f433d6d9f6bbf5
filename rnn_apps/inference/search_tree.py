"""The tree of a beam search: every hypothesis that was weighed, and whether it was kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rnn_apps.arrays import Array, Arrays
from rnn_apps.inference.decoder import Decoder
from rnn_apps.inference.search import BeamSearch, Choice, best_columns


@dataclass(frozen=True)
class Node:
    """A hypothesis with its last token.

    Attributes:
        parent: number of the node that it continues, -1 for the start.
        step: how many tokens it has.
        token: the last of them.
        log_probability: of all of them, in nats.
        kept: whether the beam went on with it, or it ended.
        ended: whether its last token is the end.
        best: whether the answer goes through it.
    """

    parent: int
    step: int
    token: int
    log_probability: float
    kept: bool
    ended: bool = False
    best: bool = False


class WatchedBeamSearch(BeamSearch):
    """A beam search over one sentence that remembers what it has cut.

    Args:
        decoder: see `BeamSearch`.
        batch: likewise, of one row.
        limits: likewise.
        beam: likewise.
    """

    def __init__(self, decoder: Decoder, batch: Arrays, limits: npt.ArrayLike, beam: int) -> None:
        super().__init__(decoder, batch, limits, beam)
        self._weighed: list[tuple[Array, Array, Array, Array]] = []

    def choose(self, log_probabilities: Array) -> Choice:
        """Chooses as the search does, and notes the likeliest continuations of each hypothesis."""
        chosen = super().choose(log_probabilities)
        most = min(self.width, log_probabilities.shape[2])
        values, tokens = best_columns(log_probabilities[0], most)
        sums = self._log_probabilities[0][:, None] + values
        order = np.argsort(-sums, axis=None, kind="stable")[: 2 * self.width]
        parents, places = np.unravel_index(order, sums.shape)
        found = sums[parents, places]
        kept = np.isfinite(chosen.log_probabilities[0])
        pairs = set(zip(chosen.parents[0][kept].tolist(), chosen.tokens[0][kept].tolist(), strict=True))
        said = tokens[parents, places]
        is_kept = np.array([pair in pairs for pair in zip(parents.tolist(), said.tolist(), strict=True)])
        self._weighed.append((parents, said, found, is_kept))
        return chosen

    def tree(self) -> list[Node]:
        """Runs the search; returns its nodes, parents before what continues them."""
        best = self.run()[0][0]
        path = [*best.tokens.tolist(), self.decoder.end_token]
        nodes: list[Node] = []
        beam = [-1]  # the node of each hypothesis
        on_path = -1
        for step, (parents, tokens, sums, kept) in enumerate(self._weighed, 1):
            numbers: dict[tuple[int, int], int] = {}
            before = on_path
            for parent, token, value, is_kept in zip(
                parents.tolist(), tokens.tolist(), sums.tolist(), kept.tolist(), strict=True
            ):
                if not np.isfinite(value) or parent >= len(beam):
                    continue
                is_best = is_kept and beam[parent] == before and step <= len(path) and token == path[step - 1]
                if is_best:
                    on_path = len(nodes)
                numbers[parent, token] = len(nodes)
                ended = token == self.decoder.end_token
                nodes.append(Node(beam[parent], step, token, value, is_kept, ended and is_kept, is_best))
            if step > len(self._history):
                break
            record = self._history[step - 1]
            beam = [
                numbers.get(pair, -2)
                for pair in zip(record.parents[0].tolist(), record.tokens[0].tolist(), strict=True)
            ]
        return nodes
