"""A decoder that leaves some tokens out where they do not belong."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from rnn_apps.arrays import Array, Arrays
from rnn_apps.inference.decoder import Decoder, Start, Step

_BARRED = "barred"


class Barred:
    """Gives another decoder's tokens, but for some of them in some rows.

    Args:
        decoder: the other one.
        tokens: those that are left out.
        rows: of the batch, in which they are, bool (batch,).
    """

    def __init__(self, decoder: Decoder, tokens: Collection[int], rows: npt.NDArray[np.bool_]) -> None:
        self.decoder, self.tokens, self.rows = decoder, np.array(sorted(tokens), np.int32), rows
        self.start_token, self.end_token = decoder.start_token, decoder.end_token

    def start(self, batch: Arrays) -> Start:
        """As the other one."""
        memory, states, mask = self.decoder.start(batch)
        return Start(memory | {_BARRED: self.rows}, states, mask)

    def step(self, tokens: Array, memory: Arrays, states: Arrays) -> Step:
        """As the other one, with a log-probability of -inf for what is left out."""
        found = self.decoder.step(tokens, {name: value for name, value in memory.items() if name != _BARRED}, states)
        rows = np.flatnonzero(memory[_BARRED])
        found.log_probabilities[rows[:, None], :, self.tokens] = -np.inf
        return found
