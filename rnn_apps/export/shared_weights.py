"""One file for the weights of several graphs: what two graphs of a model have in common is stored once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnx
from onnx import TensorProto
from onnx.external_data_helper import set_external_data

_SMALLEST = 1024  # bytes; smaller constants stay in their graph
_ALIGNMENT = 64


class SharedWeights:
    """Takes the large constants of ONNX graphs into one file beside them, equal ones once.

    Args:
        path: the file, in the folder of the graphs; it is written anew.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._places: dict[bytes, int] = {}
        path.write_bytes(b"")

    def take_from(self, model: onnx.ModelProto) -> None:
        """Moves the large constants of `model` into the file; the model refers to them from now on."""
        with self.path.open("ab") as file:
            for tensor in model.graph.initializer:
                content = tensor.raw_data
                if len(content) < _SMALLEST:
                    continue
                digest = hashlib.sha256(content).digest()
                if digest not in self._places:
                    file.write(bytes(-file.tell() % _ALIGNMENT))
                    self._places[digest] = file.tell()
                    file.write(content)
                set_external_data(tensor, self.path.name, self._places[digest], len(content))
                tensor.ClearField("raw_data")
                tensor.data_location = TensorProto.EXTERNAL
