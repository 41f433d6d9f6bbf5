"""The views of a prediction in a terminal, as rich text."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text as Line

from rnn_apps.data.text.cleaning import clean
from rnn_apps.views import Bars, Spans, Table, Text, View

COLOURS = ("green", "cyan", "magenta", "yellow", "blue", "red", "bright_green", "bright_magenta")
_BAR = 30
_MOST_BARS = 5
_LONGEST_INPUT = 200
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def console() -> Console:
    """Returns what answers are written to."""
    return Console(highlight=False, soft_wrap=True)


def draw(given: Any, views: Sequence[View]) -> Iterator[RenderableType]:
    """Yields an answer: the text it answers, unless a view shows that, and what a terminal can show of the views."""
    if isinstance(given, str) and not any(isinstance(view, Spans) for view in views):
        yield Line(_shortened(clean(given)), style="italic dim")
    for view in views:
        match view:
            case Bars():
                yield _bars(view)
            case Spans():
                yield _spans(view)
            case Text(text=text, title=title):
                yield Line(_printable(f"  {title}: {text}" if title else text), style="yellow" if title else "")
            case Table():
                yield _table(view)


def _printable(text: str) -> str:
    """A text of the same length without what would steer the terminal."""
    return _CONTROL.sub("\ufffd", text)


def writes(text: str) -> bool:
    """Returns whether the console has these characters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_INPUT else text[: _LONGEST_INPUT - 1] + "…"


def _bars(view: Bars) -> RenderableType:
    sign = "█" if writes("█") else "#"
    likeliest = max(view.probabilities.values(), default=0.0)
    lines = [
        Line(f"  {name:<12} {probability:6.1%} ", "bold" if probability == likeliest else "dim").append(
            sign * round(probability * _BAR), ""
        )
        for name, probability in list(view.probabilities.items())[:_MOST_BARS]
    ]
    return Line("\n").join(lines)


def _spans(view: Spans) -> RenderableType:
    """The text with its parts in colour, each in brackets with its label; a label has the same colour everywhere."""
    line, end, text = Line(), 0, _printable(view.text)
    for span in view.spans:
        colour = COLOURS[sum(map(ord, span.label)) % len(COLOURS)]
        line.append(text[end : span.start])
        line.append(f"[{text[span.start : span.end]}]", f"bold {colour}")
        line.append(f" {span.label} {span.probability:.0%}", f"{colour} dim")
        end = span.end
    return line.append(text[end:])


def _table(view: Table) -> RenderableType:
    rows = [[f"{cell:7.2f}" if isinstance(cell, float) else str(cell) for cell in row] for row in view.rows]
    return Line(_printable("\n".join(f"  {'  '.join(row)}" for row in rows)), "dim")
