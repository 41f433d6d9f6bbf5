"""What each step of an input contributes to an answer, by leaving it out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnn_apps.arrays import Array, Arrays
from rnn_apps.inference.cases import Axis, Case, Graphs, Score
from rnn_apps.inference.predictor import Predictor

MOST_RANGES = 120
"""Longer inputs are left out in windows of several steps."""

_STEPS_AT_ONCE = 8192


@dataclass(frozen=True)
class Contributions:
    """What the steps of an input contribute to the scores of its answer.

    Attributes:
        method: "leave one out" or "integrated gradients".
        scores: what is explained.
        axes: the sequences whose steps contribute.
        values: for each axis, (scores, steps); positive where a step speaks for the answer.
        totals: each score, less that of the baseline where the method has one, (scores,).
        errors: how far the contributions to each score miss that difference, (scores,); None where they may.
        window: steps that were left out together; each has its part of what they contribute.
    """

    method: str
    scores: tuple[Score, ...]
    axes: tuple[Axis, ...]
    values: tuple[Array, ...]
    totals: Array
    errors: Array | None = None
    window: int = 1


def leave_one_out(predictor: Predictor, case: Case, graphs: Graphs) -> Contributions:
    """Returns how far each score falls when the model does not see a step of the first axis.

    Args:
        predictor: of the model.
        case: what is explained.
        graphs: opens a graph of the model by its name.
    """
    axis = case.axes[0]
    whole = predictor.run_case(case.arrays, graphs)
    totals = np.array([score.of(whole) for score in case.scores])
    window = max(math.ceil(axis.length / MOST_RANGES), 1)
    ranges = [range(start, min(start + window, axis.length)) for start in range(0, axis.length, window)]
    values = np.zeros((len(case.scores), axis.length))
    rows = max(_STEPS_AT_ONCE // axis.length, 1)
    for first in range(0, len(ranges), rows):
        some = ranges[first : first + rows]
        outputs = predictor.run_case(predictor.without(case, some), graphs)
        for row, steps in enumerate(some):
            found = np.array([_score(score, outputs, row, steps, case) for score in case.scores])
            values[:, steps] = np.where(np.isnan(found), 0.0, totals - found)[:, None] / len(steps)
    return Contributions("leave one out", case.scores, (axis,), (values,), totals, window=window)


def _score(score: Score, outputs: Arrays, row: int, steps: Sequence[int], case: Case) -> float:
    """A score where some steps are left out; of a step that comes before them, or is one of them, none (NaN)."""
    if score.step is None or len(case.axes) > 1:
        return score.of(outputs, row)
    if score.step < steps[-1] + 1:
        return math.nan
    moved = tuple((place[0] - len(steps), *place[1:]) for place in score.places)
    return Score(score.label, moved, score.output).of(outputs, row)
