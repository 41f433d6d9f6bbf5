"""Examples that several readers and tasks share."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rnn_apps.errors import DataError


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


def read_number(example: LabelledText) -> float:
    """Returns a label that is a number.

    Raises:
        DataError: if it is none, or has no end.
    """
    try:
        number = float(example.label)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or example.labels is not None:
        raise DataError(f"{example.where}: expected a number such as 3 or 2.5 as the label. Received: {example.label}")
    return number
