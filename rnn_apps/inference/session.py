"""One ONNX graph, ready to run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import onnxruntime as ort

from rnn_apps.arrays import Array, Arrays
from rnn_apps.environment import threads_wanted
from rnn_apps.errors import BundleError


class Session:
    """Runs an ONNX graph on the CPU.

    Args:
        path: the `.onnx` file.
        threads: threads inside one run; 0 takes what the environment variable RNNAPPS_THREADS says, or one per core.

    Attributes:
        inputs: names of the graph's inputs.
        outputs: names of its outputs.
    """

    def __init__(self, path: Path, threads: int = 0) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or threads_wanted()
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exceptions have no common base of their own
            raise BundleError(f"ONNX Runtime {ort.__version__} cannot load {path}: {error}") from error
        self.inputs = tuple(value.name for value in self._session.get_inputs())
        self.outputs = tuple(value.name for value in self._session.get_outputs())

    def run(self, arrays: Mapping[str, Array]) -> Arrays:
        """Returns the outputs by name for the inputs by name; arrays that are no input of the graph are left out."""
        results = self._session.run(None, {name: arrays[name] for name in self.inputs})
        return dict(zip(self.outputs, results, strict=True))
