"""Texts to subword numbers, labels to class numbers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from rnn_apps.arrays import Arrays
from rnn_apps.data.examples import LabelledText
from rnn_apps.data.processor import Processor
from rnn_apps.data.text.cleaning import clean
from rnn_apps.data.text.subwords import SubwordTokenizer, cut_middle
from rnn_apps.errors import DataError
from rnn_apps.tasks.sentiment.config import SentimentConfig


class SentimentProcessor(Processor):
    """Texts to subword numbers, labels to class numbers.

    Args:
        tokenizer: fitted on the training texts.
        class_names: the classes in the order of the model's outputs.
        renamed: names in data files that stand for a class.
        max_tokens: see `SentimentDataConfig`.
        max_training_tokens: see `SentimentDataConfig`.
    """

    def __init__(
        self,
        tokenizer: SubwordTokenizer,
        class_names: Sequence[str],
        renamed: Mapping[str, str],
        max_tokens: int,
        max_training_tokens: int,
    ) -> None:
        self.tokenizer = tokenizer
        self.class_names = tuple(class_names)
        self.renamed = dict(renamed)
        self.max_tokens, self.max_training_tokens = max_tokens, max_training_tokens
        self._index = {name: index for index, name in enumerate(self.class_names)}

    @classmethod
    def fit(cls, examples: Iterable[LabelledText], config: SentimentConfig) -> SentimentProcessor:
        """Learns the classes and the subwords."""
        data = config.data
        counts = Counter(example.label for example in examples)
        names = sorted({data.class_names.get(label, label) for label in counts})
        if len(names) < 2:
            raise DataError(
                f"Expected at least two classes. All {counts.total()} examples have the label '{names[0]}'."
            )
        if counts.total() < 2 * len(names):
            raise DataError(
                f"Expected at least two examples a class. There are {counts.total()} for {len(names)} classes; "
                "is the label in the first column?"
            )
        texts = (_clean(example.text, example.where) for example in examples)
        tokenizer = SubwordTokenizer.train(texts, data.vocabulary_size, data.lowercase)
        return cls(tokenizer, names, data.class_names, data.max_tokens, data.max_training_tokens)

    def extended(self, examples: Iterable[LabelledText]) -> tuple[SentimentProcessor, str]:
        """Adds classes; any word can be written with the subwords that there are."""
        found = {self.renamed.get(example.label, example.label) for example in examples}
        new = sorted(found - set(self.class_names))
        names = [*self.class_names, *new]
        extended = SentimentProcessor(self.tokenizer, names, self.renamed, self.max_tokens, self.max_training_tokens)
        return extended, f"the classes {', '.join(new)}" if new else ""

    def encode(self, examples: Sequence[LabelledText], training: bool = False) -> list[Arrays]:
        """Returns `tokens`, int32 (time,), and `label`, an int32 scalar, for each example."""
        longest = self.max_training_tokens if training else self.max_tokens
        token_rows = self.tokenizer.encode_batch([_clean(example.text, example.where) for example in examples])
        return [
            {"tokens": cut_middle(tokens, longest), "label": np.array(self._class_index(example), np.int32)}
            for tokens, example in zip(token_rows, examples, strict=True)
        ]

    def encode_inputs(self, inputs: Sequence[str]) -> Iterator[Arrays]:
        """Yields `tokens`, int32 (time,), for each text."""
        for number, text in enumerate(inputs, 1):
            if not isinstance(text, str):
                raise DataError(f"Expected texts. Input {number} is of the type {type(text).__name__}.")
            tokens = self.tokenizer.encode(_clean(text, f"input {number}"))
            yield {"tokens": cut_middle(tokens, self.max_tokens)}

    def pieces(self, text: str) -> list[str]:
        """Returns the part of a text that each of its tokens stands for."""
        return cut_middle(self.tokenizer.pieces(_clean(text, "input 1")), self.max_tokens)

    def save(self, folder: Path) -> None:
        """Writes `processor.json` and `tokenizer.json`."""
        facts = {
            "class_names": self.class_names,
            "renamed": self.renamed,
            "max_tokens": self.max_tokens,
            "max_training_tokens": self.max_training_tokens,
        }
        (folder / "processor.json").write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
        self.tokenizer.save(folder / "tokenizer.json")

    @classmethod
    def load(cls, folder: Path) -> SentimentProcessor:
        """Reads what `save` wrote."""
        facts = json.loads((folder / "processor.json").read_text(encoding="utf-8"))
        return cls(SubwordTokenizer.load(folder / "tokenizer.json"), **facts)

    def _class_index(self, example: LabelledText) -> int:
        name = self.renamed.get(example.label, example.label)
        if name not in self._index:
            raise DataError(
                f"{example.where}: the label '{example.label}' was not in the training data. "
                f"The model knows: {', '.join(self.class_names)}."
            )
        return self._index[name]


def _clean(text: str, where: str) -> str:
    cleaned = clean(text)
    if not cleaned:
        raise DataError(f"{where}: the text is empty (blanks, control characters and markup do not count).")
    return cleaned
