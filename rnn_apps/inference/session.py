"""ONNX graphs, ready to run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime as ort

from rnn_apps.arrays import Array, Arrays
from rnn_apps.data.windows import FINAL, carried, windows, zero_states
from rnn_apps.environment import threads_wanted
from rnn_apps.errors import BundleError
from rnn_apps.inference.deadline import Deadline, current_deadline

GATE_MARK = "/gate/"
"""Stands in the names of gates inside the body of a Scan, before the gate's own name."""

STEP_BODY, BACKWARD_BODY = "step", "step_backward"
"""How the names of such bodies begin; of those that read from the end, the latter."""


class Runner(Protocol):
    """What gives the outputs for a batch: one graph, or a search that runs several."""

    def run(self, arrays: Mapping[str, Array]) -> Arrays:
        """Returns the outputs by name for the inputs by name."""


class Session:
    """Runs an ONNX graph on the CPU.

    Args:
        path: the `.onnx` file, or what would stand in it.
        threads: threads inside one run; 0 takes what the environment variable RNNAPPS_THREADS says, or one per core.

    Attributes:
        inputs: names of the graph's inputs.
        outputs: names of its outputs.
    """

    def __init__(self, path: Path | bytes, threads: int = 0) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or threads_wanted()
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # its cores are not its own
        options.add_session_config_entry("session.disable_quant_qdq", "1")  # weights in 8 bits are unpacked once, here
        try:
            self._session = ort.InferenceSession(
                path if isinstance(path, bytes) else str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's exceptions have no common base of their own
            raise BundleError(
                f"ONNX Runtime {ort.__version__} cannot load {'a graph' if isinstance(path, bytes) else path}: {error}"
            ) from error
        self.inputs = tuple(value.name for value in self._session.get_inputs())
        self.outputs = tuple(value.name for value in self._session.get_outputs())

    def run(self, arrays: Mapping[str, Array]) -> Arrays:
        """Returns the outputs by name for the inputs by name; arrays that are no input of the graph are left out.

        Raises:
            Abandoned: if the deadline of the work is over (see `rnn_apps.inference.deadline`).
        """
        given = {name: arrays[name] for name in self.inputs}
        deadline = current_deadline()
        results = self._session.run(None, given) if deadline is None else self._run_until(deadline, given)
        return dict(zip(self.outputs, results, strict=True))

    def _run_until(self, deadline: Deadline, given: Arrays) -> list[Array]:
        """Runs the graph; the deadline ends the run where it stands."""
        deadline.give_way()
        options = ort.RunOptions()

        def terminate() -> None:
            options.terminate = True

        with deadline.terminating(terminate):
            try:
                results: list[Array] = self._session.run(None, given, options)
            except Exception:
                deadline.check()
                raise
        return results


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
