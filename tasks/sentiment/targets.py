"""What a text is given, learnt from examples and turned into the array `label`: classes, labels, numbers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rnn_apps.arrays import Array
from rnn_apps.data.examples import LabelledText, read_number
from rnn_apps.data.parts import counted, each_part
from rnn_apps.errors import ConfigError, DataError, did_you_mean, unknown_class
from rnn_apps.inference.units import Units

if TYPE_CHECKING:
    from rnn_apps.tasks.sentiment.config import SentimentDataConfig


class Target(ABC):
    """What is learnt of the labels of examples."""

    @classmethod
    @abstractmethod
    def fit(cls, examples: Iterable[LabelledText], config: SentimentDataConfig) -> Target:
        """Learns it.

        Raises:
            ConfigError: for settings that do not fit the labels.
            DataError: for labels of which nothing can be learnt.
        """

    @abstractmethod
    def encode(self, example: LabelledText) -> Array:
        """Returns the array `label` of an example.

        Raises:
            DataError: for a label that does not fit.
        """

    @abstractmethod
    def extended(self, examples: Iterable[LabelledText]) -> tuple[Target, str]:
        """Adds what new examples bring; returns it, and in words what is new."""

    @property
    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """What `load` needs, as JSON."""

    @classmethod
    @abstractmethod
    def load(cls, facts: Mapping[str, Any]) -> Target:
        """Returns what `facts` came from."""


@dataclass(frozen=True)
class Classes(Target):
    """One class of some.

    Attributes:
        names: the classes in the order of the model's outputs.
        renamed: names in data files that stand for a class.
    """

    names: tuple[str, ...]
    renamed: Mapping[str, str]

    @classmethod
    def fit(cls, examples: Iterable[LabelledText], config: SentimentDataConfig) -> Classes:
        """Learns the classes."""
        counts = counted(_labels, examples)
        found = {config.class_names.get(label, label) for label in counts}
        check_names(config.class_names, found)
        names = cls.ordered(found, config)
        if len(names) < 2:
            raise DataError(
                f"Expected at least two classes. All {counts.total()} examples have the label '{names[0]}'."
            )
        if counts.total() < 2 * len(names):
            numbers = all(map(_is_number, counts))
            hint = (
                "are they numbers to be learnt (--set data.target=number)?"
                if numbers
                else "is the label in the first column?"
            )
            raise DataError(
                f"Expected at least two examples a class. There are {counts.total()} for {len(names)} classes; {hint}"
            )
        return cls(names, dict(config.class_names))

    @classmethod
    def ordered(cls, names: Iterable[str], config: SentimentDataConfig) -> tuple[str, ...]:
        """Returns the classes in the order in which they are numbered."""
        return tuple(sorted(names))

    def encode(self, example: LabelledText) -> Array:
        """Returns the number of its class, an int32 scalar."""
        name = self.renamed.get(example.label, example.label)
        if name not in self.names:
            raise DataError(f"{example.where}: {unknown_class('label', example.label, self.names)}")
        return np.array(self.names.index(name), np.int32)

    def extended(self, examples: Iterable[LabelledText]) -> tuple[Classes, str]:
        """Adds classes."""
        found = {self.renamed.get(label, label) for label in counted(_labels, examples)}
        new = sorted(found - set(self.names))
        return type(self)((*self.names, *new), self.renamed), f"the classes {', '.join(new)}" if new else ""

    @property
    def facts(self) -> dict[str, Any]:
        """Names and other names."""
        return {"class_names": self.names, "renamed": self.renamed}

    @classmethod
    def load(cls, facts: Mapping[str, Any]) -> Classes:
        """Returns what `facts` came from."""
        return cls(tuple(facts["class_names"]), facts["renamed"])


def check_names(renamed: Mapping[str, str], found: Set[str]) -> None:
    """Makes sure that each label that gets a name is in the data.

    Args:
        renamed: names by label.
        found: the labels of the data, by their names.

    Raises:
        ConfigError: for the first that is not.
    """
    for label, name in renamed.items():
        if name not in found:
            raise ConfigError(
                f"data.class_names names the label '{label}', which is not in the data. There are: "
                f"{', '.join(sorted(found))}.{did_you_mean(label, sorted(found))}"
            )


class OrderedClasses(Classes):
    """One class of some that have an order."""

    @classmethod
    def ordered(cls, names: Iterable[str], config: SentimentDataConfig) -> tuple[str, ...]:
        """Returns the classes, the lowest first: as the settings say, else as numbers."""
        found = set(names)
        if config.order:
            if unnamed := sorted(found - set(config.order)):
                raise ConfigError(
                    f"data.order leaves out the class '{unnamed[0]}'. It names: {', '.join(config.order)}."
                )
            return tuple(name for name in config.order if name in found)
        words = sorted(name for name in found if not _is_number(name))
        if words:
            raise ConfigError(
                f"Which class is lower than '{words[0]}'? Say their order: "
                f"--set 'data.order={sorted(found)}', the lowest first."
            )
        return tuple(sorted(found, key=float))

    def extended(self, examples: Iterable[LabelledText]) -> tuple[Classes, str]:
        """Adds nothing: the order is that of the model.

        Raises:
            DataError: for a class that the model does not know.
        """
        for example in examples:
            self.encode(example)
        return self, ""


class Labels(Classes):
    """Any number of some labels; each has the number of an output."""

    @classmethod
    def fit(cls, examples: Iterable[LabelledText], config: SentimentDataConfig) -> Labels:
        """Learns the labels."""
        target = cls((), dict(config.class_names))
        names = set(counted(target._all_of, examples))
        if not names:
            raise DataError("Expected at least one label. No example has any.")
        check_names(target.renamed, names)
        return cls(tuple(sorted(names)), target.renamed)

    def encode(self, example: LabelledText) -> Array:
        """Returns 1 for each label that it has and 0 for the others, float32 (labels,)."""
        found = np.zeros(len(self.names), np.float32)
        for label in self._of(example):
            if label not in self.names:
                raise DataError(f"{example.where}: {unknown_class('label', label, self.names)}")
            found[self.names.index(label)] = 1.0
        return found

    def extended(self, examples: Iterable[LabelledText]) -> tuple[Labels, str]:
        """Adds labels."""
        new = sorted(set(counted(self._all_of, examples)) - set(self.names))
        return Labels((*self.names, *new), self.renamed), f"the labels {', '.join(new)}" if new else ""

    def _all_of(self, examples: Iterable[LabelledText]) -> Iterator[str]:
        return chain.from_iterable(map(self._of, examples))

    def _of(self, example: LabelledText) -> Sequence[str]:
        labels = (example.label,) if example.labels is None else example.labels
        return [self.renamed.get(label, label) for label in labels]


@dataclass(frozen=True)
class Number(Target):
    """A number.

    Attributes:
        units: what it is measured in while it is learnt.
    """

    units: Units

    @classmethod
    def fit(cls, examples: Iterable[LabelledText], config: SentimentDataConfig) -> Number:
        """Learns mean and deviation of the numbers."""
        values = np.concatenate(list(each_part(_numbers, examples)))
        if len(values) < 2 or values.min() == values.max():
            same = f" All are {values[0]:g}." if len(values) else ""
            raise DataError(f"Expected at least two different numbers to learn from.{same}")
        return cls(Units(float(values.mean()), float(values.std())))

    def encode(self, example: LabelledText) -> Array:
        """Returns its number in the model's units, a float32 scalar."""
        standard = self.units.standard(read_number(example))
        if not math.isfinite(np.float32(standard)):
            raise DataError(f"{example.where}: the number {example.label} is too large beside those of the training.")
        return np.array(standard, np.float32)

    def extended(self, examples: Iterable[LabelledText]) -> tuple[Number, str]:
        """Adds nothing: the units are those of the model."""
        return self, ""

    @property
    def facts(self) -> dict[str, Any]:
        """Mean and deviation."""
        return {"mean": self.units.mean, "deviation": self.units.deviation}

    @classmethod
    def load(cls, facts: Mapping[str, Any]) -> Number:
        """Returns what `facts` came from."""
        return cls(Units(facts["mean"], facts["deviation"]))


def _labels(examples: Iterable[LabelledText]) -> Iterator[str]:
    return (example.label for example in examples)


def _numbers(examples: Iterable[LabelledText]) -> npt.NDArray[np.float64]:
    return np.array([read_number(example) for example in examples])


def _is_number(label: str) -> bool:
    try:
        return math.isfinite(float(label))
    except ValueError:
        return False
