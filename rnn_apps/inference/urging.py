"""A decoder that is urged to say a token as often as it owes it, such as one for each thing that is to be copied."""

from __future__ import annotations

import numpy as np

from rnn_apps.arrays import Array, Arrays
from rnn_apps.inference.decoder import Decoder, Start, Step
from rnn_apps.inference.search import Hypothesis, Penalties

_OWED = "owed"


class Urged:
    """Gives another decoder's tokens: one is likelier and the end less likely as long as that one is owed.

    Then it comes no more.

    How often it is still owed is a state of a hypothesis, so that a search keeps it with the others.

    Args:
        decoder: the other one.
        token: what is owed.
        owed: how often, by each row of the batch, int (batch,).
        nats: how much likelier it is, at most certain, and how much less likely the end for each that is owed.
    """

    def __init__(self, decoder: Decoder, token: int, owed: Array, nats: float) -> None:
        self.decoder, self.token, self.owed, self.nats = decoder, token, np.asarray(owed, np.int32), nats
        self.start_token, self.end_token = decoder.start_token, decoder.end_token

    def start(self, batch: Arrays) -> Start:
        """As the other one, with all owed."""
        memory, states, mask = self.decoder.start(batch)
        return Start(memory, states | {_OWED: self.owed[:, None]}, mask)

    def step(self, tokens: Array, memory: Arrays, states: Arrays) -> Step:
        """As the other one, urged."""
        own = {name: value for name, value in states.items() if name != _OWED}
        found = self.decoder.step(tokens, memory, own)
        owed = np.maximum(states[_OWED] - (tokens == self.token), 0)
        said = found.log_probabilities[..., self.token]
        said[:] = np.minimum(said + np.where(owed > 0, self.nats, -np.inf), 0.0)
        found.log_probabilities[..., self.end_token] -= self.nats * owed
        return found._replace(states=found.states | {_OWED: owed})

    def judged(self, hypothesis: Hypothesis, row: int, penalties: Penalties) -> Hypothesis:
        """Returns a hypothesis of a row as likely as it is without what its end was made less likely by.

        That the token is owed is known, and no doubt of the model's, so it stays the likelier.
        """
        left = self.nats * (int(self.owed[row]) - int((hypothesis.tokens == self.token).sum()))
        divisor = float(penalties.divisor(len(hypothesis.tokens) + 1))
        return hypothesis._replace(
            log_probability=hypothesis.log_probability + left, score=hypothesis.score + left / divisor
        )
