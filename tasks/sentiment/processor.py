"""Texts to subword numbers, labels to what the network is to answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar, cast

from rnn_apps.arrays import Arrays
from rnn_apps.data.examples import LabelledText
from rnn_apps.data.parts import Mapped
from rnn_apps.data.processor import Processor
from rnn_apps.data.text.cleaning import clean
from rnn_apps.data.text.scripts import warnings_of
from rnn_apps.data.text.subwords import SubwordTokenizer, cut_middle
from rnn_apps.data.text.wording import Wording
from rnn_apps.errors import DataError
from rnn_apps.tasks.sentiment.targets import Classes, Labels, Number, OrderedClasses, Target

if TYPE_CHECKING:
    from rnn_apps.tasks.sentiment.config import SentimentConfig

TargetT = TypeVar("TargetT", bound=Target)

_FREQUENT = 20  # a subword that occurs less often in new texts is written with those that are known


class TextProcessor(Processor, Generic[TargetT]):
    """Texts to subword numbers, labels to what the network is to answer.

    Args:
        tokenizer: fitted on the training texts.
        target: what is learnt of the labels.
        max_tokens: see `SentimentDataConfig`.
        max_training_tokens: see `SentimentDataConfig`.
        wording: what words of the training texts cost.
        scripts: those that the training texts are written in; those of the subwords if left out.

    Attributes:
        target_class: the class of its target.
    """

    target_class: ClassVar[type[Any]]

    def __init__(
        self,
        tokenizer: SubwordTokenizer,
        target: TargetT,
        max_tokens: int,
        max_training_tokens: int,
        wording: Wording | None = None,
        scripts: Iterable[str] | None = None,
    ) -> None:
        self.tokenizer, self.target, self.wording = tokenizer, target, wording or Wording({})
        self.max_tokens, self.max_training_tokens = max_tokens, max_training_tokens
        self.scripts = tokenizer.scripts() if scripts is None else frozenset(scripts)

    @classmethod
    def fit(cls, examples: Iterable[LabelledText], config: SentimentConfig) -> Self:
        """Learns the target and the subwords."""
        data = config.data
        target = cls.target_class.fit(examples, data)
        texts = Mapped(_texts, examples)
        tokenizer = SubwordTokenizer.train(texts, data.vocabulary_size, data.lowercase)
        wording = Wording.fit(texts, tokenizer.lengths, subwords=True)
        return cls(tokenizer, target, data.max_tokens, data.max_training_tokens, wording)

    def extended(self, examples: Iterable[LabelledText], config: SentimentConfig) -> tuple[Self, str]:
        """Adds classes or labels, and subwords that are frequent in the new texts."""
        target, news = self.target.extended(examples)
        texts = Mapped(_texts, examples)
        tokenizer, more = self.tokenizer.grown(texts, self.tokenizer.vocabulary_size // 2, _FREQUENT)
        wording = Wording.fit(texts, tokenizer.lengths, subwords=True)
        extended = type(self)(tokenizer, cast(TargetT, target), self.max_tokens, self.max_training_tokens, wording)
        return extended, ", ".join(filter(None, (news, more)))

    def encode(self, examples: Sequence[LabelledText], training: bool = False) -> list[Arrays]:
        """Returns `tokens`, int32 (time,), and `label`, see the target, for each example."""
        longest = self.max_training_tokens if training else self.max_tokens
        token_rows = self.tokenizer.encode_batch([_clean(example.text, example.where) for example in examples])
        return [
            {"tokens": cut_middle(tokens, longest), "label": self.target.encode(example)}
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

    def warnings(self, text: str) -> list[str]:
        """Returns why the answer to a text may not be trusted: its script, its words, or that it has none."""
        if not any(map(str.isalpha, text)):
            return ["The text has no word in it: the answer rests on its signs alone."]
        return warnings_of(text, self.scripts) or self.wording.warnings(clean(text), self.tokenizer.lengths)

    def save(self, folder: Path) -> None:
        """Writes `processor.json` and `tokenizer.json`."""
        facts = {**self.target.facts, "max_tokens": self.max_tokens}
        facts |= {"max_training_tokens": self.max_training_tokens, "wording": self.wording.as_json()}
        facts |= {"scripts": sorted(self.scripts)}
        (folder / "processor.json").write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
        self.tokenizer.save(folder / "tokenizer.json")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote."""
        facts = json.loads((folder / "processor.json").read_text(encoding="utf-8"))
        target = cls.target_class.load(facts)
        tokenizer, wording = SubwordTokenizer.load(folder / "tokenizer.json"), Wording.of(facts.get("wording", {}))
        # a model saved before does not name its scripts
        return cls(tokenizer, target, facts["max_tokens"], facts["max_training_tokens"], wording, facts.get("scripts"))


class SentimentProcessor(TextProcessor[Classes]):
    """Each text has one class."""

    target_class = Classes


class OrderedProcessor(TextProcessor[OrderedClasses]):
    """Each text has one class of some that have an order."""

    target_class = OrderedClasses


class LabelsProcessor(TextProcessor[Labels]):
    """Each text has several labels, or one, or none."""

    target_class = Labels


class NumberProcessor(TextProcessor[Number]):
    """Each text has a number."""

    target_class = Number


def _texts(examples: Iterable[LabelledText]) -> Iterator[str]:
    return (_clean(example.text, example.where) for example in examples)


def _clean(text: str, where: str) -> str:
    cleaned = clean(text)
    if not cleaned:
        raise DataError(f"{where}: the text is empty (blanks, control characters and markup do not count).")
    return cleaned
