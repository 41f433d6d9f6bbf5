"""Whether the words of a text are like those that a model has learnt from: a text in another language seldom is.

What tells it is how many subwords a word takes, or how many words are unknown. How many is usual is learnt from the
training texts, for parts of several lengths: the longer a part, the less chance there is in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice

import numpy as np

from rnn_apps.data.parts import each_part, first_letters, part_count

Cost = Callable[[Sequence[str]], Sequence[int]]
"""Takes parts of texts, and says how many subwords each has, or the like."""

LENGTHS = (4, 6, 10, 20, 40)
"""Words, or ideographs, of a part."""

_WIDE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"  # Japanese and Chinese characters
_WORD = re.compile(rf"([{_WIDE}]+)|(?:[^\W\d_{_WIDE}]['’\u0300-\u036f]*)+")
_LETTERS, _WORDS = 20_000_000, 400_000
_PARTS = 5_000  # of a length
_FEWEST = 200
_USUAL, _MARGIN = 0.995, 1.1  # a part is unusual if it costs more than so many of the training texts, and some more


class Wording:
    """What words of the training texts cost.

    Args:
        limits: the greatest usual cost of a word, by the length of the part.
    """

    WARNING = (
        "The text is unlike those that the model has learnt from, perhaps in another language: do not trust what it "
        "says of it."
    )

    def __init__(self, limits: Mapping[int, float]) -> None:
        self.limits = dict(limits)

    @classmethod
    def fit(cls, texts: Iterable[str], cost: Cost) -> Wording:
        """Learns the limits from training texts, mixed and put one behind the other; of few texts it learns none."""
        import random  # slow to load for what only a training needs

        first = partial(first_letters, _LETTERS // part_count(texts))
        mixed = list(chain.from_iterable(each_part(first, texts)))
        random.Random(0).shuffle(mixed)
        words = list(islice(chain.from_iterable(map(words_of, mixed)), _WORDS))
        limits = {}
        for length in LENGTHS:
            count = min(_PARTS, len(words) // length)
            if count >= _FEWEST:
                starts = np.linspace(0, len(words) - length, count).astype(int).tolist()
                costs = np.array(cost([_part(words[start : start + length]) for start in starts]))
                limits[length] = float(np.quantile(costs / length, _USUAL) * _MARGIN)
        return cls(limits)

    def is_unusual(self, text: str, cost: Cost) -> bool:
        """Whether the beginning of a text costs more than usual, by two or more; a text of a few words never does."""
        words = list(islice(words_of(text), max(self.limits, default=0)))
        length = max((own for own in self.limits if own <= len(words)), default=0)
        return bool(length) and cost([_part(words[:length])])[0] > length * self.limits[length] + 1

    def warnings(self, text: str, cost: Cost) -> list[str]:
        """Returns the warning that a text is unusual, if it is."""
        return [self.WARNING] if self.is_unusual(text, cost) else []

    def as_json(self) -> dict[str, float]:
        """Returns what `of` takes."""
        return {str(length): limit for length, limit in self.limits.items()}

    @classmethod
    def of(cls, facts: Mapping[str, float]) -> Wording:
        """Returns what `as_json` came from."""
        return cls({int(length): limit for length, limit in facts.items()})


def parts_of_texts(texts: Iterable[str]) -> Iterator[str]:
    """Yields texts one behind the other in parts of about the most words that are looked at: short ones tell little."""
    part, count = list[str](), 0
    for text in texts:
        part.append(text)
        count += sum(1 for _ in words_of(text))
        if count >= LENGTHS[-1]:
            yield " ".join(part)
            part, count = [], 0
    if part:
        yield " ".join(part)


def words_of(text: str) -> Iterator[str]:
    """The words of a text, without numbers and signs; each ideograph is one."""
    for match in _WORD.finditer(text):
        yield from match[1] or [match[0]]


def _part(words: Sequence[str]) -> str:
    """Words as a text; ideographs stand side by side."""
    return "".join(words) if re.fullmatch(rf"[{_WIDE}]", words[0]) else " ".join(words)
