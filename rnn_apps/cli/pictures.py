"""Heat maps, lines and trees in characters, 80 columns wide, with colour and without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click
import numpy as np
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text as Line

from rnn_apps.arrays import Array
from rnn_apps.cli.terminal import writes
from rnn_apps.views import Heatmap, Lines, Table, Text, Tree, View

WIDTH = 80
_NAME = 18
_SHADES, _PLAIN_SHADES = " ▁▂▃▄▅▆▇█", " .:-=+*#@"
_FEW = 9
_TAILED = ("layer", "gate")  # names that differ at their end
_COLOURS = ("grey50", "blue", "cyan", "green", "yellow", "red")


def show(screen: Console, views: Sequence[View]) -> None:
    """Prints views, all at once: hundreds of lines one by one take a second."""
    lines = Line("\n").join(draw_views(views))
    if screen.is_terminal:
        screen.print(lines)
    else:
        click.echo(lines.plain)


def draw_views(views: Sequence[View]) -> Iterator[Line]:
    """Yields what a terminal can show of views that say something about a model."""
    for view in views:
        match view:
            case Text(text=text, title=title):
                yield Line(_wrapped(f"{title}: {text}" if title else text), style="" if title else "bold")
            case Heatmap():
                yield from _heatmap(view)
            case Lines():
                yield from _lines(view)
            case Tree():
                yield from _tree(view)
            case Table():
                yield from _table(view)
            case _:
                continue
        yield Line("")


def _heatmap(view: Heatmap) -> Iterator[Line]:
    """Each step in a line where there are few names beside it; else only shades, in blocks."""
    yield Line(view.title, "bold underline")
    weights = np.asarray(view.weights)
    rows, columns = view.rows, view.columns
    if len(rows) <= _FEW < len(columns) or len(rows) < len(columns) <= _FEW:
        weights, rows, columns = weights.T, columns, rows
    if len(columns) <= _FEW:
        yield Line(" " * _NAME + "".join(f" {_cut(name, 6):>6}" for name in columns), "dim")
        for name, own in zip(rows, weights, strict=True):
            line = Line(_cut(name, _NAME))
            for weight in own:
                line.append(f" {_shade(weight)} {weight:.2f}", _colour(weight))
            yield line
        return
    room = WIDTH - _NAME - 2
    for first in range(0, len(columns), room):
        part = slice(first, first + room)
        numbers = "".join(str((first + place + 1) % 10) for place in range(len(columns[part])))
        yield Line(" " * _NAME + " " + numbers, "dim")
        for name, own in zip(rows, weights, strict=True):
            line = Line(_cut(name, _NAME) + " ")
            for weight in own[part]:
                line.append(_shade(weight), _colour(weight))
            yield line
    legend = "  ".join(f"{number} {name}" for number, name in enumerate(columns, 1))
    yield Line(_wrapped(legend), "dim")


def _lines(view: Lines) -> Iterator[Line]:
    yield Line(view.title + (" (logarithmic)" if view.logarithmic else ""), "bold underline")
    room = WIDTH - 2 * _NAME
    for name, values in view.series.items():
        numbers = np.asarray(values, float)
        heights = np.log10(np.maximum(numbers, 1e-12)) if view.logarithmic else numbers
        low, high = float(heights.min()), float(heights.max())
        shares = (heights - low) / (high - low) if high > low else np.full(len(heights), 0.5)
        spark = "".join(_shade(max(share, 0.12)) for share in _fitted(shares, room))
        line = Line(_tail(name, _NAME) + " ").append(spark, "cyan")
        yield line.append(f" {numbers.min():.1e} … {numbers.max():.1e}", "dim")
    if view.steps:
        yield Line(
            " " * (_NAME + 1) + f"{_cut(view.steps[0], 20).rstrip()} … {_cut(view.steps[-1], 20).rstrip()}", "dim"
        )


def _tree(view: Tree) -> Iterator[Line]:
    """The tree in the order of its branches, the children of each below it; what was cut only with its number."""
    yield Line(view.title, "bold underline")
    children: dict[int, list[int]] = {}
    for number, branch in enumerate(view.branches):
        children.setdefault(branch.parent, []).append(number)
    open_branches = [(number, 0) for number in reversed(children.get(-1, []))]
    while open_branches:
        number, depth = open_branches.pop()
        branch = view.branches[number]
        mark = "*" if branch.best else "+" if branch.kept else "x"
        style = "bold green" if branch.best else "" if branch.kept else "dim"
        text = f"{'  ' * min(depth, 20)}{mark} {branch.label}"
        yield Line(f"{_cut(text, WIDTH - 10)}{branch.value:9.2f}", style)
        if branch.kept:
            open_branches += [(child, depth + 1) for child in reversed(children.get(number, []))]
    yield Line("* the answer   + kept   x cut", "dim")


def _table(view: Table) -> Iterator[Line]:
    if view.title:
        yield Line(_wrapped(view.title), "bold underline")
    rows = [[f"{cell:8.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in view.rows]
    if len(view.columns) > 2 and all(view.columns[1:]):
        rows = [[*view.columns], *rows]
    widths = [min(max(map(cell_len, column)), 48) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        fitted = (
            (_tail if name in _TAILED else _cut)(cell.replace("\n", " "), width)
            for name, cell, width in zip(view.columns, row, widths, strict=True)
        )
        line = f"  {'  '.join(fitted)}".rstrip()
        style = "red" if row[-1].startswith("-") else "green" if row[-1].startswith("+") else ""
        heading = number == 0 and len(rows) > len(view.rows)
        yield Line(_cut(line, WIDTH).rstrip() if cell_len(line) > WIDTH else line, "dim" if heading else style)


def _shade(weight: float) -> str:
    shades = _SHADES if writes(_SHADES) else _PLAIN_SHADES
    return shades[round(float(np.clip(weight, 0.0, 1.0)) * (len(shades) - 1))]


def _colour(weight: float) -> str:
    return _COLOURS[min(int(float(np.clip(weight, 0.0, 1.0)) * len(_COLOURS)), len(_COLOURS) - 1)]


def _fitted(values: Array, room: int) -> Array:
    """At most so many numbers: means of neighbours."""
    if len(values) <= room:
        return values
    return np.array([part.mean() for part in np.array_split(values, room)])


def _cut(text: str, width: int) -> str:
    """A text of exactly so many columns."""
    return set_cell_size(text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…", width)


def _tail(text: str, width: int) -> str:
    """The same, with the end of a longer text: names of layers differ there."""
    while cell_len(text) > width:
        text = "…" + text[2:] if text.startswith("…") else "…" + text[1:]
    return set_cell_size(text, width)


def _wrapped(text: str) -> str:
    lines, line = [], ""
    for word in text.split(" "):
        if line and cell_len(line) + 1 + cell_len(word) > WIDTH:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return "\n".join([*lines, line])
