"""What is no language and comes out of a translation as it went in: addresses, placeholders, tags, numbers with signs.

It is hidden behind characters for private use, which a model knows as unknown words and copies, and shown again in the
translation.
"""

from __future__ import annotations

from typing import NamedTuple

import regex

from rnn_apps.tasks.translation.glossary import Glossary

# every alternative begins where few texts do and never looks back, so that a hostile text costs no more than another
_REST = r"\S*[^\s.,;:!?)\]}\"'»”’]"
_KEPT = regex.compile(
    rf"""
      (?:https?|ftp)://{_REST} | (?<!\w)www\.{_REST}                    # addresses of pages
    | (?<![\w.+-])[\w.+-]{{1,64}}+@[\w-]++(?:\.[\w-]++)++              # and of persons
    | \$?\{{\{{?[^{{}}\n]*+\}}?\}} | %\(\w+\)[sdf] | %(?:\d+\$)?[sdifu@]\b   # {{count}}, ${{name}}, %(name)s, %s
    | </?[A-Za-z][A-Za-z0-9]*+(?:\s[^<>\n]*+)?/?> | &\#?\w++;          # <b>, &amp;
    | (?<!\w)[A-Za-z]:\\{_REST} | (?<![\w/])~?/(?:[\w.-]++/)++[\w.-]*\w   # C:\file, /usr/bin/env
    | (?<!\w)[\#@][\w-]*\w                                             # #tag, @name
    | [$€£¥]\s?\d++(?:[.,]\d++)*+                                      # $1,234.56
    | (?<![\d.,])\d++(?:[.,]\d++)*+\s?[$€£¥%]                          # 3.5 %
    | (?<!\w)\+\d[\d ()/-]{{5,30}}(?<=\d)                              # +33 1 23 45 67 89
    | (?<!\w)(?<!\d[.,:/-])v?\d++(?:[.,:/-]\d++)++(?!\w)              # 2.0.1, 2024-05-06, 10:30
    | (?<!\w)(?<!\d[.,:/-])\d{{3,}}+(?!\w)                             # 1987
    """,
    regex.VERBOSE,
)
_NEXT_WORD = regex.compile(r"\s?\w+")
_SIGNS_AT_THE_END = regex.compile(r"\s?[.!?。！？…]+$")
_FIRST, _LAST = 0xE000, 0xF8FF


class Hidden(NamedTuple):
    """A text in which something is hidden.

    Attributes:
        text: with a character for private use for each thing that is kept.
        originals: what stands there in the translation, by the character.
    """

    text: str
    originals: dict[str, str]

    def show(self, text: str) -> str:
        """Returns a text with what was hidden in its place again."""
        return text.translate({ord(character): original for character, original in self.originals.items()})


def hide(text: str, glossary: Glossary | None = None) -> Hidden:
    """Hides what is no language in a text, and the terms of a glossary; equal things are hidden one by one.

    Args:
        text: the text.
        glossary: terms in whose place stands what they are called in the other language.
    """
    free = (chr(code) for code in range(_FIRST, _LAST + 1) if chr(code) not in text)
    originals: dict[str, str] = {}

    def replaced(match: regex.Match[str], shown: str) -> str:
        character = next(free, None)
        if character is None:
            return match.group()
        originals[character] = shown
        return character

    kept = _KEPT.sub(lambda match: replaced(match, match.group()), text)
    if glossary:
        said = glossary.said
        kept = glossary.pattern.sub(lambda match: replaced(match, said(match.group())), kept)
    return Hidden(kept, originals)


def is_hidden(character: str) -> bool:
    """Whether a character may stand for something hidden."""
    return _FIRST <= ord(character) <= _LAST


def lost(source: str, translation: str) -> list[str]:
    """Returns the characters for hidden things of a source that do not stand once in its translation."""
    return [character for character in source if is_hidden(character) and translation.count(character) != 1]


def mend(source: str, translation: str) -> str:
    """Returns a translation in which everything hidden of its source stands once.

    What came twice goes; what was lost is put behind the word that follows what stood before it in the source, or at
    the end.
    """
    before = ""
    for character in filter(is_hidden, source):
        first, found, rest = translation.partition(character)
        if found:
            translation = first + character + rest.replace(f" {character}", "").replace(character, "")
        else:
            translation = _put(translation, character, before)
        before = character
    return translation


def _put(text: str, character: str, before: str) -> str:
    head, found, tail = text.partition(before) if before else ("", "", "")
    word = _NEXT_WORD.match(tail) if found else None
    if word is not None:
        return head + found + word.group() + character + tail[word.end() :]
    end = _SIGNS_AT_THE_END.search(text)
    return f"{text[: end.start()]} {character}{end.group()}" if end else f"{text} {character}"
