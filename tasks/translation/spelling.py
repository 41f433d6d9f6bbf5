"""Words as they are usually written: dont is don't and jai is j'ai, and in a text without capitals tom is Tom.

What is usual the training sources say: a form is, if hardly any other of the same letters stands inside of sentences.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

import regex

from rnn_apps.data.parts import counted
from rnn_apps.data.readers.parallel import SentencePair

_LETTERS = r"\p{L}[\p{L}\p{M}]*"
_WORD = regex.compile(rf"(?<![\w'’.@/-]){_LETTERS}(?:['’]{_LETTERS})*(?![\w'’@/-]|\.\w)")
_INSIDE = regex.compile(rf"(?<=[\p{{L}}\p{{N}}][,;]? ){_LETTERS}(?:['’]{_LETTERS})*(?![\w'’-])")
_RARER = 50  # so many times rarer must the other forms be
_ENOUGH = 20  # times that a form with a capital must be met
_ENOUGH_APART = 120  # times that one with an apostrophe must be: without, it may be another word


def learn_spelling(pairs: Iterable[SentencePair]) -> dict[str, str]:
    """Finds the words of the sources that are hardly ever written otherwise, by their letters alone."""
    forms: dict[str, Counter[str]] = defaultdict(Counter)
    for form, count in sorted(counted(_forms, pairs).items()):
        forms[_letters(form)][form] += count
    found = {}
    for letters, counts in forms.items():
        ((form, count),) = counts.most_common(1)
        enough = _ENOUGH_APART if "'" in form else _ENOUGH
        if form != letters and count >= max(enough, _RARER * (counts.total() - count)):
            found[letters] = form
    return found


def spelt_as_usual(sentence: str, learnt: Mapping[str, str]) -> str:
    """Returns a sentence with the apostrophes that it lacks and, if it has no capital at all, its capitals.

    Args:
        sentence: any.
        learnt: see `learn_spelling`.
    """
    small = sentence.islower()

    def usual(match: regex.Match[str]) -> str:
        word = match[0]
        found = learnt.get(_letters(word))
        if found is None:
            stem, *ending = regex.split("(?=['’])", word, maxsplit=1)
            return learnt.get(stem, stem) + "".join(ending) if small else word  # I'll
        if small:
            return found
        lacks = "'" in found and word.isalpha() and not word.isupper()
        return (found[0].upper() + found[1:] if word[0].isupper() else found) if lacks else word

    return _WORD.sub(usual, sentence) if learnt else sentence


def _letters(word: str) -> str:
    return regex.sub("['’]", "", word.lower())


def _forms(pairs: Iterable[SentencePair]) -> Iterator[str]:
    return (form.replace("’", "'") for pair in pairs for form in _INSIDE.findall(pair.source))
