"""The contract of a processor: what turns examples and inputs into arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from rnn_apps.arrays import Arrays


class Processor(ABC):
    """Turns examples and inputs into arrays; it is fitted on the training examples and saved with the model."""

    @classmethod
    @abstractmethod
    def fit(cls, examples: Iterable[Any], config: Any) -> Self:
        """Returns a processor that has learnt what it needs from training examples.

        Args:
            examples: what the task reads; they can be iterated more than once.
            config: the task's settings.

        Raises:
            DataError: if nothing can be learnt from them.
        """

    @abstractmethod
    def encode(self, examples: Sequence[Any], training: bool = False) -> list[Arrays]:
        """Encodes labelled examples: one dict of arrays each, inputs and targets.

        Arrays of one name have one dtype and one number of dimensions; the first dimension of an array that
        is no scalar is time. Batches are padded with zeros behind the longest.

        Args:
            examples: what the task reads.
            training: whether they are to be trained on; a processor may shorten long ones for that.

        Raises:
            DataError: for an example that does not fit, with its place in the user's data.
        """

    @abstractmethod
    def encode_inputs(self, inputs: Sequence[Any]) -> Iterable[Arrays]:
        """Encodes inputs without targets, for prediction.

        Where that takes long, one after the other is yielded, so that work which nobody wants any more can end.

        Raises:
            DataError: for an input that cannot be used, with its number.
        """

    def augment(self, row: Arrays, rng: np.random.Generator) -> Arrays:
        """Returns an encoded training example changed at random, anew in each epoch; as it is, unless overridden.

        The arrays keep their shapes.
        """
        return row

    def learn_texts(self, texts: Iterable[str]) -> None:  # noqa: B027 (most need nothing)
        """Learns what texts without labels can teach, such as more words; they are read once."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Writes `processor.json`, and other files if it needs them, into `folder`."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote."""
