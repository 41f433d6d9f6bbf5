"""The contract of a processor: what turns examples and inputs into arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from rnn_apps.arrays import Arrays
from rnn_apps.errors import ConfigError


class Processor(ABC):
    """Turns examples and inputs into arrays; it is fitted on the training examples and saved with the model."""

    @classmethod
    @abstractmethod
    def fit(cls, examples: Iterable[Any], config: Any) -> Self:
        """Returns a processor that has learnt what it needs from training examples.

        Args:
            examples: what the task reads; they can be iterated more than once. What is counted by
                `rnn_apps.data.parts` is counted in many files at once where several workers train.
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

    def extended(self, examples: Iterable[Any], config: Any) -> tuple[Self, str]:
        """Returns this processor with what new examples bring, such as labels and words, behind what it has.

        Args:
            examples: training examples of a run that goes on from a saved model; they are iterated several times.
            config: the settings of the run.

        Returns:
            the processor, and in words what is new; "" for nothing.

        Raises:
            ConfigError: if a task cannot go on from a saved model.
        """
        raise ConfigError(
            "This task cannot go on from a saved model: its processor has no `extended` (docs/extending.md). Leave "
            "--from out."
        )

    def warnings(self, given: Any) -> list[str]:
        """Returns why the answer to an input may not be trusted, such as its language; nothing, unless overridden."""
        return []

    def learn_texts(self, texts: Iterable[str]) -> None:  # noqa: B027 (most need nothing)
        """Learns what texts without labels can teach, such as more words; they are read once."""

    def aids(self) -> Any:
        """Returns, as JSON has it, what `encode` of training examples needs beside what `save` writes.

        It may come from the training examples, since no saved model has it.
        """
        return None

    def take_aids(self, aids: Any) -> None:  # noqa: B027 (most need nothing)
        """Takes what `aids` gave before the processor was saved."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Writes `processor.json`, and other files if it needs them, into `folder`."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote."""
