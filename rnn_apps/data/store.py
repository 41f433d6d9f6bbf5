"""Encoded examples on disk, so that memory does not grow with the data.

A store is a folder of parts. In a part each array name has two files: `<name>.bin`, the arrays one behind the other,
and `<name>.shapes.npy`, their shapes; and beside them lies `classes.npy`, the class of each example. Only the shapes of
the parts that are open are held in memory; each array of an example is one read.
"""

from __future__ import annotations

import json
import shutil
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from rnn_apps.arrays import Arrays

LARGEST_PART = 2**18
"""Examples in a part at most."""

OPEN_TOGETHER = 2**20
"""Examples of the parts that are open at a time; more only where one part has more."""

_INDEX, _CLASSES = "index.json", "classes.npy"

Numbers = npt.NDArray[np.int64] | Sequence[int] | range


class Store:
    """What `write_store` wrote into a folder, or into several inside of it.

    Args:
        folder: the folder.

    Raises:
        FileNotFoundError: if there is none.

    Attributes:
        folder: the folder.
        folders: the parts, in the order in which their examples are numbered.
        counts: how many examples each has.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.folders = folder, sorted(path.parent for path in folder.rglob(_INDEX))
        if not self.folders:
            raise FileNotFoundError(folder)
        self.counts = [int(json.loads((own / _INDEX).read_text())["count"]) for own in self.folders]

    def __len__(self) -> int:
        return sum(self.counts)

    def groups(self, rng: np.random.Generator | None = None) -> list[list[int]]:
        """Returns the numbers of the parts that are opened together, group after group.

        Args:
            rng: shuffles the parts, where they are more than one group.
        """
        if len(self) <= OPEN_TOGETHER:
            return [list(range(len(self.folders)))]
        order = range(len(self.folders)) if rng is None else rng.permutation(len(self.folders)).tolist()
        groups: list[list[int]] = [[]]
        room = OPEN_TOGETHER
        for part in order:
            if groups[-1] and self.counts[part] > room:
                groups.append([])
                room = OPEN_TOGETHER
            groups[-1].append(part)
            room -= self.counts[part]
        return groups

    def open(self, parts: Sequence[int]) -> OpenStore:
        """Opens some of the parts."""
        firsts = np.concatenate([[0], np.cumsum(self.counts)])
        return OpenStore([self.folders[part] for part in parts], [int(firsts[part]) for part in parts])

    def rows(self) -> Iterator[Arrays]:
        """Streams all examples."""
        for parts in self.groups():
            opened = self.open(parts)
            yield from (opened[number] for number in range(len(opened)))


class OpenStore:
    """The examples of some parts, numbered from 0.

    Args:
        folders: the parts.
        firsts: the number of the first example of each in the whole store.

    Attributes:
        close: closes the files; they are closed in any case when the store is no more.
        lengths: time steps of each example (the longest first dimension among its arrays), shape (examples,);
            1 where an example has only scalars.
        classes: number of the class of each, from 1; 0 where there are no classes.
    """

    def __init__(self, folders: Sequence[Path], firsts: Sequence[int] = (0,)) -> None:
        indices = [json.loads((folder / _INDEX).read_text()) for folder in folders]
        counts = [int(index["count"]) for index in indices]
        self._bounds = np.concatenate([[0], np.cumsum(counts)])
        self._firsts = firsts
        # a part without an example knows no names
        self._dtypes = {name: np.dtype(dtype) for index in indices for name, dtype in index["dtypes"].items()}
        filled = [(folder, number) for number, folder in enumerate(folders) if counts[number]]
        shapes = {name: [np.load(folder / f"{name}.shapes.npy") for folder, _ in filled] for name in self._dtypes}
        self._starts = {name: np.concatenate([_starts(own) for own in parts]) for name, parts in shapes.items()}
        self._shapes = {name: np.concatenate(parts) for name, parts in shapes.items()}
        self.classes: npt.NDArray[np.int32] = np.concatenate(
            [_classes_of(folder, n) for folder, n in zip(folders, counts, strict=True)]
        )
        # reads of a row come from several threads
        self._files = {
            name: {number: (folder / f"{name}.bin").open("rb", buffering=0) for folder, number in filled}
            for name in self._dtypes
        }
        self._lock = threading.Lock()
        self.close = weakref.finalize(self, _close, [file for own in self._files.values() for file in own.values()])
        self.lengths: npt.NDArray[np.int32] = np.ones(len(self), np.int32)
        for own in self._shapes.values():
            if own.shape[1]:
                self.lengths = np.maximum(self.lengths, own[:, 0])

    def __len__(self) -> int:
        return int(self._bounds[-1])

    def __getitem__(self, number: int) -> Arrays:
        """Returns the arrays of one example.

        Raises:
            IndexError: if there is none of this number.
        """
        part = self._part_of(number)
        row: Arrays = {}
        for name, dtype in self._dtypes.items():
            shape = tuple(self._shapes[name][number])
            size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
            with self._lock:
                file = self._files[name][part]
                file.seek(int(self._starts[name][number]) * dtype.itemsize)
                raw = file.read(size)
            row[name] = np.frombuffer(raw, dtype).reshape(shape)
        return row

    def place(self, number: int) -> int:
        """Returns the number of an example in the whole store."""
        part = self._part_of(number)
        return int(number - self._bounds[part] + self._firsts[part])

    def largest(self, numbers: Numbers) -> dict[str, tuple[int, ...]]:
        """Returns the shape of each array that these examples fit in."""
        return {name: tuple(shapes[numbers].max(axis=0).tolist()) for name, shapes in self._shapes.items()}

    def steps(self, numbers: Numbers) -> dict[str, int]:
        """Returns how many time steps these examples have in each array; 1 each where it has none."""
        return {
            name: int(shapes[numbers, 0].sum()) if shapes.shape[1] == 1 else len(numbers)
            for name, shapes in self._shapes.items()
        }

    def nothing(self) -> Arrays:
        """Returns an example as small as its arrays can be."""
        return {name: np.zeros([0] * self._shapes[name].shape[1], dtype) for name, dtype in self._dtypes.items()}

    def _part_of(self, number: int) -> int:
        if not 0 <= number < len(self):
            raise IndexError(number)
        return int(np.searchsorted(self._bounds, number, side="right")) - 1


def _close(files: Iterable[IO[bytes]]) -> None:
    for file in files:
        file.close()


def write_store(folder: Path, rows: Iterable[Arrays], classes: npt.NDArray[np.int32] | None = None) -> None:
    """Writes encoded examples one by one, in place of what is in the folder.

    Args:
        folder: a folder, made if need be.
        rows: dicts with the same names, dtypes and numbers of dimensions.
        classes: number of the class of each, from 1, where there are classes.
    """
    shutil.rmtree(folder, ignore_errors=True)
    written = 0
    for number, part in enumerate(_parts(rows)):
        own = folder / f"{number:05}"
        count = _write_part(own, part)
        if classes is not None:
            np.save(own / _CLASSES, classes[written : written + count])
        written += count


def _parts(rows: Iterable[Arrays]) -> Iterator[Iterator[Arrays]]:
    """Cuts a stream into parts; one that has none is one part."""
    iterator = iter(rows)
    first = True
    while (head := next(iterator, None)) is not None or first:
        yield chain([] if head is None else [head], islice(iterator, LARGEST_PART - 1))
        first = False


def _write_part(folder: Path, rows: Iterable[Arrays]) -> int:
    folder.mkdir(parents=True)
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
    return count


def _starts(shapes: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Where each array begins, in items."""
    sizes = np.prod(shapes, axis=1, dtype=np.int64) if shapes.shape[1] else np.ones(len(shapes), np.int64)
    return np.concatenate([[0], np.cumsum(sizes)[:-1]])


def _classes_of(folder: Path, count: int) -> npt.NDArray[np.int32]:
    path = folder / _CLASSES
    return np.load(path) if path.exists() else np.zeros(count, np.int32)


def read_rows(store: OpenStore | Mapping[int, Arrays], numbers: Numbers) -> list[Arrays]:
    """Returns the examples of these numbers, in their order."""
    return [store[int(number)] for number in numbers]
