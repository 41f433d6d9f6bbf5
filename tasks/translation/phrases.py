"""Words and phrases with their translations, found in sentence pairs: who met sentences only makes one of a word.

Two lexical models, one each way, say which words translate each other: the first of Brown et al. (1993), with a prior
for words in about the same place (Dyer et al., 2013). A link is taken where both agree, and what no link leaves is a
phrase and its translation (Och and Ney, 2004).
"""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice

import numpy as np
import numpy.typing as npt
import regex

from rnn_apps.data.parts import each_part, size
from rnn_apps.data.readers.parallel import SentencePair

_FEWEST, _MOST = 10_000, 150_000  # training pairs that are looked at
_LONGEST = 20  # words of a sentence that is looked at
_WORDS = 4  # of a phrase
_POOL = 20_000  # phrases that are learnt
_MET, _SHARE = 3, 0.35  # so often a phrase must have a translation, and in this share of all times that it is met
_COMMON = 60  # words that end no phrase: "the", "of"
_PHRASE_IN, _UNSIGNED_IN = 8, 12  # behind one pair in so many comes a phrase, or the pair without its last sign
_ROUNDS = 6
_STRAIGHT, _NOTHING = 4.0, 0.08  # how much nearer the diagonal is likelier, and how likely a word comes from none
_WORD = regex.compile(r"\p{L}{1,2}['’](?=\p{L}{2})|[\p{L}\p{M}]+(?:['’-][\p{L}\p{M}]+)*|\d+")
_IDEOGRAPH = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]")
_SIGN = regex.compile(r"[^\p{L}\p{M}\p{N}\s'’-]")
_LAST_SIGN = regex.compile(r"\s?[.。!！]$")

Span = tuple[int, int]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Phrases:
    """Puts phrases among training pairs.

    Attributes:
        pool: words and phrases with their translations.
    """

    pool: Sequence[SentencePair] = ()

    @classmethod
    def learn(cls, pairs: Iterable[SentencePair]) -> Phrases:
        """Finds phrases in training pairs.

        There are none where there are few pairs, which have all to do with learning the languages, and of languages
        that write no blanks between words.
        """
        count = size(pairs)
        if count < _FEWEST:
            return cls()
        source, target = Side(), Side()
        for pair in islice(chain.from_iterable(each_part(partial(_some, -(-count // _MOST)), pairs)), _MOST):
            if _IDEOGRAPH.search(pair.source) or _IDEOGRAPH.search(pair.target):
                continue
            spans = [[match.span() for match in _WORD.finditer(text)] for text in (pair.source, pair.target)]
            if all(0 < len(own) <= _LONGEST for own in spans):
                source.add(pair.source, spans[0])
                target.add(pair.target, spans[1])
        return cls(_phrases(source, target) if source.texts else ())

    def as_json(self) -> list[list[str]]:
        """Returns what `of` takes."""
        return [[pair.source, pair.target] for pair in self.pool]

    @classmethod
    def of(cls, facts: Sequence[Sequence[str]]) -> Phrases:
        """Returns what `as_json` came from."""
        return cls([SentencePair(source, target) for source, target in facts])

    def among(self, pairs: Iterable[SentencePair]) -> Iterator[SentencePair]:
        """Yields pairs, and behind some of them a phrase, or the pair again without its last sign; the pair decides."""
        for pair in pairs:
            yield pair
            number = zlib.crc32(pair.source.encode("utf-8", "replace"))
            if self.pool and number % _PHRASE_IN == 0:
                phrase = self.pool[number // _PHRASE_IN % len(self.pool)]
                begins = number // _PHRASE_IN // len(self.pool) % 2  # as a heading or a cell would
                yield SentencePair(*map(_begun, (phrase.source, phrase.target))) if begins else phrase
            if self.pool and number % _UNSIGNED_IN == 1:
                unsigned = [_LAST_SIGN.sub("", text) for text in (pair.source, pair.target)]
                if unsigned[0] != pair.source and unsigned[1] != pair.target and all(unsigned):
                    yield SentencePair(unsigned[0], unsigned[1], pair.where)


class Side:
    """The sentences of one language as words."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.spans: list[list[Span]] = []
        self.numbers: list[list[int]] = []
        self.vocabulary: dict[str, int] = {}
        self._written: defaultdict[int, Counter[str]] = defaultdict(Counter)

    def add(self, text: str, spans: list[Span]) -> None:
        """Takes a sentence with its words."""
        words = [text[start:end] for start, end in spans]
        numbers = [self.vocabulary.setdefault(word.lower(), len(self.vocabulary)) for word in words]
        self.texts.append(text)
        self.spans.append(spans)
        self.numbers.append(numbers)
        for number, word in islice(zip(numbers, words, strict=True), 1, None):
            self._written[number][word] += 1

    def common(self) -> set[int]:
        """The most frequent words."""
        return {number for number, _ in Counter(chain.from_iterable(self.numbers)).most_common(_COMMON)}

    def phrase(self, sentence: int, first: int, last: int) -> str:
        """The words from `first` to `last` as they stand in a sentence, but for the capital that it begins with."""
        text, spans = self.texts[sentence], self.spans[sentence]
        start, end = spans[first][0], spans[last][1]
        if first or not (usual := self._written[self.numbers[sentence][0]].most_common(1)):
            return text[start:end]
        return usual[0][0] + text[spans[0][1] : end]


def _phrases(source: Side, target: Side) -> list[SentencePair]:
    forward = _looked_at(source.numbers, target.numbers)
    backward = _looked_at(target.numbers, source.numbers)
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    common = source.common(), target.common()
    for sentence, (there, back) in enumerate(zip(forward, backward, strict=True)):
        links = [(int(i), j) for j, i in enumerate(there) if i < len(back) and back[i] == j]
        numbers = source.numbers[sentence], target.numbers[sentence]
        for first, last, start, end in _consistent(links):
            if last > first and (numbers[0][last] in common[0] or numbers[1][end] in common[1]):
                continue
            phrase = source.phrase(sentence, first, last), target.phrase(sentence, start, end)
            if not any(map(_SIGN.search, phrase)):
                found[phrase[0]][phrase[1]] += 1
    chosen = []
    for text, translations in found.items():
        (translation, count), *_ = translations.most_common(1)
        if count >= _MET and count >= _SHARE * translations.total():
            chosen.append((count, text, translation))
    return [SentencePair(text, translation) for _, text, translation in sorted(chosen, reverse=True)[:_POOL]]


def _consistent(links: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, int, int]]:
    """Yields (first, last) words of the source and of the target of each phrase whose links stay inside of both."""
    for first, _ in links:
        for last, _ in links:
            if not 0 <= last - first < _WORDS:
                continue
            ends = [j for i, j in links if first <= i <= last]
            start, end = min(ends), max(ends)
            if end - start <= _WORDS and all(first <= i <= last for i, j in links if start <= j <= end):
                yield first, last, start, end


def _looked_at(given: Sequence[Sequence[int]], said: Sequence[Sequence[int]]) -> list[Ints]:
    """For each sentence the word of `given` that each word of `said` most likely comes from; its length for none."""
    nothing = 1 + max(chain.from_iterable(given))
    pairs, groups, priors, words = [], [], [], 0
    for x, y in zip(given, said, strict=True):
        i, j = np.arange(len(x)), np.arange(len(y))
        prior = np.exp(-_STRAIGHT * np.abs(i[:, None] / len(x) - j / len(y)))
        prior *= (1 - _NOTHING) / prior.sum(axis=0)
        priors.append(np.vstack([prior, np.full((1, len(y)), _NOTHING)]).ravel())
        pairs.append((np.array([*x, nothing], np.int64)[:, None] << 32 | np.array(y, np.int64)).ravel())
        groups.append(words + np.tile(j, len(x) + 1))
        words += len(y)
    prior, group = np.concatenate(priors), np.concatenate(groups)
    known, index = np.unique(np.concatenate(pairs), return_inverse=True)
    _, owner = np.unique(known >> 32, return_inverse=True)
    table = np.ones(len(known))
    for _ in range(_ROUNDS):
        likely = table[index] * prior
        counts = np.bincount(index, likely / np.bincount(group, likely)[group])
        table = counts / np.bincount(owner, counts)[owner]
    likely, place, best = table[index] * prior, 0, []
    for x, y in zip(given, said, strict=True):
        size = (len(x) + 1) * len(y)
        best.append(likely[place : place + size].reshape(-1, len(y)).argmax(axis=0))
        place += size
    return best


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def _some(step: int, pairs: Iterable[SentencePair]) -> list[SentencePair]:
    return list(islice(pairs, 0, None, step))
