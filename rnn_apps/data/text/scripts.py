"""In which scripts a text is written, and whether a model has ever seen them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import cache

IDEOGRAPHS = ("CJK", "HIRAGANA", "KATAKANA")
"""Scripts without blanks between words."""

_NOTABLE = 0.1  # share of the letters of a text
_FEW = 5  # letters that occur by accident, in a name or a quotation
_BOTH = 0.25  # share of the rarer form, where texts are written in both
_FORMS = {"SIMPLIFIED": "gb2312", "TRADITIONAL": "big5"}  # of ideographs, and encodings that have only these


def script(letter: str) -> str:
    """Returns the script of a letter, by the first word of its Unicode name: "LATIN", "CYRILLIC", "CJK", ...

    A letter of another width or style, which is read as the plain one, has the script of that.
    """
    plain = unicodedata.normalize("NFKC", letter)[0]
    return unicodedata.name(plain, "UNKNOWN").split()[0]


def count_scripts(text: str) -> Counter[str]:
    """Returns how many letters of each script there are."""
    found: Counter[str] = Counter()
    for letter, count in Counter(text).items():
        if letter.isalpha():
            found[script(letter)] += count
    return found


def known_scripts(vocabulary: Iterable[str]) -> frozenset[str]:
    """Returns the scripts of the words, or parts of words, that a model knows, without those of a few letters.

    Where they have ideographs that are written in two ways, the form of most of them is named, too, as a script.
    """
    text = "".join(vocabulary)
    found = {name for name, count in count_scripts(text).items() if count >= _FEW}
    return frozenset(found | usual_forms(Counter(text)))


def usual_forms(letters: Mapping[str, int]) -> set[str]:
    """Returns which forms the ideographs of training texts have: "SIMPLIFIED", "TRADITIONAL", both or none.

    Args:
        letters: how often each occurs.
    """
    found = _count_forms(letters)
    return {form for form, count in found.items() if count >= _FEW and count >= _BOTH * found.total()}


def unseen_form(text: str, known: Collection[str]) -> str:
    """Returns the form of the ideographs of a text, where it is the one that a model has not learnt from; else ""."""
    own = [form for form in _FORMS if form in known]
    if text.isascii() or len(own) != 1:
        return ""
    (other,) = _FORMS.keys() - own
    found = _count_forms(Counter(text))
    return other if found[other] > max(1, found[own[0]]) else ""


def _count_forms(letters: Mapping[str, int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for letter, count in letters.items():
        if form := _form(letter):
            found[form] += count
    return found


@cache
def _form(letter: str) -> str:
    """The form of an ideograph that only one of the two ways of writing Chinese has; "" of all others."""
    forms = [form for form, encoding in _FORMS.items() if letter.encode(encoding, "ignore")]
    return forms[0] if len(forms) == 1 and script(letter) == "CJK" else ""


def warnings_of(text: str, known: Collection[str]) -> list[str]:
    """Returns the warning that a model cannot read a text, which is written in scripts that it has never seen."""
    if text.isascii() and "LATIN" in known:
        return []
    found = count_scripts(text)
    if sum(count for name, count in found.items() if name not in known) <= _NOTABLE * found.total():
        if form := unseen_form(text, known):
            return [
                f"The text has {form.lower()} Chinese characters, and the model has learnt from others: do not trust "
                "what it says of it. Converted, it can be read."
            ]
        return []
    names = " and ".join(sorted(name for name in found if name not in known))
    return [f"The model has never seen text written in {names}: do not trust what it says of it."]
