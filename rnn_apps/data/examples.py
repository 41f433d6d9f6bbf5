"""Examples that several readers and tasks share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LabelledText:
    """One classified text.

    Attributes:
        label: its class, or a number in words; of several labels all, with commas between.
        text: the text.
        where: where it came from, for messages.
        labels: its labels, where it can have several; None where it has one.
    """

    label: str
    text: str
    where: str = ""
    labels: tuple[str, ...] | None = None
