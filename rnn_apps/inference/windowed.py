"""A graph with states, run over sequences of any length in bounded memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rnn_apps.arrays import Array, Arrays
from rnn_apps.data.windows import FINAL, carried, windows, zero_states
from rnn_apps.inference.session import Session


class WindowedSession:
    """Runs a graph with inputs `initial_*` and outputs `final_*` (see `rnn_apps.data.windows`) window by window.

    Args:
        path: the `.onnx` file.
        state_sizes: units of each state by the name of the graph's input.
        window: steps in one run.
        threads: see `Session`.
    """

    def __init__(self, path: Path, state_sizes: Mapping[str, int], window: int = 1024, threads: int = 0) -> None:
        self.session = Session(path, threads)
        self.state_sizes, self.window = dict(state_sizes), window

    def run(self, arrays: Mapping[str, Array]) -> Arrays:
        """Returns the outputs over all steps, (batch, time, ...), without the states."""
        states = zero_states(self.state_sizes, len(next(iter(arrays.values()))))
        parts: list[Arrays] = []
        for window in windows(arrays, self.window):
            outputs = self.session.run({**window, **states})
            states = carried(outputs)
            parts.append({name: value for name, value in outputs.items() if not name.startswith(FINAL)})
        return {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}
