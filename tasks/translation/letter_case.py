"""Capitals that say nothing about the words: a text in CAPITALS, A Heading, mIxEd lEtTeRs.

Such a sentence is translated as it would usually be written, and its translation gets the capitals again. How a word is
usually written is told by the vocabulary: in the form that it knows best.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import regex

_LETTER = r"(?![\p{Han}\p{Hiragana}\p{Katakana}])\p{L}"
_WORD = regex.compile(rf"{_LETTER}(?:{_LETTER}|[\p{{M}}'’])*")
_SENTENCE_END = regex.compile(r"[.!?…]")
_FEWEST = 3
_SMALL = 3  # letters of words that a heading may leave small

NAME_INSIDE = regex.compile(r"(?<=[\p{Ll},] )\p{Lu}[\p{L}\p{M}]+")
"""A word with a capital inside of a sentence: behind a word in small letters, or a comma."""

Cost = Callable[[str], tuple[int, ...]]
"""How badly a vocabulary knows a word: the smallest is the best known."""


class LetterCase(Enum):
    """How a sentence is written."""

    USUAL = "usual"
    CAPITALS = "capitals"
    HEADING = "heading"
    MIXED = "mixed"
    BEGUN = "begun"

    def restore(self, translation: str) -> str:
        """Returns a translation written so; mixed letters are not imitated."""
        if self is LetterCase.CAPITALS:
            return translation.upper()
        if self is LetterCase.HEADING:
            return _capital(
                _WORD.sub(lambda word: _capital(word[0]) if len(word[0]) > _SMALL else word[0], translation)
            )
        return _capital(translation) if self is LetterCase.BEGUN else translation


def case_of(sentence: str, names: bool = False) -> LetterCase:
    """Tells how a sentence is written.

    Args:
        sentence: any.
        names: whether unknown names are in it, so that a few words with capitals may be one.
    """
    cased = [word for word in _WORD.findall(sentence) if word.lower() != word.upper()]
    letters = sum(map(len, cased))
    if letters < _FEWEST or 2 * letters < sum(map(str.isalpha, sentence)):  # a script without capitals
        return LetterCase.USUAL
    if all(word.isupper() for word in cased):
        return LetterCase.CAPITALS
    capitals = sum(map(str.isupper, sentence))
    if 2 * sum(map(_is_mixed, cased)) > len(cased) or (2 * capitals > letters and len(cased) >= _FEWEST):
        return LetterCase.MIXED
    long = [word for word in cased if len(word) > _SMALL]
    fewest = _FEWEST if names or letters < sum(map(str.isalpha, sentence)) else 1
    all_have_one = len(cased) > fewest and all(word[0].isupper() for word in cased)
    long_have_one = len(long) >= _FEWEST and all(word[0].isupper() for word in long)
    if (all_have_one or long_have_one) and not _SENTENCE_END.search(sentence):
        return LetterCase.HEADING
    if len(cased) == 1 and _is_word(sentence) and cased[0][0].isupper():
        return LetterCase.BEGUN
    return LetterCase.USUAL


def as_usual(sentence: str, case: LetterCase, cost: Cost) -> str:
    """Returns a sentence as it would usually be written, each word in the form that is known best.

    In a usual sentence that is said only of words in capitals that are hardly known so: "I am VERY happy".
    """
    first = not _is_word(sentence)  # alone it was met without a capital

    def written(match: regex.Match[str]) -> str:
        nonlocal first
        word, begins = match[0], first
        first = False
        if case is LetterCase.USUAL:
            shouted = len(word) > 1 and word.isupper() and cost(word)[0] >= _FEWEST and cost(word.lower())[0] == 1
            return _as_begun(word.lower(), begins) if shouted else word
        return _as_begun(min((word.lower(), _capital(word.lower()), word), key=cost), begins)

    return _WORD.sub(written, sentence)


def _is_word(text: str) -> bool:
    """Whether a text is one word, and no sentence."""
    return len(_WORD.findall(text)) == 1 and not _SENTENCE_END.search(text)


def _as_begun(word: str, begins: bool) -> str:
    return _capital(word) if begins else word


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]


def _is_mixed(word: str) -> bool:
    """Whether a capital stands behind a small letter."""
    return bool(regex.search(r"\p{Ll}\p{Lu}", word))
