"""Training pairs in which something is unknown on both sides, so that a model learns to copy what it does not know.

What is hidden where texts are translated (`placeholders`) is hidden in training too, where both sides have it. Beside
that, a share of the pairs have a word hidden: one that both sides write alike, or a name and its counterpart, such as
汤姆 and Tom, which are learnt from the pairs themselves.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial

import regex

from rnn_apps.data.parts import counted, each_part
from rnn_apps.data.readers.parallel import SentencePair
from rnn_apps.tasks.translation.clock_times import with_times_in_digits
from rnn_apps.tasks.translation.letter_case import NAME_INSIDE
from rnn_apps.tasks.translation.names import Names
from rnn_apps.tasks.translation.numbers import in_digits, ordinals
from rnn_apps.tasks.translation.placeholders import NUMBER, hide

NEVER_KNOWN = "\ue000"
"""A character that no vocabulary knows."""

_NUMBER_HIDDEN_IN = 2  # of the pairs with a number, an ordinal or a date that both sides have, one in so many hides it
_HIDDEN_IN = 10  # of the pairs with a word that both sides have, one in so many has it hidden
_COUNTERPART_HIDDEN_IN = 3  # the same of pairs with a name that is written otherwise
_SHORTEST_HIDDEN = 3
_WORD = re.compile(r"\w+")
_IDEOGRAPHS = regex.compile(r"[\p{Han}\p{Katakana}・]+")
_LONGEST_NAME = 5
_LEAST = 8  # pairs in which a name must stand
_ALIKE = 0.8  # Dice coefficient


def with_something_unknown(
    pair: SentencePair, counterparts: Mapping[str, str], languages: tuple[str, str], names: Names
) -> SentencePair:
    """Returns a pair in which what is to be copied is unknown; the pair itself decides what.

    Args:
        pair: of clean texts or others.
        counterparts: what a part of the source is called in the target.
        languages: codes of both.
        names: months, days and the like.
    """
    source, target = map(with_times_in_digits, (pair.source, pair.target), languages)
    for original in hide(source).originals.values():
        if source.count(original) == 1 and target.count(original) == 1:
            source, target = source.replace(original, NEVER_KNOWN), target.replace(original, NEVER_KNOWN)
    number = zlib.crc32(pair.source.encode("utf-8", "replace"))
    if number % _NUMBER_HIDDEN_IN == 0:
        source, target = names.with_one_hidden(source, target, NEVER_KNOWN)
        source, target = _with_an_ordinal_unknown(source, target, languages)
        source, target = _with_a_number_unknown(source, target, languages)
    for said, called, share in _candidates(source, target, counterparts):
        if number % share == 0:
            source, target = said.sub(NEVER_KNOWN, source), called.sub(NEVER_KNOWN, target)
            break
    return SentencePair(source, target, pair.where)


def _with_an_ordinal_unknown(source: str, target: str, languages: tuple[str, str]) -> tuple[str, str]:
    """Hides an ordinal that both sides have."""
    said = ordinals(target, languages[1])
    for own in ordinals(source, languages[0]):
        same = [other for other in said if other.value == own.value]
        if len(same) == 1:
            (other,) = same
            return (
                source[: own.start] + NEVER_KNOWN + source[own.end :],
                target[: other.start] + NEVER_KNOWN + target[other.end :],
            )
    return source, target


def _with_a_number_unknown(source: str, target: str, languages: tuple[str, str]) -> tuple[str, str]:
    """Hides a number that both sides have, in digits or in words."""
    written, called = (in_digits(text, own, 10) for text, own in zip((source, target), languages, strict=True))
    said = NUMBER.findall(called)
    for number in NUMBER.findall(written):
        if written.count(number) == called.count(number) == said.count(number) == 1:
            return written.replace(number, NEVER_KNOWN), called.replace(number, NEVER_KNOWN)
    return source, target


def _candidates(
    source: str, target: str, counterparts: Mapping[str, str]
) -> Iterator[tuple[re.Pattern[str], re.Pattern[str], int]]:
    """What could be hidden in the source and in the target, and in one of how many pairs it is."""
    for name, called in counterparts.items():
        if source.count(name) == 1 and target.count(called) == 1:
            yield re.compile(re.escape(name)), re.compile(rf"\b{re.escape(called)}\b"), _COUNTERPART_HIDDEN_IN
    words = set(_WORD.findall(source)) & set(_WORD.findall(target))
    longest = max(words, key=lambda own: (len(own), own), default="")
    if len(longest) >= _SHORTEST_HIDDEN:
        whole = re.compile(rf"\b{re.escape(longest)}\b")
        yield whole, whole, _HIDDEN_IN


def learn_counterparts(pairs: Iterable[SentencePair]) -> dict[str, str]:
    """Finds what names of the target are called in sources that are written in ideographs.

    Of the parts of the sources beside a name, the one with the greatest Dice coefficient is its counterpart, where that
    is great enough.
    """
    frequent = {name for name, count in counted(_names, pairs).items() if count >= _LEAST}
    found: dict[str, str] = {}
    if not frequent:
        return found
    everywhere: Counter[str] = Counter()
    beside: dict[str, Counter[str]] = defaultdict(Counter)
    for own_everywhere, own_beside in each_part(partial(_count_beside, frequent), pairs):
        everywhere.update(own_everywhere)
        for name, counts in own_beside.items():
            beside[name].update(counts)
    for name, counts in beside.items():
        own, dice = max(
            ((part, 2 * count / (everywhere[part] + counts[""])) for part, count in counts.items() if part),
            key=lambda item: (item[1], len(item[0]), item[0]),
            default=("", 0.0),
        )
        if dice >= _ALIKE:
            found[own] = name
    return found


def _names(pairs: Iterable[SentencePair]) -> Iterator[str]:
    """What may be a name in the targets, once for each pair."""
    return (name for pair in pairs if _IDEOGRAPHS.search(pair.source) for name in set(NAME_INSIDE.findall(pair.target)))


def _count_beside(
    names: Collection[str], pairs: Iterable[SentencePair]
) -> tuple[Counter[str], dict[str, Counter[str]]]:
    """In how many sources each part stands; and in how many beside each name, where "" stands for all of these."""
    everywhere: Counter[str] = Counter()
    beside: dict[str, Counter[str]] = {}
    for pair in pairs:
        parts = _parts(pair.source)
        everywhere.update(parts)
        for name in sorted(set(names) & set(_WORD.findall(pair.target))):
            beside.setdefault(name, Counter()).update({*parts, ""})
    return everywhere, beside


def _parts(text: str) -> set[str]:
    """All runs of two to five ideographs."""
    return {
        run[start : start + length]
        for run in _IDEOGRAPHS.findall(text)
        for length in range(2, _LONGEST_NAME + 1)
        for start in range(len(run) - length + 1)
    }
