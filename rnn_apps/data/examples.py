"""Examples that several readers and tasks share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LabelledText:
    """One classified text; `where` says where it came from, for messages."""

    label: str
    text: str
    where: str = ""
