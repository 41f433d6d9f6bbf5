"""How far a gradient reaches back through time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnn_apps.arrays import Array
from rnn_apps.inference.cases import Axis

FADED = 0.01


@dataclass(frozen=True)
class LayerGradient:
    """The gradient of the loss with respect to the hidden states of one direction of a recurrent layer.

    Attributes:
        name: the layer.
        axis: the sequence that it read.
        backward: whether it read from the end.
        norms: |∂loss/∂a<t>| at each step, (steps,), in the order of time.
        loss: whose gradient it is, in nats, of the model's own answer.
    """

    name: str
    axis: Axis
    backward: bool
    norms: Array
    loss: float

    @property
    def reach(self) -> int | None:
        """Steps, from the strongest on against the direction of reading, until 1 % is left for good; None if more is.

        A layer that reads forward sends its gradient to earlier steps.
        """
        norms = self.norms[::-1] if self.backward else self.norms
        strongest = int(np.argmax(norms))
        before = norms[: strongest + 1][::-1]
        above = np.flatnonzero(before > FADED * before[0])
        last = int(above[-1]) if len(above) else 0
        return last + 1 if last + 1 < len(before) else None
