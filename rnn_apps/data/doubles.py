"""Inputs that stand in the data of a run more than once: a measurement is too good by them, or a label doubtful."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

Digests = npt.NDArray[np.uint64]

NOTHING = 0
"""The digest of an example of which no input can be shown."""


def digest(given: Any) -> int:
    """Returns 64 bits of what an input is, the same for the same input; blanks at the ends of a text do not count."""
    if given is None:
        return NOTHING
    if isinstance(given, np.ndarray):
        content = given.tobytes()
    else:
        text = "\n".join(map(str, given)) if isinstance(given, (list, tuple)) else str(given).strip()
        content = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


def seen(valid: Digests, train: Iterable[Digests]) -> int:
    """Returns how many of the inputs to validate on are also trained on.

    Args:
        valid: their digests.
        train: the digests of the others, part by part.
    """
    found = np.zeros(len(valid), np.bool_)
    for part in train:
        found |= np.isin(valid, part)
    return int((found & (valid != NOTHING)).sum())


def contradictions(digests: Digests, classes: npt.NDArray[np.int32]) -> tuple[int, tuple[int, int] | None]:
    """Finds inputs that stand with more than one class.

    Args:
        digests: of all inputs.
        classes: of each the number of its class.

    Returns:
        how many inputs there are of that kind, and where two of them stand that are the same: the first that has
        another class than one before, behind that one.
    """
    order = np.argsort(digests, kind="stable")
    ordered, own = digests[order], classes[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))) if len(order) else order
    firsts = np.repeat(starts, np.diff(starts, append=len(order)))  # where the group of each begins
    differ = (own != own[firsts]) & (ordered != NOTHING)
    if not differ.any():
        return 0, None
    later = int(order[differ].min())
    place = int(np.flatnonzero(order == later)[0])
    return len(np.unique(ordered[differ])), (int(order[firsts[place]]), later)
