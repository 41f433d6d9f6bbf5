"""Encoded examples on disk, so that memory does not grow with the data.

Each array name has two files: `<name>.bin`, the arrays one behind the other, and `<name>.shapes.npy`, their shapes.
Only the shapes are held in memory; each array of an example is one read.
"""

from __future__ import annotations

import json
import threading
import weakref
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from rnn_apps.arrays import Arrays

_INDEX = "index.json"


class ArrayStore:
    """Reads what `write_store` wrote.

    Args:
        folder: the folder that holds the store.

    Attributes:
        close: closes the files; they are closed in any case when the store is no more.
        lengths: time steps of each example (the longest first dimension among its arrays), shape (examples,);
            1 where an example has only scalars.
    """

    def __init__(self, folder: Path) -> None:
        index = json.loads((folder / _INDEX).read_text())
        self._count = int(index["count"])
        self._dtypes = {name: np.dtype(dtype) for name, dtype in index["dtypes"].items()}
        self._shapes = {name: np.load(folder / f"{name}.shapes.npy") for name in self._dtypes}
        self._starts = {name: _starts(shapes) for name, shapes in self._shapes.items()}
        # reads of a row come from several threads
        self._files = {name: (folder / f"{name}.bin").open("rb", buffering=0) for name in self._dtypes}
        self._lock = threading.Lock()
        self.close = weakref.finalize(self, _close, list(self._files.values()))
        self.lengths: npt.NDArray[np.int32] = np.ones(self._count, np.int32)
        for shapes in self._shapes.values():
            if shapes.shape[1]:
                self.lengths = np.maximum(self.lengths, shapes[:, 0])

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> Arrays:
        """Returns the arrays of one example."""
        row: Arrays = {}
        for name, dtype in self._dtypes.items():
            shape = tuple(self._shapes[name][number])
            start, stop = self._starts[name][number : number + 2] * dtype.itemsize
            with self._lock:
                self._files[name].seek(int(start))
                raw = self._files[name].read(int(stop - start))
            row[name] = np.frombuffer(raw, dtype).reshape(shape)
        return row


def _close(files: Iterable[IO[bytes]]) -> None:
    for file in files:
        file.close()


def write_store(folder: Path, rows: Iterable[Arrays]) -> None:
    """Writes encoded examples one by one.

    Args:
        folder: a folder, made if need be.
        rows: dicts with the same names, dtypes and numbers of dimensions.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, IO[bytes]] = {}
    shapes: dict[str, list[tuple[int, ...]]] = {}
    dtypes: dict[str, str] = {}
    count = 0
    try:
        for row in rows:
            for name, array in row.items():
                if name not in files:
                    files[name] = (folder / f"{name}.bin").open("wb")
                    shapes[name], dtypes[name] = [], array.dtype.str
                files[name].write(np.ascontiguousarray(array).tobytes())
                shapes[name].append(array.shape)
            count += 1
    finally:
        for file in files.values():
            file.close()
    for name, sizes in shapes.items():
        np.save(folder / f"{name}.shapes.npy", np.array(sizes, np.int32).reshape(count, -1))
    index: dict[str, Any] = {"count": count, "dtypes": dtypes}
    (folder / _INDEX).write_text(json.dumps(index))


def _starts(shapes: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    sizes = np.prod(shapes, axis=1, dtype=np.int64) if shapes.shape[1] else np.ones(len(shapes), np.int64)
    return np.concatenate([[0], np.cumsum(sizes)])


def read_rows(store: ArrayStore, numbers: Sequence[int] | npt.NDArray[np.int64]) -> list[Arrays]:
    """Returns the examples of these numbers, in their order."""
    return [store[int(number)] for number in numbers]
