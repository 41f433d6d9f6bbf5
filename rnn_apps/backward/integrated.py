r"""Integrated gradients: what each step that the recurrent layers read contributes to a score.

With x what the first recurrent layers read of an input and 0 in its place as the baseline,

    contribution<t> = x<t> · ∫ ∂score/∂x<t> (α x) dα,  α from 0 to 1

(Sundararajan et al., arXiv:1703.01365, equation 1, summed over features). The contributions add up to score(x) -
score(0); how far they miss it, the integral being a sum of some terms (Gauss and Legendre's), is given with them.

A score that belongs to a step of the same sequence, such as that of a note, hangs on thousands of steps before it, and
its gradient with respect to the first of them can be of any size. There only the last `REACH` steps are put to 0.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.arrays import Array
from rnn_apps.errors import ConfigError
from rnn_apps.inference.cases import Case, Score, tiled
from rnn_apps.inspection.contributions import Contributions
from rnn_apps.layers.observation import changed_inputs, first_layers

POINTS = (48, 96, 192)
"""Terms of the sum; the next number where the contributions miss more than `ENOUGH` of the difference."""

ENOUGH = 0.01
REACH = 32
MOST_SCORES = 24
"""Of more scores so many are explained, spread over all."""


def integrated_gradients(model: keras.Model, case: Case) -> Contributions:
    """Returns what each step contributes to each score of a case.

    Args:
        model: the Keras model.
        case: what is explained.

    Raises:
        ConfigError: if the model has no recurrent layer.
    """
    if not first_layers(model):
        raise ConfigError("This model has no recurrent layer: there are no steps that could contribute.")
    places = np.linspace(0, len(case.scores) - 1, min(len(case.scores), MOST_SCORES)).astype(int)
    scores = tuple(case.scores[place] for place in places)
    values = tuple(np.zeros((len(scores), axis.length)) for axis in case.axes)
    totals, errors = np.zeros(len(scores)), np.zeros(len(scores))
    for number, score in enumerate(scores):
        path = _Path(model, case, score)
        low, high = path.run(np.array([0.0, 1.0]))[0]
        totals[number] = high - low
        for points in POINTS:
            found = path.contributions(points)
            errors[number] = abs(sum(own.sum() for own in found) - totals[number])
            if errors[number] <= ENOUGH * abs(totals[number]):
                break
        for own, contributions in zip(values, found, strict=False):
            own[number, : len(contributions)] = contributions[: own.shape[1]]
    return Contributions("integrated gradients", scores, case.axes, values, totals, errors)


class _Path:
    """The way of a score from the baseline to the input.

    Args:
        model: the Keras model.
        case: the input.
        score: what is explained.
    """

    def __init__(self, model: keras.Model, case: Case, score: Score) -> None:
        self.model, self.case, self.score = model, case, score
        self.steps = slice(None)
        if score.step is not None and len(case.axes) == 1:
            self.steps = slice(max(score.step + 1 - REACH, 0), score.step + 1)

    def contributions(self, points: int) -> list[Array]:
        """Returns what each step contributes, (time,), for each layer that reads."""
        places, weights = np.polynomial.legendre.leggauss(points)
        _, gradients, inputs = self.run((places + 1) / 2, differentiate=True)
        found = []
        for x, gradient in zip(inputs, gradients, strict=True):
            own = np.zeros(len(x))
            if gradient is not None:
                mean = np.einsum("k,ktf->tf", weights / 2, gradient)
                own[self.steps] = (x * mean).sum(axis=1)[self.steps]
            found.append(own)
        return found

    def run(self, alphas: Array, differentiate: bool = False) -> tuple[Array, list[Any], list[Array]]:
        """Runs the model with α x in the place of x for each α.

        Returns:
            the scores, (alphas,); the gradients of their sum with respect to α x, (alphas, time, features) for each
            layer that reads; and x, (time, features).
        """
        batch = tiled(self.case.arrays, len(alphas))
        scaled: list[Any] = []
        read: list[Array] = []
        with tf.GradientTape() as tape:

            def scale(layer: Any, sequences: Any, mask: Any) -> Any:
                read.append(sequences.numpy()[0])
                factors = np.ones((len(alphas), sequences.shape[1], 1), np.float32)
                factors[:, self.steps] = alphas.reshape(-1, 1, 1)
                moved = sequences * factors
                tape.watch(moved)
                scaled.append(moved)
                return moved

            with changed_inputs(self.model, scale):
                outputs = self.model({name: tf.constant(batch[name]) for name in self.model.input}, training=False)
            found = self._score(outputs, len(alphas))
        gradients = tape.gradient(found, scaled) if differentiate else []
        return found.numpy(), [None if g is None else g.numpy() for g in gradients], read

    def _score(self, outputs: Any, rows: int) -> Any:
        """The score of every row; an output without padding has its rows one behind the other."""
        output = outputs[self.score.output]
        if len(output.shape) == len(self.score.places[0]):
            output = tf.reshape(output, (rows, -1, *output.shape[1:]))
        return tf.add_n([output[(slice(None), *place)] for place in self.score.places])
