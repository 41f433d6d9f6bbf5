"""What predictors have in common whose graph reads a sequence, or an image, and says something of the whole of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnn_apps.arrays import Array, Arrays
from rnn_apps.bundle import Bundle
from rnn_apps.data.batching import pad_batch
from rnn_apps.data.processor import Processor
from rnn_apps.inference.cases import Axis, Case, Score
from rnn_apps.inference.deadline import in_turn
from rnn_apps.inference.predictor import Predictor, batches_by_length
from rnn_apps.inference.session import Session


@dataclass(frozen=True)
class Explained:
    """A prediction as what can be looked into.

    Attributes:
        answer: it in a line.
        label: it as the array `label` of an encoded example.
        scores: what can be explained of it.
    """

    answer: str
    label: Array
    scores: tuple[Score, ...]


class ManyToOnePredictor(Predictor):
    """Answers with a graph from the processor's arrays to `logits` (batch, outputs).

    Args:
        bundle: a verified bundle.
        processor: the bundle's processor.
    """

    def __init__(self, bundle: Bundle, processor: Processor) -> None:
        self.processor = processor
        self.session = Session(bundle.folder / "model.onnx")

    def logits(self, inputs: Sequence[Any]) -> Array:
        """Returns the `logits` of each input, float32 (inputs, outputs), in their order; of no input, (0, 1)."""
        rows = list(in_turn(self.processor.encode_inputs(inputs)))
        logits: Array | None = None
        for numbers, batch in batches_by_length(rows):
            found = self.session.run(batch)["logits"]
            logits = np.zeros((len(rows), found.shape[1]), np.float32) if logits is None else logits
            logits[numbers] = found
        return np.zeros((0, 1), np.float32) if logits is None else logits

    def cases(self, given: Any) -> Sequence[Case]:
        """Returns the input with its answer."""
        prediction = self.answer([given], self.Options())[0]
        (row,) = self.processor.encode_inputs([given])
        name = next(name for name, value in row.items() if value.ndim)
        explained = self.explained(prediction)
        return [
            Case(
                title=given if isinstance(given, str) else name,
                answer=explained.answer,
                axes=(Axis(name, tuple(self.step_names(given, row))),),
                arrays=pad_batch([{**row, "label": explained.label}]),
                scores=explained.scores,
                given=given,
                prediction=prediction,
            )
        ]

    @abstractmethod
    def explained(self, prediction: Any) -> Explained:
        """Returns a prediction as what can be looked into."""

    def step_names(self, given: Any, row: Arrays) -> Sequence[str]:
        """Returns a name for each step of an encoded input: the characters of a text that has as many, else numbers."""
        steps = len(next(value for value in row.values() if value.ndim))
        if isinstance(given, str) and len(given) == steps:
            return list(given)
        return [str(step) for step in range(1, steps + 1)]
