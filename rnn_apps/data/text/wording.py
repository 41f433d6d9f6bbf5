"""Whether the words of a text are like those that a model has learnt from: a text in another language seldom is.

What tells it is how many subwords a word takes, or how many words are unknown. How many is usual is learnt from the
training texts, for parts of several lengths: the longer a part, the less chance there is in it. Of a few words it tells
hardly anything, since a rare long word takes as many as a foreign short one; how many it takes for its letters does.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any

import numpy as np

from rnn_apps.data.parts import each_part, first_letters, part_count

Cost = Callable[[Sequence[str]], Sequence[int]]
"""Takes parts of texts, and says how many subwords each has, or the like."""

LENGTHS = (4, 6, 10, 20, 40)
"""Words, or ideographs, of a part."""

SHORT = (2, 3, 4, 5)
"""Words of a short text, which is looked at by its letters."""

_WIDE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"  # Japanese and Chinese characters
_WORD = re.compile(rf"([{_WIDE}]+)|(?:[^\W\d_{_WIDE}]['’\u0300-\u036f]*)+")
_LETTERS, _WORDS = 20_000_000, 400_000
_PARTS = 5_000  # of a length
_FEWEST = 200
_RARE = 0.2  # more subwords a letter, which rare words of any texts may take
_SHORT = "short"
_USUAL, _MARGIN = 0.995, 1.1  # a part is unusual if it costs more than so many of the training texts, and some more


class Wording:
    """What words of the training texts cost.

    Args:
        limits: the greatest usual cost of a word, by the length of the part.
        short: the greatest usual number of subwords beyond one a word, for each letter, by the words of a short text;
            without it such a text is not looked at by its letters.
    """

    WARNING = (
        "The text is unlike those that the model has learnt from, perhaps in another language: do not trust what it "
        "says of it."
    )

    def __init__(self, limits: Mapping[int, float], short: Mapping[int, float] | None = None) -> None:
        self.limits, self.short = dict(limits), dict(short or {})

    @classmethod
    def fit(cls, texts: Iterable[str], cost: Cost, subwords: bool = False) -> Wording:
        """Learns the limits from training texts, mixed and put one behind the other; of few texts it learns none.

        Args:
            texts: clean ones.
            cost: see `Cost`.
            subwords: whether it counts subwords, so that short texts can be looked at, too.
        """
        first = partial(first_letters, _LETTERS // part_count(texts))
        mixed = list(chain.from_iterable(each_part(first, texts)))
        random.Random(0).shuffle(mixed)
        words = list(islice(chain.from_iterable(map(words_of, mixed)), _WORDS))
        limits = {
            length: _usual([own / length for own in cost(list(map(_part, parts)))])
            for length in LENGTHS
            if (parts := _parts(words, length))
        }
        short = {
            length: max(_usual(_density(parts, cost)), _RARE)
            for length in SHORT
            if subwords and (parts := _parts(words, length))
        }
        return cls(limits, short)

    def is_unusual(self, text: str, cost: Cost) -> bool:
        """Whether a text costs more than usual: its beginning by two or more, or if it is short, for its letters."""
        words = list(islice(words_of(text), max(self.limits, default=0)))
        if len(words) in self.short:
            return _density([words], cost)[0] > self.short[len(words)]
        length = max((own for own in self.limits if own <= len(words)), default=0)
        return bool(length) and cost([_part(words[:length])])[0] > length * self.limits[length] + 1

    def warnings(self, text: str, cost: Cost) -> list[str]:
        """Returns the warning that a text is unusual, if it is."""
        return [self.WARNING] if self.is_unusual(text, cost) else []

    def as_json(self) -> dict[str, Any]:
        """Returns what `of` takes."""
        facts: dict[str, Any] = {str(length): limit for length, limit in self.limits.items()}
        return facts | ({_SHORT: {str(length): limit for length, limit in self.short.items()}} if self.short else {})

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Wording:
        """Returns what `as_json` came from."""
        limits = {int(length): limit for length, limit in facts.items() if length != _SHORT}
        return cls(limits, {int(length): limit for length, limit in facts.get(_SHORT, {}).items()})


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


def _parts(words: Sequence[str], length: int) -> list[Sequence[str]]:
    """Parts of so many words from all over them; none where there are few."""
    count = min(_PARTS, len(words) // length)
    starts = np.linspace(0, len(words) - length, count).astype(int).tolist() if count >= _FEWEST else []
    return [words[start : start + length] for start in starts]


def _usual(values: Sequence[float]) -> float:
    return float(np.quantile(values, _USUAL) * _MARGIN)


def _density(parts: Sequence[Sequence[str]], cost: Cost) -> list[float]:
    """For each part, the subwords beyond one a word for each of its letters."""
    costs = cost(list(map(_part, parts)))
    return [(own - len(part)) / sum(map(len, part)) for own, part in zip(costs, parts, strict=True)]


def _part(words: Sequence[str]) -> str:
    """Words as a text; ideographs stand side by side."""
    return "".join(words) if re.fullmatch(rf"[{_WIDE}]", words[0]) else " ".join(words)
