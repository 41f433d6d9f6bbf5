"""Training pairs with an aside: another short pair in brackets, at the end or behind a name.

Texts have brackets, and pairs of single sentences hardly any: a model that never met them loses what stands inside.
"""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import regex

from rnn_apps.data.parts import Mapped, counted, each_part, size
from rnn_apps.data.readers.parallel import SentencePair
from rnn_apps.tasks.translation.signs import are_tokenised
from rnn_apps.tasks.translation.unknowns import learn_counterparts

_FEWEST = 10_000  # training pairs
_POOL = 1000  # asides that are learnt
_ASIDE_IN = 10  # of the pairs, one in so many gets one
_BRACKETS = 10  # so often they are shown to a vocabulary, which knows what it meets three times
_LONGEST = 40  # letters of an aside
_MET = 5  # times that its first word must be met in small letters
_STATEMENT = regex.compile(r"[^.。!?！？…()（）\"“”«»:：\n]+[.。]")
_WORD = regex.compile(r"\p{L}[\p{L}\p{M}'’]*")
_NAME = regex.compile(r"(?<=[\p{L}\p{N}][,;]? )\p{Lu}[\p{L}\p{M}]+(?![\w'’-])")
_END = regex.compile(r"\s*[.!?。！？…]*$")
_IDEOGRAPH = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]")


@dataclass(frozen=True)
class Asides:
    """Puts asides into training pairs.

    Attributes:
        pool: short statements, begun in small letters and without their full stop.
        counterparts: what names of the source are called in the target; those that both write alike are names, too.
        tokenised: whether blanks stand around every sign.
    """

    pool: Sequence[SentencePair] = ()
    counterparts: Mapping[str, str] = field(default_factory=dict)
    tokenised: bool = False

    @classmethod
    def learn(cls, pairs: Iterable[SentencePair]) -> Asides:
        """Takes short statements from training pairs; few pairs have all to do with learning the languages."""
        if size(pairs) < _FEWEST:
            return cls((), learn_counterparts(pairs), are_tokenised(pairs))
        small = {word for word, count in counted(_small_words, pairs).items() if count >= _MET}
        found = chain.from_iterable(each_part(partial(_statements, small), pairs))
        pool = [pair for _, pair in heapq.nsmallest(_POOL, found, key=_order)]
        return cls(pool, learn_counterparts(pairs), are_tokenised(pairs))

    def as_json(self) -> dict[str, Any]:
        """Returns what `of` takes."""
        pool = [[pair.source, pair.target] for pair in self.pool]
        return {"pool": pool, "counterparts": self.counterparts, "tokenised": self.tokenised}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Asides:
        """Returns what `as_json` came from."""
        pool = [SentencePair(source, target) for source, target in facts["pool"]]
        return cls(pool, facts["counterparts"], facts["tokenised"])

    def with_brackets(self, pairs: Iterable[SentencePair]) -> Iterable[SentencePair]:
        """Returns pairs and a few more of brackets alone, for a vocabulary to have them."""
        return Mapped(self._with_brackets, pairs)

    def _with_brackets(self, pairs: Iterable[SentencePair]) -> Iterator[SentencePair]:
        few = iter(range(_BRACKETS))
        for pair in pairs:
            yield pair
            if self.beside(pair) is not pair and next(few, None) is not None:
                yield SentencePair(
                    *("（）" if _IDEOGRAPH.search(text) else "( )" for text in (pair.source, pair.target))
                )

    def beside(self, pair: SentencePair) -> SentencePair:
        """Returns a pair with an aside, or as it is; the pair itself decides."""
        number = zlib.crc32(pair.source.encode("utf-8", "replace"))
        if not self.pool or number % _ASIDE_IN:
            return pair
        aside = self.pool[number // _ASIDE_IN % len(self.pool)]
        alike = set(_NAME.findall(pair.source)) & set(_NAME.findall(pair.target))
        places = [len(_END.sub("", text, count=1)) for text in (pair.source, pair.target)]
        for name, called in chain(((own, own) for own in sorted(alike)), self.counterparts.items()):
            if pair.source.count(name) == 1 and pair.target.count(called) == 1:
                places = [pair.source.index(name) + len(name), pair.target.index(called) + len(called)]
                break
        source, target = (
            self._behind(text, place, own)
            for text, place, own in zip((pair.source, pair.target), places, (aside.source, aside.target), strict=True)
        )
        return SentencePair(source, target, pair.where)

    def _behind(self, text: str, place: int, aside: str) -> str:
        wide = place > 0 and _IDEOGRAPH.match(text[place - 1])
        shown = f"（{aside}）" if wide else f" ( {aside} )" if self.tokenised else f" ({aside})"
        return text[:place] + shown + text[place:]


def _small_words(pairs: Iterable[SentencePair]) -> Iterator[str]:
    return (word for pair in pairs for text in (pair.source, pair.target) for word in _WORD.findall(text)[1:])


def _statements(small: set[str], pairs: Iterable[SentencePair]) -> list[tuple[int, SentencePair]]:
    """Those of a part that are chosen first, each behind the number that it is chosen by."""
    return heapq.nsmallest(_POOL, filter(None, map(partial(_statement, small), pairs)), key=_order)


def _statement(small: set[str], pair: SentencePair) -> tuple[int, SentencePair] | None:
    if len(pair.source) > _LONGEST or not all(map(_STATEMENT.fullmatch, (pair.source, pair.target))):
        return None
    begun = [text[0].lower() + text[1:-1].rstrip() for text in (pair.source, pair.target)]
    if not all(_IDEOGRAPH.match(own) or small.intersection(_WORD.findall(own)[:1]) for own in begun):
        return None
    number = zlib.crc32(f"{pair.source}\n{pair.target}".encode("utf-8", "replace"))
    return number, SentencePair(begun[0], begun[1], pair.where)


def _order(chosen: tuple[int, SentencePair]) -> tuple[int, str, str]:
    number, pair = chosen
    return number, pair.source, pair.target
