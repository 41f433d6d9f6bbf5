"""Numbers in words as numbers in digits: twenty-three, vingt-trois and 二十三 are 23."""

from __future__ import annotations

import unicodedata

import regex

_LANGUAGES = frozenset(["da", "de", "en", "es", "fr", "it", "nl", "pt"])
"""Those that the library knows."""

# 二十, 一百零五, 十五; not 十 alone, and no hours and months
_IDEOGRAPHIC = regex.compile(
    "(?:[一二两三四五六七八九][十百千万][〇零一二两三四五六七八九十百千万]*+|十[一二三四五六七八九])(?![月点點时時])"
)
_WITHOUT_VALUE = {"两": 2, "〇": 0}  # for Unicode
# what tells that words were no number: 19 90 for nineteen ninety, 100 of them for hundreds of them
_NO_NUMBER = regex.compile(r"\d[ -]\d|\b100+\b")


def in_digits(text: str, language: str, least: int) -> str:
    """Returns a text with its numbers in digits, as far as the words of the language are known.

    Args:
        text: any; numbers in ideographs are known whatever the language.
        language: its code, such as "en".
        least: a number below it that stands alone stays in words: "one" in "the one that I love". Where it is above 0,
            a text with "hundreds of them" or "nineteen ninety" keeps its words, too.
    """
    code = language[:2].lower()
    text = _IDEOGRAPHIC.sub(lambda match: str(_value(match.group())), text)
    if code not in _LANGUAGES:
        return text
    try:
        from text_to_num import alpha2digit  # here, since most texts have no number
    except ImportError:  # where it has no wheel, on Macs with Intel processors, words are words
        return text
    found: str = alpha2digit(text, code, threshold=least - 1)
    return text if least and len(_NO_NUMBER.findall(found)) > len(_NO_NUMBER.findall(text)) else found


def _value(numeral: str) -> int:
    """The value of a number in ideographs, whose digits stand before the unit that they count."""
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
