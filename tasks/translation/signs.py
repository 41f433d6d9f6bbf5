"""Signs written so that a model knows what it reads.

A blank belongs to the word behind it, so that "but" in "(but" is another word than in " but", and hardly met: words are
set apart from what opens before them. A sign that the vocabulary lacks gives way to one of its kind that it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import regex

from rnn_apps.data.parts import counted
from rnn_apps.data.readers.parallel import SentencePair

_WITH_BLANKS = r"(?![\p{Han}\p{Hiragana}\p{Katakana}])\p{L}"
_OPENING = regex.compile(rf"(?<![^\s(\[{{«“‘\"'])([(\[{{«“‘\"']+)(?={_WITH_BLANKS})")
_BRACKET = regex.compile(rf"([(\[{{])(?={_WITH_BLANKS})")
_BRACKET_APART = regex.compile(r"(?<=[(\[{]) (?=\S)")
_BETWEEN = regex.compile(rf"(?<={_WITH_BLANKS})([/—–…])(?={_WITH_BLANKS})")
_LIKE: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys("“„«「『", ('"', "“")),
    **dict.fromkeys("”»」』", ('"', "”")),
    "‘": ("'", "“"),
    "’": ("'", "”"),
    **{wide: (plain,) for wide, plain in zip("（）！？：，。", "()!?:,.", strict=True)},
    **{plain: (wide,) for wide, plain in zip("（）！？：", "()!?:", strict=True)},
    "；": (";", "，", ","),
    ";": ("；", "，", ","),
    "、": (",",),
    "…": ("，", "..."),
    "—": ("，",),
    "–": ("，",),
}
_DOUBLED = regex.compile("(?<=，)，+")


def replacements(knows: Callable[[str], bool]) -> dict[str, str]:
    """Returns what is written for signs that a vocabulary lacks, by the sign.

    Args:
        knows: tells whether the vocabulary has a sign.
    """
    found = {}
    for sign, others in _LIKE.items():
        known = next((other for other in others if all(map(knows, other))), None)
        if known is not None and not knows(sign):
            found[sign] = known
    return found


def with_known_signs(text: str, replaced: Mapping[str, str]) -> str:
    """Returns a text with signs that are known, and with blanks where words are to stand apart; no letter changes.

    Args:
        text: any.
        replaced: see `replacements`.
    """
    if any(sign in text for sign in replaced):
        text = _DOUBLED.sub("", text.translate({ord(sign): other for sign, other in replaced.items()}))
    return _BETWEEN.sub(r"\1 ", _OPENING.sub(r"\1 ", text))


def are_tokenised(pairs: Iterable[SentencePair]) -> bool:
    """Whether most targets that end in a full stop have a blank before it, as tokenised texts do."""
    ends = counted(_ends, pairs)
    return ends["apart"] > ends["close"]


def _ends(pairs: Iterable[SentencePair]) -> Iterator[str]:
    return ("apart" if pair.target.endswith(" .") else "close" for pair in pairs if pair.target.endswith("."))


def apart(target: str) -> str:
    """Returns a target with words set apart from brackets that open before them."""
    return _BRACKET.sub(r"\1 ", target)


def closed_up(target: str) -> str:
    """Returns a target that is written so as it is to be shown."""
    return _BRACKET_APART.sub("", target)
