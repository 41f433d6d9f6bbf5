"""Texts in one form, with the place of every character in the text as it was given.

Canonically equal texts (NFC, NFD) become the same, and what is invisible goes: soft hyphens, joiners, marks of
direction, byte-order marks (Unicode's Default_Ignorable_Code_Point). A zero-width joiner between two pictures stays,
since it makes one of them.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any, NamedTuple

LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a character, which JSON can write and no UTF-8 file can hold."""

_INVISIBLE = r"(?:(?!\x{200D})\p{Default_Ignorable_Code_Point}|\x{200D}(?!\p{Extended_Pictographic}))"
_UNKNOWN = "?"
_STYLED = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\U0001d400-\U0001d7ff]")


class Normalised(NamedTuple):
    """A text in one form.

    Attributes:
        text: the normalised text.
        starts: for each of its characters, where what it was made of begins in the given text.
        ends: and where that ends.
    """

    text: str
    starts: list[int] | range
    ends: list[int] | range


def remove_invisible(text: str) -> str:
    """Returns a text without what is not seen."""
    return text if text.isascii() else _removed().sub("", text)


def compatible(token: str) -> str:
    """Returns a token with compatible characters unified (NFKC: full-width letters) and nothing invisible."""
    return token if token.isascii() else unicodedata.normalize("NFKC", _removed().sub("", token).replace("\u200d", ""))


def in_plain_letters(text: str) -> str:
    """Returns a text whose letters and digits of full width or of a style (１４, 𝐛𝐨𝐥𝐝) are the plain ones."""
    return text if text.isascii() else _STYLED.sub(lambda match: unicodedata.normalize("NFKC", match.group()), text)


def normalise(text: str) -> Normalised:
    """Returns a text composed (NFC) and without what is not seen, and where each character was."""
    if text.isascii() or (unicodedata.is_normalized("NFC", text) and not _removed().search(text)):
        return Normalised(text, range(len(text)), range(1, len(text) + 1))
    text = LONE_SURROGATE.sub("\ufffd", text)  # the library takes none
    aligner = _aligner()
    normalised = aligner.normalizer.normalize_str(text)
    starts = [start for start, _ in aligner.encode(text, add_special_tokens=False).offsets]
    # the library gives a composed character the place of its first part alone
    ends = [*starts[1:], len(text)][: len(starts)]
    for n in range(len(ends) - 2, -1, -1):
        if ends[n] == starts[n]:
            ends[n] = ends[n + 1]
    return Normalised(normalised, starts, [_visible_end(text, *place) for place in zip(starts, ends, strict=True)])


def _visible_end(text: str, start: int, end: int) -> int:
    while end - start > 1 and _removed().match(text, end - 1):
        end -= 1
    return end


@cache
def _removed() -> Any:
    import regex  # here, since most texts are answered without it

    return regex.compile(r"(?:(?!\u200D)\p{DI}|\u200D(?!\p{ExtPict}))")


@cache
def _aligner() -> Any:
    """A tokenizer for which every character is a token, since the library keeps the places of tokens."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({_UNKNOWN: 0}, unk_token=_UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(_INVISIBLE), "")])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    return tokenizer
