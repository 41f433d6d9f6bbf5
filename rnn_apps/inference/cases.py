"""What is looked into: an input as a model's arrays, with the model's own answer, and what is to be explained of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnn_apps.arrays import Array, Arrays
from rnn_apps.inference.session import Runner

Graphs = Callable[[str], Runner]
"""Opens a graph of the model by its name."""


@dataclass(frozen=True)
class Axis:
    """One sequence that recurrent layers read.

    Attributes:
        name: what its steps are, such as "tokens".
        steps: a name for each step.
        graph: the graph of the saved model whose recurrent layers read it.
    """

    name: str
    steps: tuple[str, ...]
    graph: str = "model"

    @property
    def length(self) -> int:
        """The number of steps."""
        return len(self.steps)


@dataclass(frozen=True)
class Score:
    """A number that a model has computed for its answer, before it becomes a probability.

    Attributes:
        label: what of the answer it belongs to.
        places: where it stands in an output, the row left out; of several places the sum.
        output: the output.
        step: the step of the last axis that it belongs to, if it belongs to one.
    """

    label: str
    places: tuple[tuple[int, ...], ...]
    output: str = "logits"
    step: int | None = None

    def of(self, outputs: Arrays, row: int = 0) -> float:
        """Returns the score of a row."""
        return float(sum(outputs[self.output][(row, *place)] for place in self.places))


@dataclass(frozen=True)
class Case:
    """One input with the model's own answer.

    Attributes:
        title: the input in a line.
        answer: the answer in a line.
        axes: the sequences that recurrent layers read, the input's first.
        arrays: what the model takes and what its loss needs, a batch of one; the answer stands where the truth stood in
            training.
        scores: what can be explained.
        given: the input.
        prediction: the answer.
    """

    title: str
    answer: str
    axes: tuple[Axis, ...]
    arrays: Arrays
    scores: tuple[Score, ...]
    given: Any = field(default=None, repr=False)
    prediction: Any = field(default=None, repr=False)


def tiled(arrays: Arrays, count: int) -> Arrays:
    """Returns a batch of so many equal rows."""
    return {name: np.repeat(value, count, axis=0) for name, value in arrays.items()}


def left_out(arrays: Arrays, names: Sequence[str], ranges: Sequence[range]) -> Arrays:
    """Returns a batch with a row for each range of steps, in which those steps are taken out.

    Args:
        arrays: a batch of one.
        names: the arrays that have a step at each place of their second axis; the others stay as they are.
        ranges: steps that stand one behind the other.
    """
    rows = {name: value for name, value in tiled(arrays, len(ranges)).items() if name not in names}
    return rows | {name: _without_each(arrays[name][0], ranges) for name in names}


def _without_each(row: Array, ranges: Sequence[range]) -> Array:
    """(steps, ...) to (ranges, steps, ...): zeros stand behind what is left."""
    result = np.zeros((len(ranges), *row.shape), row.dtype)
    for place, steps in enumerate(ranges):
        rest = np.delete(row, steps, axis=0)
        result[place, : len(rest)] = rest
    return result
