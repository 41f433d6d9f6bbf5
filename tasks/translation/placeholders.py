"""What comes out of a translation as it went in: addresses, placeholders, tags, numbers with signs, unknown names.

It is hidden behind characters for private use, which a model knows as unknown words and copies, and shown again in the
translation.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import regex

from rnn_apps.tasks.translation.glossary import Glossary
from rnn_apps.tasks.translation.letter_case import LetterCase, case_of
from rnn_apps.tasks.translation.numbers import as_ordinal, in_digits, ordinals

# every alternative begins where few texts do and never looks back, so that a hostile text costs no more than another
_WIDE = r"\p{Han}\p{Hiragana}\p{Katakana}。，；：！？、（）「」《》“”"
_REST = rf"[^\s{_WIDE}]*(?:[^\s.,;:!?)\]}}\"'»”’{_WIDE}]|(?<=\([^\s()]{{0,40}})\))"
# words of languages that write them without blanks may stand beside
_LETTER = r"[^\W\p{Han}\p{Hiragana}\p{Katakana}]"
_BEGIN, _END = rf"(?<!{_LETTER})", rf"(?!{_LETTER})"
_NAME = "[A-Za-z0-9_-]"
_FILES = (
    "avi|bat|bmp|cc|cfg|cn|com|conf|cpp|css|csv|dll|docx?|edu|eu|exe|fr|gif|gov|gz|htm|html|ini|io|ipynb|java|"
    "jpe?g|js|json|jsonl|log|md|mov|mp3|mp4|net|odt|org|parquet|pdf|php|png|pptx?|py|rar|rs|rst|rtf|sh|sql|svg|tar|tex|"
    "tiff?|toml|ts|tsv|txt|uk|wav|webp|xlsx?|xml|ya?ml|zip"
)
_UNITS = rf"(?:°(?:\s?[CF])?|km/h|[kcmd]?m[²³]|[kcmdµ]?[mgl]|[kMGT]B|[kMG]?Hz|[kMG]?Wh?|mAh|dB){_END}"
_SIGN = "[=+*^×÷]"
_FACE = r"(?:[:;=]['’]?-?[()DPpOo/\\|*3]|<3|\^_?\^|[xX]D)"
_STARS = r"(?:\*{1,3}|_{1,2}|~~)"
_ORDINALS = "st|nd|rd|th|s|e|er|ère|ème|h"
_KEPT = regex.compile(
    rf"""
      (?:https?|ftp)://{_REST} | {_BEGIN}www\.{_REST}                   # addresses of pages
    | (?<![A-Za-z0-9_.+-])[A-Za-z0-9_.+-]{{1,64}}+@[A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]++)++   # and of persons
    | \$?\{{\{{?[^{{}}\n]*+\}}?\}} | %\(\w+\)[sdf] | %(?:\d+\$)?(?:@|[sdifu]{_END})   # {{count}}, ${{name}}, %s
    | {_BEGIN}(?<![*_~]){_STARS}(?=[^\s*_~][^*_~\n]*[*_~]) | (?<=[^\s*_~]){_STARS}{_END}(?![*_~])      # **now**, _now_
    | !?\[(?=[^\[\]\n]{{1,200}}\]\([^()\s]*\)) | (?<=[^\s\[])\]\([^()\s]*\)            # [here](page.html)
    | </?[A-Za-z][A-Za-z0-9]*+(?:\s[^<>\n]*+)?/?> | &\#?\w++;         # <b>, &amp;
    | `[^`\n]++`                                                      # `make test`
    | {_BEGIN}[A-Za-z]:\\{_REST}                                       # C:\file
    | (?<![A-Za-z0-9_/])~?/(?:(?:{_LETTER}|[.-])++/)++(?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?   # /usr/bin/env
    | {_BEGIN}{_NAME}++(?:\.{_NAME}++){{0,8}}\.(?i:{_FILES}){_END}          # report_final.pdf, example.com
    | {_BEGIN}(?:Ctrl|Alt|Shift|Cmd|Esc|Tab)(?:[+-][A-Za-z0-9]++)++    # Ctrl+C
    | (?<![^\s{_WIDE}])--?[a-z][a-z0-9-]*+(?:=[^\s,;]*[A-Za-z0-9])?{_END}        # --help, -v
    | {_BEGIN}[\#@](?:(?:{_LETTER}|-)*{_LETTER}|\w+)          # #tag, @name
    | [$€£¥]\s?\d++(?:[.,]\d++)*+                                     # $1,234.56
    | {_BEGIN}(?<!\d[.,:])\d{{1,2}}(?::\d\d){{0,2}}\s?(?i:[ap]\.m\.|[ap]m{_END})   # 5:30 pm
    | (?<![\d.,])(?:{_BEGIN}[-−])?\d++(?:[.,]\d++)*+\s?(?:[$€£¥%]|{_UNITS})   # 3.5 %, -5°C, 5 km
    | {_BEGIN}[A-Za-z0-9]++(?:(?:{_SIGN}|\s{_SIGN}\s)[A-Za-z0-9]++)++{_END}     # 2 + 2 = 4
    | {_BEGIN}[A-Z](?:\+\+|\#)                                         # C++
    | {_BEGIN}\+\d[\d ()/-]{{5,30}}(?<=\d)                             # +33 1 23 45 67 89
    | {_BEGIN}(?<!\d[.,:/-])v?\d++(?:[.,:/-]\d++)++(?:-[a-z]++\d*+(?:\.\d++)?)?{_END}   # 2.0.1, 2.1-beta, 10:30
    | {_BEGIN}(?<!第|\d[.,:/-])\d{{3,}}+{_END}                         # 1987
    | {_BEGIN}(?=[A-Za-z]*+\d)(?!\d++(?:{_ORDINALS})\b)(?=\d*+[A-Za-z])[A-Za-z0-9]++(?:-[A-Za-z0-9]++)*+{_END}   # 12B
    | \p{{Extended_Pictographic}}[\uFE0F\u200D\U0001F3FB-\U0001F3FF\p{{Extended_Pictographic}}]*+   # emoji
    | [♪♫] | (?<!\S){_FACE}(?!\S)                                    # :-)
    """,
    regex.VERBOSE,
)
_MARK = regex.compile(rf"<[^<>]*>|!?\[|\]\(.*\)|[*_~]+|[♪♫]|{_FACE}")
_DIGITS = regex.compile(r"\d+|\b[IVX]{2,}\b")
# one digit only where languages are far apart: "1 person" is well said in words; months have names; II of World War II
NUMBER = regex.compile(
    rf"{_BEGIN}(?<!\d[.,:：/-])(?:\d{{2,}}+|\d(?=\s?[{_WIDE}])){_END}(?![.,:：/-]\d|\s?月)"
    rf"|(?<=\p{{L}} )[IVX]{{2,}}{_END}"
)
_IDEOGRAPHS = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]")
_CAPITALISED = r"(?<![\w'’-])\p{Lu}[\p{L}\p{M}'’-]*[\p{L}\p{M}]"
_NAMES = regex.compile(rf"{_CAPITALISED}(?: {_CAPITALISED})*")
_FOREIGN = regex.compile(r"[A-Za-z][A-Za-z'’-]*[A-Za-z](?: [A-Za-z][A-Za-z'’-]*[A-Za-z])*")
_STRETCH = regex.compile(r"[^.!?…\n]++[.!?…]?+")
_LINE_ENDS = ("", "\n", ",", ":")
_NAMED = (LetterCase.USUAL, LetterCase.BEGUN)  # written so, a word with a capital may be a name
_SENTENCE_ENDS = frozenset(["", *".!?…:\n"])
_LOOK_BACK = 8
_TOLD_IN_WORDS = 3  # the least ordinal in words that is looked for
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

    @property
    def marks(self) -> set[str]:
        """The characters for what says how a text looks: tags, links, stars around words, notes of music, faces."""
        return {character for character, own in self.originals.items() if _MARK.fullmatch(own)}

    @property
    def names(self) -> list[str]:
        """What is hidden and has letters only."""
        return [own for own in self.originals.values() if own.replace(" ", "").isalpha()]

    def show(self, text: str) -> str:
        """Returns a text with what was hidden in its place again."""
        return text.translate({ord(character): original for character, original in self.originals.items()})


def hide(text: str, glossary: Glossary | None = None, unknown: Callable[[str, bool], bool] | None = None) -> Hidden:
    """Hides what is no language in a text, the terms of a glossary, and names; equal things are hidden one by one.

    Args:
        text: the text.
        glossary: terms in whose place stands what they are called in the other language.
        unknown: tells a word that is copied, where it looks like a name, from one that is translated; and, with True
            behind it, a word beside such a name.
    """
    free = free_characters(text)
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
    if unknown:
        pattern = _FOREIGN if _IDEOGRAPHS.search(kept) else _NAMES
        stretches = [(match.start(), case_of(match.group(), names=True) in _NAMED) for match in _STRETCH.finditer(kept)]

        def shown(match: regex.Match[str]) -> str:
            _, usual = stretches[bisect(stretches, (match.start(), True)) - 1]
            return _with_name_hidden(match, unknown, replaced) if usual else match.group()

        kept = pattern.sub(shown, kept)
    return Hidden(kept, originals)


def hide_lost_numbers(
    sentence: str,
    translation: str,
    hidden: Hidden,
    free: Iterator[str],
    languages: tuple[str, str],
    everything: bool = False,
) -> str:
    """Hides the numbers of a sentence that `hide` leaves to the model, where its translation lacks one.

    A number may be in digits or in words, here and there.

    Args:
        sentence: of the text in which something is hidden.
        translation: what the model has said.
        hidden: what is hidden in the text; it learns of what is hidden here.
        free: characters that stand for nothing else in the text.
        languages: codes of both.
        everything: hide all its numbers then, and not only those that are lacking.

    Returns:
        the sentence, as it is where all its numbers stand in the translation.
    """
    written = in_digits(sentence, languages[0], 10)
    numbers = Counter(NUMBER.findall(written))
    lacking = numbers - Counter(_DIGITS.findall(in_digits(translation, languages[1], 0))) if numbers else numbers
    if not lacking:
        return sentence

    def replaced(match: regex.Match[str]) -> str:
        character = next(free, None) if everything or match.group() in lacking else None
        if character is None:
            return match.group()
        hidden.originals[character] = match.group()
        return character

    return NUMBER.sub(replaced, written)


def hide_lost_ordinals(
    sentence: str,
    translation: str,
    hidden: Hidden,
    free: Iterator[str],
    languages: tuple[str, str],
    everything: bool = False,
) -> str:
    """Hides the ordinals of a sentence where its translation lacks one: a model says first for 第十二.

    Args and the sentence returned are those of `hide_lost_numbers`. First and second are left to the model, which
    knows them, unless they are in digits; 第二天 is the next day.
    """
    found = [own for own in ordinals(sentence, languages[0]) if own.value >= _TOLD_IN_WORDS or own.in_digits]
    wanted = Counter(own.value for own in found)
    lacking = wanted - Counter(own.value for own in ordinals(translation, languages[1])) if wanted else wanted
    for own in reversed(found):
        shown = as_ordinal(own.value, languages[1])
        character = next(free, None) if shown and lacking and (everything or own.value in lacking) else None
        if character is not None:
            hidden.originals[character] = shown
            sentence = sentence[: own.start] + character + sentence[own.end :]
    return sentence


def free_characters(text: str) -> Iterator[str]:
    """Yields the characters for private use that are not in a text."""
    used = set(text)
    return (chr(code) for code in range(_FIRST, _LAST + 1) if chr(code) not in used)


def _with_name_hidden(
    match: regex.Match[str], unknown: Callable[[str, bool], bool], replaced: Callable[[regex.Match[str], str], str]
) -> str:
    """What stands for a run of words that look like names: a character for each run of unknown ones among them.

    At the beginning of a sentence every word has a capital, so one alone is a name only if no other form is known.
    """
    words = match.group().split()
    before = match.string[max(0, match.start() - _LOOK_BACK) : match.start()]
    begins = before.rstrip(" \t\"'«“(-*•")[-1:] in _SENTENCE_ENDS
    alone = begins and len(words) > 1 and match.string[match.end() : match.end() + 1] in _LINE_ENDS
    if alone and not any(unknown(word.lower(), False) for word in words):
        return match.group()  # a heading
    names = [unknown(word, False) for word in words]
    if begins and not (all(names) and len(words) > 1):
        names[0] = names[0] and unknown(words[0].lower(), False)
    if any(names):
        names = [is_name or unknown(word, True) for word, is_name in zip(words, names, strict=True)]
    runs = groupby(zip(words, names, strict=True), key=itemgetter(1))
    told = ((" ".join(word for word, _ in run), is_name) for is_name, run in runs)
    return " ".join(replaced(match, own) if is_name else own for own, is_name in told)


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
