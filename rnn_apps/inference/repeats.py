"""A decoder that does not go round in circles: no n-gram is said twice, unless it may be."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from rnn_apps.arrays import Array, Arrays
from rnn_apps.inference.decoder import Decoder, Start, Step

_SAID, _FREE = "said before", "may repeat"


class WithoutRepeats:
    """Gives another decoder's tokens, but for those that would complete an n-gram of their hypothesis once more.

    What a hypothesis has said is one of its states, so that a search keeps it with the others.

    Args:
        decoder: the other one.
        size: n, at least 2.
        free: whether a row of the batch may repeat what it likes, bool (batch,).
        exempt: tokens that may come again and again.
    """

    def __init__(self, decoder: Decoder, size: int, free: npt.NDArray[np.bool_], exempt: Collection[int] = ()) -> None:
        self.decoder, self.size, self.free = decoder, size, free
        self.exempt = np.array(sorted(exempt), np.int32)
        self.start_token, self.end_token = decoder.start_token, decoder.end_token

    def start(self, batch: Arrays) -> Start:
        """As the other one, with nothing said."""
        memory, states, mask = self.decoder.start(batch)
        said = np.zeros((len(self.free), 1, 0), np.int32)
        return Start(memory | {_FREE: self.free}, states | {_SAID: said}, mask)

    def step(self, tokens: Array, memory: Arrays, states: Arrays) -> Step:
        """As the other one, with a log-probability of -inf for what would be said once more."""
        own = {name: value for name, value in states.items() if name != _SAID}
        found = self.decoder.step(tokens, {name: value for name, value in memory.items() if name != _FREE}, own)
        said = np.concatenate([states[_SAID], tokens[:, :, None]], axis=2)
        self._forbid(found.log_probabilities, said, memory[_FREE])
        return found._replace(states=found.states | {_SAID: said})

    def _forbid(self, log_probabilities: Array, said: Array, free: npt.NDArray[np.bool_]) -> None:
        before = self.size - 1
        if said.shape[2] <= before:
            return
        windows = np.lib.stride_tricks.sliding_window_view(said[:, :, :-1], before, axis=2)
        again = (windows == said[:, :, None, -before:]).all(axis=3) & ~free[:, None, None]
        rows, beams, places = np.nonzero(again)
        following = said[rows, beams, places + before]
        taken = ~np.isin(following, self.exempt)
        log_probabilities[rows[taken], beams[taken], following[taken]] = -np.inf
