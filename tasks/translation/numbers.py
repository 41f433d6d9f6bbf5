"""Numbers in words as numbers in digits: twenty-three, vingt-trois and 二十三 are 23, and nineteenth is 19th."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import regex

_LANGUAGES = frozenset(["da", "de", "en", "es", "fr", "it", "nl", "pt"])
"""Those that the library knows."""

# 二十, 一百零五, 十五; not 十 alone, and no months
_IDEOGRAPHIC = regex.compile(
    "(?:[一二两三四五六七八九][十百千万][〇零一二两三四五六七八九十百千万]*+|十[一二三四五六七八九])(?!月)"
)
_WITHOUT_VALUE = {"两": 2, "〇": 0}  # for Unicode
_YEAR = regex.compile(r"\b(1[1-9]|20) (\d\d)\b")
# what tells that words were no number: 5 10 for five ten, 100 of them for hundreds of them
_NO_NUMBER = regex.compile(r"\d[ -]\d|\b100+\b")

_TOKENS = regex.compile(r"\w+|\s+|[^\w\s]+")
_IDEOGRAPHIC_ORDINAL = regex.compile(
    r"第(?P<number>\d{1,4}|[一二三四五六七八九十百千]{1,7})|(?P<number>\d{1,2}|[一二三四五六七八九十]{1,3})(?=世[纪紀])"
)
# what stands behind the digits of an ordinal, where it is read
_ENDINGS = {
    "da": r"\.(?= \p{L})",
    "de": r"\.(?= \p{L})",
    "en": "(?:st|nd|rd|th)",
    "es": r"\.?[ºª]",
    "fr": "(?:er|re|ère|i?[eè](?:me)?)s?",
    "it": "[ºª]",
    "nl": "(?:e|de|ste)",
    "pt": r"\.?[ºª]",
}
_WRITTEN: Mapping[str, Callable[[int], str]] = {
    "da": "{}.".format,
    "de": "{}.".format,
    "en": lambda value: f"{value}{_english_ending(value)}",
    "es": "{}.º".format,
    "fr": lambda value: "1er" if value == 1 else f"{value}e",
    "it": "{}º".format,
    "ja": "第{}".format,
    "nl": "{}e".format,
    "pt": "{}.º".format,
    "zh": "第{}".format,
}
_ENGLISH_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


class Ordinal(NamedTuple):
    """The place in a row that a text speaks of.

    Attributes:
        start, end: where it stands.
        value: 19 for the nineteenth.
        in_digits: whether it stands in digits.
    """

    start: int
    end: int
    value: int
    in_digits: bool


class _Word(str):
    """A word, a blank or a sign, as the library asks for it."""

    __slots__ = ()

    def text(self) -> str:
        return str(self)

    def nt_separated(self, previous: _Word) -> bool:
        return False

    def not_a_number_part(self) -> bool:
        return False


def in_digits(text: str, language: str, least: int) -> str:
    """Returns a text with its numbers in digits, as far as the words of the language are known.

    Args:
        text: any; numbers in ideographs are known whatever the language.
        language: its code, such as "en".
        least: a number below it that stands alone stays in words: "one" in "the one that I love". Where it is above 0,
            a text with "hundreds of them" or "five ten" keeps its words, too.
    """
    code = language[:2].lower()
    text = _IDEOGRAPHIC.sub(lambda match: str(whole_number(match.group())), text)
    if code not in _LANGUAGES:
        return text
    try:
        from text_to_num import alpha2digit  # here, since most texts have no number
    except ImportError:  # where it has no wheel, on Macs with Intel processors, words are words
        return text
    found: str = alpha2digit(text, code, threshold=least - 1)
    if not _YEAR.search(text):
        found = _YEAR.sub(r"\1\2", found)  # nineteen eighty-four
    return text if least and len(_NO_NUMBER.findall(found)) > len(_NO_NUMBER.findall(text)) else found


def ordinals(text: str, language: str) -> list[Ordinal]:
    """Finds the nineteenth, the 19th and 第十九 in a text; a third of it is none.

    Args:
        text: any.
        language: its code, such as "en"; those in ideographs are known whatever it is.
    """
    found = [
        Ordinal(match.start(), match.end(), whole_number(match["number"]), match["number"].isdecimal())
        for match in _IDEOGRAPHIC_ORDINAL.finditer(text)
    ]
    code = language[:2].lower()
    if code in _ENDINGS:
        written = regex.finditer(rf"(?<![\w.,:/-])(\d{{1,4}}){_ENDINGS[code]}(?!\w)", text)
        found += [Ordinal(match.start(), match.end(), int(match[1]), True) for match in written]
    return sorted([*found, *_ordinals_in_words(text, code)])


def as_ordinal(value: int, language: str) -> str:
    """Returns 19th or 19e for 19; nothing where it is not known how a language writes it."""
    written = _WRITTEN.get(language[:2].lower())
    return written(value) if written else ""


def _ordinals_in_words(text: str, code: str) -> Iterator[Ordinal]:
    if code not in _LANGUAGES:
        return
    try:
        from text_to_num import find_numbers
    except ImportError:
        return
    tokens = [_Word(token) for token in _TOKENS.findall(text)]
    starts = [0]
    for token in tokens:
        starts.append(starts[-1] + len(token))
    counted = -1  # where the last number ends
    for number in find_numbers(tokens, code, 0):
        before = tokens[max(0, number.start - 2) : number.start]
        part = before and (before[0].lower() == "a" or counted == number.start - 1)  # one third, a third
        seconds = tokens[number.end - 2 : number.end] == [" ", "second"]  # twenty of them
        if number.is_ordinal and not part and not seconds:
            yield Ordinal(starts[number.start], starts[number.end], int(number.value), False)
        counted = number.end


def _english_ending(value: int) -> str:
    return "th" if value % 100 in (11, 12, 13) else _ENGLISH_ENDINGS.get(value % 10, "th")


def whole_number(numeral: str) -> int:
    """Returns the value of a number in digits, or in ideographs, whose digits stand before the unit that they count."""
    if numeral.isdecimal():
        return int(numeral)
    whole, below, digit = 0, 0, 0
    for sign in numeral:
        value = _WITHOUT_VALUE[sign] if sign in _WITHOUT_VALUE else int(unicodedata.numeric(sign))
        if value < 10:
            digit = value
        elif value < 10_000:
            below, digit = below + (digit or 1) * value, 0
        else:
            whole, below, digit = whole + (below + digit) * value, 0, 0
    return whole + below + digit
