"""In which scripts a text is written, and whether a model has ever seen them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable

IDEOGRAPHS = ("CJK", "HIRAGANA", "KATAKANA")
"""Scripts without blanks between words."""

_NOTABLE = 0.1  # share of the letters of a text
_FEW = 5  # letters that occur by accident, in a name or a quotation


def script(letter: str) -> str:
    """Returns the script of a letter, by the first word of its Unicode name: "LATIN", "CYRILLIC", "CJK", ..."""
    return unicodedata.name(letter, "UNKNOWN").split()[0]


def count_scripts(text: str) -> Counter[str]:
    """Returns how many letters of each script there are."""
    found: Counter[str] = Counter()
    for letter, count in Counter(text).items():
        if letter.isalpha():
            found[script(letter)] += count
    return found


def known_scripts(vocabulary: Iterable[str]) -> frozenset[str]:
    """Returns the scripts of the words, or parts of words, that a model knows, without those of a few letters."""
    return frozenset(name for name, count in count_scripts("".join(vocabulary)).items() if count >= _FEW)


def warnings_of(text: str, known: Collection[str]) -> list[str]:
    """Returns the warning that a model cannot read a text, which is written in scripts that it has never seen."""
    if text.isascii() and "LATIN" in known:
        return []
    found = count_scripts(text)
    if sum(count for name, count in found.items() if name not in known) <= _NOTABLE * found.total():
        return []
    names = " and ".join(sorted(name for name in found if name not in known))
    return [f"The model has never seen text written in {names}: do not trust what it says of it."]
