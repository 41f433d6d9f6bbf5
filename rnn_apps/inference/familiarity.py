"""Which entities a model has met in training: their digests alone, so that no name of the training data is kept."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

_END = "\x1f"


class Familiar:
    """A set of entities, each as 32 bits of it.

    Args:
        digests: sorted, uint32 (entities,).
    """

    FILE = "entities.npy"

    def __init__(self, digests: npt.NDArray[np.uint32]) -> None:
        self.digests = digests

    @classmethod
    def of(cls, entities: Iterable[Sequence[str]]) -> Familiar:
        """Returns the set of some entities, each as its tokens."""
        return cls(np.array(sorted({_digest(tokens) for tokens in entities}), np.uint32))

    def knows(self, tokens: Sequence[str]) -> bool:
        """Whether an entity is in it; of four thousand million others one is by mistake for each that is."""
        digest = np.uint32(_digest(tokens))
        place = int(np.searchsorted(self.digests, digest))
        return place < len(self.digests) and bool(self.digests[place] == digest)

    def joined(self, other: Familiar) -> Familiar:
        """Returns the set of those in either."""
        return Familiar(np.union1d(self.digests, other.digests).astype(np.uint32))

    def save(self, folder: Path) -> None:
        """Writes the file of a bundle."""
        np.save(folder / self.FILE, self.digests)

    @classmethod
    def load(cls, folder: Path) -> Familiar | None:
        """Reads what `save` wrote; None where an older bundle has no such file."""
        path = folder / cls.FILE
        return cls(np.load(path)) if path.exists() else None


def _digest(tokens: Sequence[str]) -> int:
    return zlib.crc32("".join(token + _END for token in tokens).encode("utf-8", "replace"))
